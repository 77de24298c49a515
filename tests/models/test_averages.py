"""The answers that are the same for every image, against means over the training items."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from repro.datasets.shapes import Shapes
from repro.errors import BadInput
from repro.models.averages import MeanBox, MeanMask


def test_mean_box_is_the_mean_of_the_corners() -> None:
    source = Shapes(items=20, size=32, task="box")
    expected = np.mean([target.numpy()[0] for _, target in source], axis=0, dtype=np.float64)
    found = MeanBox(source).estimate(torch.rand(3, 64, 32))
    assert found["boxes"][0].tolist() == pytest.approx((expected * [1, 2, 1, 2]).tolist(), rel=1e-6)
    assert (found["scores"].tolist(), found["classes"].tolist()) == ([1.0], [0])


def test_a_source_without_boxes_is_refused() -> None:
    with pytest.raises(BadInput):
        MeanBox([(torch.zeros(3, 8, 8), torch.zeros(0, 4))]).estimate(torch.zeros(3, 8, 8))


@pytest.mark.parametrize("threshold", [0.1, 0.25, 0.4])
def test_mean_mask_is_where_the_object_often_is(threshold: float) -> None:
    source = Shapes(items=30, size=16, task="mask")
    masks = np.stack([mask.numpy() for _, mask in source])
    share = (masks == 1).sum(0) / np.maximum(1, (masks != -1).sum(0))
    answer = MeanMask(source, threshold).estimate(torch.rand(3, 16, 16)).argmax(0).numpy()
    clear = np.abs(share - threshold) > 1e-6
    assert (answer == (share > threshold))[clear].all() and 0 < answer.sum() < answer.size


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(BadInput):
        MeanMask(Shapes(items=3, size=16, task="mask")).estimate(torch.rand(3, 32, 32))


@pytest.mark.parametrize("wrong", [0, 1, -0.5, 2.0, float("nan"), float("inf")])
def test_wrong_thresholds_are_refused(wrong: Any) -> None:
    with pytest.raises(BadInput):
        MeanMask(Shapes(items=3, task="mask"), threshold=wrong)
