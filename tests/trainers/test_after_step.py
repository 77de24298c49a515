"""The hook after a step of the optimizer, the state of a trainer in its checkpoints, and unlike precisions in turn."""

from __future__ import annotations

import functools
import importlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from repro import interruption
from repro.errors import BadInput
from repro.testing import same
from repro.trainers.supervised import Supervised

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "first-paper.md"
ADAM = functools.partial(torch.optim.Adam, lr=1e-2)
STEPS = 12


def points(seed: int = 0) -> TensorDataset:
    x = torch.randn(20, 3, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(x, x.sum(1, keepdim=True))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1))


def fit(trainer: Any, folder: Path) -> tuple[dict[str, Any] | None, dict[str, torch.Tensor]]:
    """One process of a training: its history, None where it was stopped, and the weights."""
    model = network()
    torch.manual_seed(1)
    folder.mkdir(exist_ok=True)
    with interruption.listening():
        try:
            history = trainer.fit(model, nn.MSELoss(), points(), None, folder, 3)
        except interruption.Interrupted:
            history = None
    return history, dict(model.state_dict())


class MaxNorm(Supervised):
    """Every row of a matrix of weights has a norm of at most `limit`."""

    limit = 0.3

    def after_step(self, model: nn.Module) -> None:
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.copy_(weight.renorm(2, 0, self.limit))


class Looking(Supervised):
    """Remembers what the hook saw."""

    def after_step(self, model: nn.Module) -> None:
        assert not torch.is_grad_enabled()
        self.seen = [*getattr(self, "seen", []), [p.detach().clone() for p in model.parameters()]]


def test_a_constraint_holds_after_every_step(tmp_path: Path) -> None:
    _, weights = fit(MaxNorm(STEPS, 4, ADAM), tmp_path / "limited")
    _, free = fit(Supervised(STEPS, 4, ADAM), tmp_path / "free")
    matrices = [name for name, weight in weights.items() if weight.ndim == 2]
    assert all(float(weights[name].norm(dim=1).max()) <= MaxNorm.limit * 1.001 for name in matrices)
    assert any(float(free[name].norm(dim=1).max()) > MaxNorm.limit * 1.1 for name in matrices)


def test_the_hook_sees_the_weights_after_each_step_and_moves_no_bits(tmp_path: Path) -> None:
    trainer = Looking(STEPS, 4, ADAM)
    history, weights = fit(trainer, tmp_path / "looking")
    plain, other = fit(Supervised(STEPS, 4, ADAM), tmp_path / "plain")
    assert same(weights, other) and history and plain and history["curves"] == plain["curves"]
    assert len(trainer.seen) == STEPS
    model = network()
    assert same(trainer.seen[-1], [weights[name] for name, _ in model.named_parameters()])
    assert not same(trainer.seen[0], [p.detach() for p in model.parameters()]), "after the first step, not before it"


@pytest.fixture
def averaged(paper: Any) -> type:
    """The trainer that the guide shows, as a module of a paper."""
    text = GUIDE.read_text(encoding="utf-8").partition("## A trainer of your own")[2]
    (block,) = re.findall(r"```python\n(.*?)```", text.partition("\n## ")[0], re.DOTALL)
    return importlib.import_module(paper.module("trainer", block)).Averaged


def stopping(cls: type, stop: int) -> Any:
    """A trainer that sends itself a signal in its step `stop`, of this process; 0: in none."""

    class Stopped(cls):  # type: ignore[misc, valid-type]
        calls = 0

        def step(self, *given: Any) -> torch.Tensor:
            self.calls += 1
            if self.calls == stop:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().step(*given)

    return Stopped(decay=0.8, steps=STEPS, batch_size=4, optimizer=ADAM)


