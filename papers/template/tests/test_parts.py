"""Tests of the parts of this paper, with the checks of repro.testing."""

from __future__ import annotations

import functools

import torch
from torch.utils.data import default_collate

from papers.template.dataset import NoisyLine
from papers.template.loss import MeanSquare
from papers.template.metric import SquaredError
from papers.template.model import Line
from repro.testing import check_dataset, check_loss, check_metric, check_model, check_trainer
from repro.trainers.supervised import Supervised


def test_dataset() -> None:
    check_dataset(NoisyLine(size=8))


def test_model() -> None:
    check_model(Line(), inputs=torch.rand(4, 1))


def test_loss_is_that_of_torch() -> None:
    output, target = torch.rand(5, 1), torch.rand(5, 1)
    check_loss(MeanSquare(), output, target)
    assert torch.allclose(MeanSquare()(output, target), torch.nn.functional.mse_loss(output, target))


def test_metric() -> None:
    inputs, target = NoisyLine(size=1)[0]
    check_metric(SquaredError(), torch.zeros(1), target, inputs)


def test_training_finds_the_line() -> None:
    data, model = NoisyLine(size=50), Line()
    trainer = Supervised(steps=1, batch_size=50, optimizer=functools.partial(torch.optim.SGD, lr=0.3))
    check_trainer(trainer, model, MeanSquare(), data)
    inputs, target = default_collate([data[i] for i in range(len(data))])
    slope, offset = torch.linalg.lstsq(torch.cat([inputs, torch.ones_like(inputs)], 1), target).solution.flatten()
    assert torch.allclose(torch.stack([model.slope[0], model.offset[0]]), torch.stack([slope, offset]), atol=0.02)
