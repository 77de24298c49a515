"""Being asked to stop: SIGTERM and SIGUSR1 (a machine is taken away), SIGINT (Ctrl-C).

Where stopping loses nothing a signal stops the run at once. Inside `deferred()` it waits for whoever asks `asked()`
often: a trainer, which then writes a checkpoint. Ctrl-C once more stops at once even there.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from repro.errors import BadInput

RESUME = 75  # EX_TEMPFAIL of sysexits.h: the same command goes on from here
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


EVERY = "REPRO_CHECKPOINT_SECONDS"
SECONDS = 60.0


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
    """Answer no signal: a process that serves another leaves that to it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


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
