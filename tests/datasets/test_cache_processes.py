"""The feature cache among processes that ask at once, are killed, or find no room; and its damaged entries."""

from __future__ import annotations

import logging
import signal
import time
from pathlib import Path

import pytest

from repro.data import cache
from repro.errors import BadInput
from tests.conftest import CopiedPaper
from tests.features import Features


@pytest.fixture
def features(paper: CopiedPaper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Features:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    return Features(paper, tmp_path / "data")


def test_processes_that_ask_at_once_build_once(features: Features) -> None:
    call = "print(arrays('abc', partial(features.ramp, seconds=0.5))['ramp'].tolist())"
    asked = [features.process(call) for _ in range(3)]
    answers = [process.communicate(timeout=60) for process in asked]
    assert [out for out, _ in answers] == ["[0.0, 1.0, 2.0, 3.0, 4.0]\n"] * 3, answers
    assert features.builds() == 1


def test_a_killed_builder_leaves_nothing_that_looks_complete(features: Features) -> None:
    call = """
import os, pathlib, signal
write_text = pathlib.Path.write_text
pathlib.Path.write_text = lambda path, *a, **k: (write_text(path, *a, **k), os.kill(os.getpid(), signal.SIGKILL))
arrays('abc', features.ramp)
"""  # killed with every file written, just before they are moved to their place
    assert features.process(call).wait(60) == -signal.SIGKILL
    assert [path.name.split(".")[1][:5] for path in features.data.glob("features/*") if path.is_dir()] == ["part-"]
    assert cache.arrays("abc", features.ramp)["ramp"].tolist() == [0, 1, 2, 3, 4]
    assert features.builds() == 2
    assert [path for path in features.data.glob("features/*") if path.is_dir()] == features.entries()


def test_the_one_that_waits_builds_when_the_builder_dies(features: Features) -> None:
    builder = features.process("arrays('abc', partial(features.ramp, seconds=60.0))")
    while not features.builds() and builder.poll() is None:
        time.sleep(0.02)
    waiting = features.process("arrays('abc', partial(features.ramp, seconds=60.0))")
    time.sleep(0.5)
    assert features.builds() == 1 and waiting.poll() is None
    builder.kill()
    began = time.time()
    while features.builds() == 1 and time.time() < began + 30:
        time.sleep(0.02)
    waiting.kill()
    assert features.builds() == 2 and features.entries() == []
    for process in (builder, waiting):
        process.communicate()


@pytest.mark.parametrize("damage", ["short", "flipped", "missing", "no entry", "other json"])
def test_a_damaged_entry_is_built_anew(features: Features, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    cache.arrays("abc", features.ramp)
    (entry,) = features.entries()
    content = (entry / "ramp.npy").read_bytes()
    if damage == "short":
        (entry / "ramp.npy").write_bytes(content[:-1])
    elif damage == "flipped":
        (entry / "ramp.npy").write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    elif damage == "missing":
        (entry / "size.npy").unlink()
    else:
        (entry / "entry.json").write_text("" if damage == "no entry" else "[]")
    with caplog.at_level(logging.WARNING):
        assert cache.arrays("abc", features.ramp)["ramp"].tolist() == [0, 1, 2, 3, 4]
    (line,) = caplog.messages
    assert str(entry) in line and "is damaged" in line and f"{features.name}.ramp is computed again" in line
    cache.arrays("abc", features.ramp)
    assert features.builds() == 2 and len(caplog.messages) == 1


def test_a_full_disk_is_said_and_leaves_nothing(features: Features) -> None:
    """The system lets the process write 4 kB a file."""
    call = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
arrays('abc', partial(features.ramp, 100_000))
"""
    _, said = features.process(call).communicate(timeout=60)
    line = said.splitlines()[-1]
    place = features.data / "features"
    assert line.startswith(f"repro.errors.BadInput: cannot save features in {place} (File too large); "), said
    assert [path for path in place.glob("*") if path.is_dir()] == []


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_computed(features: Features) -> None:
    features.data.write_text("in the way")
    with pytest.raises(BadInput, match=r"cannot save features in .*data/features.*; REPRO_DATA may name another"):
        cache.arrays("abc", features.ramp)
    assert features.builds() == 0
