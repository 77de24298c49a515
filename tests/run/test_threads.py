"""How many threads a run computes with: what is asked for, else as in the committed record, else the free cores."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from repro import config as configs
from repro import run
from repro.config import Config
from repro.interruption import Interrupted
from repro.rerun import replay
from repro.run import threads


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine with so many cores, of which this process may use some, and its load; no variable is set."""
    for name in (threads.OPENMP, threads.WORKERS):
        monkeypatch.delenv(name, raising=False)

    def set_up(cores: int, load: float = 0.0, bound: int | None = None, gpu: bool = False) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(bound or cores)))
        monkeypatch.setattr(os, "cpu_count", lambda: cores)
        monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        monkeypatch.setattr(threads, "_quota", lambda: float("inf"))

    set_up(8)
    return set_up


@pytest.fixture
def config(paper: Any) -> Config:
    return configs.read(paper.folder / "configs" / "smoke.gin")


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def recorded(paper: Any, number: int, seed: int = 0) -> None:
    """A committed record of the smoke config that was made with so many threads."""
    run.run(paper.folder / "configs" / "smoke.gin", seed, wanted=1)
    path = paper.records / f"smoke-seed{seed}.json"
    edit(path, environment=json.loads(path.read_text())["environment"] | {"threads": number})


def test_as_many_as_there_are_free_cores(config: Config, machine: Any) -> None:
    for cores, load in itertools.product((1, 2, 8, 64), (0.0, 0.4, 1.6, 5.0, 100.0)):
        machine(cores, load)
        chosen = threads.choose(config)
        assert chosen.number == max(1, round(cores - load))
        assert f"of {cores} cores are free" in chosen.why


def test_of_a_part_of_the_machine_its_part_of_the_load(config: Config, machine: Any) -> None:
    machine(64, load=32.0, bound=4)
    assert threads.choose(config).number == 2


