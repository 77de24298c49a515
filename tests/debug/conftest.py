"""A config without a fault whose parts can be made faulty, and the finding of one check of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import debug
from repro.errors import Finding

PARTS = '''
import torch
from torch import nn
from torch.utils.data import Dataset

from repro.registry import DATASETS, LOSSES, MODELS


@DATASETS.register
class Blobs(Dataset):
    """Three clusters of points, with right or shuffled labels, as tensors, dicts or tokens."""

    def __init__(self, size=400, shuffled=False, alike=False, nan=False, form="tensor"):
        random = torch.Generator().manual_seed(0)
        self.labels = torch.zeros(size).long() if alike else torch.randint(3, (size,), generator=random)
        self.points = 3 * torch.eye(3, 4)[self.labels] + 0.3 * torch.randn(size, 4, generator=random)
        self.points[:, 3] = torch.nan if nan else 1
        if shuffled:
            self.labels = self.labels[torch.randperm(size, generator=random)]
        self.form = form

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        x = self.points[index]
        forms = {"tensor": x, "dict": {"x": x, "again": 2 * x}, "tokens": x.round().long().clamp(0, 3)}
        return forms[self.form], int(self.labels[index])

    def fingerprint(self):
        return self.form


class Logarithm(nn.Module):
    def forward(self, x):
        return torch.log(0 * x)


class Root(nn.Module):
    def forward(self, x):
        return torch.sqrt(0 * x)


@MODELS.register
class Net(nn.Module):
    def __init__(self, fault="", leak=False):
        super().__init__()
        self.leak, self.inner, self.outer = leak, nn.Linear(4, 8), nn.Linear(8, 3)
        self.embed = nn.Embedding(4, 4) if fault == "embedding" else nn.Identity()
        self.middle = nn.Sequential({
            "batch norm": nn.BatchNorm1d(8), "log": Logarithm(), "root": Root(), "dead": nn.Threshold(1e9, 0.0),
        }.get(fault, nn.ReLU()))
        if fault == "unused":
            self.spare = nn.Parameter(torch.ones(1))
        if fault == "frozen":
            self.inner.requires_grad_(False)

    def forward(self, x):
        x = x["x"] + x["again"] if isinstance(x, dict) else x
        x = self.embed(x).mean(1) if isinstance(self.embed, nn.Embedding) else x
        x = x + 0.1 * x.roll(1, 0) if self.leak else x
        return self.outer(self.middle(self.inner(x)))


@MODELS.register
class TwoHeads(nn.Module):
    """A network with two outputs; the second one can leak."""

    def __init__(self, leak=False):
        super().__init__()
        self.leak, self.classes, self.sizes = leak, nn.Linear(4, 3), nn.Embedding(4, 1)

    def forward(self, x):
        given = x["x"] if isinstance(x, dict) else x
        sizes = self.sizes(given.round().long().clamp(0, 3)).flatten(1) * given
        return {"classes": self.classes(given.float()), "sizes": sizes.roll(1, 0) if self.leak else sizes}

    def estimate(self, x):
        return self(x[None])["classes"][0]


@LOSSES.register
class OfBoth(nn.Module):
    def forward(self, output, target):
        return nn.functional.cross_entropy(output["classes"], target) + output["sizes"].pow(2).mean()


@LOSSES.register
class Deaf(nn.Module):
    """A loss that ignores the targets."""

    def forward(self, output, target):
        return output.pow(2).mean()


@LOSSES.register
class Infinite(nn.Module):
    def forward(self, output, target):
        return (output - output).log().sum()
'''

CONFIG = """
import {module}
import repro.losses.standard
import repro.metrics.classification
import repro.trainers.supervised
experiment.train = @train/datasets.Blobs()
experiment.test = {{'test': @datasets.Blobs()}}
experiment.metrics = [@metrics.Accuracy()]
experiment.model = @models.Net()
experiment.loss = @losses.CrossEntropyLoss()
experiment.trainer = @trainers.Supervised()
trainers.Supervised.steps = 30
trainers.Supervised.batch_size = 20
trainers.Supervised.optimizer = @torch.optim.Adam()
torch.optim.Adam.lr = 0.02
"""


@pytest.fixture
def sound(paper: Any) -> Path:
    """A config without a fault."""
    return paper.config("sound", CONFIG.format(module=paper.module("faults", PARTS)), base="")


@pytest.fixture
def look(sound: Path) -> Callable[..., Finding]:
    """The finding of one check, for the sound config with these bindings changed."""

    def call(check: str, *bindings: str) -> Finding:
        return next(found for found in debug.debug(sound, bindings) if found.name == check)

    return call
