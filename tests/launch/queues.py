"""A queue with its workers in a real tmux, for the tests of the launcher."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

SESSION = Path(__file__).parents[2] / "tmux" / "session.sh"


class Queue:
    """The folder of a queue and the files in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = "repro-" + hashlib.sha256(f"{folder}\n".encode()).hexdigest()[:16]

    def start(self, commands: str, *gpus: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Pipe `commands` into session.sh with one worker per entry of `gpus`."""
        env = (
            os.environ | {"REPRO_QUEUE": str(self.folder), "TMUX": "/nowhere,1,0"} | more
        )  # TMUX: as if started inside tmux
        return subprocess.run(
            [SESSION, *gpus],
            input=commands,
            env=env,
            cwd=self.folder.parent,
            text=True,
            capture_output=True,
            timeout=10,
        )

    def tmux(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Send a command to the tmux server of this queue."""
        env = os.environ | {"TMUX_TMPDIR": ""}
        return subprocess.run(["tmux", "-L", self.id, *words], env=env, text=True, capture_output=True, timeout=10)

    def end(self) -> None:
        self.tmux("kill-server")
        Path(f"/tmp/tmux-{os.getuid()}", self.id).unlink(missing_ok=True)

    def runs(self) -> bool:
        """Whether a worker is running; the session ends with its last worker."""
        return self.tmux("has-session").returncode == 0

    def lines(self, name: str) -> list[str]:
        """The lines of the file `name` of the queue; empty if there is no such file."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def log(self) -> str:
        """The output of all workers."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


def wait(until: Callable[[], object], what: str) -> None:
    """Wait until `until()` is true; fail after 8 seconds."""
    end = time.monotonic() + 8
    while not until():
        assert time.monotonic() < end, f"waited for 8 s, but not: {what}"
        time.sleep(0.02)
