"""Errors of the operating system as one line: no permission, a file in the place of a folder, a name too long."""

from __future__ import annotations

import errno
import shutil

from repro.disk import DiskFull

EXPECTED = {
    errno.EACCES: "expected a file or folder that you may read, and write where a command writes",
    errno.EPERM: "expected a file or folder that you may read, and write where a command writes",
    errno.EROFS: "expected a file system that can be written",
    errno.ENOTDIR: "expected a folder, and a file is there",
    errno.EISDIR: "expected a file, and a folder is there",
    errno.EEXIST: "expected a folder, or nothing",
    errno.ENOTEMPTY: "expected an empty folder, or nothing",
    errno.ENAMETOOLONG: "expected a shorter name",
    errno.ELOOP: "expected a file or folder, and it is a link that leads to itself",
    errno.ENXIO: "expected a file, and a device or a socket is there",
    errno.EMFILE: "expected that more files may be open (ulimit -n)",
    errno.ENFILE: "expected that more files may be open on this machine",
    errno.EIO: "expected a disk that can be read",
    errno.ESTALE: "expected a network folder that is still there",
    errno.ENOTCONN: "expected a network folder that is still there",
    errno.ENOSYS: "expected a file system that can do this",
    errno.EOPNOTSUPP: "expected a file system that can do this",
    errno.ENOLCK: "expected a file system with locks",
}


def environment(error: OSError) -> str:
    """One line for an error that comes from the user's files and not from our code; empty for another."""
    if isinstance(error, DiskFull):
        return str(error)
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list) and error.args[0]:
        _, place, reason = error.args[0][0]
        return f"{place}: cannot be copied: {reason}"
    expected = EXPECTED.get(error.errno or 0)
    if expected is None and not (isinstance(error, FileNotFoundError) and error.filename is None):
        return ""
    if expected is None:
        return "the working directory is gone; expected a folder that is there"
    place = f"{error.filename}: " if error.filename is not None else ""
    return f"{place:.300}{error.strerror}; {expected}"
