"""Calibration: is a classifier right as often as its confidence says?

Letters: K classes, N items, B bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from repro.metrics import Identity
from repro.metrics.influence import contributions
from repro.registry import METRICS, wrong_value

MOST = 10_000  # bins; more than any test set can fill


@METRICS.register
class CalibrationError:
    """Expected calibration error (ECE): how far confidence and accuracy are apart, in percent.

    The items are divided into B = `bins` bins of equal width by their confidence, the highest softmax probability. In
    each bin, the mean confidence and the accuracy are compared. The error is the mean of the absolute differences,
    weighted by the items in the bins. Source: Guo et al. 2017, *On calibration of modern neural networks*, Section 2.

    With few items the value is too large, because chance makes the two differ in every bin. For a perfectly calibrated
    model the interval then excludes the true error, which is 0.

    estimate: scores (K,). target: the true class, an int in [0, K). Value: in [0, 100]. Raises BadInput if `bins` is
    below 1 or above `MOST`.

    Example: one bin has two items of confidence 0.75, of which one is right.

        >>> metric = CalibrationError()
        >>> sure = torch.tensor([0.0, np.log(3.0)])
        >>> values = metric.contributions([metric(sure, 1, None), metric(sure, 0, None)])
        >>> round(float(np.mean(values)), 4)
        25.0
    """

    def __init__(self, bins: int = 15) -> None:
        if not 1 <= bins <= MOST:
            raise wrong_value(self, "bins", bins, f"a whole number from 1 to {MOST}")
        self.bins = bins
        counted = f"the whole test set, {bins} bins"
        self.identity = Identity("CalibrationError", "lower", "%", aggregation=counted, reference="class")

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> tuple[float, bool]:
        return float(estimate.softmax(-1).max()), int(estimate.argmax()) == int(target)

    def contributions(self, items: Sequence[tuple[float, bool]]) -> list[float]:
        """One value for each item, whose mean is the calibration error."""
        confidence, right = (np.array(column, dtype=float) for column in zip(*items, strict=True))
        bins = np.minimum((confidence * self.bins).astype(int), self.bins - 1)
        gaps = 100 * (confidence - right)
        signs = np.sign(np.bincount(bins, gaps, self.bins))
        values = signs[bins] * gaps
        value = float(values.mean())
        return contributions(value, values - value)