def test_the_average_is_the_one_written_out(averaged: Any, tmp_path: Path) -> None:
    looking = Looking(STEPS, 4, ADAM)
    fit(looking, tmp_path / "looking")
    average = looking.seen[0]
    for weights in looking.seen[1:]:
        average = [0.8 * a + 0.2 * w for a, w in zip(average, weights, strict=True)]
    _, found = fit(averaged(decay=0.8, steps=STEPS, batch_size=4, optimizer=ADAM), tmp_path / "averaged")
    for (name, _), wanted in zip(network().named_parameters(), average, strict=True):
        torch.testing.assert_close(found[name], wanted)


@pytest.mark.parametrize("stops", [(1, 4, 2), (STEPS,), (5, 1, 1, 1)])
def test_a_stopped_training_with_an_average_has_the_same_bits(
    averaged: Any, stops: tuple[int, ...], tmp_path: Path
) -> None:
    _, straight = fit(stopping(averaged, 0), tmp_path / "straight")
    for stop in stops:
        history, _ = fit(stopping(averaged, stop), tmp_path / "stopped")
        assert history is None or stop == STEPS
    history, weights = fit(stopping(averaged, 0), tmp_path / "stopped")
    assert history and same(straight, weights)
    assert same(fit(stopping(averaged, 0), tmp_path / "stopped")[1], straight), "and so has one that is over already"


def test_a_trainer_that_trains_twice_begins_its_average_anew(averaged: Any, tmp_path: Path) -> None:
    trainer = averaged(decay=0.8, steps=STEPS, batch_size=4, optimizer=ADAM)
    assert same(fit(trainer, tmp_path / "one")[1], fit(trainer, tmp_path / "two")[1])


def test_the_example_names_its_binding(averaged: Any, paper: Any, refused: Any) -> None:
    text = f"import papers.{paper.name}.trainer\nexperiment.trainer = @trainers.Averaged()\n"
    names = ("steps = 2", "batch_size = 10", "optimizer = @torch.optim.SGD()", "decay = 1.5")
    path = paper.config("bad", text + "".join(f"trainers.Averaged.{name}\n" for name in names))
    base = paper.folder / "configs" / "base.gin"
    base.write_text("".join(row for row in base.read_text().splitlines(True) if "trainers.Supervised." not in row))
    smoke = paper.folder / "configs" / "smoke.gin"
    smoke.write_text("".join(row for row in smoke.read_text().splitlines(True) if "trainers.Supervised." not in row))
    assert "bad.gin:7: trainers.Averaged.decay is 1.5; expected a number from 0, below 1" in refused("run", path)


@pytest.mark.parametrize("lacks", ["load_state_dict", "state_dict"])
def test_a_trainer_with_half_of_a_state_is_refused_before_it_trains(lacks: str, tmp_path: Path) -> None:
    has = {"load_state_dict", "state_dict"} - {lacks}
    half = type("Half", (Supervised,), {name: lambda self, *_: {} for name in has})
    with pytest.raises(BadInput, match=f"the trainer \\(Half\\) has no {lacks}\\(\\)"):
        half(STEPS, 4, ADAM).fit(network(), nn.MSELoss(), points(), None, tmp_path, 0)


ALONE = """
import sys, torch, pathlib, tempfile
from trainers.test_after_step import ADAM, STEPS, Supervised, fit
trainer = Supervised(STEPS, 4, ADAM, precision=sys.argv[1])
torch.save(fit(trainer, pathlib.Path(tempfile.mkdtemp()))[1], sys.argv[2])
"""


@pytest.mark.slow
def test_unlike_precisions_in_one_process_are_those_of_fresh_ones(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    alone = {}
    for precision in ("no", "bf16"):
        path = tmp_path / f"{precision}.pt"
        env = {**os.environ, "PYTHONPATH": f"{root}:{root / 'tests'}"}
        subprocess.run([sys.executable, "-c", ALONE, precision, path], check=True, cwd=root, env=env)
        alone[precision] = torch.load(path, weights_only=True)
    assert not same(alone["no"], alone["bf16"])
    for number, precision in enumerate(("no", "bf16", "no")):
        trainer = Supervised(STEPS, 4, ADAM, precision=precision)  # type: ignore[arg-type]
        assert same(fit(trainer, tmp_path / str(number))[1], alone[precision]), (number, precision)
