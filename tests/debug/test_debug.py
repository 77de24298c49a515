"""`repro debug`: a config without a fault passes, and each planted fault is found and named."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from repro import debug
from repro.claim import paper as papers
from repro.debug import probes
from repro.debug.training import Schedule

CHECKS = ["finite", "gradients", "leakage", "targets", "overfit"]


def test_a_sound_config_passes(sound: Path, paper: Any, repro: Any) -> None:
    code, out, _ = repro("debug", sound)
    heads = [line.split()[:2] for line in out.splitlines() if not line.startswith(" ")]
    assert (code, heads) == (0, [["ok", check] for check in CHECKS]), out
    assert "Accuracy: " in out and out.endswith(", 1 after\n")
    assert not Path("runs").exists() and not list(paper.records.glob("*-seed*")), "it must write nothing"


def test_a_fault_is_an_exit_code(sound: Path, repro: Any) -> None:
    code, out, _ = repro("debug", sound, "--set", "models.Net.fault = 'log'")
    assert code == 1 and out.startswith("FAULT  finite ") and out.count("\n") == 1, "the other checks are not made"


@pytest.mark.parametrize(("bindings", "check", "words"), [
    (["models.Net.fault = 'batch norm'"], "leakage", "in training mode only (batch normalisation does this)"),
    (["models.Net.leak = True"], "leakage", "in training and evaluation mode\nitem 0: on item 7"),
    (["models.Net.fault = 'unused'"], "gradients", "spare: no gradient"),
    (["models.Net.fault = 'frozen'"], "gradients", "inner.bias: frozen"),
    (["models.Net.fault = 'dead'"], "gradients", "inner.weight: a gradient of zero"),
    (["models.Net.fault = 'log'"], "finite", "from 'middle.0' (Logarithm), in the forward pass"),
    (["models.Net.fault = 'root'"], "finite", "from 'middle.0' (Root), in the backward pass"),
    (["train/datasets.Blobs.nan = True"], "finite", "the items of the batch contain numbers that are not finite"),
    (["experiment.loss = @losses.Infinite()"], "finite", "from the loss, which is -inf"),
    (["experiment.loss = @losses.Deaf()"], "targets", "the loss does not depend on them"),
    (["train/datasets.Blobs.shuffled = True"], "targets", "either the targets belong to other inputs, or they"),
    (["torch.optim.Adam.lr = 0.0"], "overfit", "20 items, 1000 steps: the loss went from"),
    (["torch.optim.Adam.lr = 1e30"], "overfit", "training on one batch of 20 items fails: step 2: the loss is"),
])  # fmt: skip
def test_a_planted_fault_is_found_and_named(look: Any, bindings: list[str], check: str, words: str) -> None:
    found = look(check, *bindings)
    assert found.ok is False and words in found.says, found


@pytest.mark.parametrize("form", ["tensor", "dict", "tokens"])
@pytest.mark.parametrize("leak", [False, True])
def test_leakage_is_found_whatever_the_inputs_are(look: Any, form: str, leak: bool) -> None:
    """Gradients are used, or an exchange of inputs for tokens, which have no gradients."""
    fault = "models.Net.fault = 'embedding'" if form == "tokens" else "models.Net.fault = ''"
    found = look("leakage", f"datasets.Blobs.form = '{form}'", fault, f"models.Net.leak = {leak}")
    assert found.ok is not leak, found


HEADS = ("experiment.model = @models.TwoHeads()", "experiment.loss = @losses.OfBoth()")


def test_a_network_may_have_several_outputs(sound: Path) -> None:
    found = list(debug.debug(sound, HEADS))
    assert [(one.name, one.ok) for one in found] == [(check, True) for check in CHECKS], found


@pytest.mark.parametrize("form", ["tensor", "dict", "tokens"])
@pytest.mark.parametrize("leak", [False, True])
def test_leakage_into_any_of_several_outputs_is_found(look: Any, form: str, leak: bool) -> None:
    found = look("leakage", *HEADS, f"datasets.Blobs.form = '{form}'", f"models.TwoHeads.leak = {leak}")
    assert found.ok is not leak, found


@pytest.mark.parametrize(("bindings", "check", "words"), [
    (["train/datasets.Blobs.size = 60"], "targets", "60 training items are too few"),
    (["train/datasets.Blobs.alike = True"], "targets", "all targets of the batch are equal"),
    (["trainers.Supervised.batch_size = 1"], "leakage", "the batch has only one item"),
])  # fmt: skip
def test_what_cannot_be_told_is_no_fault(look: Any, bindings: list[str], check: str, words: str) -> None:
    found = look(check, *bindings)
    assert found.ok is None and words in found.says, found


def test_a_schedule_is_run_through(look: Any) -> None:
    """The rate rises slowly. Without the schedule, or with only its first steps, nothing would be learned."""
    once = [f"torch.optim.lr_scheduler.OneCycleLR.{key}" for key in ("max_lr = 0.1", "total_steps = 5000")]
    used = ["trainers.Supervised.schedule = @torch.optim.lr_scheduler.OneCycleLR()", "trainers.Supervised.steps = 5000"]
    found = look("overfit", *used, *once, "torch.optim.Adam.lr = 1e-9")
    assert found.ok and "20 items, 100 steps" in found.says, found


@pytest.mark.parametrize(("bindings", "words"), [
    (["experiment.trainer = None"], "the config has no experiment.trainer"),
    (["experiment.loss = None"], "the config has no experiment.loss"),
    (["import repro.trainers.fit_once", "experiment.trainer = @trainers.FitOnce()"], "FitOnce, without steps"),
    (["trainers.Supervised.batch_size = 0"], "Supervised, without batch_size"),
    (["models.Net.falt = 'x'"], "did you mean 'fault'"),
])  # fmt: skip
def test_what_does_not_train_by_steps_is_refused_in_one_line(
    sound: Path, refused: Any, bindings: list[str], words: str
) -> None:
    assert words in refused("debug", sound, *(word for binding in bindings for word in ("--set", binding)))


def test_a_paper_without_training_is_refused(refused: Any) -> None:
    assert "no experiment.trainer" in refused("debug", papers.find("raff2019").folder / "configs" / "table1.gin")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(papers.folders()) - {"raff2019"}))
def test_every_smoke_config_passes(name: str) -> None:
    findings = list(debug.debug(papers.find(name).folder / "configs" / "smoke.gin"))
    assert [str(finding) for finding in findings if finding.ok is False] == [] and len(findings) == 5


class Mixed(nn.Module):
    """Each output is a weighted sum of inputs (of their embeddings if `tokens`); `matrix` has the weights."""

    def __init__(self, matrix: torch.Tensor, tokens: bool) -> None:
        super().__init__()
        self.matrix, self.embed = matrix, nn.Embedding(8, 3) if tokens else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tensordot(self.matrix, self.embed(x), 1)


@settings(max_examples=30)
@given(
    matrix=st.lists(st.lists(st.sampled_from([0.0, 0.5, -2.0]), min_size=4, max_size=4), min_size=4, max_size=4),
    tokens=st.booleans(),
)
def test_the_probe_finds_exactly_the_pairs_that_depend(matrix: list[list[float]], tokens: bool) -> None:
    mixing = torch.tensor(matrix)
    inputs = torch.arange(8).view(4, 2) if tokens else torch.rand(4, 3)
    probe = probes.by_exchange if tokens else probes.by_gradient
    assert torch.equal(probe(Mixed(mixing, tokens), inputs).bool(), mixing.bool())


class Bad(nn.Module):
    """Not finite in the forward pass, or only in the backward pass."""

    def __init__(self, forward: bool) -> None:
        super().__init__()
        self.bad = forward

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / (0 * x) if self.bad else torch.sqrt((0 * x).abs())


@settings(max_examples=30)
@given(place=st.integers(0, 4), depth=st.integers(0, 2), forward=st.booleans())
def test_the_first_that_is_not_finite_is_named_wherever_it_stands(place: int, depth: int, forward: bool) -> None:
    layers: list[nn.Module] = [nn.Linear(3, 3) for _ in range(5)]
    layers[place] = Bad(forward)
    model, name = nn.Sequential(*layers), str(place)
    for _ in range(depth):
        model, name = nn.Sequential(nn.Linear(3, 3), model), f"1.{name}"
    said = probes.not_finite(model, lambda model: model(torch.rand(2, 3, requires_grad=True)).sum())
    assert said == f"'{name}' (Bad), in the {'forward' if forward else 'backward'} pass"


def test_a_fault_outside_the_modules_is_placed_behind_the_last_of_them() -> None:
    class Outside(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x)

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Outside(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sqrt((0 * self.inner(x)).abs())

    said = probes.not_finite(Whole(), lambda model: model(torch.rand(2, 3)).sum())
    assert said == "what follows 'inner' (Outside), in the backward pass"


@given(full=st.integers(2, 60), short=st.integers(1, 60))
def test_a_short_schedule_is_the_long_one_run_through(full: int, short: int) -> None:
    def rates(schedule: Any, steps: int) -> list[float]:
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
        made, found = schedule(optimizer), []
        for _ in range(steps):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            made.step()
        return found

    one = functools.partial(torch.optim.lr_scheduler.LinearLR, start_factor=1.0, end_factor=0.0, total_iters=full)
    long = rates(one, full + 1)
    assert rates(Schedule(one, full / short), short) == [long[int(step * (full / short))] for step in range(short)]
