"""Checks of the paper's files without a run, and of the parts of its smoke config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import default_collate

from papers.gal2017.model import KerasExample
from repro import config
from repro.errors import BadInput
from repro.experiment import binding
from repro.testing import check_dataset, check_loss, check_metric, check_model, check_paper

FOLDER = Path(__file__).parents[1]


def test_paper() -> None:
    check_paper(FOLDER)


def test_parts_of_smoke() -> None:
    """The loss is that of one network, so it gets the output of one."""
    built = binding.build(config.read(FOLDER / "configs" / "smoke.gin"))
    for dataset in built.datasets().values():
        check_dataset(dataset)
    inputs, target = default_collate([built.train[index] for index in range(3)])
    for metric in built.metrics:
        check_metric(metric, built.estimate(inputs[0]), int(target[0]), inputs[0])
    check_model(built.model, inputs)
    check_loss(built.loss, built.model.networks[0](inputs), target)


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
