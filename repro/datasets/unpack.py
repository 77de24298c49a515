"""Unpack archives safely: tar (plain, gz, bz2, xz) and zip.

An archive is refused if a member has an absolute path or `..`, is a link or a device, or repeats a name. It is also
refused if it unpacks to more bytes or members than a data set of its size can have. Only the contents are unpacked,
not modes, owners or times. So a hostile archive cannot write outside the folder or fill the disk.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import math
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, NamedTuple, Self

from repro.errors import BadInput

RATIO = 50  # largest ratio of unpacked to packed bytes: text has about 10, a zip bomb 1000 or more
ALWAYS = 64 << 20  # bytes that every archive may unpack to, even a very small one
MEMBERS = 2_000_000
EACH = 8192  # bytes that a member counts at least, even an empty one, because creating a file takes time
DEPTH = 100  # levels of nested folders
HEADER = 16 << 10  # bytes of the largest tar header: tarfile needs time that grows with the square of its size
HEADERS = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)

BROKEN = (  # errors that the standard library raises for broken archives, documented or not
    *(tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError),
    *(LookupError, MemoryError, OverflowError, RuntimeError, ValueError, struct.error),
)
PACKED: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
UNWRITABLE = (None, errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG)  # an OSError caused by the archive, not the disk


class Member(NamedTuple):
    """One member of an archive. `kind` is "file" or "folder"; any other kind is refused."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack `archive` into `folder`, which must not exist and appears only when all members are written.

    Raises BadInput if the file is not an archive, is broken, or has a member that is refused.
    """
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        made = beside / folder.name
        made.mkdir()  # only the owner can read the folder that mkdtemp makes
        _write(archive, made)
        made.rename(folder)
    except (*BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno not in UNWRITABLE:
            raise
        said = getattr(error, "strerror", None) or error  # without the name of a temporary file
        raise BadInput(f"cannot be unpacked: {type(error).__name__}: {said}", str(archive)) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(archive: Path, folder: Path) -> None:
    members = _tar_members(archive) if not zipfile.is_zipfile(archive) else _zip_members(archive)
    for member in _bounded(members, archive, shutil.disk_usage(folder).free):
        target = folder.joinpath(*_parts(member, archive))
        _make(member, target, archive)


def tar_members(archive: Path) -> Iterator[Member]:
    """Iterate over the members of a tar. You can open a member until you ask for the next one.

    Raises BadInput if the tar unpacks to too many bytes, and one of BROKEN or OSError if it is broken.
    """
    return _bounded(_tar_members(archive), archive)


def bounded(opened: IO[bytes] | gzip.GzipFile, archive: Path) -> io.BufferedReader:
    """A reader of `opened`, the content of `archive`. Reading raises BadInput if there are too many bytes."""
    return io.BufferedReader(_Bounded(opened, archive), 1 << 16)


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """The content of a file, unpacked if it is gzip, bzip2 or xz. The first bytes decide, not the name.

    Reading raises BadInput if it unpacks to too many bytes, and one of BROKEN or OSError if it is broken.
    """
    with path.open("rb") as file:
        first = file.read(6)
        file.seek(0)
        unpacked = next((kind(file) for magic, kind in PACKED.items() if first.startswith(magic)), None)
        yield bounded(unpacked, path) if unpacked else file


class _Bounded(io.RawIOBase):
    def __init__(self, opened: IO[bytes] | gzip.GzipFile, archive: Path) -> None:
        self.opened, self.archive, self.spare = opened, archive, _room(archive)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self.opened.read(len(buffer))
        self.spare -= len(read)
        if self.spare < 0:
            raise _too_much(self.archive)
        buffer[: len(read)] = read
        return len(read)


def _room(archive: Path) -> int:
    """The number of bytes that an archive may unpack to."""
    return max(RATIO * archive.stat().st_size, ALWAYS)


def _bounded(members: Iterator[Member], archive: Path, free: float = math.inf) -> Iterator[Member]:
    """`members`. Raises BadInput if there are too many, or more bytes than `archive` may have or `free`."""
    spare, most = min(_room(archive), free), min(MEMBERS, _room(archive) // EACH)
    for count, member in enumerate(members, 1):
        spare -= member.size
        if count > most:
            raise _too_much(archive, f"more than {most} members")
        if spare < 0:
            raise _too_much(archive)
        yield member


def _too_much(archive: Path, said: str = "more than it may take or the disk has room for") -> BadInput:
    return BadInput(f"refused: it unpacks to {said}", str(archive))


def _parts(member: Member, archive: Path) -> tuple[str, ...]:
    """The path of a member inside the folder. Raises BadInput if the member is refused."""
    parts = PurePosixPath(member.name).parts
    if member.kind not in ("file", "folder"):
        fault = f"is a {member.kind}"
    elif member.name.startswith("/") or PureWindowsPath(member.name).anchor:
        fault = "has an absolute path"
    elif ".." in parts or "\\" in member.name or "\0" in member.name:
        fault = "has a path that leads elsewhere"
    elif not parts and member.kind == "file":
        fault = "has no name"
    elif len(parts) > DEPTH:
        fault = f"lies more than {DEPTH} folders deep"
    else:
        return parts
    raise BadInput(f"refused: its member '{member.name:.200}' {fault}", str(archive))


def _make(member: Member, target: Path, archive: Path) -> None:
    try:
        if member.kind == "folder":
            return target.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            source = member.open()
            if source is not None:
                shutil.copyfileobj(source, file, 1 << 20)
    except (FileExistsError, NotADirectoryError):
        raise BadInput(f"refused: its member '{member.name}' is in the way of another", str(archive)) from None


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            yield Member(info.filename, _zip_kind(info), info.file_size, partial(packed.open, info))


def _tar_members(archive: Path) -> Iterator[Member]:
    with tarfile.open(archive, tarinfo=_Header) as tar:
        for row in tar:
            if row.size < 0:  # an extended header can say that; the next member would then start before this one
                raise tarfile.ReadError("a member has a negative size")
            size = row.size if row.isfile() else 0
            yield Member(row.name, _tar_kind(row), size, partial(tar.extractfile, row))


class _Header(tarfile.TarInfo):
    """A tar header that is refused if tarfile would loop forever or read an unlimited number of bytes into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        made = super().frombuf(buf, encoding, errors)
        if made.size < 0 or made.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError("a member is sparse, or has a negative size")
        if made.type in HEADERS and made.size > HEADER:
            raise tarfile.ReadError(f"a header has {made.size} bytes; expected at most {HEADER}")
        return made


def _zip_kind(info: zipfile.ZipInfo) -> str:
    mode = stat.S_IFMT(info.external_attr >> 16)
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "link" if mode == stat.S_IFLNK else "device"
    return "folder" if info.is_dir() else "file"


def _tar_kind(row: tarfile.TarInfo) -> str:
    if row.isfile() or row.isdir():
        return "file" if row.isfile() else "folder"
    return "link" if row.issym() or row.islnk() else "device"
