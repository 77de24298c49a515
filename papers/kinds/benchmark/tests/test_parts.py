"""Tests of the parts of this paper, with the checks of repro.testing."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import nn

from papers.kinds.benchmark.model import FirstModel, SecondModel
from repro.datasets.digits import Digits
from repro.datasets.idx import Mnist
from repro.testing import check_dataset, check_model, check_trainer, needs
from repro.trainers.supervised import Supervised


@pytest.mark.parametrize("model", [FirstModel, SecondModel])
def test_a_model_learns_one_batch(model: type[nn.Module]) -> None:
    check_model(model(), inputs=torch.rand(4, 1, 28, 28))
    trainer = Supervised(steps=1, batch_size=20, optimizer=functools.partial(torch.optim.Adam, lr=0.01))
    check_trainer(trainer, model(), nn.CrossEntropyLoss(), Digits("train"))


@needs("mnist/test")
def test_the_real_images() -> None:
    """Skipped if the data is not on this machine."""
    check_dataset(Mnist("test"))
