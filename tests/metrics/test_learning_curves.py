"""Learning curves over the number of labels: against loops, the error of the labels by simulation, and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from repro.errors import BadInput
from repro.metrics.learning_curves import AccuracyWith, LabelsTo, MeanAccuracyOverLabels
from repro.testing import check_metric

CURVE = np.array([0.5, 0.7, 0.8, 0.88, 0.93, 0.95])


def answers(items: int, seed: int = 0, curve: Any = CURVE) -> Any:
    """Whether each network is right (N, S): each item has its difficulty, so the networks are not independent."""
    hard = np.random.default_rng(seed).random(items)
    return hard[:, None] < curve


def estimates(right: Any) -> torch.Tensor:
    """Scores (N, S, 2) of two classes, where class 1 is the true one."""
    return torch.from_numpy(np.stack([1.0 - right, right + 0.0], axis=-1))


def test_the_batteries() -> None:
    estimate = estimates(answers(1))[0]
    for metric in (AccuracyWith(40), MeanAccuracyOverLabels(5), LabelsTo(0.9)):
        check_metric(metric, estimate, 1, None)


def test_accuracies_are_those_of_the_networks() -> None:
    right = answers(300)
    for row, labels in enumerate(range(20, 80, 10)):
        metric = AccuracyWith(labels)
        assert np.mean([metric(one, 1, None) for one in estimates(right)]) == right[:, row].mean()
    mean = MeanAccuracyOverLabels(acquisitions=2)
    assert np.mean([mean(one, 1, None) for one in estimates(right)]) == pytest.approx(right[:, :3].mean())


def labels_to(right: Any, accuracy: float) -> tuple[float, float]:
    """The metric and its standard error over the items."""
    metric = LabelsTo(accuracy, start=20, size=10)
    values = metric.contributions([metric(one, 1, None) for one in estimates(right)])
    return float(np.mean(values)), float(np.std(values) / np.sqrt(len(values)))


@pytest.mark.parametrize(("accuracy", "labels"), [(0.4, 20), (0.6, 30), (0.79, 40), (0.9, 60), (0.94, 70), (0.99, 80)])
def test_labels_are_those_of_the_first_network_that_is_good_enough(accuracy: float, labels: int) -> None:
    assert labels_to(answers(3000), accuracy)[0] == pytest.approx(labels)


def test_a_later_fall_does_not_count() -> None:
    assert labels_to(answers(1000, curve=np.array([0.2, 0.9, 0.3, 0.9])), 0.8)[0] == pytest.approx(30)


def test_the_standard_error_is_that_of_the_crossing() -> None:
    """In 400 test sets, the crossing of the line between the networks varies as the influences say."""
    found = []
    for seed in range(400):
        curve = answers(500, seed).mean(axis=0)
        first = int(np.flatnonzero(curve >= 0.9)[0])
        share = (0.9 - curve[first - 1]) / (curve[first] - curve[first - 1])
        found.append(20 + 10 * (first - 1 + share))
    assert np.mean([labels_to(answers(500, seed), 0.9)[1] for seed in range(20)]) == pytest.approx(
        np.std(found), rel=0.2
    )


def test_an_accuracy_that_is_never_reached_has_no_spread() -> None:
    assert labels_to(answers(100), 0.99) == (80.0, 0.0)


@pytest.mark.parametrize("labels", [0, 10, 25, 20.0, -20, float("nan"), True])
def test_a_number_of_labels_that_no_network_has_is_refused(labels: Any) -> None:
    with pytest.raises(BadInput, match="labels"):
        AccuracyWith(labels)


@pytest.mark.parametrize("accuracy", [0, -0.1, 1.1, 90, float("nan"), float("inf"), True])
def test_an_accuracy_outside_of_0_to_1_is_refused(accuracy: Any) -> None:
    with pytest.raises(BadInput, match="accuracy"):
        LabelsTo(accuracy)


@pytest.mark.parametrize("name", ["start", "size"])
@pytest.mark.parametrize("value", [0, -1, 1.5, float("inf")])
def test_other_sizes_are_refused(name: str, value: Any) -> None:
    for metric in (AccuracyWith, MeanAccuracyOverLabels, LabelsTo):
        with pytest.raises(BadInput, match=name):
            metric(1, **{name: value})  # type: ignore[operator]


def test_too_few_networks_are_refused() -> None:
    estimate = estimates(answers(1))[0]
    for metric in (AccuracyWith(100), MeanAccuracyOverLabels(9)):
        with pytest.raises(BadInput, match="networks"):
            metric(estimate, 1, None)
    with pytest.raises(BadInput, match="networks"):
        LabelsTo(0.9)(torch.rand(10), 1, None)


def test_what_changes_the_number_is_in_the_identity() -> None:
    assert LabelsTo(0.9).identity != LabelsTo(0.95).identity
    assert LabelsTo(0.9).identity != LabelsTo(0.9, size=20).identity
    assert AccuracyWith(100).identity != AccuracyWith(100, size=20).identity
    assert MeanAccuracyOverLabels(2).identity != MeanAccuracyOverLabels(3).identity
