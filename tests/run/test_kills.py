"""Real processes, killed or asked to stop at random moments, end as one that was never disturbed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

ROOT = Path(__file__).parents[2]
STEPS = 60
CONFIG = f"include 'smoke.gin'\nSTEPS = {STEPS}\n"


class Runs:
    """A paper's smoke config, made longer, in a folder of its own; the processes that run it."""

    def __init__(self, folder: Path, paper: str) -> None:
        self.folder = folder
        copy = folder / "papers" / paper
        shutil.copytree(ROOT / "papers" / paper, copy, ignore=shutil.ignore_patterns("records", "tests", "__pycache__"))
        (copy / "configs" / "killed.gin").write_text(CONFIG)
        self.config, self.record = f"papers/{paper}/configs/killed.gin", copy / "records" / "killed-seed0.json"

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """A process in a group of its own, with a checkpoint after every step."""
        env = {**os.environ, "OMP_NUM_THREADS": "1", "REPRO_CHECKPOINT_SECONDS": "0", **environment}
        command = [sys.executable, "-m", "repro", "run", self.config]
        out = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.folder, env=env, stdout=out, stderr=out, text=True, start_new_session=True
        )

    def finish(self) -> str:
        """Run to the end; what was said."""
        process = self.start()
        try:
            _, said = process.communicate(timeout=280)
        finally:
            process.kill()
        assert process.returncode == 0, said
        return said

    @property
    def run(self) -> Path:
        (found,) = (self.folder / "runs").glob("*/killed/*-seed0")
        return found

    @property
    def step(self) -> int:
        """The step of the newest checkpoint; -1 before the first."""
        found = (self.folder / "runs").glob("*/killed/*-seed0/checkpoints/step-*.safetensors")
        return max((int(path.name.split("-")[1]) for path in found), default=-1)

    @property
    def lines(self) -> int:
        """How many lines the journal has."""
        found = (self.folder / "runs").glob("*/killed/*-seed0/metrics.jsonl")
        return sum(len(path.read_text().splitlines()) for path in found)

    def result(self) -> dict[str, object]:
        """What must not depend on whether, when and how often it was stopped."""
        record = json.loads(self.record.read_text())
        metrics = [json.loads(line) for line in (self.run / "metrics.jsonl").read_text().splitlines()]
        events = (event for path in (self.run / "tensorboard").iterdir() for event in EventFileLoader(str(path)).Load())
        scalars = Counter((value.tag, event.step) for event in events for value in event.summary.value)
        assert set(scalars.values()) == {1}, "no step stands twice in TensorBoard"
        return {
            "weights": {path.name: path.read_bytes() for path in (self.run / "checkpoints").glob("[bl]*.safetensors")},
            "record": {key: record[key] for key in ("measurements", "curves", "data", "code", "examples")},
            "shown": {path.name: path.read_bytes() for path in self.record.with_suffix("").glob("*")},
            "metrics": [{key: value for key, value in row.items() if key != "time"} for row in metrics],
            "scalars": scalars,
        }


