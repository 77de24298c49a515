"""The confusion matrix: its counts are those of scikit-learn, and a wrong number of classes is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from repro.errors import BadInput
from repro.metrics.confusion import ConfusionCell
from repro.record import Measurement
from repro.report import matrix

CLASSES = ("cat", "dog", "fox")


def measured(metric: ConfusionCell, values: list[float]) -> Measurement:
    return Measurement("test", metric.identity.name, dataclasses.asdict(metric.identity), values)


def test_the_counts_of_two_seeds_are_those_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    draw, metric = torch.Generator().manual_seed(0), ConfusionCell(CLASSES)
    truth, scores = torch.randint(0, 3, (2, 50), generator=draw), torch.rand(2, 50, 3, generator=draw)
    rows = [[metric(s, t, None) for s, t in zip(*seed, strict=True)] for seed in zip(scores, truth, strict=True)]
    found = matrix.of([measured(metric, row) for row in rows])
    assert found and found.classes == list(CLASSES)
    assert np.array_equal(found.counts, metrics.confusion_matrix(truth.flatten(), scores.argmax(-1).flatten()))
    assert found.total == 100 and found.right == int((truth == scores.argmax(-1)).sum())


def test_scores_and_class_may_be_in_dicts_and_ties_go_to_the_first() -> None:
    metric, scores = ConfusionCell(CLASSES), torch.tensor([0.5, 0.5, 0.0])
    assert metric({"scores": scores}, {"class": torch.tensor(2)}, None) == metric(scores, 2, None) == 6.0


@pytest.mark.parametrize("classes", ["abc", (), ("a",), ("a", "a"), ("a", 1), ("a", ""), ("a,b", "c"), 3, None])
def test_classes_must_be_different_names(classes: Any) -> None:
    with pytest.raises(BadInput, match=r"ConfusionCell\.classes"):
        ConfusionCell(classes)


@pytest.mark.parametrize(("scores", "target"), [([0.1, 0.2], 0), ([[0.1, 0.2, 0.3]], 0), ([0.1, 0.2, 0.3], 3),
                                                ([0.1, 0.2, 0.3], -1)])  # fmt: skip
def test_other_scores_and_classes_are_refused(scores: Any, target: int) -> None:
    with pytest.raises(BadInput, match="ConfusionCell"):
        ConfusionCell(CLASSES)(torch.tensor(scores), target, None)


@pytest.mark.parametrize("value", [-1.0, 9.0, 0.5])
def test_values_that_are_no_cells_have_no_matrix(value: float) -> None:
    assert matrix.of([measured(ConfusionCell(CLASSES), [0.0, value])]) is None
    assert matrix.of([measured(ConfusionCell(CLASSES), [0.0]), measured(ConfusionCell(CLASSES[:2]), [0.0])]) is None
    assert matrix.of([]) is None
