"""Numbers that go wrong stop a run at that step, say where, and keep what a replay needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ROTTEN = """
import torch
from papers.template.dataset import NoisyLine
from repro.registry import DATASETS, LOSSES, MODELS, TRAINERS
from repro.trainers.supervised import Supervised
from torch import nn

@DATASETS.register
class Holed(NoisyLine):
    '''One item is NaN.'''
    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        return (x * float("nan") if index == 11 else x), y

@MODELS.register
class Crooked(nn.Module):
    '''Fine forward; the gradient of a square root at zero is not.'''
    def __init__(self):
        super().__init__()
        self.good, self.bad = nn.Linear(1, 1), nn.Linear(1, 1)
    def forward(self, x):
        zero = self.bad(x) * 0
        return self.good(x).squeeze(-1) + zero.abs().sqrt().squeeze(-1)

@TRAINERS.register
class Leaping(Supervised):
    '''The optimizer's own step spoils the weights at step 4.'''
    def step(self, model, loss, batch):
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls == 4:
            self.made.param_groups[0]["lr"] = float("inf")
        return super().step(model, loss, batch)
    def fit(self, *given):
        make = self.optimizer
        def optimizer(parameters):
            self.made = make(parameters)
            return self.made
        self.optimizer = optimizer
        return super().fit(*given)
"""


@pytest.fixture
def rotten(paper: Any) -> Any:
    """A paper with a config for each way in which numbers go wrong; every step can be gone back to."""
    text = ROTTEN.replace("papers.template", f"papers.{paper.name}")
    imports = f"import {paper.module('rotten', text)}\n"
    base = (paper.folder / "configs" / "base.gin").read_text()
    holed = "experiment.train = @datasets.Holed()\ndatasets.Holed.size = 200\n"
    paper.config("holed", imports + holed, "base.gin")
    paper.config("crooked", f"{imports}experiment.model = @models.Crooked()\n", "base.gin")
    paper.config("leaping", imports + base.replace("Supervised", "Leaping"), base="")
    return paper


def failed(rotten: Any, repro: Any, name: str) -> tuple[str, Path]:
    """Run a config that must stop: the line of the error, and its folder. The last lines may be tips."""
    code, out, err = repro("run", f"papers/{rotten.name}/configs/{name}.gin")
    assert (code, out) == (1, ""), err
    (folder,) = Path("runs", rotten.name, name).glob("*-seed0")
    *_, said = [line for line in err.splitlines() if f"repro debug --failed-step {folder})" in line]
    return said, folder


def test_an_item_that_is_not_finite_is_named(rotten: Any, repro: Any) -> None:
    said, folder = failed(rotten, repro, "holed")
    assert "NotFinite: step " in said and ": the loss is nan" in said
    code, out, _ = repro("debug", "--failed-step", folder)
    assert code == 1 and "FAULT  items      these items of the training set are not finite: 11" in out
    assert "ok     weights" in out


def test_a_gradient_that_is_not_finite_is_named(rotten: Any, repro: Any) -> None:
    said, folder = failed(rotten, repro, "crooked")
    assert "NotFinite: step 1: the gradient of 'bad.weight' is not finite" in said
    code, out, _ = repro("debug", "--failed-step", folder)
    assert code == 1 and "ok     items" in out and "ok     weights" in out
    assert "step 1: the gradient of 'bad.weight' is not finite; the first tensor that is not finite comes from" in out


def test_weights_that_the_optimizer_spoils_are_named_and_the_last_good_checkpoint_stays(
    rotten: Any, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_CHECKPOINT_SECONDS", "0")
    said, folder = failed(rotten, repro, "leaping")
    assert "NotFinite: step 4: the weight 'offset' is not finite" in said
    assert {path.name.split("-")[1] for path in folder.glob("checkpoints/step-*")} == {"2", "3"}
    code, out, _ = repro("debug", "--failed-step", folder)
    assert code == 1 and "FAULT  weights    these weights are not finite: offset, slope" in out


def test_a_step_that_went_well_cannot_be_replayed(paper: Any, repro: Any, refused: Any) -> None:
    repro("run", f"papers/{paper.name}/configs/smoke.gin")
    (folder,) = Path("runs", paper.name, "smoke").glob("*-seed0")
    assert "no failed step is saved in it; expected the folder runs/PAPER/CONFIG/RUN" in refused(
        "debug", "--failed-step", folder
    )
    assert "expected one of them: a config, or --failed-step" in refused("debug")
