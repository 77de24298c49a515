"""A run: the same twice, other seeds other numbers, a stream of random numbers each, and what stays when it fails."""

from __future__ import annotations

import json
import logging
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from repro import config as configs
from repro import record as records
from repro import run
from repro.errors import BadInput
from repro.experiment import Experiment, streams
from repro.files import lock
from repro.registry import declared

NOISY = '''
import torch
from torch import nn
from repro.registry import MODELS

@MODELS.register
class Noisy(nn.Module):
    """Weights and dropout that show which seed they had."""
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer, self.dropout = nn.Linear(1, 8), nn.Linear(8, 1), nn.Dropout(0.5)

    def forward(self, x):
        return self.outer(self.dropout(torch.relu(self.inner(x))))
'''

WITNESS = '''
import torch
from repro.registry import TRAINERS

@TRAINERS.register
class Witness:
    """Trains nothing; keeps what it was given."""
    def fit(self, model, loss, train, valid, folder, order_seed):
        weights = torch.cat([p.detach().flatten() for p in model.parameters()])
        torch.save({"weights": weights, "order": order_seed, "dropout": torch.rand(4)}, folder / "witness.pt")
        return {}
'''


@pytest.fixture
def noisy(paper: Any) -> Any:
    """`noisy(name, text)`: a config of a model with random weights and dropout."""
    module = paper.module("noisy", NOISY)

    def config(name: str = "noisy", text: str = "", base: str = "smoke.gin") -> Path:
        return paper.config(name, f"import {module}\nexperiment.model = @models.Noisy()\n{text}", base)

    return config


def lasting(path: Path) -> dict[str, Any]:
    """A record without what may differ between two runs of one command."""
    row = json.loads(path.read_text())
    return {key: value for key, value in row.items() if key not in ("finished", "cost")}


def values(path: Path) -> list[float]:
    return [value for found in records.read(path).measurements for value in found.values]


def test_the_same_command_twice_gives_the_same_record(noisy: Any, repro: Any) -> None:
    config = noisy()
    out = repro("run", config, "--seed", 3)[1]
    first = lasting(Path(out.strip()))
    torch.manual_seed(99)  # what happened before in the process does not matter
    code, again, _ = repro("run", config, "--seed", 3, "--publish")
    assert code == 0 and again == out
    assert lasting(Path(out.strip())) == first
    assert {key for key in json.loads(Path(out.strip()).read_text()) if key not in first} == {"finished", "cost"}


def test_other_seeds_give_other_numbers(noisy: Any) -> None:
    found = [run.run(noisy(), seed)[0].measurements[0].values for seed in range(3)]
    assert found[0] != found[1] != found[2] != found[0]


def test_a_record_holds_no_path_of_the_machine(paper: Any, noisy: Any) -> None:
    _, path = run.run(noisy())
    text = path.read_text()
    for root in (Path.cwd(), Path(run.__file__).parents[1], Path.home(), Path(sys.prefix)):
        assert f'"{root}' not in text and f"{root}/" not in text
    assert not re.search(r'"/[\w.]+/', text)
    assert path == paper.folder / "records" / "noisy-seed0.json"


def test_an_override_leaves_the_records_untouched(paper: Any) -> None:
    config = paper.folder / "configs" / "smoke.gin"
    _, path = run.run(config)
    before = {entry: entry.read_bytes() for entry in paper.records.rglob("*")}
    found, other = run.run(config, 0, ("trainers.Supervised.steps = 3",))
    assert {entry: entry.read_bytes() for entry in paper.records.rglob("*")} == before
    assert other.is_relative_to("runs") and found.overrides == ["trainers.Supervised.steps = 3"]
    assert found.cost["steps"] == 3 and records.read(path).cost["steps"] == 2


def test_the_text_of_a_run_runs_by_itself(paper: Any, noisy: Any) -> None:
    """That of the run folder and that of the record, with an override in it."""
    found, path = run.run(noisy(), 1, ("torch.optim.SGD.lr = 0.05",))
    text = (path.parent / "config.gin").read_text()
    again, kept = run.run(path.parent / "config.gin", 1)
    assert again.measurements == found.measurements and again.digest == found.digest
    assert kept.is_relative_to("runs"), "no claim uses the record of a copy"
    again, _ = run.run(paper.config("alone", found.text, base=""), 1)
    assert again.measurements == found.measurements and again.digest == found.digest and found.text in text


