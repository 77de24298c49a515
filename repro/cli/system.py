"""One-line messages for errors of the operating system, such as no permission, or a name that is too long."""

from __future__ import annotations

import errno
import shutil

from repro.files.disk import DiskFull

EXPECTED = {
    errno.EACCES: "expected a file or folder that you may read, and write if the command writes to it",
    errno.EPERM: "expected a file or folder that you may read, and write if the command writes to it",
    errno.EROFS: "expected a file system that can be written",
    errno.ENOTDIR: "expected a folder, but it is a file",
    errno.EISDIR: "expected a file, but it is a folder",
    errno.EEXIST: "expected a folder, or nothing",
    errno.ENOTEMPTY: "expected an empty folder, or nothing",
    errno.ENAMETOOLONG: "expected a shorter name",
    errno.ELOOP: "expected a file or folder, but it is a link to itself",
    errno.ENXIO: "expected a file, but it is a device or a socket",
    errno.EMFILE: "expected a higher limit of open files (ulimit -n)",
    errno.ENFILE: "expected a higher limit of open files on this machine",
    errno.ENOSPC: "expected free space on the disk",
    errno.EDQUOT: "expected free space in your quota",
    errno.EIO: "expected a disk that can be read",
    errno.ESTALE: "expected a network folder that is still connected",
    errno.ENOTCONN: "expected a network folder that is still connected",
    errno.ENOSYS: "expected a file system that can do this",
    errno.EOPNOTSUPP: "expected a file system that can do this",
    errno.ENOLCK: "expected a file system with locks",
}


def environment(error: OSError) -> str:
    """One line for an error that comes from the user's files; empty for an error that comes from our code."""
    if isinstance(error, DiskFull):
        return str(error)
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list) and error.args[0]:
        _, place, reason = error.args[0][0]
        return f"{place}: cannot be copied: {reason}"
    expected = EXPECTED.get(error.errno or 0)
    if expected is None and not (isinstance(error, FileNotFoundError) and error.filename is None):
        return ""
    if expected is None:
        return "the working directory does not exist any more; expected a folder that exists"
    place = f"{error.filename}: " if error.filename is not None else ""
    return f"{place:.300}{error.strerror}; {expected}"
