"""The area under the precision-recall curve as scikit-learn computed it when the paper was written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from repro.metrics import Identity
from repro.metrics.detection import Item, item, split
from repro.metrics.influence import contributions
from repro.registry import METRICS


@METRICS.register
class InterpolatedAUPR:
    """Area under the precision-recall curve with straight lines between its points; normal items are positive.

    The curve begins at recall 0 with precision 1. scikit-learn's `average_precision_score` did this until version 0.18.
    If many items have the highest score, as with softmax probabilities that round to 1, the first line is long and the
    area too large. `metrics.AUPR` has no such lines. Misclassified items are left out.

    estimate: scores (K,). target: the true class, or -1 for an item from outside. Value: in [0, 1]. Raises BadInput if
    the test set has items of one kind only.

    Example: all scores are equal, so half of the items above any level are positive, and the line ends there.

        >>> items = [(0.5, "correct"), (0.5, "from outside")]
        >>> round(float(np.mean(InterpolatedAUPR().contributions(items))), 6)
        0.75
    """

    misclassified = "left out"
    identity = Identity(
        "AUPRNormal", better="higher", aggregation="the whole test set, interpolated", reference="normal items"
    )

    def __call__(self, estimate: torch.Tensor, target: int, inputs: object) -> Item:
        return item(estimate, target)

    def contributions(self, items: Sequence[Item]) -> list[float]:
        """One value for each item, whose mean is the area."""
        scores, normal, used = split(self, items)
        everyone = np.zeros(len(used))
        value, everyone[used] = area(scores, normal)
        return contributions(value, everyone * len(used) / used.sum())


def area(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]]:
    """The interpolated area, and the influence of each item on it (n,).

    scores, positive: (n,). The area is the sum of the steps of recall times the mean precision of their two ends. An
    item changes the height of its own step, and the precision of all points at or below its score.
    """
    _, place = np.unique(-scores, return_inverse=True)  # 0 for the highest score
    share = positive.mean()
    steps = np.bincount(place, positive) / positive.sum()
    answered = np.bincount(place).cumsum() / len(scores)
    precision = steps.cumsum() * share / answered
    heights = (precision + np.concatenate([[1.0], precision[:-1]])) / 2
    value = float((steps * heights).sum())
    weights = (steps + np.append(steps[1:], 0.0)) / 2 / answered  # how much the area depends on each precision
    below = weights[::-1].cumsum()[::-1], (weights * precision)[::-1].cumsum()[::-1]
    own = positive * (heights[place] - value) / share
    return value, own + positive * below[0][place] - below[1][place]