def test_code_that_changes_during_a_run_makes_its_record_stale(
    paper: Any, git: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is of the code that ran, not of what stands there at its end."""
    fit = Experiment.fit

    def edited(self: Experiment, folder: Any, order_seed: int) -> dict[str, Any]:
        loss = paper.folder / "loss.py"
        loss.write_text(loss.read_text() + "\nCHANGED = True\n")
        return fit(self, folder, order_seed)

    monkeypatch.setattr(Experiment, "fit", edited)
    run.run(paper.folder / "configs" / "ten_steps.gin")
    (found,) = records.of_paper(paper.folder)
    assert found.stale == f"changed since the record: papers.{paper.name}.loss"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "experiment.metrics = [@metrics.{part}(), @metrics.{part}()]",
            "experiment.metrics has two that are called SquaredError",
        ),
        ("experiment.test = {{'train': @test/datasets.{data}()}}", "experiment.test has a test set 'train'"),
        ("test/datasets.{data}.size = 0", "experiment.test 'test' has no items"),
    ],
)
def test_what_cannot_be_told_apart_or_measured_is_refused(paper: Any, line: str, message: str) -> None:
    parts = {part.kind: part.name for part in declared(paper.folder, f"papers.{paper.name}")}
    with pytest.raises(BadInput, match=message):
        run.run(paper.config("odd", line.format(part=parts["metrics"], data=parts["datasets"])))


def test_the_streams_are_independent_of_each_other_and_of_the_neighbouring_seed() -> None:
    table = [streams(seed) for seed in range(400)]
    assert {tuple(row) for row in table} == {("model", "order", "dropout")}
    drawn = [value for row in table for value in row.values()]
    assert len(set(drawn)) == len(drawn)
    bits = np.array([[row[name] for name in row] for row in table], dtype=float)
    correlation = np.corrcoef(np.vstack([bits.T, np.arange(400)]))
    assert np.abs(correlation - np.eye(4)).max() < 0.2


def test_each_stream_leaves_the_others_alone(paper: Any, noisy: Any) -> None:
    module = paper.module("witness", WITNESS)
    base = "\n".join(
        line
        for line in (paper.folder / "configs" / "base.gin").read_text().splitlines()
        if "Supervised" not in line and "SGD" not in line and "supervised" not in line
    )
    (paper.folder / "configs" / "bare.gin").write_text(
        f"{base}\nimport {module}\nexperiment.trainer = @trainers.Witness()\n"
    )

    def witness(text: str, seed: int = 0) -> dict[str, Any]:
        config = noisy("seen", text, base="bare.gin")
        run.run(config, seed)
        digest = configs.read(config).digest[:8]
        return torch.load(Path("runs", paper.name, "seen", f"{digest}-seed{seed}", "witness.pt"))

    first, more, other = witness(""), witness("train/datasets.NoisyLine.size = 77\n"), witness("", seed=1)
    assert torch.equal(first["weights"], more["weights"]) and torch.equal(first["dropout"], more["dropout"])
    assert first["order"] == more["order"]
    assert not torch.equal(first["weights"], other["weights"]) and not torch.equal(first["dropout"], other["dropout"])
    assert first["order"] != other["order"]
    slim = witness("experiment.model = @models.Line()\n")
    assert torch.equal(slim["dropout"], first["dropout"]), "another model draws other weights, the same dropout"


def test_validation_does_not_move_the_training(noisy: Any) -> None:
    """It reads data, and reading data must not draw from the stream of dropout."""
    plain, _ = run.run(noisy("plain", "trainers.Supervised.steps = 20\n"))
    text = (
        "trainers.Supervised.steps = 20\ntrainers.Supervised.valid_every = 3\n"
        "experiment.valid = @valid/datasets.NoisyLine()\nvalid/datasets.NoisyLine.size = 20\n"
    )
    watched, _ = run.run(noisy("watched", text))
    assert watched.curves["train"] == plain.curves["train"] and len(watched.curves["valid"]) == 6


FAULT = """
from repro.registry import TRAINERS
from repro.trainers.supervised import Supervised

@TRAINERS.register
class Faulty(Supervised):
    def step(self, model, loss, batch):
        raise RuntimeError("out of luck")
"""


def test_a_run_that_fails_keeps_its_log(paper: Any, repro: Any) -> None:
    module = paper.module("faulty", FAULT)
    text = (paper.folder / "configs" / "base.gin").read_text().replace("Supervised", "Faulty")
    code, out, err = repro("run", paper.config("bad", f"{text}\nimport {module}\n", base=""))
    (log,) = Path("runs").glob("*/bad/*/run.log")
    assert (code, out) == (1, "") and err.count("RuntimeError: out of luck") == 2, "in the log, and at the end"
    assert err.splitlines()[-1].startswith("the run failed: RuntimeError: out of luck (the whole log is runs/")
    assert f"the last {len(log.read_text().splitlines())} lines of {log}:" in err
    assert "Traceback" in log.read_text() and "out of luck" in log.read_text()
    assert (log.parent / "config.gin").is_file()
    assert not list(paper.records.glob("*-seed*")), "a run that fails leaves no record"


def test_the_log_of_a_run_names_config_and_seed(paper: Any) -> None:
    run.run(paper.folder / "configs" / "smoke.gin", 5)
    (log,) = Path("runs").glob("*/smoke/*-seed5/run.log")
    assert f"papers/{paper.name}/configs/smoke.gin, seed 5" in log.read_text()
    assert not logging.getLogger("repro").handlers


def test_a_second_run_of_the_same_kind_is_refused_while_one_is_alive(paper: Any) -> None:
    path = paper.folder / "configs" / "smoke.gin"
    digest = configs.read(path).digest[:8]
    folder = Path("runs", paper.name, "smoke", f"{digest}-seed0")
    said = rf"this run is already running: process {os.getpid()} on {re.escape(platform.node())}, since \d{{4}}-"
    with lock.held(folder), pytest.raises(BadInput, match=said):
        run.run(path)
    run.run(path)


def test_a_config_runs_from_anywhere(paper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = paper.folder / "configs" / "smoke.gin"
    here, _ = run.run(path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    there, _ = run.run(path)
    assert (there.measurements, there.digest, there.code) == (here.measurements, here.digest, here.code)


def test_a_run_in_a_process_of_its_own(paper: Any, git: Any) -> None:
    """As a person starts it: stdout is the record's path alone, the numbers are those of a run in this process."""
    config = f"papers/{paper.name}/configs/ten_steps.gin"
    here = run.run(Path(config))[0].measurements
    command = f"import sys; from repro.cli import main; sys.exit(main(['run', '{config}']))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"runs/{paper.name}/ten_steps/\w+-seed0/ten_steps-seed0\.json\n", done.stdout)
    assert records.read(Path(done.stdout.strip())).measurements == here
