"""Run folders are those of the repository, wherever a command is typed; REPRO_RUNS names another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from repro import config, run
from repro.rerun import certify
from repro.run import run_folders


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in no repository."""
    return tmp_path_factory.mktemp("elsewhere")


def test_a_run_is_in_its_repository_wherever_it_is_typed(
    paper: Any, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repro: Any
) -> None:
    smoke, printed = paper.folder / "configs" / "smoke.gin", set()
    for folder in (tmp_path, paper.folder, elsewhere):
        monkeypatch.chdir(folder)
        code, out, err = repro("run", smoke, "--set", "trainers.Supervised.steps=1")
        assert code == 0, err
        printed.add(Path(out.strip()).resolve())  # as it is printed, it is found from here
        (row,) = json.loads(repro("status", "--json")[1]) if folder != elsewhere else [{"folder": "."}]
        assert (Path(row["folder"]) / "config.gin").is_file() or folder == elsewhere
    (path,) = printed
    assert path.is_file() and path.is_relative_to(tmp_path / "runs")
    assert not (paper.folder / "runs").exists() and list(elsewhere.iterdir()) == []


def test_outside_of_every_repository_the_runs_of_all_papers_are_listed(
    paper: Any, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, repro: Any
) -> None:
    run.run(paper.folder / "configs" / "smoke.gin")
    monkeypatch.chdir(elsewhere)
    rows = [row for row in json.loads(repro("status", "--json")[1]) if row["paper"] == paper.name]
    assert [(row["config"], row["state"]) for row in rows] == [("smoke", "finished")]
    assert Path(rows[0]["folder"]).is_absolute() and (Path(rows[0]["folder"]) / "run.json").is_file()


def test_the_copy_of_a_config_runs_where_its_paper_is(
    paper: Any, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path = run.run(paper.folder / "configs" / "smoke.gin", overrides=("trainers.Supervised.steps = 1",))
    copy = elsewhere / "copy.gin"
    copy.write_text((path.parent / "config.gin").read_text())
    monkeypatch.chdir(elsewhere)
    _, again = run.run(copy)
    assert again.is_relative_to(tmp_path / "runs" / paper.name / "copy")


def test_a_folder_of_runs_can_be_named(
    paper: Any, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repro: Any
) -> None:
    monkeypatch.setenv("REPRO_RUNS", str(elsewhere / "big disk"))
    _, path = run.run(paper.folder / "configs" / "smoke.gin", overrides=("trainers.Supervised.steps = 1",))
    assert path.is_relative_to(elsewhere / "big disk" / paper.name / "smoke") and not (tmp_path / "runs").exists()
    assert [row["folder"] for row in json.loads(repro("status", "--json")[1])] == [str(path.parent)]


def test_a_paper_that_is_linked_or_in_no_papers_has_runs_of_its_own(
    paper: Any, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = elsewhere / "alone"
    paper.folder.rename(alone)
    assert run_folders.home(alone) == elsewhere / "runs", "the folder that it is in"
    paper.folder.symlink_to(alone)
    read = config.read(paper.folder / "configs" / "smoke.gin")
    assert run_folders.home(read.folder) == Path("runs"), "the repository that it is linked into"


@pytest.mark.slow
def test_two_working_directories_share_one_lock(paper: Any, tmp_path: Path) -> None:
    """The same run, started in two places at once: one trains, the other says who does."""
    module = paper.module("slow", SLOW)
    base = (paper.folder / "configs" / "base.gin").read_text().replace("Supervised", "Slow")
    paper.config("slow", f"import {module}\n{base}", base="")
    path = paper.folder / "configs" / "slow.gin"
    command = [sys.executable, "-m", "repro", "run", str(path)]
    places = os.pathsep.join([str(tmp_path), str(Path(run.__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": places, "GO": str(tmp_path / "go")}
    both = [
        subprocess.Popen(
            command, cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for folder in (tmp_path, paper.folder)
    ]
    end = time.monotonic() + 120
    while all(process.poll() is None for process in both) and time.monotonic() < end:
        time.sleep(0.05)
    (tmp_path / "go").touch()  # one has been refused: the other may go on
    said = {process.wait(120): process.stderr.read() for process in both}
    assert sorted(said) == [0, 69], said
    assert said[69].startswith("repro: ") and "this run is already running: process" in said[69]


SLOW = """
import os
import time
from repro.registry import TRAINERS
from repro.trainers.supervised import Supervised

@TRAINERS.register
class Slow(Supervised):
    '''Waits in each step until it may go on.'''
    def step(self, model, loss, batch):
        while not os.path.exists(os.environ["GO"]):
            time.sleep(0.05)
        return super().step(model, loss, batch)
"""


@pytest.mark.slow
def test_nothing_stays_of_what_runs_in_a_temporary_folder(
    paper: Any, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever runs are: in the repository, or in the folder that REPRO_RUNS names."""
    read = config.read(paper.folder / "configs" / "smoke.gin")
    for named in ("", str(elsewhere)):
        monkeypatch.setenv("REPRO_RUNS", named)
        home = tmp_path / f"runs{bool(named)}"
        home.mkdir()
        found = certify.Runs(read, certify.training_of(read), home).run("straight")
        assert found.record.measurements and list(home.glob("straight/runs/*/*/*/run.json"))
    assert not (tmp_path / "runs").exists() and list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("value", ["a_file", "a_file/runs", "~no_such_user/runs"])
@pytest.mark.parametrize("command", ["run", "status"])
def test_a_variable_that_names_no_folder_is_one_line(
    paper: Any, refused: Any, monkeypatch: pytest.MonkeyPatch, value: str, command: str
) -> None:
    Path("a_file").touch()
    monkeypatch.setenv("REPRO_RUNS", value)
    line = refused(command, *([paper.folder / "configs" / "smoke.gin"] if command == "run" else []))
    assert "REPRO_RUNS" in line and not list(Path.cwd().glob("~*"))
