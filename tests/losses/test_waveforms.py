"""Losses of waveforms: compared with the metric SI-SDR, with nussl, and by what cannot change them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from repro.audio.nussl import import_nussl
from repro.losses.waveforms import SISDRLoss, SNRLoss
from repro.metrics.separation import SISDR
from repro.testing import check_loss

every = pytest.mark.parametrize("loss", [SISDRLoss(), SNRLoss()], ids=["SI-SDR", "SNR"])


def case(seed: int, sources: int = 2, noise: float = 0.3, samples: int = 200) -> tuple[Tensor, Tensor]:
    """Sources (2, C, T), and noisy estimates of them in another order, with means that are not 0."""
    random = torch.Generator().manual_seed(seed)
    clean = torch.randn(2, sources, samples, generator=random, dtype=torch.float64) + 0.1
    estimates = 0.8 * clean + noise * torch.randn(clean.shape, generator=random, dtype=torch.float64)
    return estimates[:, torch.randperm(sources, generator=random)], clean


@given(seed=st.integers(0, 1000), sources=st.integers(1, 5))
def test_si_sdr_is_the_metric(seed: int, sources: int) -> None:
    estimates, clean = case(seed, sources)
    metric = [SISDR()(one, other, {}) for one, other in zip(estimates, clean, strict=True)]
    assert -float(SISDRLoss()(estimates, clean)) == pytest.approx(sum(metric) / len(metric), abs=1e-4)


@pytest.mark.parametrize("snr", [20.0, 60.0])
def test_si_sdr_keeps_its_digits_in_float32(snr: float) -> None:
    estimates, clean = case(0, noise=0.8 * 10 ** (-snr / 20), samples=32_000)
    exact = float(SISDRLoss()(estimates, clean))
    assert exact == pytest.approx(-snr, abs=0.2)
    assert float(SISDRLoss()(estimates.float(), clean.float())) == pytest.approx(exact, abs=1e-2)


@pytest.mark.parametrize("noise", [0.01, 0.3, 3.0])
def test_both_are_those_of_nussl(noise: float) -> None:
    estimates, clean = case(1, sources=3, noise=noise)
    losses = import_nussl().ml.train.loss
    for ours, scaling in ((SISDRLoss(), True), (SNRLoss(), False)):
        single = losses.SISDRLoss(scaling=scaling, zero_mean=scaling)
        theirs = losses.PermutationInvariantLoss(single)(estimates.mT, clean.mT)
        assert float(ours(estimates, clean)) == pytest.approx(float(theirs), abs=1e-3)


@every
def test_gradient_is_the_numerical_one(loss: nn.Module) -> None:
    estimates, clean = case(2, sources=3, samples=10)
    assert torch.autograd.gradcheck(lambda x: loss(x, clean), estimates.requires_grad_())


@every
@given(seed=st.integers(0, 1000))
def test_the_order_does_not_count(loss: nn.Module, seed: int) -> None:
    estimates, clean = case(seed, sources=3)
    order = torch.randperm(3, generator=torch.Generator().manual_seed(seed))
    for value in (loss(estimates[:, order], clean), loss(estimates, clean[:, order])):
        assert torch.allclose(loss(estimates, clean), value, rtol=1e-9)


@given(scale=st.floats(-3, 3).map(lambda x: 10**x), shift=st.floats(-10, 10))
def test_si_sdr_knows_neither_level_nor_mean(scale: float, shift: float) -> None:
    estimates, clean = case(3)
    for value in (SISDRLoss()(scale * estimates + shift, clean), SISDRLoss()(estimates, scale * clean + shift)):
        assert float(value) == pytest.approx(float(SISDRLoss()(estimates, clean)), abs=1e-4)


def test_snr_knows_the_level_of_the_estimate_and_not_the_common_one() -> None:
    estimates, clean = case(3)
    value = float(SNRLoss()(estimates, clean))
    assert float(SNRLoss()(0.01 * estimates, 0.01 * clean)) == pytest.approx(value, abs=1e-4)
    assert float(SNRLoss()(0.01 * estimates, clean)) == pytest.approx(0, abs=0.2)
    assert float(SNRLoss()(0.9 * clean, clean)) == pytest.approx(-20, abs=1e-3)


@every
@pytest.mark.parametrize("sources", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_battery(loss: nn.Module, sources: int, dtype: torch.dtype) -> None:
    estimates, clean = case(4, sources)
    check_loss(loss, estimates.to(dtype), clean.to(dtype))


CASES = {
    "perfect": lambda clean: (clean, clean),
    "silent source": lambda clean: (clean, clean * torch.tensor([1.0, 0.0])[:, None]),
    "silent estimate": lambda clean: (clean * torch.tensor([1.0, 0.0])[:, None], clean),
    "constants": lambda clean: (torch.ones_like(clean), clean),
    "equal estimates": lambda clean: (clean[:, :1].expand_as(clean), clean),
    "very quiet": lambda clean: (1e-20 * clean, 1e-20 * clean),
    "opposite": lambda clean: (-clean, clean),
}


@every
@pytest.mark.parametrize("name", CASES)
def test_extreme_signals_have_finite_losses_and_gradients(loss: nn.Module, name: str) -> None:
    estimates, clean = CASES[name](case(5)[1].float())
    given = estimates.clone().requires_grad_()
    value = loss(given, clean)
    value.backward()
    assert given.grad is not None
    assert -80.1 < value.item() < 80.1 and given.grad.isfinite().all()


def test_the_limits_are_80_db() -> None:
    _, clean = case(6)
    silence = torch.zeros_like(clean)
    assert float(SISDRLoss()(clean, clean)) == pytest.approx(-80, abs=1e-3)
    assert float(SNRLoss()(clean, clean)) == pytest.approx(-80, abs=1e-3)
    assert float(SISDRLoss()(silence, clean)) == pytest.approx(80, abs=1e-3)
    assert float(SISDRLoss()(clean, silence)) == pytest.approx(80, abs=1e-3)
    assert float(SNRLoss()(silence, clean)) == pytest.approx(0, abs=1e-6)


def test_a_silent_source_asks_snr_for_silence_and_si_sdr_for_nothing() -> None:
    _, clean = case(7)
    clean[:, 1] = 0
    quiet = clean + torch.tensor([0.0, 0.1])[:, None]
    assert float(SNRLoss()(quiet, clean)) > float(SNRLoss()(clean, clean))
    estimates = (clean + torch.randn_like(clean)).requires_grad_()
    SISDRLoss()(estimates[:, 1:], clean[:, 1:]).backward()
    assert estimates.grad is not None and float(estimates.grad.abs().max()) < 1e-6


def test_bfloat16_is_computed_in_float32() -> None:
    estimates, clean = (one.bfloat16() for one in case(8, samples=4000))
    for loss in (SISDRLoss(), SNRLoss()):
        assert math.isclose(float(loss(estimates, clean)), float(loss(estimates.float(), clean.float())))
