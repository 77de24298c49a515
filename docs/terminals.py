"""Takes the pictures of terminals in the guide: `_static/terminal-*.svg`, from real runs in a real tmux.

Run it by hand, in a clean checkout; it takes about two minutes:

    python docs/terminals.py                  # all, or some of: launching processes slurm

The pictures of Slurm need what `tests/launch/slurm/up.sh` needs: Slurm, munge, and root.
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
from typing import Any

from rich.console import Console
from rich.text import Text

from repro.launch.tmux import client

ROOT = Path(__file__).parents[1]
PICTURES = Path(__file__).parent / "_static"
COLUMNS, LINES = 66, 12
WIDE = 92  # columns: for the table with the ids of jobs
CONFIG = "papers/template/configs/long.gin"
TEXT = "include 'smoke.gin'\ntrainers.Supervised.steps = 1000000\ntrainers.Supervised.batch_size = 2\n"
REPRO = [sys.executable, "-m", "repro"]
SERVER = ["tmux", "-f", "/dev/null", "-L", f"repro-terminals-{os.getpid()}"]


def project(folder: Path) -> None:
    """A repository with the template and a config whose run takes long, and a terminal in it."""
    shutil.copytree(ROOT / "papers" / "template", folder / "papers" / "template")
    (folder / CONFIG).write_text(TEXT)
    (folder / ".gitignore").write_text("runs/\n__pycache__/\n")
    name = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "-A"], [*name, "commit", "-qm", "a paper"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), "-c", str(folder), "env PS1='$ ' bash --norc")


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
    return sum(row["state"] == "running" and row["left"] is not None for row in rows(folder))


def rows(folder: Path) -> list[dict[str, Any]]:
    """What `repro status` knows of each run."""
    done = subprocess.run([*REPRO, "status", "--json"], cwd=folder, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


def typed(words: str) -> None:
    """Type a command into an empty terminal."""
    tmux("send-keys", "clear", "Enter", words, "Enter")


def prompt(after: str) -> None:
    """Wait until the terminal shows `after`, and then the prompt."""
    wait(lambda: after in (shown := tmux("capture-pane", "-p").rstrip()) and shown.endswith("\n$"))


def take(name: str, sign: str) -> None:
    """Wait until the terminal shows `sign`, and save what it shows as a picture."""
    wait(lambda: sign in tmux("capture-pane", "-p"))
    columns = int(tmux("display-message", "-p", "#{pane_width}"))
    text = Text.from_ansi(tmux("capture-pane", "-e", "-p").rstrip("\n"))
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=columns, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(text, no_wrap=True, crop=True)
        drawn = console.export_svg(title="", unique_id=f"terminal-{name}")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # they are loaded from the network
    drawn = drawn.replace("#4b4e55", "#111111")  # black of the library is grey: too pale on the green bar of tmux
    (PICTURES / f"terminal-{name}.svg").write_text(drawn, encoding="utf-8")


def launching(folder: Path) -> None:
    """Launch four runs on two workers, and look at them in each way."""
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
    tmux("send-keys", "C-b", "d")
    subprocess.run(client("kill-server"), check=False)  # tmux may report its own end as an error


def processes(folder: Path) -> None:
    """Two processes share a run, started by `repro` and by torchrun; then it is stopped."""
    tmux("resize-window", "-x", str(WIDE), "-y", str(LINES + 2))
    typed(f"repro run {CONFIG} --seed 7 --processes 2")
    wait(lambda: training(folder) == 1)
    tmux("send-keys", "C-c")
    prompt("same command resumes")
    tmux("send-keys", "repro status", "Enter")
    take("processes", "1 stopped")
    typed(f"torchrun --nproc-per-node 2 --master-addr 127.0.0.1 -m repro run {CONFIG} --seed 8")
    wait(lambda: training(folder) == 1)
    take("torchrun", "loss")
    tmux("send-keys", "C-c")
    wait(lambda: training(folder) == 0)


def slurm(folder: Path) -> None:
    """Give four runs to a Slurm with two emulated nodes, and take one of them out again."""
    scripts, cluster = ROOT / "tests" / "launch" / "slurm", folder / "cluster"
    started = subprocess.run([scripts / "up.sh", cluster], capture_output=True, text=True, check=True)
    os.environ["SLURM_CONF"] = started.stdout.strip()
    tmux("resize-window", "-x", str(WIDE), "-y", str(LINES + 4))
    try:
        typed(f"export SLURM_CONF={os.environ['SLURM_CONF']}")
        typed(f"repro launch {CONFIG} --seeds 4 --on slurm --gpus-per-node 1 --at-once 2")
        wait(lambda: training(folder) == 2)
        (job,) = (row["job"] for row in rows(folder) if row["seed"] == 3)
        prompt("see repro status")
        tmux("send-keys", "repro status", "Enter")
        prompt("2 queued")
        tmux("send-keys", f"repro stop {job}", "Enter")
        take("slurm", "out of Slurm's queue")
    finally:
        subprocess.run([scripts / "down.sh", cluster], check=True)


if __name__ == "__main__":
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ |= {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    place = Path(tempfile.mkdtemp(prefix="repro-terminals-"))
    os.environ["PYTHONPATH"] = f"{place}:{os.environ.get('PYTHONPATH', ROOT)}"  # its papers come first
    os.environ["REPRO_QUEUE"] = str(place / "runs" / "queue")
    every = {"launching": launching, "processes": processes, "slurm": slurm}
    try:
        project(place)
        for name in sys.argv[1:] or every:
            every[name](place)
    finally:
        subprocess.run(client("kill-server"), check=False)
        subprocess.run([*SERVER, "kill-server"], check=False)
        time.sleep(2)
        shutil.rmtree(place, ignore_errors=True)
