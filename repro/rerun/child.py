"""Run a command of this project in a child process. The child and all its own children end when the parent ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from repro import interruption
from repro.errors import BadInput, DataMissing
from repro.run import run_folders

SHOWN = 20  # last lines of stderr that are printed if the command failed
PATIENCE = 20.0  # seconds that a process gets to end its own children
RUN_FOLDER = re.compile(r"^the record stays in the run folder.*\n?|, in runs/[^:]*(?=: )")
"""What a run says about its folder. It is not repeated here, because the caller deletes the folder."""
DATA = ("REPRO_DATA", "REPRO_MIRROR")


class Late(Exception):
    """The command did not finish within its time limit and was killed."""


class Failed(Exception):
    """The command failed; `str(error)` is the last line of its stderr, which was printed."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn SIGTERM into KeyboardInterrupt inside the block, so that every `finally` runs."""
    try:
        with interruption.listening():
            yield
    except interruption.Interrupted:
        raise KeyboardInterrupt from None


def run(
    arguments: Sequence[str],
    folder: Path,
    roots: Sequence[Path],
    quiet: bool = False,
    limit: float = 0.0,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run `python -m ARGUMENTS` in `folder`, with the modules in `roots` first, and return its stdout.

    The runs that it makes are in `folder/runs`. Its stderr is printed here, without the place of these runs. With
    `quiet`, only the last lines are printed, and only if it fails. Raises BadInput (or DataMissing) with the command's
    own line if it refuses its input, Failed if it fails, and Late if it takes more than `limit` seconds (0: no limit).
    """
    said: deque[str] = deque(maxlen=SHOWN)
    with started(arguments, folder, roots, **(variables or {})) as process, _within(limit, process) as late:
        for line in process.stderr or ():
            if line.strip():
                said.append(line)
            if not quiet and not line.startswith("repro: "):  # the exception below reports such a line
                sys.stderr.write(RUN_FOLDER.sub("", line))
        printed = process.stdout.read() if process.stdout else ""
        code = process.wait()
    if late.is_set():
        raise Late(f"not finished after {limit:.0f} s")
    last = said[-1].strip() if said else f"exit code {code}"
    if code in (BadInput.code, DataMissing.code):
        raise (DataMissing if code == DataMissing.code else BadInput)(last.removeprefix("repro: "))
    if code:
        sys.stderr.writelines(said if quiet else ())
        raise Failed(last)
    return printed


@contextmanager
def started(
    arguments: Sequence[str], folder: Path, roots: Sequence[Path], **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """Start the process in its own process group; the whole group is ended when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=_environment(folder, roots, variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding=sys.getfilesystemencoding(),  # printed paths may contain any bytes
        errors="surrogateescape",
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                _end(process)


@contextmanager
def _within(limit: float, process: subprocess.Popen[str]) -> Iterator[threading.Event]:
    """Kill the process and its children after `limit` seconds; the event is set if that happened."""
    late = threading.Event()

    def end() -> None:
        late.set()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(limit, end)
    if limit:
        timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _end(process: subprocess.Popen[str]) -> None:
    """Send SIGTERM, later SIGKILL: torchrun starts processes in other groups, which only torchrun can end."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.killpg(process.pid, number)
        try:
            process.communicate(timeout=PATIENCE)
            return
        except subprocess.TimeoutExpired:
            continue


def _environment(folder: Path, roots: Sequence[Path], variables: Mapping[str, str]) -> dict[str, str]:
    """This process's variables, with `roots` first in PYTHONPATH, and data folders as absolute paths."""
    own = {run_folders.VARIABLE: str(folder.absolute() / "runs")}
    places = [*map(str, roots), *filter(None, [os.environ.get("PYTHONPATH")])]
    data = {name: str(Path(os.environ[name]).expanduser().absolute()) for name in DATA if os.environ.get(name)}
    data["PYTHONIOENCODING"] = f"{sys.getfilesystemencoding()}:surrogateescape"
    return {**os.environ, **data, **own, "PYTHONPATH": os.pathsep.join(places), **variables}
