"""The loss for marked samples, against the direct formula and torch's own cross-entropy."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import BadInput
from repro.losses.points import PointLoss
from repro.testing import check_loss

LENGTH = 40


def marked(places: set[int]) -> torch.Tensor:
    target = torch.zeros(1, LENGTH, dtype=torch.float64)
    target[0, list(places)] = 1.0
    return target


@given(st.sets(st.integers(0, LENGTH - 1), min_size=1), st.floats(0.3, 8.0))
def test_smoothed_target_is_the_bell_of_the_nearest_mark(places: set[int], width: float) -> None:
    away = torch.tensor([[min(abs(at - place) for place in places) for at in range(LENGTH)]], dtype=torch.float64)
    direct = torch.exp(-(away**2) / (2 * width**2))
    found = PointLoss(width).smoothed(marked(places))
    near = away <= 4 * width
    torch.testing.assert_close(found[near], direct[near])
    assert bool((found[~near] <= 1e-3).all())


def test_without_smoothing_it_is_the_cross_entropy_of_torch() -> None:
    logits, target = torch.randn(3, LENGTH), (torch.rand(3, LENGTH) < 0.1).float()
    expected = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(7.0))(logits, target)
    torch.testing.assert_close(PointLoss(0.0, positive_weight=7.0)(logits, target), expected)


def test_equation_in_float64() -> None:
    torch.manual_seed(0)
    logits, loss = torch.randn(1, LENGTH, dtype=torch.float64), PointLoss(2.0, positive_weight=5.0)
    wanted, chance = loss.smoothed(marked({3, 20})), logits.sigmoid()
    direct = -(5.0 * wanted * chance.log() + (1 - wanted) * (1 - chance).log()).mean()
    torch.testing.assert_close(loss(logits, marked({3, 20})), direct)


@pytest.mark.parametrize("target", [torch.zeros(2, 9), torch.ones(2, 9)])
def test_loss_is_finite_without_marks_and_with_nothing_else(target: torch.Tensor) -> None:
    for size in (0.0, 1e4, -1e4):
        logits = torch.full((2, 9), size, requires_grad=True)
        value = PointLoss(1.5, 10.0)(logits, target)
        value.backward()
        assert value.isfinite() and bool(logits.grad.isfinite().all())  # type: ignore[union-attr]


def test_contract() -> None:
    check_loss(PointLoss(1.0), output=torch.randn(2, 30), target=(torch.rand(2, 30) < 0.1).float())


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        *(({"width": width}, "width") for width in (-1.0, float("inf"), float("nan"))),
        *(({"width": 1.0, "positive_weight": one}, "positive_weight") for one in (0.0, float("inf"), float("nan"))),
    ],
)
def test_wrong_parameter_is_named(settings: dict[str, float], name: str) -> None:
    with pytest.raises(BadInput) as refused:
        PointLoss(**settings)
    assert refused.value.parameter == name
