"""Learning curves over the number of labels: accuracy with so many labels, and labels that reach an accuracy.

Letters: S sizes of the training set, K classes, N items.

The estimate of an item has the scores of S networks (S, K), as `models.ActiveLearner` gives them. The first network was
trained on `start` labels, and each further one on `size` more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from repro.errors import BadInput
from repro.metrics import Identity
from repro.metrics.influence import contributions
from repro.registry import METRICS, name_of, wrong_value


@METRICS.register
class AccuracyWith:
    """Accuracy of the network with `labels` labels: 1 if its highest score is that of `target`, else 0.

    estimate: scores (S, K). target: the true class, an int in [0, K). `labels`: from `start`, in steps of `size`.
    The first of equal scores counts. Raises BadInput for other values, and if no network has so many labels.

    Example: with 30 labels, class 1 has the highest score.

        >>> metric = AccuracyWith(labels=30)
        >>> metric(torch.tensor([[0.75, 0.25], [0.25, 0.75]]), 1, None), metric.identity.name
        (1.0, 'AccuracyWith30Labels')
    """

    def __init__(self, labels: int, start: int = 20, size: int = 10) -> None:
        _check(self, labels=labels, start=start, size=size)
        self.row, rest = divmod(labels - start, size)
        if self.row < 0 or rest:
            raise wrong_value(self, "labels", labels, f"{start}, {start + size}, {start + 2 * size} and so on")
        said = f"one of {start} labels and {size} more at a time"
        self.identity = Identity(f"AccuracyWith{labels}Labels", "higher", aggregation=said, reference="class")

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> float:
        return float(_right(self, estimate, target, self.row + 1)[self.row])


@METRICS.register
class MeanAccuracyOverLabels:
    """Accuracy of an item, averaged over the first `acquisitions` + 1 networks: the mean height of the learning curve.

    estimate: scores (S, K). target: the true class, an int in [0, K). Value: in [0, 1]. Raises BadInput for wrong
    values, and for an estimate of fewer networks.

    Example: one of two networks is right.

        >>> metric = MeanAccuracyOverLabels(acquisitions=1)
        >>> metric(torch.tensor([[0.75, 0.25], [0.25, 0.75]]), 1, None), metric.identity.name
        (0.5, 'MeanAccuracyFrom20To30Labels')
    """

    def __init__(self, acquisitions: int, start: int = 20, size: int = 10) -> None:
        _check(self, least=0, acquisitions=acquisitions)
        _check(self, start=start, size=size)
        self.rows = acquisitions + 1
        name = f"MeanAccuracyFrom{start}To{start + acquisitions * size}Labels"
        self.identity = Identity(name, "higher", aggregation=f"mean over {self.rows} networks", reference="class")

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> float:
        return float(np.mean(_right(self, estimate, target, self.rows)[: self.rows]))


@METRICS.register
class LabelsTo:
    """The smallest number of labels with which the accuracy on the whole test set is at least `accuracy`, in (0, 1].

    If no network reaches the accuracy, the value is the number of labels of one acquisition more: the true number is
    that or higher. Accuracies are those of the networks, so the value is `start` and a multiple of `size`. The standard
    error over items is that of the place where the line between two networks crosses the accuracy; it is 0 if the
    first network reaches it, and if none does.

    estimate: scores (S, K). target: the true class, an int in [0, K). Raises BadInput for wrong values.

    Example: both items are right with 30 labels.

        >>> metric = LabelsTo(accuracy=0.9)
        >>> first, second = torch.tensor([[0.25, 0.75], [0.75, 0.25]]), torch.tensor([[0.75, 0.25], [0.75, 0.25]])
        >>> values = metric.contributions([metric(first, 0, None), metric(second, 0, None)])
        >>> float(np.mean(values)), metric.identity.name
        (30.0, 'LabelsTo90Percent')
    """

    def __init__(self, accuracy: float, start: int = 20, size: int = 10) -> None:
        _check(self, start=start, size=size)
        if isinstance(accuracy, bool) or not isinstance(accuracy, float | int) or not 0 < accuracy <= 1:
            raise wrong_value(self, "accuracy", accuracy, "a number above 0, up to 1")
        self.accuracy, self.start, self.size = accuracy, start, size
        said = f"the whole test set, {start} labels and {size} more at a time"
        name = f"LabelsTo{100 * accuracy:.6g}Percent"
        self.identity = Identity(name, "lower", "images", aggregation=said, reference="class")

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> tuple[bool, ...]:
        return _right(self, estimate, target, 1)

    def contributions(self, items: Sequence[tuple[bool, ...]]) -> list[float]:
        """One value for each item, whose mean is the number of labels."""
        right = np.array(items, dtype=float)  # (N, S)
        curve = right.mean(axis=0)
        reached = np.flatnonzero(curve >= self.accuracy)
        first = int(reached[0]) if len(reached) else len(curve)
        value = float(self.start + first * self.size)
        inside = 0 < first < len(curve)
        return contributions(value, self._influences(right, curve, first) if inside else np.zeros(len(right)))

    def _influences(
        self, right: npt.NDArray[np.float64], curve: npt.NDArray[np.float64], first: int
    ) -> npt.NDArray[np.float64]:
        """The influence of each item (N,) on the place where the line between two networks crosses the accuracy."""
        rise = curve[first] - curve[first - 1]
        share = (self.accuracy - curve[first - 1]) / rise
        before, after = (right[:, at] - curve[at] for at in (first - 1, first))
        influences: npt.NDArray[np.float64] = -self.size / rise * ((1 - share) * before + share * after)
        return influences


def _right(metric: Any, estimate: torch.Tensor, target: int, rows: int) -> tuple[bool, ...]:
    """Whether each network (S,) gives the class `target`. Raises BadInput for fewer than `rows` networks."""
    if estimate.ndim != 2 or len(estimate) < rows:
        given = f"{name_of(metric)} got scores of the shape {tuple(estimate.shape)}"
        raise BadInput(given, expected=f"(S, K): at least {rows} networks, as models.ActiveLearner has them")
    return tuple((estimate.argmax(dim=1) == int(target)).tolist())


def _check(metric: Any, least: int = 1, **values: int) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise wrong_value(metric, name, value, f"a whole number from {least}")