def test_workers_side_by_side_never_take_more_than_the_cores(
    config: Config, machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them together, also when each looks before the others have begun."""
    for cores, workers in itertools.product((1, 2, 4, 7, 16), (2, 3, 4)):
        machine(cores)
        monkeypatch.setenv(threads.WORKERS, str(workers))
        number = threads.choose(config).number
        assert number == max(1, cores // workers) and (number * workers <= cores or number == 1)


def test_beside_a_gpu_four_are_enough(config: Config, machine: Any) -> None:
    machine(64, gpu=True)
    assert threads.choose(config).number == 4
    machine(2, gpu=True)
    assert threads.choose(config).number == 2


def test_the_number_of_the_committed_record_comes_before_the_cores(paper: Any, config: Config, machine: Any) -> None:
    recorded(paper, 3, seed=1)
    machine(8, load=7.0)
    assert str(threads.choose(config, seed=5)) == "3 threads (as in the committed record)", "of any seed"
    recorded(paper, 2, seed=5)
    assert threads.choose(config, seed=5).number == 2, "of its own seed first"
    machine(2)
    chosen = threads.choose(config, seed=1)
    assert chosen.number == 2 and chosen.why == "2 of 2 cores are free; the committed record has 3"
    (paper.records / "smoke-seed1.json").write_text("no record")
    assert threads.choose(config, seed=1).number == 2, "what cannot be read says nothing"


def test_what_is_asked_for_comes_first(
    paper: Any, config: Config, machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(paper, 3)
    monkeypatch.setenv(threads.OPENMP, "5, 2")
    assert str(threads.choose(config)) == "5 threads (OMP_NUM_THREADS)"
    assert str(threads.choose(config, wanted=1)) == "1 thread (--threads)"
    assert threads.choose(config, begun=2).number == 2, "a run that is resumed keeps its own"


@pytest.mark.parametrize("given", ["9", "100"])
def test_threads_beyond_the_cores_are_refused(machine: Any, paper: Any, refused: Any, given: str) -> None:
    line = refused("run", f"papers/{paper.name}/configs/smoke.gin", "--threads", given)
    assert line == f"--threads is {given}; expected 1 to 8, the number of cores that this process may use"
    assert not Path("runs").exists()


@pytest.mark.parametrize("variable", [threads.OPENMP, threads.WORKERS])
@pytest.mark.parametrize("given", ["0", "-1", "many", "1.5", "9" * 12, "1025"])
def test_a_variable_that_holds_no_number_is_one_line(
    paper: Any, refused: Any, monkeypatch: pytest.MonkeyPatch, variable: str, given: str
) -> None:
    monkeypatch.setenv(variable, given)
    line = refused("run", f"papers/{paper.name}/configs/smoke.gin")
    assert line == f"{variable} is {given!r}; expected a whole number from 1 to 1024" and not Path("runs").exists()


def test_the_run_and_its_record_say_the_number(paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "cores", lambda: 3)
    before = torch.get_num_threads(), os.environ.get(threads.OPENMP)
    module = paper.module("counting", COUNTING)
    base = (paper.folder / "configs" / "base.gin").read_text().replace("Supervised", "Counting")
    path = paper.config("counts", f"import {module}\n{base}\ntrainers.Counting.steps = 2\n", base="")
    code, out, err = repro("run", path, "--threads", 3)
    assert code == 0 and ": 3 threads (--threads)\n" in err
    found = json.loads(Path(out.strip()).read_text())
    assert found["environment"]["threads"] == 3
    (folder,) = Path("runs").glob("*/counts/*-seed0")
    assert json.loads((folder / "seen.json").read_text()) == [3, "3", [3]], "torch, numpy, and what loads later"
    assert (torch.get_num_threads(), os.environ.get(threads.OPENMP)) == before


COUNTING = """
import json
import os
from pathlib import Path
import torch
from threadpoolctl import threadpool_info
from repro.registry import TRAINERS
from repro.trainers.supervised import Supervised

@TRAINERS.register
class Counting(Supervised):
    '''Writes down with how many threads it computes.'''
    def fit(self, model, loss, train, valid, folder, order_seed):
        pools = sorted({pool["num_threads"] for pool in threadpool_info()})
        (folder / "seen.json").write_text(json.dumps([torch.get_num_threads(), os.environ["OMP_NUM_THREADS"], pools]))
        return super().fit(model, loss, train, valid, folder, order_seed)
"""

STOPPING = """
import os
import signal
from repro.registry import TRAINERS
from repro.trainers.supervised import Supervised

@TRAINERS.register
class Stopping(Supervised):
    '''Is asked to stop in its third step, once.'''
    def step(self, model, loss, batch):
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls == 3 and os.environ.pop("STOP", ""):
            os.kill(os.getpid(), signal.SIGTERM)
        return super().step(model, loss, batch)
"""


def test_a_run_that_is_resumed_keeps_its_number_or_refuses_another(
    paper: Any, repro: Any, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cores", lambda: 4)
    module = paper.module("stopping", STOPPING)
    base = (paper.folder / "configs" / "base.gin").read_text().replace("Supervised", "Stopping")
    path = paper.config("stops", f"import {module}\n{base}", base="")
    monkeypatch.setenv("STOP", "1")
    with pytest.raises(Interrupted):
        run.run(path, wanted=2)
    (state,) = Path("runs").glob("*/stops/*-seed0/run.json")
    before = state.read_bytes()
    assert json.loads(before)["threads"] == 2
    assert "--threads is 3, but this run started with 2; another number may change the results" in refused(
        "run", path, "--threads", 3
    )
    assert state.read_bytes() == before
    code, out, err = repro("run", path)
    assert code == 0 and ": 2 threads (as at the start of the run)\n" in err
    found = json.loads(Path(out.strip()).read_text())
    assert found["environment"]["threads"] == 2 and found["cost"]["sessions"] == 2
    assert repro("run", path, "--threads", 3, "--publish")[0] == 0, "a new run may have another"


@pytest.mark.parametrize(("own", "files", "allowed"), [
    ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
    ("0::/a/b\n", {"a/cpu.max": "200000 100000", "a/b/cpu.max": "max 100000", "cpu.max": "800000 100000"}, 2.0),
    ("0::/not/here\n", {"cpu.max": "400000 100000"}, 4.0),
    ("4:cpu,cpuacct:/a\n3:memory:/x\n", {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "100000"}, 0.5),
    ("4:cpu,cpuacct:/a\n", {"cpu/a/cpu.cfs_quota_us": "-1\n", "cpu/a/cpu.cfs_period_us": "100000"}, float("inf")),
    ("0::/a\n", {"a/cpu.max": "nonsense"}, float("inf")),
    ("", {}, float("inf")),
])  # fmt: skip
def test_a_control_group_allows_less_than_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: dict[str, str], allowed: float
) -> None:
    """The smallest of those of its own group and of the groups above, as the kernel applies them."""
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(text)
    assert threads._quota(tmp_path / "root", tmp_path / "own") == allowed
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)))
    monkeypatch.setattr(threads, "_quota", lambda: allowed)
    assert threads.cores() == max(1, int(min(6, allowed)))


@pytest.mark.slow
def test_a_replay_computes_with_the_threads_of_the_record(
    paper: Any, git: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cores", lambda: 2)
    _, path = run.run(paper.folder / "configs" / "smoke.gin", wanted=2)
    monkeypatch.setenv(threads.OPENMP, "1")
    found = replay.replay(path)
    assert found.agrees and found.again.environment["threads"] == 2
