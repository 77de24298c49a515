"""Tests of the parts of this paper, with the checks of repro.testing."""

from __future__ import annotations

import functools

import torch

from papers.kinds.training.dataset import WithNoise
from papers.kinds.training.loss import LogLoss
from papers.kinds.training.model import MultilayerPerceptron
from papers.kinds.training.trainer import WeightLimited
from repro.datasets.digits import Digits
from repro.datasets.idx import Mnist
from repro.testing import check_dataset, check_loss, check_model, check_trainer, needs

OPTIMIZER = functools.partial(torch.optim.Adam, lr=0.01)


def test_noise_has_the_deviation_that_is_asked_for() -> None:
    clean = Digits("test")
    noisy = WithNoise(clean, deviation=0.3)
    check_dataset(noisy)
    difference = torch.stack([noisy[i][0] - clean[i][0] for i in range(100)])
    assert abs(difference.std() - 0.3) < 0.01


def test_model() -> None:
    check_model(MultilayerPerceptron(hidden=(8,)), inputs=torch.rand(4, 1, 28, 28))


def test_loss_is_that_of_torch() -> None:
    scores, target = torch.randn(5, 10), torch.tensor([0, 9, 3, 3, 7])
    check_loss(LogLoss(), scores, target)
    wanted = torch.nn.functional.cross_entropy(scores, target)
    assert torch.allclose(LogLoss()(scores, target), wanted)


def test_the_limit_holds() -> None:
    model = MultilayerPerceptron(hidden=(16,))
    trainer = WeightLimited(limit=0.7, steps=1, batch_size=20, optimizer=OPTIMIZER)
    check_trainer(trainer, model, LogLoss(), Digits("train"))
    norms = torch.cat([weight.norm(dim=1) for weight in model.parameters() if weight.ndim > 1])
    assert norms.max() <= 0.7 + 1e-6


@needs("mnist/test")
def test_the_real_images() -> None:
    """Skipped if the data is not on this machine."""
    check_dataset(WithNoise(Mnist("test"), deviation=0.3))
