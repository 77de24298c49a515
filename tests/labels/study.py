"""What the tests of labels share: a small paper on digits, images of 8 x 8 pixels that need no download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

NET = """
import torch
from torch import nn
from repro.registry import MODELS

@MODELS.register
class Flat(nn.Sequential):
    '''Linear classifier of 8 x 8 pixels.'''

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(64, 10))
"""
BASE = """
import papers.{name}.net
import repro.datasets.digits
import repro.datasets.flipped
import repro.datasets.relabelled
import repro.losses.standard
import repro.metrics.classification
import repro.trainers.supervised
experiment.train = @train/datasets.Digits()
train/datasets.Digits.split = 'train'
datasets.Digits.split = 'test'
datasets.Digits.size = 8
datasets.FlippedLabels.source = @datasets.Digits()
datasets.FlippedLabels.classes = 10
experiment.test = {{'wrong': @datasets.FlippedLabels(), 'right': @datasets.Digits()}}
experiment.model = @models.Flat()
experiment.loss = @losses.CrossEntropyLoss()
experiment.metrics = [@metrics.Accuracy()]
experiment.batch = 100
experiment.trainer = @trainers.Supervised()
trainers.Supervised.steps = 150
trainers.Supervised.batch_size = 100
trainers.Supervised.optimizer = @torch.optim.Adam()
torch.optim.Adam.lr = 0.02
"""


def digits(paper: Any, name: str = "digits", more: str = "") -> Path:
    """A config that trains on digits and is tested on digits of which a tenth has a wrong label; `more`: lines."""
    if not (paper.folder / "net.py").exists():
        paper.module("net", NET)
        (paper.folder / "paper.toml").write_text('[paper]\ntitle = "t"\nauthors = ["A B"]\nyear = 2026\n')
    return Path(paper.config(name, BASE.format(name=paper.name) + more, base=""))
