"""Check files before they are opened: only regular files of a limited size are read in a paper's folder.

A program that reads a named pipe or a device would wait forever. A file of several gigabytes would fill the memory.
Both can come from an archive or a typing error, so the check refuses them.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from repro.errors import BadInput, where

TEXT = 1_000_000  # maximum bytes of a file of claims, data sets, certificates, renewals, verdicts, dependency checks
CONFIG = 250_000  # maximum bytes of a config, and maximum characters of its text with all includes
RECORD = 8_000_000  # maximum bytes of a record
JUNK = "._"  # macOS adds files with this prefix on other file systems
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
        raise BadInput(f"is {KINDS.get(stat.S_IFMT(found.st_mode), 'not a file')}", _place(path), expected="a file")
    if found.st_size > most:
        raise BadInput(f"has {found.st_size:,} bytes", _place(path), expected=f"at most {most:,}")


def _place(path: Path) -> str:
    """`path` for an error message, without resolving it if it is a link."""
    return os.path.normpath(os.path.join(where(path.parent), path.name))


def _said(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ELOOP) and os.path.islink(path):
        return f"it is a link to {'a missing file' if error.errno == errno.ENOENT else 'itself'}"
    return error.strerror or type(error).__name__


def present(path: Path) -> bool:
    """Whether something exists at `path`. Also true if the system cannot tell; the reader then raises the error."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def files(folder: Path, pattern: str, most: int = TEXT) -> list[Path]:
    """The files of a folder whose names match `pattern`, sorted and checked. Files of macOS (`._a`) are left out."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise BadInput("is not a folder", _place(folder), expected="a folder, or nothing")
    found = [path for path in folder.glob(pattern) if not path.name.startswith(JUNK)]
    found.sort(key=lambda path: path.name)  # they are in one folder; to compare whole paths takes ten times as long
    for path in found:
        check(path, most)
    return found
