"""A lock that allows only one process at a time in a run folder. The error for a second process names the first one.

The lock is a file lock of the operating system (flock). The system releases it when the process ends, even if it was
killed or has child processes that still run. A second file, `.NAME.holder`, stores which process has the lock.
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

from repro.errors import BadInput, Busy
from repro.files import disk

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
"""The errors of flock on a file system that does not support locks."""

log = logging.getLogger("repro")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock `folder` for the duration of a `with` block. Raises Busy, which names the other process, if it is locked.

    The lock file is next to the folder, so the folder need not exist.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    holder = folder.parent / f".{folder.name}.holder"
    lock = FileLock(folder.parent / f".{folder.name}.lock", fallback_to_soft=False)
    try:
        acquire(lock, 0)
    except Timeout:
        raise Busy(_said(_read(holder)), str(folder)) from None
    try:
        if before := _read(holder):
            log.info("process %s on %s locked this run and died: lock taken over", before["process"], before["host"])
        disk.write(holder, json.dumps(_myself()))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def acquire(lock: FileLock, seconds: float = -1) -> None:
    """Take a lock. Waits for at most `seconds`; forever if -1.

    Raises Timeout if another process still has the lock, BadInput if the file system does not support locks.
    """
    place = Path(lock.lock_file).parent
    try:
        lock.acquire(timeout=seconds)
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in NO_LOCKS:
            raise
        raise BadInput(
            f"the file system of {place}/ does not support locks",
            str(place),
            expected="a folder on a local disk, or a mount with locks (on NFS: lockd, or -o local_lock=flock)",
        ) from None


def holder(folder: Path) -> dict[str, Any] | None:
    """The process that has locked `folder`: its `host`, `process`, `since` and `gpus`. None if it is not locked.

    A process of this machine that was killed counts as none.
    """
    found = _read(folder.parent / f".{folder.name}.holder")
    if found and found["host"] == platform.node() and not os.path.exists(f"/proc/{found['process']}"):
        return None
    return found


def _said(found: dict[str, Any] | None) -> str:
    if not found:
        return "this run is already running in another process"
    return f"this run is already running: process {found['process']} on {found['host']}, since {found['since']}"


def _myself() -> dict[str, Any]:
    since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return {"host": platform.node(), "process": os.getpid(), "since": since, "gpus": gpus}


def _read(holder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(holder.read_bytes())
        return {"gpus": "", **{key: found[key] for key in ("host", "process", "since")}, **found}
    except (OSError, ValueError, TypeError, KeyError):  # missing, damaged, or being written at this moment
        return None
