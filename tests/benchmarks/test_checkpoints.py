"""What checkpointing, recording and watching cost: the seconds of a training that go into each, against the rest of it.

Measured within one training, by a clock around each call, so that a machine that others use does not change the ratio.
"""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.spectrograms import SpectrogramSegments
from repro.datasets.voices import SyntheticVoices
from repro.losses.clustering import DeepClustering
from repro.models.separation import EmbeddingNetwork
from repro.trainers.supervised import Supervised
from repro.training.checkpoints import Checkpoints
from repro.training.finite import FiniteCheck
from repro.training.metrics_log import MetricsLog

SECONDS = 75.0  # longer than the time between two checkpoints
CALLS = {
    "checkpoints": [(Checkpoints, "after"), (Checkpoints, "save")],
    "recording": [(MetricsLog, "step")],
    "watching": [(FiniteCheck, "begin"), (FiniteCheck, "check")],
}


class Clock:
    """Seconds spent within some functions, a function within another counted once."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.inside = False

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*given: Any) -> Any:
            if self.inside:
                return function(*given)
            self.inside, began = True, time.perf_counter()
            try:
                return function(*given)
            finally:
                self.inside = False
                self.spent[name] += time.perf_counter() - began

        return timed


def test_share_of_a_step(benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPRO_CHECKPOINT_SECONDS", raising=False)
    clock = Clock()
    for name, functions in CALLS.items():
        for owner, called in functions:
            monkeypatch.setattr(owner, called, clock.around(name, getattr(owner, called)))
    data = SpectrogramSegments(SpeechMixtures(SyntheticVoices("train", speakers=4, utterances=2), size=64), frames=64)
    model, loss = EmbeddingNetwork(hidden=96, embedding=12), DeepClustering()
    adam = functools.partial(torch.optim.Adam, lr=1e-3)
    for name in ("short", "long"):
        (tmp_path / name).mkdir()
    speed = Supervised(40, 16, adam, clip_norm=1.0).fit(model, loss, data, None, tmp_path / "short", 0)
    steps = int(SECONDS * speed["items_per_second"] / 16)
    clock.spent.clear()
    trainer = Supervised(steps, 16, adam, clip_norm=1.0)
    history = benchmark.pedantic(trainer.fit, (model, loss, data, None, tmp_path / "long", 0), rounds=1)
    total = history["steps"] * 16 / history["items_per_second"]
    for name, seconds in clock.spent.items():
        benchmark.extra_info[name] = round(seconds / total, 5)
    kept = (clock.spent["checkpoints"] + clock.spent["recording"]) / total
    shares = ", ".join(f"{name} {seconds / total:.2%}" for name, seconds in clock.spent.items())
    print(f"\nshare of the training's time: {shares}; checkpoints and recording {kept:.2%} (wanted: at most 1 %)")
