"""Tests of the objectives as the configs on wsj0-2mix combine them with a network, on synthetic voices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import default_collate

from repro import config
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.spectrograms import SpectrogramSegments
from repro.datasets.voices import SyntheticVoices
from repro.experiment import binding
from repro.losses.clustering import WhitenedKMeans
from repro.registry import PARTS

CONFIGS = Path(__file__).parents[1] / "configs"
OBJECTIVES = sorted(path.stem.removeprefix("wsj0_2mix_") for path in CONFIGS.glob("wsj0_2mix_*.gin"))


@pytest.fixture(scope="module")
def batch() -> Any:
    mixtures = SpeechMixtures(SyntheticVoices("train", speakers=3, utterances=1, seconds=1.0), size=4, seconds=0.5)
    data = SpectrogramSegments(mixtures, frames=20, weights="magnitude", sources=True)
    return default_collate([data[index] for index in range(4)])


def small(name: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The network, with few cells, and the loss of the config of an objective."""
    path = CONFIGS / f"wsj0_2mix_{name}.gin"
    model, loss = (config.values(config.read(path).text)[f"experiment.{role}"].selector for role in ("model", "loss"))
    binding.bind(config.read(path, (f"{model}.hidden=6", f"{model}.layers=1", f"{model}.dropout=0.0")))
    return PARTS[model](), PARTS[loss]()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_reaches_every_weight(name: str, batch: Any) -> None:
    torch.manual_seed(0)
    model, loss = small(name)
    magnitude, target = batch
    loss(model(magnitude), target).backward()
    for parameter in model.parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any()


def test_whitened_k_means_has_a_range_of_one(batch: Any) -> None:
    """From D - 1 (equal embeddings) to D - 2 (perfect ones), for two sources in D dimensions."""
    _, target = batch
    perfect = torch.nn.functional.one_hot(target["dominant"], 10).float()
    equal = torch.zeros_like(perfect)
    equal[..., 0] = 1.0
    loss = WhitenedKMeans()
    assert float(loss(perfect, target)) == pytest.approx(8, abs=1e-2)
    assert float(loss(equal, target)) == pytest.approx(9, abs=1e-2)
