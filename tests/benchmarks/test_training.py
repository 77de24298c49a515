"""Items per second of `Supervised` against a bare loop on the same model, data and optimizer, alternating."""

from __future__ import annotations

import functools
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, RandomSampler

from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.spectrograms import SpectrogramSegments
from repro.datasets.voices import SyntheticVoices
from repro.losses.clustering import DeepClustering
from repro.models.separation import EmbeddingNetwork
from repro.trainers.supervised import Supervised

STEPS, BATCH = 40, 16


def bare(model: Any, loss: Any, data: Any) -> float:
    """Items per second of the loop that one would write without this project."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(data, BATCH, sampler=RandomSampler(data), drop_last=True)
    began, step = time.perf_counter(), 0
    while step < STEPS:
        for inputs, target in loader:
            loss(model(inputs), target).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            if step == STEPS:
                break
    return STEPS * BATCH / (time.perf_counter() - began)


def test_items_per_second(benchmark: Any, measured: Any, tmp_path: Path) -> None:
    corpus = SyntheticVoices("train", speakers=4, utterances=2)
    data = SpectrogramSegments(SpeechMixtures(corpus, size=64), frames=64)
    assert len([data[index] for index in range(len(data))]) == 64  # every voice is made before the clock runs
    model, loss = EmbeddingNetwork(hidden=96, embedding=12), DeepClustering()
    trainer = Supervised(STEPS, BATCH, functools.partial(torch.optim.Adam, lr=1e-3), clip_norm=1.0)

    def ours() -> float:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))  # in one that was used, the training would be over
        return float(trainer.fit(model, loss, data, None, folder, 0)["items_per_second"])

    bare(model, loss, data)
    ratios = [ours() / bare(model, loss, data) for _ in range(5)]
    benchmark.pedantic(ours, rounds=1)
    ratio = statistics.median(ratios)
    benchmark.extra_info["ratio_to_bare_loop"] = round(ratio, 3)
    measured("training with Supervised", f"{ratio:.2f} times the items per second of a bare loop", "at least 0.97")
