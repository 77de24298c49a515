"""Metrics of explanations: against numpy, on maps and masks at the edge, and their identities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from repro.errors import BadInput
from repro.metrics.explanations import (
    DeletionCurve,
    EnergyGain,
    EnergyInside,
    ExplainedAccuracy,
    PointingGame,
    RandomisedLayers,
)
from repro.testing import check_metric

PLACED: list[Any] = [EnergyInside("Gradient"), EnergyGain("Gradient"), PointingGame("Gradient")]


def estimate(**maps: Any) -> dict[str, Any]:
    return {"maps": {name: torch.as_tensor(found, dtype=torch.float32) for name, found in maps.items()}}


@pytest.fixture
def case() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    random = np.random.default_rng(0)
    return random.random((9, 7)), random.integers(-1, 2, (9, 7))


def test_values_are_those_of_numpy(case: Any) -> None:
    found, mask = case
    target = {"mask": torch.from_numpy(mask)}
    share = found[mask == 1].sum() / found[mask != -1].sum()
    area = (mask == 1).sum() / (mask != -1).sum()
    highest = np.where(mask == -1, -1, found).argmax()
    expected = [share, share - area, float(mask.ravel()[highest] == 1)]
    values = [metric(estimate(Gradient=found), target, None) for metric in PLACED]
    assert values == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("constant", [0.0, 2.0])
def test_a_constant_map_has_the_values_of_the_area(case: Any, constant: float) -> None:
    _, mask = case
    area = (mask == 1).sum() / (mask != -1).sum()
    given = estimate(Gradient=np.full(mask.shape, constant))
    values = [metric(given, {"mask": torch.from_numpy(mask)}, None) for metric in PLACED]
    assert values == pytest.approx([area, 0.0, area])


@pytest.mark.parametrize(("value", "share"), [(1, 1.0), (0, 0.0)])
def test_an_object_that_fills_the_image_or_is_not_in_it_has_defined_values(case: Any, value: int, share: float) -> None:
    given, target = estimate(Gradient=case[0]), {"mask": torch.full((9, 7), value)}
    assert [metric(given, target, None) for metric in PLACED] == [share, 0.0, share]


def test_a_map_that_is_all_on_pixels_that_are_not_decided_counts_as_constant() -> None:
    given, target = estimate(Gradient=[[1.0, 0.0, 0.0]]), {"mask": torch.tensor([[-1, 1, 0]])}
    assert [metric(given, target, None) for metric in PLACED] == [0.5, 0.0, 0.5]


def test_pixels_that_are_not_decided_change_nothing(case: Any) -> None:
    found, mask = case
    other = np.where(mask == -1, 100.0, found)
    for metric in PLACED:
        values = [metric(estimate(Gradient=one), {"mask": torch.from_numpy(mask)}, None) for one in (found, other)]
        assert values[0] == pytest.approx(values[1])


def test_the_scale_of_a_map_changes_nothing(case: Any) -> None:
    found, mask = case
    for metric in PLACED:
        values = [
            metric(estimate(Gradient=found * by), {"mask": torch.from_numpy(mask)}, None) for by in (1, 1e-30, 1e30)
        ]
        assert values == pytest.approx([values[0]] * 3, rel=1e-4)


@pytest.mark.parametrize("cls", [EnergyInside, PointingGame])
def test_minus_is_the_difference_for_the_same_image(case: Any, cls: Any) -> None:
    found, mask = case
    given, target = estimate(GradCAM=found, CentreWeighted=found.T.reshape(9, 7)), {"mask": torch.from_numpy(mask)}
    each = [cls(name)(given, target, None) for name in ("GradCAM", "CentreWeighted")]
    assert cls("GradCAM", minus="CentreWeighted")(given, target, None) == pytest.approx(each[0] - each[1])


def test_deletion_and_random_layers_are_read_by_name_and_share() -> None:
    given = {"deletion": {"A": 0.5, "B": 0.75}, "randomised": {"A": {0.5: 0.25, 1.0: -0.125}}}
    assert DeletionCurve("A")(given, 0, None) == 0.5
    assert DeletionCurve("A", minus="B")(given, 0, None) == -0.25
    assert [RandomisedLayers("A", share)(given, 0, None) for share in (0.5, 1.0)] == [0.25, -0.125]
    with pytest.raises(BadInput) as refused:
        RandomisedLayers("A", 0.25)(given, 0, None)
    assert refused.value.parameter == "share"


def test_everything_that_changes_the_value_is_in_the_identity() -> None:
    made = [
        *(cls(*names) for cls in (EnergyInside, PointingGame, DeletionCurve) for names in (["A"], ["B"], ["A", "B"])),
        *(EnergyGain("A"), EnergyGain("B"), RandomisedLayers("A"), RandomisedLayers("B"), RandomisedLayers("A", 0.5)),
    ]
    assert len({metric.identity.name for metric in made}) == len(made) == len({metric.identity for metric in made})
    assert {metric.identity.better for metric in made if "Deletion" in metric.identity.name} == {"lower"}


def test_contract(case: Any) -> None:
    found, mask = case
    given, target = estimate(Gradient=found), {"mask": torch.from_numpy(mask), "class": 1}
    for metric in PLACED:
        check_metric(metric, given, target, None)
    check_metric(DeletionCurve("Gradient"), {"deletion": {"Gradient": 0.5}}, target, None)
    check_metric(RandomisedLayers("Gradient"), {"randomised": {"Gradient": {1.0: 0.5}}}, target, None)
    check_metric(ExplainedAccuracy(), {"scores": torch.tensor([0.1, 0.9])}, target, None)


def test_accuracy_is_that_of_the_scores() -> None:
    given = {"scores": torch.tensor([0.5, 0.5, 0.1])}
    assert [ExplainedAccuracy()(given, {"class": label}, None) for label in range(3)] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("cls", "wrong"),
    [
        *((cls, {"explanation": value}) for cls in (EnergyInside, EnergyGain, DeletionCurve) for value in ("", 3)),
        *((PointingGame, {"minus": value}) for value in ("A", 3)),
        *((RandomisedLayers, {"share": value}) for value in (0.0, 1.5, float("nan"), True)),
    ],
)
def test_a_wrong_value_is_refused_by_name(cls: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        cls(**{"explanation": "A", **wrong})
    assert refused.value.parameter == next(iter(wrong))


def test_an_unknown_explanation_and_a_mask_of_another_size_are_refused(case: Any) -> None:
    found, mask = case
    with pytest.raises(BadInput) as refused:
        EnergyInside("GradCam")(estimate(GradCAM=found), {"mask": torch.from_numpy(mask)}, None)
    assert refused.value.nearest == "GradCAM"
    for wrong in (torch.zeros(3, 3), torch.full((9, 7), -1)):
        with pytest.raises(BadInput):
            EnergyInside("Gradient")(estimate(Gradient=found), {"mask": wrong}, None)
