"""A run folder has one process at a time; who holds it is said; a dead one's is taken over."""

from __future__ import annotations

import logging
import os
import platform
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from repro.errors import BadInput
from repro.files import lock

HOLD = """
import os, sys, time
from pathlib import Path
from repro.files import lock
with lock.held(Path(sys.argv[1])):
    if sys.argv[2] == "child" and os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(float(sys.argv[3]))
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""


def hold(folder: Path, child: str = "none", seconds: float = 0) -> subprocess.Popen[str]:
    """A process that holds the lock, and perhaps has a child that outlives it."""
    command = [sys.executable, "-c", HOLD, str(folder), child, str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for _ in range(2 if child == "child" else 1):
        process.stdout.readline()
    return process


def test_who_holds_it_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = hold(folder)
    said = rf"run: this run is already running: process {process.pid} on {re.escape(platform.node())}, since 20\d\d-"
    with pytest.raises(BadInput, match=said), lock.held(folder):
        pass
    process.send_signal(signal.SIGINT)  # an orderly end
    process.wait()
    with lock.held(folder):
        assert not folder.exists(), "the lock stands beside the folder, and makes none"


def test_a_dead_holder_s_is_taken_over_and_that_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    process = hold(tmp_path / "run")
    process.kill()
    process.wait()
    with caplog.at_level(logging.INFO, "repro"), lock.held(tmp_path / "run"):
        assert f"process {process.pid} on {platform.node()} locked this run and died: lock taken over" in caplog.text


def test_the_children_of_a_dead_holder_do_not_keep_it(tmp_path: Path) -> None:
    process = hold(tmp_path / "run", "child", 20.0)
    process.kill()
    process.wait()
    with lock.held(tmp_path / "run"):
        assert str(os.getpid()) in (tmp_path / ".run.holder").read_text()


def test_a_holder_file_that_is_no_such_file_does_no_harm(tmp_path: Path) -> None:
    for content in (b"", b"{", b"[]", b'{"host": 1}', b"\xff"):
        (tmp_path / ".run.holder").write_bytes(content)
        with lock.held(tmp_path / "run"):
            assert str(os.getpid()).encode() in (tmp_path / ".run.holder").read_bytes()
