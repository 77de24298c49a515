"""Atomic file writes, and a one-line error when the disk is full.

A reader sees the old file or the new one, even if the writer is killed. If the disk has no space for the new file, the
old one does not change.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repro.errors import BadInput

BLOCK = 4096  # bytes that any write needs at least
FULL = (errno.ENOSPC, errno.EDQUOT)


class DiskFull(OSError):
    """The disk has no space for a file. `str(error)` names the file and the number of missing bytes."""


def write(path: Path, content: bytes | str) -> Path:
    """Write `content` to `path` in one step. The folder must exist. Raises DiskFull if the disk has no space for it."""
    data = content.encode() if isinstance(content, str) else content
    with full(path, len(data)), _named(path):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    return path


def refuse_unwritable(folder: Path, name: str = "") -> None:
    """Raise BadInput if you cannot create the file `name`, or any file, in `folder`. `folder` need not exist yet.

    The check leaves no file behind: it writes a temporary file without a name.
    """
    place = folder / f".{name or 'any'}.12345678.tmp"
    try:
        there = next(parent for parent in place.absolute().parents if os.path.lexists(parent))
        if not there.is_dir():
            raise BadInput("is a file", str(there), expected="a folder where files can be written")
        with tempfile.TemporaryFile(dir=there):
            pass
        names = [there / part for part in place.absolute().relative_to(there).parts]
        for path in (*names, place):  # fails if a name or the whole path is too long
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                os.lstat(path)
    except OSError as error:
        raise BadInput(
            f"cannot be written: {error.strerror}", str(folder), expected="a folder where files can be written"
        ) from None
    if name and os.path.lexists(folder / name) and not (folder / name).is_file():
        raise BadInput("is not a file", str(folder / name), expected="a file, or nothing")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Make an OSError name `path` instead of its temporary file."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def sweep(folder: Path, name: str = "*") -> None:
    """Delete the temporary files that killed writers of `name` left in `folder`. You must be the only writer there."""
    for path in folder.glob(f".{name}.*.tmp"):
        path.unlink(missing_ok=True)


@contextmanager
def full(path: Path, needed: int = BLOCK) -> Iterator[None]:
    """Turn the system's error for a full disk into DiskFull. `needed`: the bytes that are written to `path`."""
    try:
        yield
    except DiskFull:
        raise
    except OSError as error:
        if error.errno not in FULL:
            raise
        free = shutil.disk_usage(_there(path)).free
        kind = "the quota is used up" if error.errno == errno.EDQUOT else "the disk is full"
        missing = f"{needed:,} bytes are to be written, {free:,} are free, {max(needed - free, 1):,} are missing"
        raise DiskFull(f"{path}: {kind}: {missing}") from None


def _there(path: Path) -> Path:
    """The nearest parent folder that exists."""
    return next(parent for parent in path.absolute().parents if parent.is_dir())
