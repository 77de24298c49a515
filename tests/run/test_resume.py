"""A training that is stopped and goes on is the one that was never stopped: same bits, same order, same curves."""

from __future__ import annotations

import functools
import json
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import Dataset

from repro import interruption
from repro.testing import same
from repro.trainers.best import Best
from repro.trainers.supervised import Supervised

STEPS = 40
ADAM = functools.partial(torch.optim.Adam, lr=1e-2)
MOMENTUM = functools.partial(torch.optim.SGD, lr=1e-2, momentum=0.9)


class Points(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """21 points, others in each pass, and which of them were read: 5 batches of 4 a pass, and one item left over."""

    def __init__(self, seed: int = 0) -> None:
        self.seed, self.epoch = seed, 0

    def __len__(self) -> int:
        return 21

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = torch.Generator().manual_seed(1000 * self.seed + 100 * self.epoch + index)
        x = torch.rand(3, generator=drawn)
        return torch.cat([x, torch.tensor([float(index)])]), x.sum(0, keepdim=True)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch


class Network(nn.Module):
    """With dropout, and with what a batch changes beside the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x[:, :3])


class Stopped(Supervised):
    """Sends itself a signal in the steps `stops`, counted over training and validation; `order`: the items of each."""

    stops: Iterable[int] = ()
    number = signal.SIGTERM

    def step(self, model: nn.Module, loss: nn.Module, batch: Any) -> torch.Tensor:
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls in self.stops:
            os.kill(os.getpid(), self.number)
        if model.training:
            self.order = [*getattr(self, "order", []), batch[0][:, 3].tolist()]
        return super().step(model, loss, batch)


def train(folder: Path, trainer: Any, loss: nn.Module | None = None) -> tuple[dict[str, Any] | None, nn.Module]:
    """One process: from nothing, or from what is in `folder`; no history where it was stopped."""
    torch.manual_seed(0)
    model = Network()
    torch.manual_seed(1)
    folder.mkdir(exist_ok=True)
    with interruption.listening():
        try:
            return trainer.fit(model, loss or nn.MSELoss(), Points(), Points(1), folder, 3), model
        except interruption.Interrupted:
            return None, model


def rows(folder: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "time"} for row in found]


def events(folder: Path) -> list[tuple[str, int]]:
    """Every scalar that stands in any event file, also where TensorBoard would hide one."""
    paths = sorted((folder / "tensorboard").iterdir())
    found = (event for path in paths for event in EventFileLoader(str(path)).Load())
    return [(value.tag, event.step) for event in found for value in event.summary.value]


CASES: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": ADAM},
    "momentum and a fixed clip": {"optimizer": MOMENTUM, "clip_norm": 0.5},
    "autoclip": {"optimizer": ADAM, "clip_percentile": 10.0},
    "one cycle": {
        "optimizer": MOMENTUM,
        "schedule": functools.partial(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=STEPS),
    },
    "plateau": {
        "optimizer": ADAM,
        "schedule": functools.partial(lr_scheduler.ReduceLROnPlateau, patience=0),
        "valid_every": 3,
    },
    "the best of several validations": {"optimizer": ADAM, "valid_every": 7},
    "patience": {"optimizer": functools.partial(torch.optim.SGD, lr=0.3), "valid_every": 2, "patience": 3},
    "workers": {"optimizer": ADAM, "workers": 2},
}


@pytest.mark.parametrize("name", CASES)
def test_stopped_anywhere_it_ends_with_the_same_bits(name: str, tmp_path: Path) -> None:
    straight = Stopped(steps=STEPS, batch_size=4, **CASES[name])
    history, model = train(tmp_path / "straight", straight)
    assert history
    parts: list[Stopped] = []
    for stop in (
        1,
        4,
        3,
        7,
        2,
        1,
        0,
    ):  # of each process: after how many calls the signal comes; a pass has five batches
        part = Stopped(steps=STEPS, batch_size=4, **CASES[name])
        part.stops = [stop]
        again, other = train(tmp_path / "stopped", part)
        parts.append(part)
    while not again:
        again, other = train(tmp_path / "stopped", parts[-1])
    assert same(dict(model.state_dict()), dict(other.state_dict()))
    assert (again["steps"], again["curves"]) == (history["steps"], history["curves"])
    assert [items for part in parts for items in getattr(part, "order", [])] == straight.order
    assert rows(tmp_path / "stopped") == rows(tmp_path / "straight")
    assert sorted(events(tmp_path / "stopped")) == sorted(events(tmp_path / "straight"))
    for kind in ("last", *(["best"] if "valid_every" in CASES[name] else [])):
        one, two = (
            load_file(tmp_path / run / "checkpoints" / f"{kind}.safetensors") for run in ("straight", "stopped")
        )
        assert same(one, two), kind


def test_what_was_noted_after_the_checkpoint_is_taken_back(tmp_path: Path) -> None:
    """As a kill leaves it: a checkpoint, and lines of later steps, the last one cut off."""
    trainer = Stopped(steps=STEPS, batch_size=4, **CASES["plateau"])
    train(tmp_path / "straight", trainer)
    early = Stopped(steps=STEPS, batch_size=4, **CASES["plateau"])
    early.stops = [11]  # in step 5: a validation, after every third step, has six batches
    train(tmp_path / "killed", early)
    late = (tmp_path / "straight" / "metrics.jsonl").read_text()
    (tmp_path / "killed" / "metrics.jsonl").write_text(late[: len(late) * 2 // 3])
    train(tmp_path / "killed", Stopped(steps=STEPS, batch_size=4, **CASES["plateau"]))
    assert rows(tmp_path / "killed") == rows(tmp_path / "straight")
    assert sorted(events(tmp_path / "killed")) == sorted(events(tmp_path / "straight"))


def test_the_best_weights_may_be_of_a_process_before(tmp_path: Path) -> None:
    model = nn.Linear(1, 1)
    before = Best(model, tmp_path)
    before.keep(1, 0.5)
    best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    nn.init.constant_(model.weight, 9.0)
    after = Best(model, tmp_path)
    after.load_state_dict(before.state_dict())
    after.keep(2, 0.7)
    after.close()
    assert same(dict(model.state_dict()), best) and not same(load_file(tmp_path / "last.safetensors"), best)
