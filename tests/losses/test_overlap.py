"""Losses of masks against their direct formulas in double precision, and where masks are empty."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from repro.errors import BadInput
from repro.losses.overlap import Focal, PixelCrossEntropy, SoftDice
from repro.testing import check_loss

WEIGHTS = (0.5, 2.0, 0.0)


def cross_entropy(
    p: np.ndarray, mask: np.ndarray, weight: np.ndarray, classes: Any = (1, 1, 1), gamma: float = 0
) -> float:
    total = 0.0
    for image, row, column in np.argwhere(mask >= 0):
        label = mask[image, row, column]
        of_class = p[image, label, row, column]
        total -= weight[image, row, column] * classes[label] * (1 - of_class) ** gamma * math.log(of_class)
    return total / max(1, int((mask >= 0).sum()))


def dice(p: np.ndarray, mask: np.ndarray, weight: np.ndarray, smooth: float) -> float:
    found = []
    for image in range(len(p)):
        counts = mask[image] >= 0
        w = weight[image][counts]
        for label in range(p.shape[1]):
            q, g = p[image, label][counts], (mask[image][counts] == label).astype(float)
            found.append((2 * (w * q * g).sum() + smooth) / ((w * q**2).sum() + (w * g**2).sum() + smooth))
    return 1 - float(np.mean(found))


CASES: dict[str, tuple[nn.Module, Callable[..., float]]] = {
    "cross-entropy": (PixelCrossEntropy(), cross_entropy),
    "with classes": (PixelCrossEntropy(WEIGHTS), lambda *args: cross_entropy(*args, WEIGHTS)),
    "focal": (Focal(gamma=2.0), lambda *args: cross_entropy(*args, gamma=2.0)),
    "focal with classes": (Focal(0.5, WEIGHTS), lambda *args: cross_entropy(*args, WEIGHTS, gamma=0.5)),
    "focal 0": (Focal(gamma=0.0), cross_entropy),
    "dice": (SoftDice(), lambda *args: dice(*args, smooth=1.0)),
    "dice 0.01": (SoftDice(0.01), lambda *args: dice(*args, smooth=0.01)),
}
LOSSES = {name: loss for name, (loss, _) in CASES.items()}


def drawn(seed: int, lowest: int = -1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    scores = 3 * torch.randn(2, 3, 4, 5, generator=random, dtype=torch.float64)
    return scores, torch.randint(lowest, 3, (2, 4, 5), generator=random), torch.rand(2, 4, 5, generator=random) * 10


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted", [True, False])
def test_losses_are_their_formulas(name: str, seed: int, weighted: bool) -> None:
    loss, formula = CASES[name]
    scores, mask, weight = drawn(seed)
    weight = weight if weighted else torch.ones_like(weight)
    value = loss(scores, {"mask": mask, "weight": weight} if weighted else mask)
    p = np.exp(scores.numpy())
    p /= p.sum(1, keepdims=True)
    assert float(value) == pytest.approx(formula(p, mask.numpy(), weight.numpy().astype(float)), rel=1e-6)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_pixels_that_do_not_count_change_nothing(loss: nn.Module) -> None:
    scores, mask, weight = drawn(0)
    value = loss(scores, {"mask": mask, "weight": weight})
    ignored = (mask == -1)[:, None].expand_as(scores)
    other = torch.where(ignored, 50.0, scores)
    other_weight = torch.where(mask == -1, math.nan, weight)
    torch.testing.assert_close(loss(other, {"mask": mask, "weight": other_weight}), value)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("label", [-1, 0, 2])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
def test_empty_and_full_masks_have_finite_losses_and_gradients(loss: nn.Module, label: int, scale: float) -> None:
    scores = (scale * torch.randn(2, 3, 4, 5)).requires_grad_()
    value = loss(scores, torch.full((2, 4, 5), label))
    value.backward()
    assert value.isfinite() and scores.grad is not None and bool(scores.grad.isfinite().all())
    if label == -1 and not isinstance(loss, SoftDice):
        assert float(value.detach()) == 0


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("label", [0, 1])
def test_a_right_and_sure_answer_costs_less_than_a_wrong_one(loss: nn.Module, label: int) -> None:
    mask = torch.full((1, 4, 5), label)
    right, wrong = torch.zeros(1, 3, 4, 5), torch.zeros(1, 3, 4, 5)
    right[:, label], wrong[:, 1 - label] = 30.0, 30.0
    assert float(loss(right, mask)) < 1e-3 < float(loss(wrong, mask))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_contract(loss: nn.Module) -> None:
    scores, mask, weight = drawn(1, lowest=0)
    check_loss(loss, scores.float(), mask)
    check_loss(loss, scores.float(), {"mask": mask, "weight": weight})


@pytest.mark.parametrize(
    ("part", "given"),
    [
        *[
            (part, {"class_weights": v})
            for part in (PixelCrossEntropy, Focal)
            for v in ([0, 0], [-1, 1], [math.nan, 1])
        ],
        *[(Focal, {"gamma": value}) for value in (-1, math.inf, math.nan)],
        *[(SoftDice, {"smooth": value}) for value in (0, -1, math.inf, math.nan)],
    ],
)
def test_wrong_values_are_refused(part: Any, given: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        part(**given)
    assert f"{part.__name__}.{next(iter(given))}" in str(refused.value)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_masks_that_do_not_fit_are_refused(loss: nn.Module) -> None:
    scores, mask, _ = drawn(0)
    for wrong in (mask[:, :3], mask[0], mask + 1, mask - 1):
        with pytest.raises(BadInput):
            loss(scores, wrong)
    if getattr(loss, "class_weights", None):
        with pytest.raises(BadInput):
            loss(scores[:, :2], mask.clamp(max=1))
