"""`repro certify`: which comparisons apply to a config, and that each one finds the difference that it is for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from repro import config
from repro.experiment import binding
from repro.record import determinism
from repro.rerun import certify
from repro.rerun.certify import NO_STEPS, Runs, Training

TRAINERS = '''
import os
import torch
from repro.registry import TRAINERS
from repro.trainers.supervised import Supervised


@TRAINERS.register
class Unsteady(Supervised):
    """Uses random numbers that do not depend on the seed."""
    def step(self, model, loss, batch):
        return super().step(model, loss, batch) * (1 + os.urandom(1)[0] / 256)


@TRAINERS.register
class Forgetful(Supervised):
    """Has a step counter that is not in the checkpoint."""
    count = 0
    def step(self, model, loss, batch):
        self.count += 1
        return super().step(model, loss, batch) * self.count


@TRAINERS.register
class Worker(Supervised):
    """Trains differently with two workers."""
    def step(self, model, loss, batch):
        return super().step(model, loss, batch) * max(self.workers, 1)


@TRAINERS.register
class Whole:
    """Saves no checkpoint, has no workers."""
    def __init__(self, steps: int, batch_size: int) -> None:
        self.steps = steps
    def fit(self, model, loss, train, valid, folder, order_seed):
        return {"steps": self.steps}
'''


@pytest.fixture
def runs(paper: Any, tmp_path: Path) -> Any:
    """`runs(trainer)`: the runs of six steps of the template's config, with one of these trainers."""
    module = paper.module("trainers", TRAINERS)

    def make(trainer: str) -> Runs:
        base = (paper.folder / "configs" / "base.gin").read_text()
        text = base.replace("trainers.Supervised", f"trainers.{trainer}").replace("steps = 200", "steps = 6")
        if trainer == "Whole":
            text = "\n".join(line for line in text.splitlines() if "optim" not in line and "SGD" not in line)
        read = config.read(paper.config(trainer.lower(), f"import {module}\n{text}", base=""))
        binding.bind(read, whole=True)
        (tmp_path / "bench").mkdir()
        return Runs(read, certify.training_of(read), tmp_path / "bench")

    return make


def read(paper: Any, text: str, base: str = "base.gin") -> config.Config:
    found = config.read(paper.config("some", text, base))
    binding.bind(found)
    return found


def test_what_can_be_compared_is_read_off_the_config(paper: Any) -> None:
    assert certify.training_of(read(paper, "")) == Training("trainers.Supervised", 50, "", "")
    text = "MANY = 7\ntrainers.Supervised.steps = %MANY\ntrainers.Supervised.batch_size = 25\n"
    odd = Training("trainers.Supervised", 7, "", "two processes cannot share a batch of 25")
    assert certify.training_of(read(paper, text)) == odd
    assert certify.training_of(read(paper, text), 3) == Training("trainers.Supervised", 3, "", odd.ranks)
    config_of_none = "import repro.metrics.classification\nexperiment.test = {}\nexperiment.metrics = []\n"
    assert certify.training_of(read(paper, config_of_none, base="")) is None


def test_of_several_trainers_the_wrapped_one_takes_the_steps(paper: Any) -> None:
    text = "import repro.trainers.measured\nexperiment.trainer = @trainers.Measured()\n"
    other = "trainers.Measured.trainer = @two/trainers.Supervised()\ntwo/trainers.Supervised.steps = 9\n"
    batch = "two/trainers.Supervised.batch_size = 10\n"
    assert certify.training_of(read(paper, f"{text}{other}{batch}")) == Training("two/trainers.Supervised", 9, "", "")


def test_a_trainer_without_workers_says_so(runs: Any) -> None:
    found = runs("Whole").training
    assert (found.workers, found.ranks) == ("the trainer has no workers", "")


