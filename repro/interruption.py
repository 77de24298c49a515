"""Stop a run when a signal arrives: SIGTERM and SIGUSR1 (from a job scheduler), or SIGINT (Ctrl-C).

A signal stops the run at once. Inside `deferred()`, where a stop would lose work, it only sets a flag. The trainer
reads the flag with `asked()` after each step; if it is set, the trainer writes a checkpoint and stops. A second Ctrl-C
stops the run at once, without a checkpoint.

A process that loads data for a run ignores these signals, because the trainer needs it until the checkpoint is written.
It ends when the process of the run ends; and the run kills it when the run is finished.
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

RESUME = 75  # exit code EX_TEMPFAIL of sysexits.h: the same command resumes the run
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


EVERY = "REPRO_CHECKPOINT_SECONDS"
SECONDS = 60.0
LOOK = 1.0  # seconds between two checks of a worker that its run still exists
KILLED = "DataLoader worker"  # start of torch's message when a worker has died


class Interrupted(BaseException):
    """A signal has stopped the run; the same command resumes it. It is not an error, so it is not an Exception."""


_deferred = 0
_asked = ""


def asked() -> str:
    """The name of the signal that asks the run to stop; "" if there is none."""
    return _asked


@contextmanager
def listening() -> Iterator[None]:
    """Handle the signals during a run. Does nothing outside the main thread, because only that one gets signals."""
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
    """Delay a stop: `asked()` reports the signal. If the block ends first, Interrupted is raised at its end."""
    global _deferred
    _deferred += 1
    try:
        yield
    finally:
        _deferred -= 1
    if _asked and not _deferred:
        raise Interrupted(f"{_asked}: stopped")


def seconds_between() -> float:
    """The shortest time between two checkpoints, in seconds. Raises BadInput if the variable is not a valid time."""
    given = os.environ.get(EVERY, str(SECONDS))
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise BadInput(f"{EVERY} is {given!r}", expected="seconds from 0 (after every step)")
    return seconds


def ignore() -> None:
    """Ignore the signals in a process that helps another one, because that one handles them."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def end_with_parent() -> None:
    """End this process when the process that started it has ended."""
    threading.Thread(target=_end_without, args=(os.getppid(),), daemon=True).start()


def _end_without(parent: int) -> None:
    """End this process when its parent process has ended, so that it does not run forever."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)


def _end_workers() -> None:
    """Kill the processes that load data: they ignore SIGTERM, and Python would wait for them forever."""
    import multiprocessing  # loads slowly, so commands that do not run anything never import it

    workers = [child for child in multiprocessing.active_children() if child.daemon]
    with _deaths_unheard():
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join()


@contextmanager
def _deaths_unheard() -> Iterator[None]:
    """Disable torch's handler for SIGCHLD, which raises an error in our code when a child process ends."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)


def explain(error: Exception) -> None:
    """Add a note to an error during training if a process that loads data was killed."""
    if str(error).startswith(KILLED) or (isinstance(error, (OSError, EOFError)) and _worker_died()):
        error.add_note(
            "(a process that loads data was killed by the system, perhaps because the memory was full. "
            "Fewer workers need less memory. The same command resumes the run)"
        )


def _worker_died() -> bool:
    """Whether a signal has killed a process that loads data for this one."""
    from multiprocessing import process

    with _deaths_unheard():
        time.sleep(0.2)  # seconds: the system closes its files shortly before it reports its end
        return any((child.exitcode or 0) < 0 for child in list(getattr(process, "_children", ())))


def _answer(number: int, frame: FrameType | None) -> None:
    global _asked
    name, again, _asked = signal.Signals(number).name, bool(_asked), _asked or signal.Signals(number).name
    if again and number == signal.SIGINT:
        raise KeyboardInterrupt
    if not again and not _deferred:
        raise Interrupted(f"{name}: stopped")
    if not again:  # os.write, because the signal may have interrupted a print or a log call
        more = "; press Ctrl-C again to stop at once" if number == signal.SIGINT else ""
        with contextlib.suppress(OSError):  # the terminal may be closed
            os.write(2, f"\n{name}: stopping after this step, with a checkpoint{more}\n".encode())
