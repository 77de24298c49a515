"""The referee of the fuzzers: whatever it is given, a reader reads it or refuses it in one line.

It takes no more than 5 seconds and 1 GiB, and leaves every file as it was. Anything but BadInput is a traceback, and
passes the referee as it is: hypothesis then shows the smallest case that brings it about.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pydantic  # noqa: F401  # what a reader would load when it first needs it: no case must wait for that
import scipy.special  # noqa: F401
import torch  # noqa: F401

from repro import cli
from repro.errors import BadInput

SECONDS = 5.0  # of the processor: what others do with this machine is not the reader's fault
PATIENCE = 60.0  # of the clock, for one that waits
OFTEN = 25  # a case in so many goes through the command line: to read the words of a command takes longer than the case
BYTES = 1 << 30  # more than the process had when the referee came


class Hang(BaseException):
    """A reader took longer than it may. No `except Exception` of its own must swallow that."""


class Referee:
    """Judges one case after the other, in `folder`, which holds the files of the case and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.outcomes = folder, Counter[str]()
        self.files: dict[str, bytes] = {}
        _forget_peak()
        self.began = _peak()

    @property
    def cases(self) -> int:
        """How many cases have been judged."""
        return self.outcomes.total()

    def judge(self, read: Callable[[], object], files: Mapping[str, bytes], command: Sequence[str] = ()) -> None:
        """Let `read` read, with `files` in the folder; now and then let the command do it that reads the same."""
        self._lay_out(files)
        with self._limits():
            try:
                ended(command) if command and self.cases % OFTEN == 0 else read()
                outcome = "read"
            except BadInput as error:
                assert_one_line(str(error))
                outcome = "refused"
        assert tree(self.folder) == self.files, "the reader changed a file"
        self.outcomes[outcome] += 1

    def _lay_out(self, files: Mapping[str, bytes]) -> None:
        for name in self.files.keys() - files.keys():
            (self.folder / name).unlink()
        for name, content in files.items():
            if self.files.get(name) != content:
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name).write_bytes(content)
        self.files = dict(files)

    @contextmanager
    def _limits(self) -> Iterator[None]:
        began, used = time.monotonic(), time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        assert time.process_time() - used < SECONDS, "it takes too long"
        assert time.monotonic() - began < PATIENCE, "it waits too long"
        grown = _peak() - self.began
        assert grown < BYTES, f"it takes {grown >> 20} MiB"


@contextmanager
def refereed(folder: Path) -> Iterator[Referee]:
    """A referee at work. Should a reader ask for all memory, it is stopped and not the machine."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 4 * BYTES, hard))
    before = signal.signal(signal.SIGPROF, _stop)
    try:
        yield Referee(folder)
    finally:
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def ended(words: Sequence[str]) -> None:
    """Run a command. It ends with 0 or 1, or with 2 and one line on stderr, which is raised."""
    told = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(told):
        try:
            code = cli.main(words)
        except SystemExit as stop:  # --help and --version
            code = int(stop.code or 0)
    line = told.getvalue().removesuffix("\n")
    assert "Traceback" not in line
    if code == 2:
        assert line.startswith("repro: "), line
        assert_one_line(line)
        raise BadInput(line)
    assert code in (0, 1), line


def _stop(*_: object) -> None:
    raise Hang(f"it has taken {SECONDS} seconds, and is not done")


def assert_one_line(message: str) -> None:
    assert message.strip() and len(message.splitlines()) == 1, f"no clear line: {message!r}"


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, with its content."""
    found = {}
    for place, _, names in os.walk(folder):
        for path in (os.path.join(place, name) for name in names):
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def _forget_peak() -> None:
    """Let the kernel count the most memory of this process anew."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """The most memory that this process has had, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))
