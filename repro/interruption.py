"""Being asked to stop: SIGTERM and SIGUSR1 (a machine is taken away), SIGINT (Ctrl-C).

Where stopping loses nothing a signal stops the run at once. Inside `deferred()` it waits for whoever asks `asked()`
often: a trainer, which then writes a checkpoint. Ctrl-C once more stops at once even there.

A process that reads data for a run answers no signal, because the trainer needs it until the checkpoint is written. So
it must be ended in other ways: it ends itself when the run's process is gone, and the run kills it at its own end.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from repro.errors import BadInput

RESUME = 75  # EX_TEMPFAIL of sysexits.h: the same command goes on from here
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


EVERY = "REPRO_CHECKPOINT_SECONDS"
SECONDS = 60.0
LOOK = 1.0  # seconds between two looks of a worker at whether its run is still there
KILLED = "DataLoader worker"  # how torch's message begins where one has died


class Interrupted(BaseException):
    """The run was asked to stop by a signal, and did; the same command goes on. It is no fault, so no Exception."""


_deferred = 0
_asked = ""


def asked() -> str:
    """The name of the signal that waits for an answer; empty where none does."""
    return _asked


@contextmanager
def listening() -> Iterator[None]:
    """Answer the signals, while a run lasts. It does nothing in a thread other than the main one, which gets none."""
    global _asked
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked, before = "", {number: signal.signal(number, _answer) for number in SIGNALS}
    try:
        yield
    finally:
        _end_workers()
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked = ""


@contextmanager
def deferred() -> Iterator[None]:
    """Let a signal wait for `asked()`; one that still waits at the end is answered then."""
    global _deferred
    _deferred += 1
    try:
        yield
    finally:
        _deferred -= 1
    if _asked and not _deferred:
        raise Interrupted(f"{_asked}: stopped")


def seconds_between() -> float:
    """The least time between two checkpoints. Raises BadInput where the environment asks for what is no time."""
    given = os.environ.get(EVERY, str(SECONDS))
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise BadInput(f"{EVERY} is {given!r}; expected seconds from 0 (after every step)")
    return seconds


def ignore() -> None:
    """In a process that serves a run: answer no signal, and end when the run's process is gone."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_without, args=(os.getppid(),), daemon=True).start()


def _end_without(parent: int) -> None:
    """End this process as soon as `parent` is gone, whatever it waits for: it would be an orphan."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)


def _end_workers() -> None:
    """Kill the processes that serve this one: they ignore SIGTERM, and Python would wait for them without end."""
    import multiprocessing  # too slow for a command that only looks

    workers = [child for child in multiprocessing.active_children() if child.daemon]
    with _deaths_unheard():
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join()


@contextmanager
def _deaths_unheard() -> Iterator[None]:
    """Without the handler of torch, which takes the death of each child for a failure and raises where we are."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)


def explain(error: Exception) -> None:
    """Add a note to an error of a training, where it comes from the death of a process that reads data."""
    if str(error).startswith(KILLED) or (isinstance(error, (OSError, EOFError)) and _worker_died()):
        error.add_note(
            "(a process that reads data was killed by the system: out of memory? Fewer workers take less memory. "
            "The same command resumes the run)"
        )


def _worker_died() -> bool:
    """Whether a signal has ended a process that served this one: then what it was about to send is missing."""
    from multiprocessing import process

    with _deaths_unheard():
        time.sleep(0.2)  # its files are closed a moment before its end can be seen
        return any((child.exitcode or 0) < 0 for child in list(getattr(process, "_children", ())))


def _answer(number: int, frame: FrameType | None) -> None:
    global _asked
    name, again, _asked = signal.Signals(number).name, bool(_asked), _asked or signal.Signals(number).name
    if again and number == signal.SIGINT:
        raise KeyboardInterrupt
    if not again and not _deferred:
        raise Interrupted(f"{name}: stopped")
    if not again:  # not by print or logging: the signal may have come in the middle of one
        more = "; once more stops at once" if number == signal.SIGINT else ""
        with contextlib.suppress(OSError):  # whoever read it may be gone, as when a terminal closes
            os.write(2, f"\n{name}: stopping after this step, with a checkpoint{more}\n".encode())
