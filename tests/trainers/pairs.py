"""Small pairs of networks, images, and a training of them, for the tests of adversarial training."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from repro import interruption
from repro.losses.adversarial import NonSaturating
from repro.models.adversarial import Adversarial as Pair
from repro.models.adversarial import DenseGenerator, MaxoutDiscriminator
from repro.trainers.adversarial import Adversarial
from repro.trainers.schedules import RisingMomentum

STEPS, ITEMS, SIDE = 12, 24, 3
SGD = functools.partial(torch.optim.SGD, lr=0.1, momentum=0.5)
ADAM = functools.partial(torch.optim.Adam, lr=0.01)
RISING: dict[str, Any] = dict.fromkeys(
    ("generator_schedule", "discriminator_schedule"),
    functools.partial(RisingMomentum, momentum=0.9, steps=8, factor=1.01),
)
ACCURACY = "accuracy of the discriminator"


class Convolutional(nn.Module):
    """A small discriminator with a score for every pixel, and batch normalisation, if asked."""

    def __init__(self, norm: bool) -> None:
        super().__init__()
        kinds = nn.BatchNorm2d(4) if norm else nn.Identity()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), kinds, nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 1))

    def forward(self, images: Tensor, inputs: Any) -> Tensor:
        found: Tensor = self.layers(images)
        return found


class WithNorm(nn.Sequential):
    """A generator with batch normalisation and dropout."""

    def __init__(self, dropout: float) -> None:
        super().__init__(
            *(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, SIDE**2)),
            nn.Unflatten(1, (1, SIDE, SIDE)),
        )


def images(bad: int = -1) -> TensorDataset:
    random = torch.Generator().manual_seed(0)
    real = torch.rand(ITEMS, 1, SIDE, SIDE, generator=random)
    if bad >= 0:
        real[bad] = math.nan
    return TensorDataset(torch.randn(ITEMS, 4, generator=random), real)


def pair(norm: bool = False, dropout: float = 0.3) -> Pair:
    torch.manual_seed(0)
    return Pair(WithNorm(dropout), Convolutional(norm))


def dense() -> Pair:
    torch.manual_seed(0)
    generator = DenseGenerator(noise=4, hidden=[8], shape=(1, SIDE, SIDE), mean_start=True)
    return Pair(generator, MaxoutDiscriminator(layers=[(8, 2)], shape=(1, SIDE, SIDE), spread=0.1))


def fit(
    folder: Path, model: Pair | None = None, loss: Any = None, data: Any = None, **more: Any
) -> tuple[Any, dict[str, Tensor]]:
    """One process of a training: its history, None where it was stopped, and the weights."""
    model = model or pair()
    given = {"steps": STEPS, "batch_size": 8, "generator_optimizer": SGD, "discriminator_optimizer": SGD} | more
    torch.manual_seed(1)
    folder.mkdir(exist_ok=True)
    with interruption.listening():
        try:
            trainer, data = Adversarial(**given), data or images()
            history = trainer.fit(model, loss or NonSaturating(), data, data, folder, 3)
        except interruption.Interrupted:
            history = None
    return history, dict(model.state_dict())
