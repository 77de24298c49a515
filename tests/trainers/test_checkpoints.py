"""Checkpoints: what is written is read back, what is spoilt is found, the last ones stay, a full disk takes none."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro import interruption
from repro.errors import BadInput
from repro.files import disk
from repro.testing import same
from repro.training import checkpoint_file, checkpoints
from repro.training.checkpoints import Checkpoints

TENSORS = st.builds(
    lambda shape, kind, seed: torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(kind),
    st.lists(st.integers(0, 3), max_size=3),
    st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool]),
    st.integers(0, 9),
)
PLAIN = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text()
STATES = st.recursive(
    PLAIN | TENSORS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(found=st.dictionaries(st.text(max_size=4), STATES, max_size=3), step=st.integers(0, 10**12))
def test_a_state_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, found: dict[str, Any], step: int
) -> None:
    path = checkpoint_file.write(tmp_path_factory.mktemp("state"), "step", step, found)
    again = checkpoint_file.read(path)
    assert same(found, again) and repr(found) == repr(again), "types, too: a tuple is no list, 1 is no 1.0"
    assert checkpoint_file.step_of(path) == step


def test_tensors_that_share_their_memory_and_views_are_kept(tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    found = {"whole": whole, "again": whole, "view": whole.T[1:], "grad": whole.clone().requires_grad_()}
    assert same(found, checkpoint_file.read(checkpoint_file.write(tmp_path, "step", 1, found)))


@pytest.mark.parametrize("value", [{1, 2}, object(), 1j, b"bytes", Path("x"), math.sqrt, torch.float32])
def test_what_a_checkpoint_cannot_hold_is_named_with_its_place(tmp_path: Path, value: Any) -> None:
    with pytest.raises(TypeError, match=r"^schedule/deep/0 is .*, which no checkpoint can contain"):
        checkpoint_file.write(tmp_path, "step", 1, {"schedule": {"deep": [value]}})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b + b"\0"])
def test_one_that_was_cut_or_grew_is_told(tmp_path: Path, spoil: Any) -> None:
    path = checkpoint_file.write(tmp_path, "step", 7, {"a": torch.ones(100)})
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(BadInput, match=r"step-7-[0-9a-f]{16}\.safetensors: is damaged"):
        checkpoint_file.read(path)


def test_every_flipped_bit_is_told(tmp_path: Path) -> None:
    path = checkpoint_file.write(tmp_path, "step", 7, {"a": torch.ones(4)})
    whole = path.read_bytes()
    for index in range(len(whole)):
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 4]) + whole[index + 1 :])
        with pytest.raises(BadInput, match="is damaged"):
            checkpoint_file.read(path)


class Counter:
    """A part: what it counted."""

    def __init__(self) -> None:
        self.count = 0

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count}

    def load_state_dict(self, found: dict[str, Any]) -> None:
        self.count = found["count"]


def kept(folder: Path, counter: Counter, **more: Any) -> Checkpoints:
    return Checkpoints(folder, {"counter": counter}, lambda number: None, **more)


def steps(folder: Path) -> list[int]:
    return sorted(checkpoint_file.step_of(path) for path in folder.glob("step-*.safetensors"))


@pytest.fixture
def four(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder after four steps, with a checkpoint after each."""
    monkeypatch.setenv("REPRO_CHECKPOINT_SECONDS", "0")
    counter = Counter()
    written = kept(tmp_path, counter)
    for counter.count in range(1, 5):
        written.after(counter.count)
    return tmp_path


def test_the_last_two_stay_and_the_newest_is_restored(four: Path) -> None:
    counter = Counter()
    assert steps(four) == [3, 4]
    assert kept(four, counter).restore() == 4 and counter.count == 4


def test_a_spoilt_one_is_set_aside_and_the_one_before_it_used(four: Path, caplog: pytest.LogCaptureFixture) -> None:
    newest = next(four.glob("step-4-*"))
    newest.write_bytes(newest.read_bytes()[:-3])
    counter = Counter()
    with caplog.at_level(logging.INFO, "repro"):
        assert kept(four, counter).restore() == 3 and counter.count == 3
    assert f"{newest}: is damaged" in caplog.text and "the previous checkpoint is used" in caplog.text
    assert "resumes after step 3, from step-3-" in caplog.text
    assert steps(four) == [3] and newest.with_name(f"{newest.name}.damaged").is_file()


