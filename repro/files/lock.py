"""One process at a time in a run folder; who holds it is said to who comes second.

The lock is the system's own (flock): it ends with its holder, however that dies, though its children live on. Beside it
stands who holds it.
"""

from __future__ import annotations

import datetime
import errno
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

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
"""What flock answers on a file system that has no locks."""

log = logging.getLogger("repro")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, which stands beside it. Raises BadInput where another process does, saying which."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    holder = folder.parent / f".{folder.name}.holder"
    lock = FileLock(folder.parent / f".{folder.name}.lock", fallback_to_soft=False)
    try:
        acquire(lock, 0)
    except Timeout:
        raise BadInput(_said(_read(holder)), str(folder)) from None
    try:
        if before := _read(holder):
            log.info("process %s on %s held this run and has died: taken over", before["process"], before["host"])
        disk.write(holder, json.dumps(_myself()))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def acquire(lock: FileLock, seconds: float = -1) -> None:
    """Take a lock, waiting for at most some seconds, or for ever. Raises Timeout; BadInput where none can be had."""
    place = Path(lock.lock_file).parent
    try:
        lock.acquire(timeout=seconds)
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in NO_LOCKS:
            raise
        hint = "use a folder on a local disk, or mount this one with locks (on NFS: lockd, or -o local_lock=flock)"
        raise BadInput(f"no lock can be had for {place}/: its file system has none; {hint}", str(place)) from None


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
