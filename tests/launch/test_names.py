"""What a name means that is only in the queue, or is the id of a job; and the workers that `status` counts."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from repro.errors import BadInput
from repro.launch import control, names, slurm, status, tmux


@pytest.fixture
def queue(paper: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a queue without workers."""
    monkeypatch.delenv("REPRO_QUEUE", raising=False)
    (tmux.folder() / "running").mkdir(parents=True)
    return tmux.folder()


def command(paper: Any, seed: int, config: str = "line") -> str:
    return f"repro run papers/{paper.name}/configs/{config}.gin --seed {seed} --missing"


def run(paper: Any, seed: int, digest: str = "0123abcd", **content: object) -> Path:
    """A run folder."""
    folder = Path("runs", paper.name, "line", f"{digest}-seed{seed}")
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(content))
    (folder / "run.log").write_text("started\n")
    return folder


def states() -> dict[int, str]:
    found = status.all_runs()
    assert len(found) == len({one.seed for one in found}), "each run is counted once"
    return {one.seed: one.state for one in found}


def took(queue: Path, paper: Any, seed: int, seconds: float = 0.0, worker: int = 0) -> None:
    """A worker has taken the run, so many seconds from now."""
    file = queue / "running" / "1-cpu"
    file.write_text(f"{worker or os.getpid()}\n{command(paper, seed)}\n")
    os.utime(file, (time.time() + seconds,) * 2)


@pytest.mark.parametrize("word", ["logs", "attach"])
def test_a_run_that_has_not_started_is_known(queue: Path, paper: Any, refused: Any, word: str) -> None:
    (queue / "todo").write_text(f"{command(paper, 0)}\n{command(paper, 1)}\n")
    (queue / "failed").write_text(f"2\t{command(paper, 2)}\n")
    took(queue, paper, 3)
    for seed, said in enumerate(["not started", "not started", "failed", "starting"]):
        for name in (f"{paper.name}/line-seed{seed}", f"line-seed{seed}", f"seed{seed}"):
            line = refused(word, name)
            assert said in line and f"{paper.name}/line-seed{seed}" in line


def test_stop_takes_a_run_out_of_the_queue(queue: Path, paper: Any, repro: Any, refused: Any) -> None:
    waiting = [command(paper, 0), "echo other", command(paper, 1), command(paper, 10)]
    (queue / "todo").write_text("".join(f"{line}\n" for line in waiting))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    took(queue, paper, 4, worker=gone.pid)
    assert repro("stop", "line-seed1")[0] == 0 and repro("stop", "line-seed4")[0] == 0
    assert tmux.lines("todo") == [waiting[0], waiting[1], waiting[3]] and not tmux.running(dead=True)
    assert tmux.lines("stopped") == [command(paper, 1), command(paper, 4)]
    refused("stop", "line-seed4")
    assert states() == {0: "waiting", 10: "waiting"}


def test_stop_waits_for_a_run_that_starts(queue: Path, paper: Any) -> None:
    took(queue, paper, 3)
    assert control.started("line-seed3", patience=0.3).state == "starting"
    with pytest.raises(BadInput, match="starting"):
        control.started("line-seed3", patience=0.0).begun  # noqa: B018


@pytest.mark.parametrize("outcome", ["stopped", "failed", "refused", "finished"])
def test_a_run_that_has_just_ended_is_not_starting(queue: Path, paper: Any, outcome: str) -> None:
    run(paper, 0, outcome=outcome)
    took(queue, paper, 0, seconds=-5)
    assert states() == {0: outcome}
    took(queue, paper, 0, seconds=5)
    assert states() == {0: "starting"}, "a worker has taken it again"


def test_a_finished_run_that_is_launched_again_is_counted_once(queue: Path, paper: Any) -> None:
    for seed in (0, 1):
        run(paper, seed, outcome="finished")
    run(paper, 0, "4567abcd", outcome="finished")
    (queue / "todo").write_text(f"{command(paper, 0)}\n")
    (queue / "failed").write_text(f"1\t{command(paper, 1)}\n")
    assert states() == {0: "waiting", 1: "finished"}


def test_the_id_of_a_job_is_no_part_of_a_digest(
    queue: Path, paper: Any, repro: Any, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = run(paper, 0, "44444444", outcome="stopped"), run(paper, 1)
    folder = queue / "slurm" / "1"
    folder.mkdir(parents=True)
    (folder / "commands").write_text(f"{command(paper, 0)}\n{command(paper, 1)}\n{command(paper, 2)}\n")
    jobs = [slurm.SlurmJob(f"44_{seed}", command(paper, seed), seed == 2) for seed in (1, 2)]
    monkeypatch.setattr(slurm, "jobs", lambda: jobs)
    assert names.find("44_1").begun == second
    assert "has not started" in refused("logs", "44_2") and "44_2" in refused("attach", "44_2")
    assert "4" in refused("logs", "4") and "44_3" in refused("logs", "44_3")
    (folder / "44_0_0_log.out").write_text("")
    assert names.find("44_0").begun == first, "its job has ended"
    assert repro("logs", "44_0")[:2] == (0, "started\n")
    assert names.find("44444444-seed0").begun == first


def test_status_says_that_no_worker_is_left(queue: Path, paper: Any, repro: Any) -> None:
    assert "worker" not in repro("status")[1]
    (queue / "todo").write_text(f"{command(paper, 0)}\n")
    assert "no worker" in repro("status")[1].splitlines()[-1]
    with (queue / "2-cpu.log").open("a") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        assert tmux.workers() == ["2-cpu"] and "worker" not in repro("status")[1]
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        took(queue, paper, 1, worker=gone.pid)
        assert "1-cpu" in repro("status")[1].splitlines()[-1]


def test_status_shows_how_many_processes_share_a_run(paper: Any, queue: Path, repro: Any) -> None:
    run(paper, 0, processes=[1])
    assert "processes" not in repro("status")[1]
    run(paper, 1, processes=[1, 4])
    head, *rows = repro("status")[1].splitlines()
    at = head.index("processes")
    assert [row[at] for row in rows[:2]] == ["1", "4"]
    for number, odd in enumerate(["x", [], ["x"], None], 2):
        run(paper, number, processes=odd)
    assert {one["processes"] for one in json.loads(repro("status", "--json")[1])} == {1, 4}


@pytest.mark.parametrize(("conf", "said"), [("", "two"), ("slurm.conf", "two"), ("/nowhere/slurm.conf", "/nowhere")])
def test_a_slurm_that_does_not_answer_is_one_line(
    queue: Path, paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, conf: str, said: str
) -> None:
    (queue / "slurm" / "1").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    squeue = tmp_path / "bin" / "squeue"
    squeue.write_text(
        f"#!/bin/sh\ntouch {tmp_path}/asked; echo 'squeue: error: one' >&2; echo 'squeue: fatal: two' >&2; exit 1\n"
    )
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{squeue.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_CONF", conf)
    Path("slurm.conf").touch()
    code, _, err = repro("status")
    assert code == 0 and len(err.splitlines()) == 1 and "SLURM_CONF" in err and said in err and conf in err
    assert squeue_ran(tmp_path) == (said == "two"), "Slurm would look for a missing file for a minute"


def squeue_ran(folder: Path) -> bool:
    return (folder / "asked").exists()