def test_where_all_are_spoilt_it_begins_anew(four: Path) -> None:
    for path in four.glob("step-*"):
        path.write_bytes(b"")
    assert kept(four, Counter()).restore() == 0


def test_another_model_s_state_is_refused(four: Path) -> None:
    with pytest.raises(BadInput, match="contains counter, rng; expected other, rng"):
        Checkpoints(four, {"other": Counter()}, lambda number: None).restore()


def test_what_no_run_could_go_on_with_is_refused_before_it_trains(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"the schedule \(object\) has no state_dict\(\): no run could be resumed"):
        Checkpoints(tmp_path, {"schedule": object()}, lambda number: None)


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".step-5-0123456789abcdef.safetensors.x1.tmp").write_bytes(b"half")
    kept(tmp_path, Counter())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", ["", "soon", "-1", "nan", "inf", "1e999"])
def test_a_time_between_them_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("REPRO_CHECKPOINT_SECONDS", given)
    with pytest.raises(BadInput, match=re.escape(f"REPRO_CHECKPOINT_SECONDS is '{given}'; expected seconds from 0")):
        interruption.seconds_between()


def test_they_take_a_hundredth_of_the_time_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default; the clock of the test is moved by hand, and a write takes two seconds of it."""
    monkeypatch.delenv("REPRO_CHECKPOINT_SECONDS", raising=False)
    now, spent, write = [0.0], [], checkpoint_file.write

    def slow(*given: Any) -> Path:
        now[0] += 2.0
        spent.append(now[0])
        return write(*given)

    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint_file, "write", slow)
    written = kept(tmp_path, Counter())
    for number in range(1, 10_001):
        now[0] += 1.0
        written.after(number)
    assert len(spent) > 40 and 2.0 * len(spent) <= 0.0101 * now[0]


def test_a_signal_is_answered_with_a_checkpoint(tmp_path: Path) -> None:
    written = kept(tmp_path, Counter())

    def step() -> None:
        with interruption.listening(), interruption.deferred():
            os.kill(os.getpid(), interruption.SIGNALS[0])
            written.after(1)

    with pytest.raises(interruption.Interrupted, match="SIGTERM: stopped after step 1"):
        step()
    assert steps(tmp_path) == [1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 600 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "none", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_loses_no_earlier_checkpoint(small_disk: Path) -> None:
    path = checkpoint_file.write(small_disk, "step", 1, {"a": torch.zeros(50_000)})
    before = path.read_bytes()
    said = r"the disk is full: 4\d\d,\d{3} bytes are to be written, [\d,]+ are free, [\d,]+ are missing"
    with pytest.raises(disk.DiskFull, match=rf"step-2-[0-9a-f]{{16}}\.safetensors: {said}"):
        checkpoint_file.write(small_disk, "step", 2, {"a": torch.zeros(120_000)})
    assert [entry.name for entry in small_disk.iterdir()] == [path.name] and path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("room", [0, 30_000, 60_000, 110_000])
def test_a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room(paper: Any, small_disk: Path, room: int) -> None:
    """Wherever in the run the room ends: the log, the journal, a checkpoint, the record."""
    home = small_disk / "papers" / paper.name
    shutil.copytree(paper.folder, home, ignore=shutil.ignore_patterns("__pycache__"))
    config = f"papers/{paper.name}/configs/line.gin"
    assert run(small_disk, config, "--seed", "5").returncode == 0
    record = home / "records" / "line-seed5.json"
    before = json.loads(record.read_text())["measurements"]
    shutil.rmtree(small_disk / "runs")
    free = shutil.disk_usage(small_disk).free
    (small_disk / "filler").write_bytes(bytes(max(free - room, 0) // 4096 * 4096))
    full = run(small_disk, config, "--seed", "5")
    assert full.returncode == 1, full.stderr
    last = full.stderr.splitlines()[-1]
    assert re.search(r"DiskFull: \S+: the disk is full: [\d,]+ bytes are to be written, [\d,]+ are free", last), last
    assert json.loads(record.read_text())["measurements"] == before
    (small_disk / "filler").unlink()
    assert run(small_disk, config, "--seed", "5").returncode == 0
    assert json.loads(record.read_text())["measurements"] == before


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "REPRO_CHECKPOINT_SECONDS": "0"}
    return subprocess.run(
        [sys.executable, "-m", "repro", "run", *words], cwd=folder, env=env, capture_output=True, text=True, timeout=250
    )
