"""Regular files of a bounded size: the only files that are read in a paper's folder.

A named pipe or a device would make a reader wait for ever, and a file of gigabytes would take all memory. Both can come
with an unpacked archive or from a slip of the hand, and both are refused before anything is opened.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from repro.errors import BadInput, where

TEXT = 1_000_000  # bytes of a file of claims, data sets, certificates, renewals, verdicts, or of a dependency check
CONFIG = 250_000  # bytes of a config, and of its text with all includes
RECORD = 8_000_000  # bytes of a record
JUNK = "._"  # how the files begin that macOS adds on other file systems
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check(path: Path, most: int = TEXT) -> None:
    """Raise BadInput unless `path` is a regular file of at most `most` bytes, or a link to one."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise BadInput(f"cannot be read: {_said(path, error)}", _place(path)) from None
    if not stat.S_ISREG(found.st_mode):
        raise BadInput(f"is {KINDS.get(stat.S_IFMT(found.st_mode), 'no file')}; expected a file", _place(path))
    if found.st_size > most:
        raise BadInput(f"has {found.st_size:,} bytes; expected at most {most:,}", _place(path))


def _place(path: Path) -> str:
    """The path itself, where it is a link too."""
    return os.path.normpath(os.path.join(where(path.parent), path.name))


def _said(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ELOOP) and os.path.islink(path):
        return f"it is a link that leads {'nowhere' if error.errno == errno.ENOENT else 'to itself'}"
    return error.strerror or type(error).__name__


def present(path: Path) -> bool:
    """Whether there is anything at `path`, or it cannot be seen: whoever reads it then says why."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def files(folder: Path, pattern: str, most: int = TEXT) -> list[Path]:
    """The files of a folder whose names fit `pattern`, in order, each checked; those of macOS (`._a`) are left out."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise BadInput("is no folder; expected one, or nothing", _place(folder))
    found = sorted(path for path in folder.glob(pattern) if not path.name.startswith(JUNK))
    for path in found:
        check(path, most)
    return found
