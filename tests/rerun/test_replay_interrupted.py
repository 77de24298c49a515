"""An interrupted replay leaves no files and no processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repro import config, record
from tests.rerun.test_replay import edit
from tests.rerun.test_replay import kept as kept


@pytest.mark.slow
def test_an_interrupted_replay_leaves_nothing(paper: Any, kept: Path) -> None:
    """SIGINT (Ctrl-C) arrives while its run is training."""
    text = record.read(kept).text + "trainers.Supervised.steps = 100000000\n"
    edit(kept, text=text, digest=config.digest(text))
    command = [sys.executable, "-m", "repro", "replay", str(kept)]
    environment = os.environ | {"TMPDIR": str(Path("temporary").resolve())}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        while "train:" not in process.stderr.readline():
            assert process.poll() is None
        running = running_in("temporary")
        assert running
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130 and list(Path("temporary").glob("repro-*")) == []
    assert not running & running_in("temporary")


def running_in(name: str) -> set[int]:
    """The processes whose working directory is inside `name`."""
    below = str(Path(name).resolve())
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "cwd").startswith(below):
                found.add(int(entry.name))
        except OSError:
            continue
    return found
