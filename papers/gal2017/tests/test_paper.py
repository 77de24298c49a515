"""Checks of the paper's files without a run, and of the parts of its smoke config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from papers.gal2017.loss import CrossEntropyOfNetworks
from papers.gal2017.model import KerasExample
from repro.errors import BadInput
from repro.testing import check_model, check_paper, check_smoke

FOLDER = Path(__file__).parents[1]


def test_paper() -> None:
    check_paper(FOLDER)


def test_parts_of_smoke() -> None:
    check_smoke(FOLDER)


def test_the_loss_is_the_mean_cross_entropy_of_the_networks() -> None:
    scores, labels = torch.randn(5, 3, 4), torch.tensor([0, 3, 2, 2, 1])
    each = [CrossEntropyOfNetworks()(scores[:, at], labels) for at in range(3)]
    assert float(CrossEntropyOfNetworks()(scores, labels)) == pytest.approx(float(sum(each)) / 3, rel=1e-6)
    assert float(each[0]) == pytest.approx(float(torch.nn.functional.cross_entropy(scores[:, 0], labels)))


def test_the_network_is_that_of_the_paper() -> None:
    """Section 5: 32 kernels of 4 x 4 twice, 2 x 2 pooling, 128 units, dropout 0.25 and 0.5."""
    sizes = [tuple(one.shape) for one in KerasExample().parameters() if one.ndim > 1]
    assert sizes == [(32, 1, 4, 4), (32, 32, 4, 4), (128, 32 * 11 * 11), (10, 128)]
    assert [layer.p for layer in KerasExample() if isinstance(layer, torch.nn.Dropout)] == [0.25, 0.5]
    check_model(KerasExample(kernels=2, units=5, classes=3), torch.rand(2, 1, 28, 28))


@pytest.mark.parametrize(("name", "value"), [("kernels", 0), ("units", 1.5), ("classes", 1), ("classes", float("nan"))])
def test_other_sizes_are_refused(name: str, value: Any) -> None:
    with pytest.raises(BadInput, match=name):
        KerasExample(**{name: value})