def until(process: subprocess.Popen[str], ready: Callable[[], object]) -> None:
    """Wait until something is so, or the process has ended."""
    end = time.monotonic() + 120
    while process.poll() is None and not ready():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def kill(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> int:
    """Send a signal to the process and all its children; its exit code."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    process.communicate(timeout=120)
    return process.returncode


def moments(runs: Runs, chance: random.Random) -> Iterator[Callable[[subprocess.Popen[str]], object]]:
    """When each kill comes: before the training, in steps and checkpoints, in the measuring, as it is recorded."""
    yield lambda process: time.sleep(chance.uniform(0, 3))
    for _ in range(13):
        step = runs.step + chance.randrange(3)
        yield lambda process, step=step: until(process, lambda: runs.step > step)
    for _ in range(3):
        yield lambda process: until(process, lambda: runs.step == STEPS)
    written = f".{runs.record.name}.*"
    for place in (runs.run, runs.record.parent, runs.record.parent):
        yield lambda process, place=place: until(process, lambda: any(place.glob(written)) or runs.record.exists())


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("paper", ["mnist_quickstart", "deep_clustering"])
def test_killed_twenty_times_it_ends_with_the_same_bits(paper: str, tmp_path: Path) -> None:
    straight, killed = Runs(tmp_path / "straight", paper), Runs(tmp_path / "killed", paper)
    straight.finish()
    seed = random.randrange(10**6)
    print("the seed of the moments:", seed)
    codes, chance = [], random.Random(seed)
    for wait in moments(killed, chance):
        process = killed.start()
        wait(process)
        time.sleep(chance.uniform(0, 0.02))
        codes.append(kill(process))
    assert len(codes) == 20 and codes.count(-signal.SIGKILL) >= 17, codes  # at the very end it may be too late
    killed.finish()
    assert killed.result() == straight.result()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_preempted_run_writes_a_checkpoint_within_a_step_and_says_so(tmp_path: Path) -> None:
    """SIGTERM and SIGUSR1 to the whole group, workers that read data included."""
    straight, stopped = Runs(tmp_path / "straight", "mnist_quickstart"), Runs(tmp_path / "stopped", "mnist_quickstart")
    for runs in (straight, stopped):
        with (runs.folder / runs.config).open("a") as file:
            file.write("trainers.Supervised.workers = 2\nSTEPS = 200\ntrainers.Supervised.batch_size = 10\n")
    straight.finish()
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
        step, lines = max(stopped.step, 0), stopped.lines
        process = stopped.start(REPRO_CHECKPOINT_SECONDS="1000")
        until(process, lambda lines=lines: stopped.lines > lines)
        assert kill(process, number) == 75
        assert stopped.step > step, "what was done is kept, although no checkpoint was due"
    last = stopped.step
    assert f"resumes after step {last}, from" in stopped.finish()
    assert stopped.result() == straight.result()


class Reading(Runs):
    """A run whose two workers read for longer than a test lasts; their ids."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "mnist_quickstart")
        with (self.folder / self.config).open("a") as file:
            file.write("trainers.Supervised.workers = 2\nSTEPS = 100000\ntrainers.Supervised.batch_size = 1\n")

    def started(self) -> tuple[subprocess.Popen[str], list[int]]:
        process = self.start(REPRO_CHECKPOINT_SECONDS="1000")
        until(process, lambda: self.lines > 2 and len(self.workers(process)) == 2)
        return process, self.workers(process)

    @staticmethod
    def workers(process: subprocess.Popen[str]) -> list[int]:
        done = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
        return [int(word) for word in done.stdout.split()]


def alive(number: int) -> bool:
    """Whether a process is there, and is not only waiting to be reaped by whoever inherited it."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True, check=False)
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def gone(workers: list[int], seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while any(map(alive, workers)) and time.monotonic() < end:
        time.sleep(0.1)
    return not any(map(alive, workers))


@pytest.mark.timeout(200)
def test_a_killed_worker_ends_the_run_which_says_so_and_leaves_no_process(tmp_path: Path) -> None:
    """As the kernel does where memory runs out. The other worker ignores SIGTERM, and must end all the same."""
    process, workers = Reading(tmp_path).started()
    os.kill(workers[0], signal.SIGKILL)
    try:
        _, said = process.communicate(timeout=60)
    finally:
        kill(process)
    assert process.returncode == 1
    last = said.strip().splitlines()[-1]
    assert last.startswith("the run failed: ") and "a process that loads data was killed" in last
    assert gone(workers)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_workers_of_a_killed_run_end_by_themselves(tmp_path: Path) -> None:
    process, workers = Reading(tmp_path).started()
    try:
        os.kill(workers[0], signal.SIGSTOP)  # it cannot look: the other one must not depend on it
        process.kill()
        process.wait(timeout=30)
        assert gone(workers[1:])
        os.kill(workers[0], signal.SIGCONT)
        assert gone(workers)
    finally:
        kill(process)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_workers_that_hold_a_signal_for_the_trainer_end_after_its_checkpoint(tmp_path: Path) -> None:
    runs = Reading(tmp_path)
    process, workers = runs.started()
    code = kill(process, signal.SIGTERM)
    assert code == 75 and runs.step > 0 and gone(workers)
