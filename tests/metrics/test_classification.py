"""Accuracy and error rate against scikit-learn, and models that are fitted at once."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score
from torch import nn
from torch.utils.data import TensorDataset

from repro.errors import BadInput
from repro.metrics.classification import Accuracy, ErrorRate
from repro.testing import check_metric
from repro.trainers.fit_once import FitOnce


@pytest.mark.parametrize("metric", [Accuracy(), ErrorRate()])
def test_the_battery(metric: Accuracy | ErrorRate) -> None:
    check_metric(metric, torch.tensor([0.1, 0.7, 0.2]), 1, None)


@given(arrays(np.float32, (9, 4), elements=st.floats(-2, 2, width=32)), arrays(np.int64, 9, elements=st.integers(0, 3)))
def test_as_scikit_learn_counts(scores: np.ndarray, target: np.ndarray) -> None:
    expected = accuracy_score(target, scores.argmax(1))
    items = [(torch.from_numpy(row), int(label), None) for row, label in zip(scores, target, strict=True)]
    assert fmean(Accuracy()(*item) for item in items) == pytest.approx(expected)
    assert fmean(ErrorRate()(*item) for item in items) == pytest.approx(100 * (1 - expected))


class Mean(nn.Module):
    """Remembers what it was given."""

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        self.seen = inputs, target


def test_a_model_is_given_the_whole_set_in_order(tmp_path: Path) -> None:
    data, target = torch.rand(2500, 3), torch.arange(2500)
    model = Mean()
    history = FitOnce().fit(model, None, TensorDataset(data, target), None, tmp_path, 0)
    assert torch.equal(model.seen[0], data) and torch.equal(model.seen[1], target) and history["steps"] == 1


def test_a_model_that_cannot_be_fitted_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"FitOnce needs a model with fit\(inputs, target\); Linear has none"):
        FitOnce().fit(nn.Linear(1, 1), None, TensorDataset(torch.rand(2, 1), torch.rand(2)), None, tmp_path, 0)
