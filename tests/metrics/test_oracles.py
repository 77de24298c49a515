"""The oracle masks: what they are made of, what they add up to, and which is best for what."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import torch

from repro.audio.stft import STFT
from repro.metrics import oracles
from repro.metrics.separation import (
    SAR,
    SDR,
    SIR,
    SISDR,
    SNR,
    IdealBinaryMask,
    IdealRatioMask,
    PhaseSensitiveMask,
    SDRImprovement,
    SIRImprovement,
    SISDRImprovement,
    SNRImprovement,
    TruncatedPhaseSensitiveMask,
)
from repro.registry import METRICS
from repro.testing import check_metric
from tests.metrics.signals import separated

ORACLES = [IdealBinaryMask, IdealRatioMask, PhaseSensitiveMask, TruncatedPhaseSensitiveMask]
IMPROVEMENTS = [SDRImprovement, SIRImprovement, SISDRImprovement, SNRImprovement]


def spectra(sources: int = 3):
    _, target, inputs = separated(sources)
    stft = STFT()
    return stft(inputs["mixture"].float()), stft(target.float())


@pytest.mark.parametrize("oracle", ORACLES)
def test_disjoint_sources_are_separated(oracle):
    seconds = torch.arange(8000) / 8000
    target = torch.stack([torch.sin(2 * torch.pi * hertz * seconds) for hertz in (500, 2500)])
    assert oracle(SISDR())(target, target, {"mixture": target.sum(0)}) > 25


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("metric", IMPROVEMENTS)
def test_an_oracle_beats_the_mixture_and_ignores_the_estimate(oracle, metric):
    estimate, target, inputs = separated()
    ceiling = oracle(metric())
    assert ceiling(estimate, target, inputs) > 3
    assert ceiling(estimate, target, inputs) == ceiling(torch.zeros_like(estimate), target, inputs)


def test_the_binary_masks_follow_the_loudest_source_and_add_up():
    _, target, inputs = separated(3)
    mixture, sources, stft = inputs["mixture"].float(), target.float(), STFT()
    oracle = oracles.separate(oracles.binary, mixture, sources, stft)
    torch.testing.assert_close(oracle.sum(0), mixture, atol=1e-5, rtol=0)
    magnitudes, spectrum = stft(sources).abs().numpy(), stft(mixture).numpy()
    for number in range(3):
        others = np.delete(magnitudes, number, axis=0).max(axis=0)
        masked = np.where(magnitudes[number] > others, spectrum, 0)
        expected = stft.inverse(torch.from_numpy(masked), mixture.shape[-1])
        torch.testing.assert_close(oracle[number], expected, atol=1e-5, rtol=0)


def test_the_masks_are_the_formulas():
    """With magnitudes and phases, as the papers write them; the code uses products of complex numbers."""
    mixture, sources = spectra()
    x, s = mixture.numpy(), sources.numpy()
    psm = np.abs(s) * np.cos(np.angle(s) - np.angle(x)) / np.abs(x)
    clipped = np.clip(np.abs(s) * np.cos(np.angle(s) - np.angle(x)), 0, np.abs(x)) / np.abs(x)
    np.testing.assert_allclose(oracles.ratio(mixture, sources), np.abs(s) / np.abs(s).sum(0), rtol=1e-5)
    np.testing.assert_allclose(oracles.phase_sensitive(mixture, sources), psm, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(oracles.truncated(mixture, sources), clipped, atol=1e-4)


@pytest.mark.parametrize("masks", [oracles.binary, oracles.ratio, oracles.phase_sensitive])
def test_these_masks_add_up_to_one(masks):
    total = masks(*spectra()).sum(0).double()
    torch.testing.assert_close(total, torch.ones_like(total), atol=1e-4, rtol=0)


@pytest.mark.parametrize("other", [oracles.binary, oracles.ratio, oracles.truncated])
def test_no_real_mask_is_closer_to_the_source_than_the_phase_sensitive_one(other):
    mixture, sources = spectra()
    error = (sources - oracles.phase_sensitive(mixture, sources) * mixture).abs()
    assert (error <= (sources - other(mixture, sources) * mixture).abs() + 1e-4).all()


@pytest.mark.parametrize("other", [oracles.binary, oracles.ratio])
def test_no_mask_between_0_and_1_is_closer_than_the_truncated_one(other):
    mixture, sources = spectra()
    error = (sources - oracles.truncated(mixture, sources) * mixture).abs()
    assert (error <= (sources - other(mixture, sources) * mixture).abs() + 1e-4).all()


@pytest.mark.parametrize("masks", [oracles.binary, oracles.ratio, oracles.phase_sensitive, oracles.truncated])
def test_silence_and_cancellation_give_finite_masks(masks):
    _, sources = spectra(2)
    sources[:, 5] = 0  # a silent frame
    sources[1, 6] = -sources[0, 6]  # the sources cancel each other
    found = masks(sources.sum(0), sources)
    assert found.isfinite().all()
    if masks is not oracles.binary:
        assert not found[:, 5].any()


@pytest.mark.parametrize("oracle", ORACLES)
def test_an_error_of_the_metric_reaches_the_user(oracle):
    estimate, target, inputs = separated()
    with pytest.raises(ValueError, match="needs a 'mixture' among the inputs; found: nothing"):
        oracle(SISDR())(estimate, target, {})
    target[1] = 0
    with pytest.raises(ValueError, match="source 1 of the target is silent"):
        oracle(SISDR())(estimate, target, inputs)
    target[1] = math.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        oracle(SISDR())(estimate, target, inputs)


def test_no_two_identities_are_equal():
    found = [oracle(metric()) for oracle in ORACLES for metric in (SISDR, SNR, SDR, SIR, SAR)]
    found += [oracle(SISDR(), STFT(512, 128)) for oracle in ORACLES]
    assert len({metric.identity for metric in found}) == len({metric.identity.name for metric in found}) + 4


@pytest.mark.parametrize("oracle", ORACLES)
def test_battery(oracle):
    assert METRICS[oracle.__name__] is oracle
    assert pickle.loads(pickle.dumps(oracle(SDR()))).identity == oracle(SDR()).identity
    sources = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0))
    check_metric(oracle(SISDR()), sources, sources, {"mixture": sources.sum(0), "num_sources": 2})
