"""Act on one run: stop it, also if Slurm has it; attach to its window on this machine; follow its log."""

from __future__ import annotations

import contextlib
import curses
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.errors import BadInput
from repro.files import disk, lock
from repro.launch import names, node, slurm, status, tmux
from repro.launch.status import Status

LOOK = 0.2  # seconds between two looks
PATIENCE = 120.0  # seconds: how long a run may take for its step and its checkpoint
START = 30.0  # seconds: how long a run may take from its worker to its folder


def stop(folder: Path, patience: float = PATIENCE) -> bool:
    """Ask the run in `folder` to stop after its step, with a checkpoint; returns whether it has ended in time.

    Raises BadInput if it does not run, or runs on another machine.
    """
    found = _here(folder)
    with contextlib.suppress(ProcessLookupError):  # it has just ended
        os.kill(found["process"], signal.SIGTERM)
    end = time.monotonic() + patience
    while lock.holder(folder) and time.monotonic() < end:
        time.sleep(LOOK)
    return lock.holder(folder) is None


def has_checkpoint(folder: Path) -> bool:
    """Whether the run in `folder`, or one of its folds, has something to resume from."""
    return any(True for kind in ("step", "finished") for _ in folder.rglob(f"{kind}-*.safetensors"))


def started(name: str, patience: float = START) -> Status:
    """The run `name`; if a worker is just starting it, wait until it has started."""
    end = time.monotonic() + patience
    while (one := names.find(name)).state == "starting" and not one.job and time.monotonic() < end:
        time.sleep(LOOK)
    return one


def leave_queue(one: Status) -> None:
    """Take a run that waits out of the queue. Raises BadInput if a worker has taken it in the meantime."""
    if unknown := tmux.unreadable():
        raise BadInput(unknown)
    with tmux.locked():
        todo = tmux.lines("todo")
        mine = [line for line in todo if status.same(line) == one.same]
        if mine:
            disk.write(tmux.folder() / "todo", "".join(f"{line}\n" for line in todo if line not in mine))
        for name, line in tmux.running(dead=True).items():
            if status.same(line) == one.same:
                (tmux.folder() / "running" / name).unlink(missing_ok=True)
                mine.append(line)
    if not mine:
        raise BadInput("has just left the queue", one.run, expected="the same command again")
    for line in mine:
        node.note("stopped", line)


def leave_slurm(one: Status, patience: float = PATIENCE) -> bool:
    """Ask a run in Slurm to stop after its step; if it does not run yet, take its job out of Slurm.

    Returns whether the job has ended in time.
    """
    commands = [job.command for job in slurm.jobs() if job.id == one.job]
    if one.state == "running":  # scancel repeats the signal, and fails if the job has ended by then: so look at the job
        subprocess.run(["scancel", f"--signal={node.STOP.name}", one.job], check=False, capture_output=True, timeout=60)
    else:
        slurm.asked("scancel", one.job)
        for command in commands:
            node.note("stopped", command)
    end = time.monotonic() + patience
    while (left := any(job.id == one.job for job in slurm.jobs())) and time.monotonic() < end:
        time.sleep(1)  # second: squeue asks the controller of the whole cluster
    return not left


def window(folder: Path, read_only: bool) -> int:
    """Show the tmux window of the run in this terminal until the user leaves it; returns the exit code of tmux.

    Raises BadInput if it does not run, runs on another machine, or not in a window of `repro launch`, or if this is no
    terminal.
    """
    tmux.check()
    found = _here(folder)
    config, seed = f"{folder.parts[-3]}/configs/{folder.parts[-2]}.gin", f"--seed {folder.name.partition('-seed')[2]}"
    windows = [name for name, line in tmux.running().items() if config in line and f"{line} ".find(f"{seed} ") >= 0]
    if not windows:
        told = f"repro logs {folder} -f shows its log"
        raise BadInput(f"is process {found['process']}, in no window of repro launch; {told}", str(folder))
    _refuse_no_terminal(folder)
    view = f"view-{os.getpid()}"  # a session of its own, because all clients of a session see the same window
    _ask("new-session", "-d", "-t", f"={tmux.SESSION}", "-s", view)
    _ask("select-window", "-t", f"{view}:{windows[0]}")
    try:
        return subprocess.call(tmux.client("attach", *(["-r"] if read_only else []), "-t", view))
    finally:  # not by the option destroy-unattached: with it, tmux 3.3a crashes in every second case
        _ask("kill-session", "-t", view)


def _ask(*words: str) -> None:
    subprocess.run(tmux.client(*words), check=False, capture_output=True)


def _refuse_no_terminal(folder: Path) -> None:
    """Raise BadInput if tmux cannot show a window here."""
    advice = f"a terminal; repro logs {folder} -f prints the log"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadInput("repro attach is not in a terminal", expected=advice)
    kind, shows = os.environ.get("TERM", ""), False
    with contextlib.suppress(curses.error):  # an unknown kind
        curses.setupterm(kind, fd=1)
        shows = bool(curses.tigetstr("clear"))
    if not shows:
        raise BadInput(f"TERM is {kind!r:.60}, which can show no window", expected=advice)


def log(folder: Path, follow: bool) -> Iterator[str]:
    """The text of the run's log; if `follow`, also what is added until the run ends. Raises BadInput if it has none."""
    path = folder / "run.log"
    if not path.is_file():
        raise BadInput("has no run.log yet", str(folder))
    with path.open(encoding="utf-8", errors="replace") as file:
        while True:
            runs = follow and lock.holder(folder)  # asked before reading, so that its last lines are not missed
            if text := file.read():
                yield text
            if not runs:
                if not follow and path.stat().st_size == 0:
                    raise BadInput("its log is empty: it has just started", str(folder), expected="-f, to follow it")
                return
            time.sleep(LOOK)


def _here(folder: Path) -> dict[str, Any]:
    """The process that runs `folder`. Raises BadInput if there is none of this user on this machine."""
    found = lock.holder(folder)
    if found and found["host"] != platform.node():
        raise BadInput(f"runs on {found['host']}", str(folder), expected="a run on this machine")
    if not found or not _has_open(found["process"], folder.parent / f".{folder.name}.lock", folder):
        raise BadInput("is not running", str(folder), expected="a run of `repro status` in the state running")
    return found


def _has_open(process: object, path: Path, folder: Path) -> bool:
    """Whether the process has the file open. A number may be that of a new process if the run was killed long ago."""
    try:
        return str(path.resolve()) in map(_target, os.scandir(f"/proc/{process}/fd"))
    except PermissionError:
        raise BadInput(
            f"is process {process} of another user", str(folder), expected="a run that you started"
        ) from None
    except OSError:  # it has just ended
        return False


def _target(entry: os.DirEntry[str]) -> str:
    try:
        return os.readlink(entry.path)
    except OSError:  # closed in the meantime
        return ""
