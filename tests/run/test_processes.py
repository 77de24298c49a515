"""Several processes share one run: the same steps over the same items, one run folder, and nothing lost if one dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from repro import record
from repro.errors import BadInput
from repro.record import Record
from repro.training import processes

ROOT = Path(__file__).parents[2]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
GRADIENTS = """
import os, sys, torch
from torch import nn
from repro.training import processes
from repro.trainers.loop import Loop

class Trainer:
    steps, batch_size = 2, 12

def gradients():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    draw = torch.Generator().manual_seed(1)
    data = [(torch.randn(5, generator=draw), torch.randn(3, generator=draw)) for _ in range(40)]
    with Loop(Trainer(), model, None, data, folder, 3) as loop:
        for number, (inputs, target) in loop:
            loss = nn.functional.mse_loss(model(inputs), target)
            loss.backward()  # the gradients of all steps are added up
            loop.check(loss)
            loop.log(loss, 0.0)
            found.append((len(inputs), [p.grad.flatten().tolist() for p in model.parameters()]))

import json, tempfile
from pathlib import Path
found = []
with processes.joined(), tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    gradients()
    if processes.rank() == 0:
        print(json.dumps(found))
"""


@dataclass
class Run:
    """The template's line with a smaller test set, run by one or more processes in a folder of its own."""

    folder: Path

    def command(self, *words: str) -> list[str]:
        sets = ["train/datasets.NoisyLine.size=120", "test/datasets.NoisyLine.size=50", "experiment.examples=0"]
        sets += ["trainers.Supervised.steps=30", "trainers.Supervised.batch_size=40"]
        config = str(ROOT / "papers" / "template" / "configs" / "line.gin")
        return ["-m", "repro", "run", config, *(word for one in sets for word in ("--set", one)), *words]

    def start(self, *words: str, launch: tuple[str, ...] = (sys.executable,), **more: str) -> subprocess.Popen[str]:
        out = subprocess.PIPE
        own = {"OMP_NUM_THREADS": "1", "REPRO_RUNS": str(self.folder), "GLOO_SOCKET_IFNAME": "lo"}
        return subprocess.Popen(
            [*launch, *self.command(*words)],
            cwd=ROOT,
            env={**os.environ, **own, **more},
            stdout=out,
            stderr=out,
            text=True,
        )

    def finish(self, *words: str, launch: tuple[str, ...] = (sys.executable,), **more: str) -> Record:
        """Run to the end; the record."""
        process = self.start(*words, launch=launch, **more)
        printed, said = process.communicate(timeout=280)
        assert process.returncode == 0, said
        (line,) = printed.splitlines()
        return record.read(Path(line))

    @property
    def run(self) -> Path:
        (found,) = self.folder.glob("template/line/*-seed0")
        return found

    def until(self, step: int, process: subprocess.Popen[str]) -> None:
        """Wait for the checkpoint of a step."""
        while not any(
            int(path.name.split("-")[1]) >= step
            for path in self.folder.glob("template/line/*-seed0/checkpoints/step-*.safetensors")
        ):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)

    def weights(self) -> list[float]:
        found = load_file(self.run / "checkpoints" / "last.safetensors")
        return [float(found[name]) for name in sorted(found)]


def script(folder: Path, *launch: str) -> list[Any]:
    file = folder / "gradients.py"
    file.write_text(GRADIENTS)
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*launch, str(file)], env=env, capture_output=True, text=True, check=True, timeout=200)
    return list(json.loads(done.stdout.splitlines()[-1]))


def test_the_gradient_of_two_processes_is_that_of_one(tmp_path: Path) -> None:
    alone, together = script(tmp_path, sys.executable), script(tmp_path, *TORCHRUN, "--nproc-per-node", "2")
    assert [size for size, _ in alone] == [12, 12] and [size for size, _ in together] == [6, 6]
    for (_, one), (_, two) in zip(alone, together, strict=True):
        for mine, other in zip(one, two, strict=True):
            torch.testing.assert_close(torch.tensor(mine), torch.tensor(other), rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Record]:
    run = Run(tmp_path_factory.mktemp("alone"))
    return run, run.finish()


def agrees(run: Run, found: Record, alone: tuple[Run, Record]) -> None:
    """As one process, up to the rounding of a sum; every item is measured once; one run folder."""
    (one,), (two,) = alone[1].measurements, found.measurements
    assert f"{max(found.environment['processes'])} processes share" in (run.run / "run.log").read_text()
    assert len(two.values) == 50 and two.values == pytest.approx(one.values, abs=1e-5)
    assert run.weights() == pytest.approx(alone[0].weights(), abs=1e-6)
    assert [step for step, _ in found.curves["train"]] == [step for step, _ in alone[1].curves["train"]]
    assert [loss for _, loss in found.curves["train"]] == pytest.approx(
        [loss for _, loss in alone[1].curves["train"]], abs=1e-5
    )
    assert {path.name for path in run.run.iterdir()} == {path.name for path in alone[0].run.iterdir()}


@pytest.mark.slow
def test_several_processes_compute_as_one(tmp_path: Path, alone: tuple[Run, Record]) -> None:
    run = Run(tmp_path)
    found = run.finish("--processes", "2")
    agrees(run, found, alone)
    assert found.environment["processes"] == [2] and "processes" not in alone[1].environment


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 4])
def test_torchrun_starts_the_processes_too(tmp_path: Path, alone: tuple[Run, Record], number: int) -> None:
    run = Run(tmp_path)
    found = run.finish(launch=(*TORCHRUN, "--nproc-per-node", str(number)))
    agrees(run, found, alone)
    assert found.environment["processes"] == [number]


