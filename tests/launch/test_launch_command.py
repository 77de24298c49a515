"""`repro launch` with real tmux and real runs: every run arrives once, whatever is killed in between."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from repro.errors import BadInput
from repro.launch import status, tmux

RUNS = 8
CORE = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def wait(until: Callable[[], object], what: str, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"waited for {seconds} s, but not: {what}"
        time.sleep(0.05)


@pytest.fixture
def launched(paper: Any, git: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Calls `repro launch` in a process of its own; its session is ended after the test."""
    monkeypatch.delenv("REPRO_QUEUE", raising=False)
    environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}

    def call(*words: object) -> str:
        command = [sys.executable, "-m", "repro", "launch", *map(str, words)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield call
    subprocess.run(tmux.client("kill-server"), capture_output=True, check=False)


def alive() -> bool:
    return subprocess.run(tmux.client("has-session"), capture_output=True, check=False).returncode == 0


def attach_read_only(run: str) -> tuple[int, int]:
    """Attach to the window of a run in a terminal of its own: the number of the process, and the terminal."""
    path = os.environ.get("PYTHONPATH", str(CORE))
    child, terminal = in_terminal(sys.executable, "-m", "repro", "attach", run, "-r", PYTHONPATH=path)
    shown = tmux.client("list-clients", "-F", "#{client_readonly}")
    wait(lambda: "1" in subprocess.run(shown, capture_output=True, text=True).stdout.split(), "it is attached")
    return child, terminal


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_every_record_arrives_once_whatever_is_killed(launched: Any, paper: Any) -> None:
    """A worker is killed while its run trains, then the whole session; it is launched again."""
    text = "trainers.Supervised.steps = 100000\ntrainers.Supervised.batch_size = 1\n"
    config = paper.config("long", text)
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", "commit", "-qm", "long"], check=True)
    launched(config, "--seeds", RUNS, "--gpus", "cpu,cpu")
    wait(lambda: [one for one in status.all_runs() if one.state == "running" and one.step], "a run trains")
    observer, terminal = attach_read_only("long-seed0")
    os.write(terminal, b"\x03exit\r")  # no key reaches the window
    name = next(iter(tmux.running()))
    os.kill(int((tmux.folder() / "running" / name).read_text().split()[0]), signal.SIGKILL)
    wait(lambda: name in tmux.running(dead=True), "the worker is gone")
    assert subprocess.run(tmux.client("kill-server"), check=False).returncode == 0
    os.close(terminal)
    os.waitpid(observer, 0)
    wait(lambda: not [one for one in status.all_runs() if one.state == "running"], "no run is left")
    path = Path(config)
    path.write_text(path.read_text().replace("100000", "300"))
    subprocess.run(["git", "commit", "-qam", "shorter"], check=True)
    launched(config, "--seeds", RUNS, "--gpus", "cpu,cpu")
    wait(lambda: not alive(), "the workers ended", 900.0)  # a minute per run on a busy machine
    records = sorted(path.name for path in paper.records.glob("long-seed*.json"))
    assert records == [f"long-seed{seed}.json" for seed in range(RUNS)]
    assert not tmux.lines("todo") and not tmux.lines("failed") and not tmux.running()
    assert len(tmux.lines("done")) == len(set(tmux.lines("done"))) == RUNS
    launched(config, "--seeds", RUNS)
    wait(lambda: not alive(), "the workers ended")
    assert all(json.loads((paper.records / name).read_text())["cost"]["steps"] == 300 for name in records)


def in_terminal(*words: str, **variables: str) -> tuple[int, int]:
    """Start a program in a terminal of its own: the number of the process, and the terminal."""
    child, terminal = pty.fork()
    if not child:
        os.execvpe(words[0], words, os.environ | {"TERM": "xterm"} | variables)
    return child, terminal


@pytest.mark.slow
def test_stop_and_attach_find_the_window_of_a_run(launched: Any, paper: Any, repro: Any) -> None:
    config = paper.config("long", "trainers.Supervised.steps = 1000000\ntrainers.Supervised.batch_size = 1\n")
    launched(config, "--gpus", "cpu,cpu")
    wait(lambda: [one for one in status.all_runs() if one.state == "running" and one.step], "the run trains")
    other, terminal = in_terminal(*tmux.client("attach", "-t", tmux.SESSION))
    window = next(iter(tmux.running()))
    wait(lambda: clients() == ["repro status"], "somebody looks at the window status")
    observer, second = attach_read_only("long-seed0")
    (mine,) = {*clients()} - {"repro status"}
    assert mine.startswith("view-") and mine.endswith(window) and "repro status" in clients(), "nobody else is moved"
    os.write(second, b"\x02d")
    os.waitpid(observer, 0)
    sessions = tmux.client("list-sessions", "-F", "#{session_name}")
    assert subprocess.run(sessions, capture_output=True, text=True, check=True).stdout.split() == ["repro"]
    os.write(terminal, b"\x02d")
    os.waitpid(other, 0)
    assert repro("stop", "long-seed0")[0] == 0
    wait(lambda: tmux.lines("stopped") and not tmux.running(), "the worker has set it aside")
    (one,) = status.all_runs()
    assert one.state == "stopped" and one.step and list(Path(one.folder).glob("checkpoints/step-*"))


def clients() -> list[str]:
    """Session and window of each client of the tmux server."""
    shown = tmux.client("list-clients", "-F", "#{session_name} #{window_name}")
    return subprocess.run(shown, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize("gpus", ["", "gpu", "0,,1", "0;1", "-1", "cpu,x", "$(id)", "0+cpu"])
def test_wrong_gpus_are_refused(gpus: str) -> None:
    with pytest.raises(BadInput) as caught:
        tmux.start(["true"], gpus)
    assert "cpu" in caught.value.expected


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Makes an `nvidia-smi` that runs these lines of shell."""

    def make(script: str) -> None:
        tool = tmp_path / "bin" / "nvidia-smi"
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(tmux, "SCRIPT", Path("/bin/echo"))  # prints the workers
    return make


@pytest.mark.parametrize(("given", "share", "workers"), [
    ("0", False, "0"), ("2,0+1", False, "2 0,1"), ("cpu,cpu", False, "cpu cpu"), ("00,cpu", False, "0 cpu"),
    ("0,0", True, "0 0"), ("0+1,1", True, "0,1 1"),
    ("0+0", False, ""), ("0+0", True, ""), ("0+00", False, ""), ("0,0", False, ""), ("0+1,1", False, ""),
    ("3", False, ""), ("0,99", False, ""), ("0+3", True, ""),
])  # fmt: skip
def test_each_gpu_is_there_and_is_named_once(gpus: Any, given: str, share: bool, workers: str) -> None:
    gpus("printf '0\\n1\\n2\\n'")
    if workers:
        assert tmux.start(["true"], given, share) == workers
    else:
        with pytest.raises(BadInput):
            tmux.start(["true"], given, share)


@pytest.mark.parametrize("script", ["echo 'No devices were found'; exit 6", "echo 'No devices were found'"])
def test_a_machine_without_a_gpu_offers_cpu(gpus: Any, script: str) -> None:
    gpus(script)
    with pytest.raises(BadInput) as caught:
        tmux.start(["true"], "0")
    assert caught.value.expected.startswith("cpu") and tmux.start(["true"], "cpu") == "cpu"


@pytest.mark.parametrize("name", [
    "papers/{0}/model.py", "papers/{0}/configs/empty.gin", "papers/{0}/configs/odd.gin", "outside.gin",
    "{0}/empty", "papers/{0}/configs",
])  # fmt: skip
def test_what_cannot_run_is_refused_before_a_worker_starts(paper: Any, refused: Any, name: str) -> None:
    for path in (Path("outside.gin"), paper.folder / "configs" / "empty.gin"):
        path.write_text("")
    paper.config("odd", "trainers.Supervised.stepps = 3\n")
    refused("launch", f"papers/{paper.name}/configs/smoke.gin", name.format(paper.name))
    assert not tmux.folder().exists()


@pytest.mark.parametrize("words", [
    ("--seed", "2"), ("--gpu", "cpu"), ("--gpus", ""), ("--on", "slurm", "--partition", ""),
    ("--on", "slurm", "--time", ""),
])  # fmt: skip
def test_an_option_is_neither_shortened_nor_empty(paper: Any, refused: Any, words: tuple[str, ...]) -> None:
    assert words[-2] in refused("launch", f"papers/{paper.name}/configs/smoke.gin", *words)
    assert not tmux.folder().exists()


@pytest.mark.timeout(60)
def test_more_runs_than_a_queue_can_hold_are_refused(paper: Any, refused: Any) -> None:
    for seeds in ("100001", "999999999999999999"):
        assert seeds in refused("launch", f"papers/{paper.name}/configs/smoke.gin", "--seeds", seeds)


def test_nothing_missing_is_no_session(paper: Any, repro: Any) -> None:
    assert "--seeds" in repro("launch", paper.name, "--seeds", 3)[2]
    assert repro("launch", "papers/nowhere/configs/a.gin")[0] == 2
    paper.toml((paper.folder / "paper.toml").read_text().partition("[labels]")[0])
    assert repro("launch", paper.name)[:2] == (0, "")
