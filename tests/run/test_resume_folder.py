"""A stopped run resumes if its config, code and data are unchanged; what was trained is never deleted."""

from __future__ import annotations

import json
import logging
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from repro import config as configs
from repro import run
from repro.errors import BadInput
from repro.interruption import Interrupted
from repro.run import resume

STOPPING = """
import os, signal
from papers.template.dataset import NoisyLine
from repro.registry import TRAINERS
from repro.trainers.supervised import Supervised

@TRAINERS.register
class Stopping(Supervised):
    '''Is asked to stop in the step that a variable of the environment names.'''
    def step(self, model, loss, batch):
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls == int(os.environ["STOP"]):
            os.kill(os.getpid(), signal.SIGTERM)
        return super().step(model, loss, batch)
"""


@pytest.fixture
def stopped(paper: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config whose run was asked to stop in its third step."""
    module = paper.module("stopping", STOPPING.replace("papers.template", f"papers.{paper.name}"))
    base = (paper.folder / "configs" / "base.gin").read_text().replace("Supervised", "Stopping")
    path = paper.config("stops", f"import {module}\n{base}", base="")
    monkeypatch.setenv("STOP", "3")
    with pytest.raises(Interrupted, match="SIGTERM: stopped after step 3"):
        run.run(path)
    monkeypatch.setenv("STOP", "0")
    return Path(path)


def folders(path: Path) -> list[Path]:
    return sorted(found for found in Path("runs").glob(f"*/{path.stem}/*-seed0*") if found.is_dir())


def test_the_same_command_goes_on_and_then_begins_anew(stopped: Path) -> None:
    found, _ = run.run(stopped)
    assert found.cost["sessions"] == 2 and found.cost["steps"] == 200
    (folder,) = folders(stopped)
    assert not list(folder.glob("checkpoints/step-*")), "what it would have gone on from is of no more use"
    assert json.loads((folder / "run.json").read_text())["outcome"] == "finished"
    again, _ = run.run(stopped)
    assert "sessions" not in again.cost and again.measurements == found.measurements


def test_changed_code_begins_anew_and_what_was_trained_is_set_aside(
    stopped: Path, paper: Any, caplog: pytest.LogCaptureFixture
) -> None:
    loss = paper.folder / "loss.py"
    loss.write_text(loss.read_text() + "\nUNUSED = 1\n")
    with caplog.at_level(logging.INFO, "repro"):
        found, _ = run.run(stopped)
    assert f"papers.{paper.name}.loss changed or was deleted since this run started: it restarts" in caplog.text
    new, aside = folders(stopped)
    assert "sessions" not in found.cost and aside.name == f"{new.name}.1"
    assert list(aside.glob("checkpoints/step-3-*.safetensors"))


def test_a_run_that_does_not_say_what_it_rests_on_is_set_aside(stopped: Path) -> None:
    (folder,) = folders(stopped)
    (folder / "run.json").unlink()
    run.run(stopped)
    assert list(folders(stopped)[1].glob("checkpoints/step-3-*.safetensors"))


def test_other_data_is_refused(stopped: Path) -> None:
    (folder,) = folders(stopped)
    path = folder / "run.json"
    row = json.loads(path.read_text())
    row["data"]["train"] = "0123456789abcdef"
    path.write_text(json.dumps(row))
    before = sorted(folder.glob("checkpoints/*"))
    with pytest.raises(BadInput, match=r"'train' is \w+, but the run started with 0123456789abcdef: restore"):
        run.run(stopped)
    assert sorted(folder.glob("checkpoints/*")) == before


def test_other_packages_are_named_and_it_goes_on(stopped: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder,) = folders(stopped)
    row = json.loads((folder / "run.json").read_text())
    row["packages"]["torch"] = "1.0"
    (folder / "run.json").write_text(json.dumps(row))
    with caplog.at_level(logging.INFO, "repro"):
        found, _ = run.run(stopped)
    assert "; it started with 1.0" in caplog.text and found.cost["sessions"] == 2


@pytest.mark.parametrize("checkpoint", [True, False])
def test_processes_that_made_no_step_are_not_in_the_record(
    stopped: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, checkpoint: bool
) -> None:
    """Three processes that do not divide the batch are refused after the run folder is prepared."""
    (folder,) = folders(stopped)
    for path in [] if checkpoint else folder.glob("checkpoints/step-*"):
        path.unlink()
    with monkeypatch.context() as three:
        for name, value in {"WORLD_SIZE": "3", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1"}.items():
            three.setenv(name, value)
        three.setenv("MASTER_PORT", "1")
        assert resume.prepare(folder, configs.read(stopped)).processes == ([1, 3] if checkpoint else [3])
    caplog.clear()
    found, _ = run.run(stopped)
    assert "processes" not in found.environment and found.cost["sessions"] == 3
    assert not [line for line in caplog.messages if "it started with" in line]


def edit(path: Path, line: str) -> None:
    path.write_text(f"{path.read_text()}{line}\n")


@pytest.fixture
def uncommitted(paper: Any, git: Any, stopped: Path) -> Any:
    """git in a repository in which a run was stopped before its config and trainer were committed."""
    assert run_json(stopped)["source"]["dirty"] is True
    return git


def run_json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folders(path)[0] / "run.json").read_text())
    return found


def test_a_run_whose_files_are_committed_before_it_resumes_is_clean(uncommitted: Any, stopped: Path) -> None:
    uncommitted("add", "-A")
    uncommitted("commit", "-qm", "the trainer")
    found, _ = run.run(stopped)
    assert found.cost["sessions"] == 2
    assert found.source == {"commit": uncommitted("rev-parse", "HEAD"), "dirty": False}


def test_a_run_of_other_files_than_those_committed_stays_uncommitted(
    uncommitted: Any, stopped: Path, paper: Any, caplog: pytest.LogCaptureFixture
) -> None:
    edit(paper.folder / "stopping.py", "# a comment: the run resumes, but the committed file is not the one that ran")
    uncommitted("add", "-A")
    uncommitted("commit", "-qm", "the trainer")
    with caplog.at_level(logging.INFO, "repro"):
        found, _ = run.run(stopped)
    assert found.cost["sessions"] == 2 and found.source["dirty"] is True
    assert "an earlier process of this run had uncommitted code" in found.source["why"]
    assert f"move {folders(stopped)[0]} away to restart" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"digest": 1}', b"[" * 100_000])
def test_a_file_that_does_not_say_it_is_one_line(stopped: Path, refused: Any, content: bytes) -> None:
    (folder,) = folders(stopped)
    (folder / "run.json").write_bytes(content)
    said = refused("run", stopped)
    assert said == f"{folder}/run.json: is not a valid run.json; move {folder} away to restart the run"
    assert list(folder.glob("checkpoints/step-3-*"))


def test_the_command_line_says_that_it_goes_on(stopped: Path, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOP", "2")
    code, out, err = repro("run", stopped)
    assert (code, out) == (75, "") and "resumes after step 3" in err
    assert err.splitlines()[-1] == "repro: SIGTERM: stopped after step 5; the same command resumes the run"
    assert os.getpid() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
