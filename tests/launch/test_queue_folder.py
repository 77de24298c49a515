"""The folder of a queue: what waits in it is kept, and a folder of something else is left as it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.launch import slurm, tmux
from tests.launch.queues import Queue, wait

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() if path.is_file() else "" for path in folder.iterdir()}


@needs_tmux
def test_another_launch_keeps_what_waits(queue: Queue) -> None:
    (queue.folder / "running").mkdir(parents=True)
    (queue.folder / "todo").write_text("echo waits\necho both\n")
    (queue.folder / "running" / "1-cpu").write_text("1\necho interrupted\n")
    started = queue.start("echo both\necho new\necho interrupted\n", "cpu")
    assert started.stdout.startswith("4 commands (the last 1 ") and " 1 worker," in started.stdout
    wait(lambda: not queue.runs(), "the worker ended")
    assert queue.lines("done") == ["echo interrupted", "echo both", "echo new", "echo waits"]


def notes(folder: Path) -> None:
    for name in ("todo", "done", "lock"):
        (folder / name).write_text("mine\n")


def home(folder: Path) -> None:
    (folder / "running").mkdir()
    (folder / "notes.txt").write_text("mine\n")


def todo_alone(folder: Path) -> None:
    (folder / "todo").write_text("buy milk\n")


def open_to_all(folder: Path) -> None:
    folder.chmod(0o777)


def open_to_the_group(folder: Path) -> None:
    folder.chmod(0o720)


def todo_that_is_a_folder(folder: Path) -> None:
    (folder / "lock").touch()
    (folder / "todo").mkdir()


CASES = [notes, home, todo_alone, open_to_all, open_to_the_group, todo_that_is_a_folder]


@needs_tmux
@pytest.mark.parametrize("make", CASES)
def test_a_folder_that_is_no_private_queue_is_refused(queue: Queue, make: Callable[[Path], None]) -> None:
    queue.folder.mkdir(mode=0o700)
    make(queue.folder)
    before = content(queue.folder)
    done = queue.start("true\n", "cpu")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert content(queue.folder) == before and not queue.runs()


@pytest.mark.parametrize("make", CASES[:-1])
def test_slurm_refuses_it_too(
    paper: Any, refused: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    folder = tmp_path / "foreign"
    folder.mkdir(mode=0o700)
    make(folder)
    before = content(folder)
    monkeypatch.setenv(tmux.VARIABLE, str(folder))
    for name in ("_refuse_missing", "_refuse_partition"):
        monkeypatch.setattr(slurm, name, lambda *_: None)
    assert str(folder) in refused("launch", f"papers/{paper.name}/configs/smoke.gin", "--on", "slurm")
    assert content(folder) == before


@needs_tmux
@pytest.mark.parametrize("files", [[], ["lock"], ["lock", "done", "failed.txt", "1-cpu.log", "sedAb1Cd2", ".nfs01"]])
def test_a_queue_is_taken_again(queue: Queue, files: list[str]) -> None:
    queue.folder.mkdir(mode=0o700)
    for name in files:
        (queue.folder / name).touch()
    assert queue.start("true\n", "cpu").returncode == 0
    wait(lambda: not queue.runs(), "the worker ended")
    assert queue.lines("done") == ["true"]


def test_a_queue_that_cannot_be_read_is_not_an_empty_one(
    paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(tmux.VARIABLE, raising=False)
    (tmux.folder() / "todo").mkdir(parents=True)
    code, _, err = repro("status")
    assert code == 0 and len(err.splitlines()) == 1 and os.fspath(tmux.folder() / "todo") in err
