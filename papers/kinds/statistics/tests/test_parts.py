"""Tests of the parts of this paper, with the checks of repro.testing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from papers.kinds.statistics.dataset import PairsOfColumns
from papers.kinds.statistics.metric import TwoSampleP
from repro.testing import check_dataset, check_metric

DATA = PairsOfColumns({"sleep": ["extra 1", "extra 2"]})


def test_dataset() -> None:
    check_dataset(DATA)


@pytest.mark.parametrize("test", ["welch", "student", "paired"])
def test_metric(test: str) -> None:
    inputs, target = DATA[0]
    check_metric(TwoSampleP(test), inputs, target, inputs)


def test_student_is_the_formula() -> None:
    one, two = map(np.array, DATA[0])
    pooled = (one.var(ddof=1) + two.var(ddof=1)) / 2
    t = (one.mean() - two.mean()) / np.sqrt(2 * pooled / len(one))
    assert TwoSampleP("student")(None, list(two), list(one)) == pytest.approx(2 * stats.t.sf(abs(t), 2 * len(one) - 2))
