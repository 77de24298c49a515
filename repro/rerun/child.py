"""A command of this project in a process of its own, of which nothing goes on when we do not."""

from __future__ import annotations

import os
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

SHOWN = 20  # last lines of what failed
PATIENCE = 20.0  # seconds that a process may take to end its own children
DATA = ("REPRO_DATA", "REPRO_MIRROR")


class Late(Exception):
    """The command was not done within its time, and was ended."""


class Failed(Exception):
    """The command failed; `str(error)` is the last thing that it said, which was shown."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, with all that stands in a `finally`: no command goes on from there."""
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
    """What `python -m ARGUMENTS` prints, run in `folder` with the modules below `roots`; what it says is said here too.

    Its runs are in `folder/runs`, whatever repository they belong to. Of a `quiet` one the last lines are shown where
    it fails. Raises BadInput with the line of a command that refuses its input, Failed for one that fails, and Late for
    one that is not done within `limit` seconds (0: it has as long as it takes).
    """
    said: deque[str] = deque(maxlen=SHOWN)
    with started(arguments, folder, roots, **(variables or {})) as process, _within(limit, process) as late:
        for line in process.stderr or ():
            if line.strip():
                said.append(line)
            if not quiet and not line.startswith("repro: "):  # if it is refused, that is ours to say
                sys.stderr.write(line)
        printed = process.stdout.read() if process.stdout else ""
        code = process.wait()
    if late.is_set():
        raise Late(f"not done after {limit:.0f} s")
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
    """The process, in a group of its own, all of which ends with the block, however that ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=_environment(folder, roots, variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding=sys.getfilesystemencoding(),  # a path that is printed is read as it was meant
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
    """Kill the process and its children after `limit` seconds; the event says so."""
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
    """First politely: torchrun has processes in groups of their own, which only it can end."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.killpg(process.pid, number)
        try:
            process.communicate(timeout=PATIENCE)
            return
        except subprocess.TimeoutExpired:
            continue


def _environment(folder: Path, roots: Sequence[Path], variables: Mapping[str, str]) -> dict[str, str]:
    """Ours, `roots` before all other places of modules; folders of data keep their meaning in another folder."""
    own = {run_folders.VARIABLE: str(folder.absolute() / "runs")}
    places = [*map(str, roots), *filter(None, [os.environ.get("PYTHONPATH")])]
    data = {name: str(Path(os.environ[name]).expanduser().absolute()) for name in DATA if os.environ.get(name)}
    data["PYTHONIOENCODING"] = f"{sys.getfilesystemencoding()}:surrogateescape"
    return {**os.environ, **data, **own, "PYTHONPATH": os.pathsep.join(places), **variables}
