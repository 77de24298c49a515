"""A run of an adversarial training from its config: the record has pictures of samples, and `repro debug` passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from repro.record import read
from repro.testing import check_smoke

METRIC = """
from repro.metrics import Identity
from repro.registry import METRICS

@METRICS.register
class Difference:
    identity = Identity("Difference", "lower")

    def __call__(self, estimate, target, inputs):
        return float((estimate - target).abs().mean())
"""
CONFIG = """
import repro.datasets.digits
import repro.datasets.latent
import repro.losses.adversarial
import {module}
import repro.models.adversarial
import repro.trainers.adversarial

experiment.train = @datasets.Latent()
experiment.valid = @test/datasets.Latent()
experiment.test = {{'test': @test/datasets.Latent()}}
datasets.Latent.source = @train/datasets.Digits()
train/datasets.Digits.split = 'train'
test/datasets.Latent.source = @test/datasets.Digits()
test/datasets.Digits.split = 'test'
datasets.Digits.size = 8
datasets.Latent.size = 20
datasets.Latent.labels = True
datasets.Latent.classes = 10

experiment.model = @models.Adversarial()
models.Adversarial.generator = @models.DenseGenerator()
models.Adversarial.discriminator = @models.MaxoutDiscriminator()
models.DenseGenerator.noise = 20
models.DenseGenerator.hidden = (32,)
models.DenseGenerator.shape = (1, 8, 8)
models.DenseGenerator.classes = 10
models.DenseGenerator.paths = (8, 16)
models.MaxoutDiscriminator.layers = ((16, 2), (16, 2))
models.MaxoutDiscriminator.shape = (1, 8, 8)
models.MaxoutDiscriminator.classes = 10
models.MaxoutDiscriminator.label_layer = (8, 2)

experiment.loss = @losses.NonSaturating()
experiment.trainer = @trainers.Adversarial()
trainers.Adversarial.steps = 60
trainers.Adversarial.batch_size = 50
trainers.Adversarial.generator_optimizer = @generator/torch.optim.SGD()
trainers.Adversarial.discriminator_optimizer = @torch.optim.SGD()
torch.optim.SGD.lr = 0.05
torch.optim.SGD.momentum = 0.5
generator/torch.optim.SGD.lr = 0.1
trainers.Adversarial.generator_schedule = @repro.trainers.schedules.RisingMomentum()
trainers.Adversarial.discriminator_schedule = @repro.trainers.schedules.RisingMomentum()
repro.trainers.schedules.RisingMomentum.steps = 100
trainers.Adversarial.valid_every = 20
trainers.Adversarial.shown = {{'samples': @datasets.LatentGrid(), 'walk': @walk/datasets.LatentGrid()}}
datasets.LatentGrid.size = 20
datasets.LatentGrid.classes = 10
walk/datasets.LatentGrid.rows = 1
walk/datasets.LatentGrid.walk = True

experiment.metrics = [@metrics.Difference()]
experiment.examples = 2
experiment.batch = 50
"""


@pytest.fixture
def config(paper: Any) -> Path:
    """The config of an adversarial training on digits with labels, in a paper of its own."""
    path: Path = paper.config("smoke", CONFIG.format(module=paper.module("metric", METRIC)), base="")
    return path


def test_the_record_shows_samples_and_walks_during_the_training(config: Path, repro: Any) -> None:
    code, out, err = repro("run", config)
    assert code == 0, err
    found = read(Path(out.strip()))
    first, second = found.examples
    labels = [panel["label"] for panel in first["panels"]]
    drawn = [f"{name} after {step} steps" for name in ("samples", "walk") for step in (20, 40, 60)]
    assert labels == ["sample", "real image of this item", *drawn] and len(second["panels"]) == 2
    folder = next(Path(out.strip()).parent.rglob(first["panels"][2]["image"])).parent
    sizes = {path.name: Image.open(path).size for path in folder.iterdir()}
    assert {(80, 80), (80, 8), (8, 8)} == set(sizes.values()) and len(sizes) == 10
    assert sum(path.stat().st_size for path in folder.iterdir()) < 60_000
    assert set(found.curves) == {"train", "valid", "discriminator", "accuracy of the discriminator", "diversity"}


def test_debug_checks_both_networks(config: Path, repro: Any) -> None:
    code, out, _ = repro("debug", config)
    heads = [line.split()[:2] for line in out.splitlines() if not line.startswith(" ")]
    assert (code, heads) == (0, [["ok", "finite"], ["ok", "gradients"], ["ok", "leakage"]]), out


def test_check_smoke_checks_both_networks(config: Path, paper: Any) -> None:
    torch.manual_seed(0)
    check_smoke(paper.folder)


@pytest.mark.parametrize(
    "wrong",
    ["trainers.Adversarial.generator_every = 0", "trainers.Adversarial.generator_every = 0.5",
     "datasets.Latent.kind = 'gaussian'", "models.DenseGenerator.classes = 7",
     "models.MaxoutDiscriminator.classes = 7", "datasets.LatentGrid.columns = 1",
     "repro.trainers.schedules.RisingMomentum.momentum = 2.0", "experiment.loss = @losses.MSELoss()",
     "trainers.Adversarial.shown = {'A B': @datasets.LatentGrid()}"],
)  # fmt: skip
def test_a_wrong_value_is_one_line(config: Path, refused: Any, wrong: str) -> None:
    refused("run", config, "--set", wrong)
