"""Takes the pictures of terminals in `guide/launching.md`: `_static/terminal-*.svg`, from real runs in a real tmux.

Run it by hand, in a clean checkout; it takes about a minute:

    python docs/terminals.py
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from repro.launch.tmux import client

ROOT = Path(__file__).parents[1]
PICTURES = Path(__file__).parent / "_static"
COLUMNS, LINES = 66, 12
CONFIG = "papers/template/configs/long.gin"
TEXT = "include 'smoke.gin'\ntrainers.Supervised.steps = 1000000\ntrainers.Supervised.batch_size = 1\n"
REPRO = [sys.executable, "-m", "repro"]
SERVER = ["tmux", "-f", "/dev/null", "-L", f"repro-terminals-{os.getpid()}"]


def project(folder: Path) -> None:
    """A repository with the template and a config whose run takes long."""
    shutil.copytree(ROOT / "papers" / "template", folder / "papers" / "template")
    (folder / CONFIG).write_text(TEXT)
    (folder / ".gitignore").write_text("runs/\n__pycache__/\n")
    name = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "-A"], [*name, "commit", "-qm", "a paper"]):
        subprocess.run(["git", *words], cwd=folder, check=True)


def tmux(*words: str) -> str:
    """A command for the tmux server that plays the terminal of the reader."""
    return subprocess.run([*SERVER, *words], capture_output=True, text=True, check=True).stdout


def wait(until: Callable[[], object], seconds: float = 100.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(f"the terminal shows\n{tmux('capture-pane', '-p')}")
        time.sleep(0.5)


def training(folder: Path) -> int:
    """How many runs train and know how long it takes."""
    done = subprocess.run([*REPRO, "status", "--json"], cwd=folder, capture_output=True, text=True, check=True)
    return sum(row["state"] == "running" and row["left"] is not None for row in json.loads(done.stdout))


def typed(words: str) -> None:
    """Type a command into an empty terminal."""
    tmux("send-keys", "clear", "Enter", words, "Enter")


def take(name: str, sign: str) -> None:
    """Wait until the terminal shows `sign`, and save what it shows as a picture."""
    wait(lambda: sign in tmux("capture-pane", "-p"))
    text = Text.from_ansi(tmux("capture-pane", "-e", "-p").rstrip("\n"))
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(text, no_wrap=True, crop=True)
        drawn = console.export_svg(title="", unique_id=f"terminal-{name}")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # they are loaded from the network
    (PICTURES / f"terminal-{name}.svg").write_text(drawn, encoding="utf-8")


def pictures(folder: Path) -> None:
    """Launch four runs on two workers, and look at them in each way."""
    tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), "-c", str(folder), "env PS1='$ ' bash --norc")
    launched = [*REPRO, "launch", CONFIG, "--seeds", "4", "--gpus", "cpu,cpu"]
    subprocess.run(launched, cwd=folder, check=True)
    wait(lambda: training(folder) == 2)
    typed("repro status")
    take("status", "running, ")
    typed("repro attach long-seed0 -r")
    take("worker", "loss")
    tmux("send-keys", "C-b", "d")
    typed(" ".join(client("attach")))
    wait(lambda: "0:1-cpu" in tmux("capture-pane", "-p"))
    tmux("send-keys", "C-b", "2")  # the window that is shown first, unless somebody has chosen another one
    time.sleep(4)  # until it has been drawn again, for the width of this terminal
    take("watch", "2:status*")


if __name__ == "__main__":
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ["OMP_NUM_THREADS"] = "1"
    place = Path(tempfile.mkdtemp(prefix="repro-terminals-"))
    os.environ["REPRO_QUEUE"] = str(place / "runs" / "queue")
    try:
        project(place)
        pictures(place)
    finally:
        subprocess.run(client("kill-server"), check=False)
        subprocess.run([*SERVER, "kill-server"], check=False)
        time.sleep(2)
        shutil.rmtree(place, ignore_errors=True)
