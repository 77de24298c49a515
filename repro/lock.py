"""One process at a time in a run folder; who holds it is said to who comes second.

The lock is the system's own (flock): it lets go of it when the holder dies, however it dies. Beside it stands who that
is. Children of a dead holder (a DataLoader's workers) keep the lock for the seconds until they notice.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from repro import disk
from repro.errors import BadInput

ORPHANS = 30.0  # seconds that the children of a dead holder may take to end

log = logging.getLogger("repro")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, which stands beside it. Raises BadInput where another process does, saying which."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    holder = folder.parent / f".{folder.name}.holder"
    lock = _acquired(FileLock(folder.parent / f".{folder.name}.lock"), holder, folder)
    try:
        if before := _read(holder):
            log.info("process %s on %s held this run and has died: taken over", before["process"], before["host"])
        disk.write(holder, json.dumps(_myself()))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _acquired(lock: FileLock, holder: Path, folder: Path) -> FileLock:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        found = _read(holder)
        if not found or not _dead(found):
            raise BadInput(_said(found), str(folder)) from None
        log.info("process %s has died; waiting for its children to end", found["process"])
        try:
            lock.acquire(timeout=ORPHANS)
        except Timeout:
            raise BadInput(f"children of process {found['process']}, which has died, still run", str(folder)) from None
    return lock


def _said(found: dict[str, Any] | None) -> str:
    if not found:
        return "this run is going on in another process"
    return f"this run is going on: process {found['process']} on {found['host']}, since {found['since']}"


def _myself() -> dict[str, Any]:
    since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"host": platform.node(), "process": os.getpid(), "since": since}


def _read(holder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(holder.read_bytes())
        return {key: found[key] for key in ("host", "process", "since")}
    except (OSError, ValueError, TypeError, KeyError):  # none, or of a holder that is only just writing it
        return None


def _dead(found: dict[str, Any]) -> bool:
    """Whether the holder was a process of this machine that is no more."""
    if found["host"] != platform.node():
        return False
    try:
        os.kill(found["process"], 0)
    except (ProcessLookupError, TypeError, OverflowError):
        return True
    except PermissionError:  # it lives, and is somebody else's
        return False
    return False