@pytest.mark.slow
def test_two_machines_compute_as_one(tmp_path: Path, alone: tuple[Run, Record]) -> None:
    """Two torchruns that meet at a port, as on two machines; the files are on a disk that both see."""
    run = Run(tmp_path)
    common = ["--nnodes", "2", "--nproc-per-node", "1", "--master-addr", "127.0.0.1", "--master-port", "29617"]
    launch = [sys.executable, "-m", "torch.distributed.run", *common]
    other = run.start(launch=(*launch, "--node-rank", "1"))
    found = run.finish(launch=(*launch, "--node-rank", "0"))
    printed, said = other.communicate(timeout=100)
    assert other.returncode == 0 and not printed, said
    agrees(run, found, alone)
    assert found.environment["processes"] == [2]


def children(process: subprocess.Popen[str]) -> dict[int, int]:
    """The processes of a run, by their rank."""
    found = {}
    for number in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        environment = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
        ranks = [row for row in environment if row.startswith(b"RANK=")]
        found[int(ranks[0].removeprefix(b"RANK="))] = int(number)
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the processes are found in /proc")
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_costs_nothing(tmp_path: Path, rank: int) -> None:
    whole, killed = Run(tmp_path / "whole"), Run(tmp_path / "killed")
    expected = whole.finish("--processes", "2")
    process = killed.start("--processes", "2", REPRO_CHECKPOINT_SECONDS="0")
    killed.until(3, process)
    os.kill(children(process)[rank], signal.SIGKILL)
    printed, said = process.communicate(timeout=280)
    assert process.returncode == 0, said
    found = record.read(Path(printed.strip()))
    assert found.cost["sessions"] == 2 and found.environment["processes"] == [2]
    assert found.measurements == expected.measurements and killed.weights() == whole.weights()


@pytest.mark.slow
def test_a_stopped_run_resumes_with_another_number_of_processes(tmp_path: Path, alone: tuple[Run, Record]) -> None:
    run = Run(tmp_path)
    process = run.start("--processes", "2", REPRO_CHECKPOINT_SECONDS="0")
    run.until(3, process)
    process.terminate()
    _, said = process.communicate(timeout=100)
    assert process.returncode == 75 and "Traceback" not in said, said
    found = run.finish()
    assert found.cost["sessions"] == 2 and found.environment["processes"] == [2, 1]
    agrees(run, found, alone)


@pytest.mark.slow
def test_a_batch_that_cannot_be_shared_is_refused(tmp_path: Path) -> None:
    process = Run(tmp_path).start("--processes", "2", "--set", "trainers.Supervised.batch_size=45")
    printed, said = process.communicate(timeout=200)
    lines = [line for line in said.splitlines() if line.startswith("repro: ")]
    assert process.returncode == 2 and not printed and "Traceback" not in said
    assert len(lines) == 1 and "batch_size is 45" in lines[0]


@pytest.mark.slow
def test_a_number_of_processes_that_was_refused_is_not_in_the_record(tmp_path: Path) -> None:
    """Three do not divide the batch of 40, which is found out when the run folder is there already."""
    run, three = Run(tmp_path), (*TORCHRUN, "--nproc-per-node", "3")
    process = run.start(launch=three)
    process.communicate(timeout=200)
    assert process.returncode and run.run.is_dir()
    process = run.start("--processes", "2", REPRO_CHECKPOINT_SECONDS="0")
    run.until(3, process)
    process.terminate()
    process.communicate(timeout=100)
    run.start(launch=three).communicate(timeout=200)
    assert run.finish().environment["processes"] == [2, 1]


@pytest.mark.parametrize("number", ["0", "-1", "two", "100000"])
def test_a_number_of_processes_that_makes_no_sense_is_refused(paper: Any, refused: Any, number: str) -> None:
    assert number in refused("run", f"papers/{paper.name}/configs/smoke.gin", "--processes", number)


def test_torchrun_and_processes_exclude_each_other(paper: Any, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "WORLD_SIZE" in refused("run", f"papers/{paper.name}/configs/smoke.gin", "--processes", "2")


WHOLE = {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


@pytest.mark.parametrize("change", [
    {"WORLD_SIZE": "two"}, {"WORLD_SIZE": "0"}, {"RANK": "2"}, {"RANK": "-1"}, {"LOCAL_RANK": ""},
    {"MASTER_PORT": None}, {"RANK": None}, {"WORLD_SIZE": None}, {"LOCAL_WORLD_SIZE": "0"}, {"MASTER_ADDR": ""},
    {"MASTER_PORT": "abc"}, {"MASTER_PORT": "0"}, {"MASTER_PORT": "65536"}, {"MASTER_PORT": "-1"}, {"LOCAL_RANK": "2"},
    {"LOCAL_WORLD_SIZE": "3"}, {"LOCAL_WORLD_SIZE": "1", "LOCAL_RANK": "1"},
])  # fmt: skip
def test_variables_that_describe_no_processes_are_refused(
    paper: Any, refused: Any, monkeypatch: pytest.MonkeyPatch, change: dict[str, str | None]
) -> None:
    for name, value in {**WHOLE, **change}.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    line = refused("run", f"papers/{paper.name}/configs/smoke.gin")
    assert any(name in line for name in change)


def test_a_machine_without_an_address_is_refused(paper: Any, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch would look for it for half an hour."""
    for name, value in {**WHOLE, "MASTER_ADDR": "no-machine.invalid"}.items():
        monkeypatch.setenv(name, value)
    assert "no-machine.invalid" in refused("run", f"papers/{paper.name}/configs/smoke.gin")


def test_the_variables_of_mpi_alone_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    with pytest.raises(BadInput, match="WORLD_SIZE"):
        processes.announced()


def test_one_process_as_a_launcher_starts_it_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**WHOLE, "WORLD_SIZE": "1"}.items():
        monkeypatch.setenv(name, value)
    assert processes.announced() == 1