def test_what_cannot_be_certified_is_one_line(paper: Any, refused: Any, tmp_path: Path) -> None:
    smoke = f"papers/{paper.name}/configs/smoke.gin"
    assert "'0'" in refused("certify", smoke, "--steps", 0)
    line = refused("certify", smoke, "--steps", 3)
    assert line == f"{smoke}: --steps is 3; expected 1 to 2, the steps of the config"
    copy = tmp_path / "copy.gin"
    copy.write_text(f"# a run of papers/{paper.name}/configs/smoke.gin\n{config.read(Path(smoke)).text}")
    assert "not a config of a paper; expected a file in papers/PAPER/configs" in refused("certify", copy)
    assert not (paper.folder / "records/certificates").exists()


@pytest.mark.slow
def test_a_certificate_is_told_stored_and_read(
    paper: Any, repro: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code, out, err = repro("certify", f"papers/{paper.name}/configs/ten_steps.gin", "--steps", 4)
    assert code == 0, err
    assert [line.split() for line in out.splitlines()[:4]] == [
        ["weights", "metrics"], ["seed", "twice", "0", "0"], ["resume", "0", "0"], ["workers", "0", "0"],
    ]  # fmt: skip
    (found,) = determinism.read("ten_steps", paper.folder)
    assert found.steps == 4 and found.digest == config.read(paper.folder / "configs" / "ten_steps.gin").digest
    assert found.comparisons["ranks"].metrics <= 1e-5, "each process gets half of the batch"
    assert out.splitlines()[-1] == f"{found}: papers/{paper.name}/records/certificates/ten_steps.json"
    assert list(tmp_path.glob("repro-*")) == [] and not Path("runs").exists()


@pytest.mark.slow
def test_a_paper_without_training_is_run_twice(paper: Any, repro: Any) -> None:
    text = (paper.folder / "configs" / "base.gin").read_text()
    kept = [line for line in text.splitlines() if not any(word in line for word in ("train", "SGD", "loss"))]
    path = paper.config("untrained", "\n".join(kept), base="")
    code, out, err = repro("certify", path)
    assert code == 0, err
    rows = [line for line in out.splitlines() if NO_STEPS in line]
    assert [row.split()[0] for row in rows] == ["resume", "workers", "ranks"]
    assert out.splitlines()[-1].startswith("bitwise, measured on ")


@pytest.mark.slow
@pytest.mark.parametrize(("trainer", "name"), [
    ("Unsteady", "seed twice"), ("Forgetful", "resume"), ("Worker", "workers"),
])  # fmt: skip
def test_each_comparison_finds_what_it_is_for(runs: Any, trainer: str, name: str) -> None:
    one = runs(trainer)
    found = one.comparisons(one.run("straight"))[name]()
    assert found.weights > 1e-3 and found.metrics > 1e-3 and not found.why


@pytest.mark.slow
def test_a_trainer_that_keeps_no_checkpoint_is_not_resumed(runs: Any) -> None:
    one = runs("Whole")
    found = one.comparisons(one.run("straight"))["resume"]()
    assert found.why == "the trainer saves no checkpoints, so it restarts"


@pytest.mark.slow
def test_a_run_that_fails_is_told(paper: Any, repro: Any) -> None:
    text = (
        (paper.folder / "loss.py").read_text().replace("return ", "raise RuntimeError('out of luck')\n        return ")
    )
    (paper.folder / "loss.py").write_text(text)
    code, _, err = repro("certify", f"papers/{paper.name}/configs/smoke.gin")
    assert code == 1 and "repro: a run failed: " in err and "out of luck" in err
    assert not (paper.folder / "records/certificates").exists()


@pytest.mark.slow
def test_an_interrupted_certify_leaves_nothing(paper: Any, tmp_path: Path) -> None:
    path = paper.config("long", "trainers.Supervised.steps = 100000000\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-m", "repro", "certify", str(path), "--steps", "100000000"]
    with subprocess.Popen(command, env=os.environ | {"TMPDIR": str(temporary)}, stderr=subprocess.PIPE) as process:
        while not list(temporary.glob("repro-certify-*/straight/runs/*/*/*/metrics.jsonl")):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 130 and list(temporary.glob("repro-*")) == []
    assert not (paper.folder / "records/certificates").exists()
