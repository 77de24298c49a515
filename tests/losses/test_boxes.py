"""Losses of boxes against formulas for one box and one location at a time, and on empty and degenerate boxes."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.datasets.boxes import NONE
from repro.errors import BadInput
from repro.losses.boxes import BoxL1, BoxLoss, GeneralisedIoU, IoULoss, assigned
from repro.losses.standard import nn
from repro.models.boxes import boxes_of, locations
from repro.testing import check_loss

LOSSES = [GeneralisedIoU, IoULoss, BoxL1]
NUMBERS = st.floats(-20, 20, width=32)
BOX = st.tuples(NUMBERS, NUMBERS, st.floats(0.5, 20, width=32), st.floats(0.5, 20, width=32)).map(
    lambda one: [one[0], one[1], one[0] + one[2], one[1] + one[3]]
)


def generalised(a: list[float], b: list[float]) -> float:
    """GIoU of two boxes, from sides in double precision."""
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    high = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - wide * high
    around = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return wide * high / union - (around - union) / around


@given(BOX, BOX)
def test_generalised_iou_is_the_formula(one: list[float], other: list[float]) -> None:
    found, true = (torch.tensor([[row]], dtype=torch.float64) for row in (one, other))
    assert float(GeneralisedIoU()(found, true)) == pytest.approx(1 - generalised(one, other), abs=1e-9)
    scaled = float(GeneralisedIoU()(3 * found, 3 * true))
    assert scaled == pytest.approx(1 - generalised(one, other), abs=1e-9)


def test_only_generalised_iou_pulls_boxes_that_do_not_overlap() -> None:
    true = torch.tensor([[[10.0, 10.0, 12.0, 12.0]]])
    pulls = {}
    for loss in LOSSES:
        found = torch.tensor([[[0.0, 0.0, 2.0, 2.0]]], requires_grad=True)
        loss()(found, true).backward()
        assert found.grad is not None
        pulls[loss] = bool(found.grad.any())
    assert pulls == {GeneralisedIoU: True, IoULoss: False, BoxL1: True}


DEGENERATE = torch.tensor([[[3.0, 3.0, 3.0, 3.0], [5.0, 5.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 4.0, 0.0]]])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("true", [DEGENERATE, DEGENERATE.flip(1), torch.tensor([[0.0, 0.0, 4.0, 4.0]]).expand(1, 4, 4)])
def test_boxes_without_area_have_finite_values_and_gradients(loss: Any, true: Tensor) -> None:
    found = DEGENERATE.clone().requires_grad_()
    value = loss()(found, true)
    value.backward()
    assert bool(value.isfinite()) and found.grad is not None and bool(found.grad.isfinite().all())


@pytest.mark.parametrize("loss", LOSSES)
def test_rows_without_a_box_do_not_count(loss: Any) -> None:
    found, true = torch.rand(2, 3, 4) + torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.0, 0.0, 1.0, 1.0])
    classes = torch.tensor([[0, NONE, 1], [NONE, NONE, NONE]])
    target = {"boxes": true.expand(2, 3, 4), "classes": classes}
    expected = loss()(found[:1, ::2], true.expand(1, 2, 4))
    assert float(loss()(found, target)) == pytest.approx(float(expected))
    assert float(loss()(torch.zeros(2, 0, 4), torch.zeros(2, 0, 4))) == 0
    with pytest.raises(BadInput):
        loss()(found, true.expand(2, 2, 4))


def output(size: int = 4, classes: int = 1, seed: int = 0, images: int = 2) -> dict[str, Tensor]:
    """A random output of a detector for images of 32 pixels, in double precision."""
    random = torch.Generator().manual_seed(seed)
    drawn = {"scores": classes, "distances": 4, "centreness": 1}
    shapes = {name: (images, channels, size, size) for name, channels in drawn.items()}
    found = {name: torch.randn(shape, generator=random, dtype=torch.float64) for name, shape in shapes.items()}
    stride = torch.full((images,), 32.0 / size, dtype=torch.float64)
    return found | {"distances": found["distances"].exp(), "stride": stride}


def one_by_one(given: dict[str, Tensor], target: dict[str, Tensor], alpha: float, gamma: float) -> float:
    """`BoxLoss` with GIoU, as sums over locations."""
    focal = boxed = weights = centred = 0.0
    positive = 0
    stride = float(given["stride"][0])
    for image, row, column in torch.cartesian_prod(*map(torch.arange, given["scores"][:, 0].shape)).tolist():
        x, y = (column + 0.5) * stride, (row + 0.5) * stride
        around = [
            (float((box[2] - box[0]) * (box[3] - box[1])), number)
            for number, box in enumerate(target["boxes"][image])
            if target["classes"][image, number] >= 0 and box[0] < x < box[2] and box[1] < y < box[3]
        ]
        own = int(target["classes"][image, min(around)[1]]) if around else None
        for label, logit in enumerate(given["scores"][image, :, row, column].tolist()):
            p = 1 / (1 + math.exp(-logit))
            right, weight = (p, alpha) if label == own else (1 - p, 1 - alpha)
            focal -= weight * (1 - right) ** gamma * math.log(right)
        if around:
            box = target["boxes"][image, min(around)[1]].tolist()
            sides = [x - box[0], y - box[1], box[2] - x, box[3] - y]
            wanted = math.prod(min(sides[i::2]) / max(sides[i::2]) for i in (0, 1)) ** 0.5
            away = (given["distances"][image, :, row, column] * stride).tolist()
            boxed += wanted * (1 - generalised([x - away[0], y - away[1], x + away[2], y + away[3]], box))
            p = 1 / (1 + math.exp(-float(given["centreness"][image, 0, row, column])))
            centred -= wanted * math.log(p) + (1 - wanted) * math.log(1 - p)
            positive, weights = positive + 1, weights + wanted
    return focal / max(1, positive) + (boxed / weights if positive else 0) + (centred / max(1, positive))


@pytest.mark.parametrize("seed", range(5))
def test_loss_of_a_detector_is_the_sum_over_locations(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    ends = torch.rand((2, 3, 2, 2), generator=random, dtype=torch.float64).sort(2).values * 32
    classes = torch.randint(-1, 3, (2, 3), generator=random)
    target = {"boxes": ends.flatten(2), "classes": classes}
    given = output(classes=3, seed=seed)
    expected = one_by_one(given, target, alpha=0.3, gamma=1.5)
    assert float(BoxLoss(GeneralisedIoU(), alpha=0.3, gamma=1.5)(given, target)) == pytest.approx(expected)


def test_smallest_box_around_a_location_counts() -> None:
    points = locations(output(images=1))
    nested = torch.tensor([[[0.0, 0.0, 32.0, 32.0], [0.0, 0.0, 16.0, 16.0], [0.0, 0.0, 8.0, 8.0]]])
    rows = assigned(points, nested, torch.tensor([[0, 0, NONE]]))[0]
    assert rows.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_right_answer_has_the_lowest_loss() -> None:
    given, true = output(images=1), torch.tensor([[[4.0, 4.0, 20.0, 28.0]]], dtype=torch.float64)
    points = locations(given)
    sides = torch.cat([points - true[..., :2], true[..., 2:] - points], -1).movedim(-1, 1) / 8
    inside = (sides > 0).all(1, keepdim=True)
    right = given | {"distances": sides.clamp(min=0.01), "scores": torch.where(inside, 6.0, -6.0).double()}
    assert torch.allclose(boxes_of(right)[0][inside[0, 0]], true[0])
    for box in LOSSES:
        assert BoxLoss(box())(right, true) < BoxLoss(box())(given, true)


@pytest.mark.parametrize("box", LOSSES)
def test_contract(box: Any) -> None:
    true = torch.tensor([[[4.0, 4.0, 20.0, 28.0]], [[0.0, 0.0, 0.0, 0.0]]], dtype=torch.float64)
    check_loss(BoxLoss(box()), output(), true)
    check_loss(BoxLoss(box()), output(), torch.zeros(2, 0, 4))
    check_loss(box(), torch.rand(2, 3, 4), torch.rand(2, 3, 4))


@pytest.mark.parametrize(
    "wrong",
    [{"alpha": 0.0}, {"alpha": 1.0}, {"alpha": math.nan}, {"gamma": -1.0}, {"gamma": math.inf}, {"gamma": math.nan}],
)
def test_wrong_values_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        BoxLoss(GeneralisedIoU(), **wrong)


def test_other_losses_and_classes_are_refused() -> None:
    with pytest.raises(BadInput):
        BoxLoss(nn.L1Loss())
    with pytest.raises(BadInput):
        BoxLoss(BoxL1())(output(), {"boxes": torch.zeros(2, 1, 4), "classes": torch.ones(2, 1)})
