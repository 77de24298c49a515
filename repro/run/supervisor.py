"""Start the processes of one run on this machine: `repro run CONFIG --processes N`.

They compute together (`repro.training.processes`). If one is killed, all are started again, and the run resumes. On
several machines, start `repro run` with torchrun or Slurm instead.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from repro import interruption
from repro.errors import BadInput
from repro.run import threads
from repro.training import processes

RESTARTS = 3  # times that all processes are started again because one was killed
GRACE = 10.0  # seconds from the end of one process until the others are killed
LOOK = 0.05  # seconds between two checks

log = logging.getLogger("repro")


def check(number: int) -> None:
    """Raise BadInput if this machine has fewer cores than `number`, or if torchrun has started the processes."""
    if not 1 <= number <= threads.cores():
        expected = f"1 to {threads.cores()}, the number of cores that this process may use"
        raise BadInput(f"--processes is {number}", expected=expected)
    if "WORLD_SIZE" in os.environ:
        raise BadInput("--processes is given, and WORLD_SIZE is set", expected="one of them")


def supervise(arguments: Sequence[str], number: int) -> int:
    """Run `repro ARGUMENTS` in `number` processes; returns the exit code of the run.

    It is that of the process that failed; 75 if the run was stopped; 128 + the number of the signal if a process was
    killed once more than `RESTARTS` times.
    """
    for attempt in range(RESTARTS + 1):
        codes, stopped = _once(arguments, number)
        killed = [(rank, -code) for rank, code in enumerate(codes) if code < 0]
        if not killed or stopped or attempt == RESTARTS:
            break
        rank, by = killed[0]
        log.warning("process %d was killed (%s): all start again, and the run resumes", rank, _name(by))
    return _code(codes)


def _once(arguments: Sequence[str], number: int) -> tuple[list[int], bool]:
    """Start all processes and wait until they end; their exit codes, and whether a signal asked to stop."""
    with tempfile.TemporaryDirectory(prefix="repro-") as folder:
        children = [_start(arguments, rank, number, Path(folder)) for rank in range(number)]
        with _forwarded(children[0]) as asked:
            codes = _wait(children)
        for rank in _guilty(codes):
            sys.stderr.write((Path(folder) / f"stderr{rank}").read_text(errors="replace"))
        return codes, bool(asked)


def _start(arguments: Sequence[str], rank: int, number: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start one process. Only process 0 prints; what the others print to stderr is kept in `folder`."""
    own = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": number, "LOCAL_WORLD_SIZE": number}
    variables = {**os.environ, **{name: str(value) for name, value in own.items()}}
    variables[processes.MEETING] = (folder / "meeting").as_uri()
    if sys.platform == "linux":
        variables.setdefault("GLOO_SOCKET_IFNAME", "lo")  # the machine's host name may have no address
    quiet = (folder / f"stderr{rank}").open("wb") if rank else None
    with contextlib.nullcontext() if quiet is None else quiet:
        return subprocess.Popen(
            [sys.executable, "-m", "repro", *arguments],
            env=variables,
            stdout=subprocess.DEVNULL if rank else None,
            stderr=quiet,
            start_new_session=True,  # so that Ctrl-C reaches only this process, which forwards it once
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # no threads here
        )


def _end_with_parent() -> None:
    """Let the system kill this process when its parent ends, even if the parent is killed (Linux only)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG


@contextmanager
def _forwarded(child: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Forward signals to process 0; it stops after its step with a checkpoint. Yields the signals that arrived."""
    asked: list[int] = []

    def answer(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        child.send_signal(number)

    before = {number: signal.signal(number, answer) for number in interruption.SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(children: list[subprocess.Popen[bytes]]) -> list[int]:
    """Wait for all; after one has failed, kill those that do not end by themselves. The exit codes.

    That of a process that is killed here is 75, because it did not fail.
    """
    ours: set[int] = set()
    limit = float("inf")
    while any(child.poll() is None for child in children):
        if any(child.returncode for child in children):
            limit = min(limit, time.monotonic() + GRACE)
        if time.monotonic() > limit:
            ours |= {rank for rank, child in enumerate(children) if child.returncode is None}
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)  # with the processes that read data
        time.sleep(LOOK)
    return [interruption.RESUME if rank in ours else int(child.returncode) for rank, child in enumerate(children)]


def _guilty(codes: list[int]) -> list[int]:
    """The process that failed, if process 0 did not: the others only lost their connection to it."""
    failed = [rank for rank, code in enumerate(codes) if code not in (0, interruption.RESUME)]
    return failed[:1] if failed and failed[0] > 0 else []


def _code(codes: list[int]) -> int:
    failed = [code for code in codes if code not in (0, interruption.RESUME)]
    return (failed[0] if failed[0] > 0 else 128 - failed[0]) if failed else max(codes)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
