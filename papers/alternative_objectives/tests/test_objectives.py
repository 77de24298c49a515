"""Tests of the objectives as the configs on wsj0-2mix combine them with a network, on synthetic voices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import default_collate

from repro import config
from repro.datasets.layouts import write_mixtures
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.voices import SyntheticVoices
from repro.experiment import binding
from repro.losses.clustering import WhitenedKMeans

CONFIGS = Path(__file__).parents[1] / "configs"
OBJECTIVES = sorted(path.stem.removeprefix("wsj0_2mix_") for path in CONFIGS.glob("wsj0_2mix_*.gin"))


SIZES = tuple(f"{scope}/datasets.WSJ0Mix.size=4" for scope in ("train", "valid", "test"))


@pytest.fixture(scope="module", autouse=True)
def wsj0(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Four mixtures of synthetic voices in the layout of wsj0-2mix stand for each of its sets."""
    root = tmp_path_factory.mktemp("data")
    mixtures = SpeechMixtures(SyntheticVoices("train", speakers=3, utterances=1, seconds=4.0), size=4, seconds=3.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_DATA", str(root))
        for split in ("tr", "cv", "tt"):
            write_mixtures(mixtures, root / "wsj0-2mix", split)
        yield


def built(name: str) -> Any:
    """The experiment of the config of an objective, with few cells and four mixtures."""
    path = CONFIGS / f"wsj0_2mix_{name}.gin"
    model = config.values(config.read(path).text)["experiment.model"].selector
    small = (f"{model}.hidden=6", f"{model}.layers=1", f"{model}.dropout=0.0")
    return binding.build(config.read(path, (*small, *SIZES)))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_reaches_every_weight(name: str) -> None:
    torch.manual_seed(0)
    found = built(name)
    magnitude, target = default_collate([found.train[index] for index in range(4)])
    found.loss(found.model(magnitude), target).backward()
    for parameter in found.model.parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any()


def test_whitened_k_means_has_a_range_of_one() -> None:
    """From D - 1 (equal embeddings) to D - 2 (perfect ones), for two sources in D dimensions."""
    train = built("whitened_k_means").train
    _, target = default_collate([train[index] for index in range(4)])
    perfect = torch.nn.functional.one_hot(target["dominant"], 10).float()
    equal = torch.zeros_like(perfect)
    equal[..., 0] = 1.0
    loss = WhitenedKMeans()
    assert float(loss(perfect, target)) == pytest.approx(8, abs=1e-2)
    assert float(loss(equal, target)) == pytest.approx(9, abs=1e-2)
