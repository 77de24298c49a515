"""Files that are there whole or not at all, and what is said when a disk is full.

A reader sees the file as it was or as it is now, never half of one, whenever the writer is killed. What was there stays
where the new one has no room.
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

BLOCK = 4096  # bytes: what a write needs at least
FULL = (errno.ENOSPC, errno.EDQUOT)


class DiskFull(OSError):
    """There is no room for a file; `str(error)` says for which, and how much is missing."""


def write(path: Path, content: bytes | str) -> Path:
    """Write `content` to `path` in one step, in a folder that is there. Raises DiskFull where it has no room."""
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
    """Raise BadInput where no file, or not the file `name`, can be made in `folder`, which need not be there yet.

    Nothing is left: the file that is tried has no name, or loses it at once.
    """
    place, hint = folder / f".{name or 'any'}.12345678.tmp", "expected a folder where files can be written"
    try:
        there = next(parent for parent in place.absolute().parents if os.path.lexists(parent))
        if not there.is_dir():
            raise BadInput(f"is a file; {hint}", str(there))
        with tempfile.TemporaryFile(dir=there):
            pass
        names = [there / part for part in place.absolute().relative_to(there).parts]
        for path in (*names, place):  # is one name, or the whole path, too long?
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                os.lstat(path)
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}; {hint}", str(folder)) from None
    if name and os.path.lexists(folder / name) and not (folder / name).is_file():
        raise BadInput("is in the way: expected a file, or nothing", str(folder / name))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an error name the file that was to be written, and not the one that would have become it."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def sweep(folder: Path, name: str = "*") -> None:
    """Delete what killed writers of `name` have left in `folder`: for who alone writes there."""
    for path in folder.glob(f".{name}.*.tmp"):
        path.unlink(missing_ok=True)


@contextmanager
def full(path: Path, needed: int = BLOCK) -> Iterator[None]:
    """Turn the error of a full disk, met while `needed` bytes are written to `path`, into one line."""
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
    """The nearest folder above that exists."""
    return next(parent for parent in path.absolute().parents if parent.is_dir())
