"""The loss of mask inference: compared with loops over permutations, and with the losses of torch and nussl."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.audio.nussl import import_nussl
from repro.losses.masks import MaskInference
from repro.testing import check_loss

TARGETS = ("magnitude", "phase_sensitive", "truncated_phase_sensitive")
every_target = pytest.mark.parametrize("target", TARGETS)
every_norm = pytest.mark.parametrize("norm", ["L1", "L2"])


def case(seed: int, sources: int = 2, frames: int = 3, frequencies: int = 4) -> tuple[Tensor, dict[str, Tensor]]:
    """Masks (2, C, N, F) and their target. The mixture is that of complex numbers, so phases can cancel."""
    random = torch.Generator().manual_seed(seed)
    shape = (2, sources, frames, frequencies)
    parts = torch.randn(shape, generator=random, dtype=torch.complex128)
    mixture = parts.sum(1)
    cosine = torch.cos(parts.angle() - mixture.angle().unsqueeze(1))
    masks = torch.rand(shape, generator=random, dtype=torch.float64)
    return masks, {"mixture": mixture.abs(), "sources": parts.abs(), "cosine": cosine}


def slow(masks: Tensor, target: dict[str, Tensor], kind: str, norm: str) -> float:
    """The mean over items of the least mean over permutations, with numpy and loops."""
    mixture, sources, cosine = (target[key].numpy() for key in ("mixture", "sources", "cosine"))
    wanted = {
        "magnitude": sources,
        "phase_sensitive": sources * cosine,
        "truncated_phase_sensitive": np.clip(sources * cosine, 0, mixture[:, None]),
    }[kind]
    power = {"L1": 1, "L2": 2}[norm]
    best = []
    for item in range(len(masks)):
        estimates = masks[item].numpy() * mixture[item]
        orders = itertools.permutations(range(masks.shape[1]))
        best.append(min((np.abs(estimates - wanted[item][list(order)]) ** power).mean() for order in orders))
    return float(np.mean(best))


@every_target
@every_norm
@given(seed=st.integers(0, 1000), sources=st.integers(1, 5))
def test_loss_is_the_least_mean_over_permutations(target: Any, norm: Any, seed: int, sources: int) -> None:
    masks, data = case(seed, sources)
    assert float(MaskInference(target, norm)(masks, data)) == pytest.approx(slow(masks, data, target, norm), rel=1e-9)


@every_target
@every_norm
def test_gradient_is_the_numerical_one(target: Any, norm: Any) -> None:
    masks, data = case(0, sources=3)
    assert torch.autograd.gradcheck(lambda x: MaskInference(target, norm)(x, data), masks.requires_grad_())


@every_target
@every_norm
@pytest.mark.parametrize("sources", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_battery(target: Any, norm: Any, sources: int, dtype: torch.dtype) -> None:
    masks, data = case(1, sources)
    check_loss(MaskInference(target, norm), masks.to(dtype), {key: one.to(dtype) for key, one in data.items()})


@every_norm
def test_means_over_bins_are_float32(norm: Any) -> None:
    """The errors have 8 bits; their mean over 2,000 bins has 24."""
    masks, data = case(1, frames=40, frequencies=50)
    low, small = masks.bfloat16(), {key: one.bfloat16() for key, one in data.items()}
    errors = low * small["mixture"].unsqueeze(1) - small["sources"]
    size = errors.abs() if norm == "L1" else errors.square()
    other = low * small["mixture"].unsqueeze(1) - small["sources"].flip(1)
    turned = other.abs() if norm == "L1" else other.square()
    expected = torch.stack([one.double().mean((1, 2, 3)) for one in (size, turned)]).min(0).values.mean()
    assert float(MaskInference("magnitude", norm)(low, small)) == pytest.approx(float(expected), rel=1e-6)


@every_target
@given(seed=st.integers(0, 1000))
def test_the_order_of_masks_and_sources_does_not_count(target: Any, seed: int) -> None:
    masks, data = case(seed, sources=3)
    order = torch.randperm(3, generator=torch.Generator().manual_seed(seed))
    other = {**data, "sources": data["sources"][:, order], "cosine": data["cosine"][:, order]}
    loss = MaskInference(target)
    for value in (loss(masks[:, order], data), loss(masks, other)):
        assert torch.allclose(loss(masks, data), value, rtol=1e-12)


@every_norm
def test_each_item_has_its_own_order(norm: Any) -> None:
    _, data = case(2)
    right = data["sources"] / data["mixture"].unsqueeze(1)
    right[1] = right[1].flip(0)
    assert float(MaskInference("magnitude", norm)(right, data)) == pytest.approx(0, abs=1e-12)


@every_norm
def test_truncated_targets_can_be_reached_by_masks_up_to_one(norm: Any) -> None:
    _, data = case(3, frames=20)
    aligned = data["sources"] * data["cosine"] / data["mixture"].unsqueeze(1)
    assert aligned.min() < 0 and aligned.max() > 1
    masks = aligned.clamp(0, 1)
    assert float(MaskInference("truncated_phase_sensitive", norm)(masks, data)) == pytest.approx(0, abs=1e-12)
    assert float(MaskInference("phase_sensitive", norm)(masks, data)) > 0.01


def test_magnitudes_need_no_phases() -> None:
    masks, data = case(4)
    del data["cosine"]
    assert MaskInference()(masks, data).isfinite()


@pytest.mark.parametrize(("norm", "name"), [("L1", "L1Loss"), ("L2", "MSELoss")])
def test_with_a_known_order_it_is_the_loss_of_nussl(norm: Any, name: str) -> None:
    masks, data = case(5)
    near = 0.9 * data["sources"] / data["mixture"].unsqueeze(1) + 0.01 * masks
    theirs = getattr(import_nussl().ml.train.loss, name)()(near * data["mixture"].unsqueeze(1), data["sources"])
    assert float(MaskInference("magnitude", norm)(near, data)) == pytest.approx(float(theirs), rel=1e-9)


@pytest.mark.parametrize(("norm", "name"), [("L1", "L1Loss"), ("L2", "MSELoss")])
def test_nussl_chooses_an_order_for_each_bin(norm: Any, name: str) -> None:
    """For one bin, our loss is that of nussl. For many bins, nussl's is the mean of ours over bins."""
    masks, data = case(6, sources=3)
    losses = import_nussl().ml.train.loss
    theirs = losses.PermutationInvariantLoss(getattr(losses, name)())
    value = float(theirs((masks * data["mixture"].unsqueeze(1)).movedim(1, -1), data["sources"].movedim(1, -1)))
    loss, bins = MaskInference("magnitude", norm), masks.flatten(2).unbind(2)
    flat = {key: one.flatten(-2) for key, one in data.items()}
    alone = [
        loss(one[..., None, None], {key: part[..., k, None, None] for key, part in flat.items()})
        for k, one in enumerate(bins)
    ]
    assert float(torch.stack(alone).mean()) == pytest.approx(value, rel=1e-9)
    assert value < 0.9 * float(loss(masks, data))
