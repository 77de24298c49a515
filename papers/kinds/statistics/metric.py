"""The statistic in the paper's table. There is no model: the estimate is the input."""

from __future__ import annotations

from typing import Any, Literal

from scipy import stats

from repro.metrics import Identity
from repro.registry import METRICS


@METRICS.register
class TwoSampleP:
    """Two-sided p value of a t test of two columns (Table 1).

    test: `welch` (any variances), `student` (equal variances) or `paired` (row by row).

    Example:

        >>> round(TwoSampleP("student")(None, [3.0, 4.0, 5.0], [1.0, 2.0, 3.0]), 4)
        0.0705
    """

    def __init__(self, test: Literal["welch", "student", "paired"] = "welch") -> None:
        self.test = test
        self.identity = Identity("TwoSampleP", better="lower", aggregation="none", reference=f"{test} t test")

    def __call__(self, estimate: Any, target: list[float], inputs: list[float]) -> float:
        if self.test == "paired":
            return float(stats.ttest_rel(inputs, target).pvalue)
        return float(stats.ttest_ind(inputs, target, equal_var=self.test == "student").pvalue)
