"""`repro launch --on slurm` with a real Slurm of two emulated nodes: every run arrives once, whatever is taken away."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from repro.errors import BadInput
from repro.launch import slurm, status, tmux
from tests.launch.cluster import Cluster, unavailable

pytestmark = pytest.mark.xdist_group("slurm")  # one process starts the cluster, and has its two cores to itself
needs_slurm = pytest.mark.skipif(bool(unavailable()), reason=unavailable())


def wait(until: Callable[[], object], what: str, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"waited for {seconds} s, but not: {what}; {status.all_runs()}"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.down()


@pytest.fixture
def cluster(running: Cluster, paper: Any, git: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """The cluster, without jobs; the processes that a test starts, and the jobs, import its paper and this package."""
    monkeypatch.delenv("REPRO_QUEUE", raising=False)
    root = Path(slurm.__file__).parents[2]
    for name, value in {"SLURM_CONF": running.conf, "PYTHONPATH": f"{Path.cwd()}:{root}", "OMP_NUM_THREADS": 1}.items():
        monkeypatch.setenv(name, str(value))
    yield running
    running.clear()


def launch(*words: object) -> str:
    """`repro launch --on slurm` in a process of its own, as users call it; what it prints."""
    command = [sys.executable, "-m", "repro", "launch", *map(str, words), "--on", "slurm"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def states() -> dict[int, str]:
    return {one.seed: one.state for one in status.all_runs()}


def committed(paper: Any, steps: int, batch: int = 1) -> Path:
    """A config of so many steps, in a commit."""
    text = f"trainers.Supervised.steps = {steps}\ntrainers.Supervised.batch_size = {batch}\n"
    config: Path = paper.config("long", text)
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", "commit", "-qm", "long"], check=True)
    return config


@needs_slurm
def test_what_waits_is_queued_once_and_leaves_when_it_is_stopped(cluster: Cluster, paper: Any, repro: Any) -> None:
    cluster.drain()  # so that nothing starts
    config = f"papers/{paper.name}/configs/smoke.gin"
    assert repro("launch", config, "--seeds", 2, "--on", "slurm")[0] == 0
    first = {one.seed: one for one in status.all_runs()}
    assert {seed: one.state for seed, one in first.items()} == {0: "queued", 1: "queued"}
    assert {job.id for job in slurm.jobs()} == {one.job for one in first.values()}
    assert repro("launch", config, "--seeds", 3, "--on", "slurm")[0] == 0
    assert repro("launch", config, "--seeds", 3, "--on", "slurm")[0] == 0
    assert sorted(slurm.run_of(job.command) for job in slurm.jobs()) == [
        f"{paper.name}/smoke-seed{seed}" for seed in range(3)
    ]
    assert repro("stop", "smoke-seed1")[0] == 0
    assert repro("stop", first[0].job)[0] == 0, "the id of a job is a name of its run"
    assert states() == {2: "queued"}
    assert "smoke-seed2" in repro("status")[1]


@needs_slurm
def test_what_no_node_can_give_is_refused(cluster: Cluster) -> None:
    day = 24 * 60
    for wanted, nearest, expected in [
        (slurm.Wanted("debugg", 10, 0, 1), "debug", ""),
        (slurm.Wanted("debug", day + 1, 0, 1), "", f"{day}"),
        (slurm.Wanted("", day + 1, 0, 1), "", f"{day}"),  # `debug` is the default
        (slurm.Wanted("low", day + 1, 3, 1), "", "2"),
        (slurm.Wanted("low", 10, 0, 1, nodes=3), "", "2"),
        (slurm.Wanted("", 10, 1, 1, nodes=5), "", "2"),
    ]:
        with pytest.raises(BadInput) as caught:
            slurm.start(["true"], wanted)
        assert caught.value.nearest == nearest and expected in caught.value.expected.split(",")[0]
    assert not slurm.jobs() and not Path("runs").exists()


@pytest.mark.parametrize(
    "words",
    [
        *[("--on", "slurm", *more) for more in [("--gpus", "0"), ("--share",), ("--time", "1h"), ("--time", "1")]],
        *[("--partition", "p"), ("--time", "90"), ("--gpus-per-node", "1"), ("--at-once", "2")],
    ],
)
def test_options_of_the_other_place_and_malformed_ones_are_refused(paper: Any, refused: Any, words: Any) -> None:
    refused("launch", f"papers/{paper.name}/configs/smoke.gin", *words)
    assert not Path("runs").exists()


@pytest.mark.parametrize(("option", "what"), [("--at-once", "jobs"), ("--nodes", "nodes"), ("--gpus-per-node", "GPUs")])
def test_a_number_says_of_what(paper: Any, refused: Any, option: str, what: str) -> None:
    line = refused("launch", f"papers/{paper.name}/configs/smoke.gin", "--on", "slurm", option, "0")
    assert f"how many {what}" in line


@pytest.mark.parametrize(("rows", "gpus", "most"), [
    (["low|infinite|gpu:2|2|1-infinite"], 0, 2), (["low|infinite|gpu:2|2|1-infinite"], 2, 2),
    (["low|infinite|gpu:2|2|1-infinite", "low|infinite|(null)|30|1-infinite"], 0, 32),
    (["low|infinite|gpu:2|2|1-infinite", "low|infinite|(null)|30|1-infinite"], 1, 2),
    (["low|infinite|(null)|30|1-4"], 0, 4), (["low|infinite|(null)|30|2"], 0, 2),
])  # fmt: skip
def test_the_nodes_that_a_job_can_have(rows: list[str], gpus: int, most: int) -> None:
    assert slurm._nodes([row.split("|") for row in rows], gpus) == most


@pytest.mark.parametrize("lacks", ["submitit", "sbatch"])
def test_without_slurm_or_submitit_a_line_says_so(
    paper: Any, refused: Any, lacks: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(slurm.importlib.util, "find_spec", lambda name: None if name == lacks else name)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lacks in refused("launch", f"papers/{paper.name}/configs/smoke.gin", "--on", "slurm")
    assert not Path("runs").exists()


def test_a_time_is_the_same_in_each_notation() -> None:
    for days, hours, more in [(0, 0, 5), (0, 23, 59), (1, 0, 0), (2, 12, 30)]:
        total = (days * 24 + hours) * 60 + more
        texts = [f"{days}-{hours}:{more:02}", f"{days * 24 + hours}:{more:02}:00", f"{total}", f"{total}:00"]
        assert {slurm.minutes(text) for text in texts} == {total}
        assert slurm.minutes(f"{days}-{hours}:{more:02}:01") == total + 1, "rounded up"
    for wrong in (
        "",
        "x",
        "1:2:3:4",
        "-5",
        "1.5",
        "0",
        "1",
        "0:59",
        "UNLIMITED",
        "²",
        "1:99:99",
        "1:60:00",
        "0:10:60",
        "1-0:60",
        "5:60",
    ):
        with pytest.raises(BadInput):
            slurm.minutes(wrong)


def test_the_gpus_of_a_node_are_read_from_what_sinfo_prints() -> None:
    rows = {"(null)": 0, "gpu:2": 2, "gpu:a100:4(S:0-1)": 4, "gpu:a100:4(S:0-1),gpu:v100:2,shard:8": 6, "nic:3": 0}
    assert {row: slurm._gpus(row) for row in rows} == rows


@needs_slurm
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_every_record_arrives_once_whatever_is_taken_away(cluster: Cluster, paper: Any, repro: Any) -> None:
    """Of 20 runs, some are preempted; then a node dies. A config is wrong, and is reported."""
    config, runs = committed(paper, 400), 20
    wrong = paper.config("wrong", "trainers.Supervised.steps = -1\n")
    launch(config, "--seeds", runs, "--partition", "low", "--gpus-per-node", 1)
    launch(wrong, "--partition", "low")
    wait(lambda: [one for one in status.all_runs() if one.state == "running" and one.step], "a run trains")
    cluster.preempt("n1")
    wait(lambda: [one for one in status.all_runs() if one.state == "stopped" or one.step], "a run is preempted")
    wait(lambda: [one for one in status.all_runs() if one.state == "running" and one.step], "a run trains again")
    cluster.kill("n2")
    wait(lambda: not slurm.jobs(), "all jobs are gone", 1200)
    assert sorted(path.name for path in paper.records.glob("long-*.json")) == sorted(
        f"long-seed{seed}.json" for seed in range(runs)
    )
    done = tmux.lines("done")
    assert len(done) == len(set(done)) == runs and not tmux.lines("stopped")
    assert [line.partition("\t")[0] for line in tmux.lines("failed")] == ["2"]
    logs = [path.read_text() for path in Path("runs", paper.name, "long").glob("*/run.log")]
    assert [log.count(" finished\n") for log in logs] == [1] * runs, "nothing is run twice"
    costs = [json.loads(path.read_text())["cost"] for path in paper.records.glob("long-*.json")]
    assert {cost["steps"] for cost in costs} == {400}
    assert max(cost.get("sessions", 1) for cost in costs) > 1, "a run was interrupted, and resumed"


@needs_slurm
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_resumes_after_its_time_limit_and_stops_when_asked(cluster: Cluster, paper: Any, repro: Any) -> None:
    launch(committed(paper, 10_000_000), "--time", 2, "--gpus-per-node", 1)
    wait(lambda: [one for one in status.all_runs() if one.state == "running" and one.step], "the run trains")
    (one,) = status.all_runs()
    assert one.gpus and one.job == slurm.jobs()[0].id
    assert repro("logs", one.job)[0] == 0, "the id of a job is a name of its run"
    wait(lambda: states() == {0: "queued"}, "its time is nearly up")
    step = max(int(path.name.split("-")[1]) for path in Path(one.folder).glob("checkpoints/step-*"))
    assert step >= (one.step or 0), "the checkpoint is of its last step"
    wait(lambda: [now for now in status.all_runs() if now.state == "running" and (now.step or 0) > step], "it resumes")
    assert json.loads(Path(one.folder, "run.json").read_text())["sessions"] == 2
    assert repro("stop", one.job)[0] == 0
    assert states() == {0: "stopped"} and len(tmux.lines("stopped")) == 1 and not slurm.jobs()
    assert "resume" in repro("logs", one.job)[1], "also after the job has ended"


@needs_slurm
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_nodes_share_a_run(cluster: Cluster, paper: Any, repro: Any) -> None:
    """The emulated nodes have no addresses of their own: `up.sh` lets them meet at this machine."""
    launch(committed(paper, 20, batch=2), "--nodes", 2)
    wait(lambda: not slurm.jobs(), "the job is gone", 500)
    (path,) = paper.records.glob("long-*.json")
    assert json.loads(path.read_text())["environment"]["processes"] == [2]
    assert len(tmux.lines("done")) == 1 and not tmux.lines("failed")
