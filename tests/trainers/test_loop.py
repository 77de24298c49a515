"""A trainer of one's own, made with `Loop`, trains as `Supervised` does, and resumes to the bit."""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from repro import interruption
from repro.errors import BadInput
from repro.testing import check_trainer, same
from repro.trainers.batches import Batches
from repro.trainers.loop import Loop
from repro.trainers.supervised import Supervised
from repro.training.finite import NotFinite

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "first-paper.md"
STEPS = 12


@pytest.fixture
def descent(paper: Any) -> type:
    """The trainer that the guide shows, as a module of a paper."""
    text = GUIDE.read_text(encoding="utf-8").partition("## A training loop of your own")[2]
    (block,) = re.findall(r"```python\n(.*?)```", text.partition("\n## ")[0], re.DOTALL)
    return importlib.import_module(paper.module("trainer", block)).GradientDescent


def points(bad: int = -1) -> TensorDataset:
    x = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    y = x.sum(1, keepdim=True)
    if bad >= 0:
        y[bad] = float("nan")
    return TensorDataset(x, y)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1))


def fit(trainer: Any, folder: Path, loss: Any = None, data: Any = None) -> tuple[Any, dict[str, torch.Tensor]]:
    """One process of a training: its history, None where it was stopped, and the weights."""
    model = network()
    torch.manual_seed(1)
    folder.mkdir(exist_ok=True)
    with interruption.listening():
        try:
            history = trainer.fit(model, loss or nn.MSELoss(), data or points(), None, folder, 3)
        except interruption.Interrupted:
            history = None
    return history, dict(model.state_dict())


class Stops(nn.MSELoss):
    """Sends a signal in its step `stop`."""

    def __init__(self, stop: int) -> None:
        super().__init__()
        self.stop, self.calls = stop, 0

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if self.calls == self.stop:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().forward(output, target)


def test_it_trains_as_supervised_does(descent: Any, tmp_path: Path) -> None:
    ours = fit(descent(STEPS, 4, 0.1), tmp_path / "ours")
    theirs = fit(Supervised(STEPS, 4, functools.partial(torch.optim.SGD, lr=0.1)), tmp_path / "theirs")
    assert same(ours[1], theirs[1]) and ours[0]["curves"] == theirs[0]["curves"]


@pytest.mark.parametrize("stop", range(1, STEPS + 1))
def test_it_resumes_to_the_bit(descent: Any, tmp_path: Path, stop: int) -> None:
    whole = fit(descent(STEPS, 4, 0.1), tmp_path / "whole")
    assert fit(descent(STEPS, 4, 0.1), tmp_path / "parts", Stops(stop))[0] is None
    resumed = fit(descent(STEPS, 4, 0.1), tmp_path / "parts")
    assert same(whole[1], resumed[1]) and whole[0]["curves"] == resumed[0]["curves"]


def test_it_passes_the_checks_of_a_trainer(descent: Any) -> None:
    check_trainer(descent(STEPS, 4, 0.1), network(), nn.MSELoss(), points())


def test_nan_stops_it_at_its_step(descent: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFinite, match=r"step [1-5]: the loss is nan"):
        fit(descent(STEPS, 4, 0.1), tmp_path / "run", data=points(bad=7))
    assert len(list((tmp_path / "run" / "checkpoints").glob("failed-*"))) == 1


@pytest.mark.parametrize(
    ("steps", "batch_size", "parameter"), [(0, 4, "steps"), (5, 0, "batch_size"), (5, 21, "batch_size")]
)
def test_what_cannot_train_is_refused(
    descent: Any, tmp_path: Path, steps: int, batch_size: int, parameter: str
) -> None:
    with pytest.raises(BadInput) as caught:
        fit(descent(steps, batch_size, 0.1), tmp_path / "run")
    assert caught.value.parameter == parameter


def test_leaving_it_early_keeps_what_was_trained(tmp_path: Path) -> None:
    """A `break` ends the training: the last weights are saved, and the same call does not train again."""

    class Early:
        steps, batch_size = STEPS, 4

        def fit(self, model: Any, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int) -> dict[str, Any]:
            with Loop(self, model, loss, train, folder, order_seed) as loop:
                for number, _ in loop:
                    loop.log(torch.tensor(1.0), 0.1)
                    if number == 5:
                        break
            return loop.history()

    history, _ = fit(Early(), tmp_path / "run")
    assert history["steps"] == 5 and len(list((tmp_path / "run" / "checkpoints").glob("step-5-*"))) == 1


@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
def test_batches_that_a_thread_makes_ahead_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a GPU, a thread makes the next batch; a checkpoint after any batch gives the others."""
    plain = Batches(range(10), size=3, seed=1)
    expected = [batch.tolist() for batch in itertools.islice(plain, 7)]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    ahead, resumed = (Batches(range(10), size=3, seed=1) for _ in range(2))
    monkeypatch.undo()
    assert ahead.loader.pin_memory
    for number, batch in enumerate(itertools.islice(ahead, 7), 1):
        assert batch.tolist() == expected[number - 1]
        if number == 4:
            resumed.load_state_dict(ahead.state_dict())
    assert [batch.tolist() for batch in itertools.islice(resumed, 3)] == expected[4:]
