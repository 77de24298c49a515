"""Unpack tar (plain, gz, bz2, xz) and zip archives safely, also malicious ones.

An archive is refused if it has an absolute path, `..`, a link, a device, two members of the same name, or more bytes
or members than a data set of this size can have. So every member is written below the target folder. Only contents are
unpacked; modes, owners and times are ignored, because an archive may state anything about itself.
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

RATIO = 50  # the maximum of unpacked bytes per packed byte: about 10 for text, 1000 and more for a decompression bomb
ALWAYS = 64 << 20  # bytes that every archive may unpack to, even a very small one
MEMBERS = 2_000_000  # the maximum number of members
EACH = 8192  # bytes that each member counts for at least, because creating even an empty file takes time
DEPTH = 100  # the maximum nesting of folders
HEADER = 16 << 10  # bytes: the maximum size of a tar header, because tarfile's reading time grows with its square
HEADERS = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)

BROKEN = (  # what the standard library raises for damaged archives, also where its documentation does not say so
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
    """One member of an archive. `kind` is "file" or "folder"; "link" and "device" are refused."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack `archive` into `folder`, which must not exist yet. The folder appears atomically.

    Raises BadInput if the file is not an archive, is damaged, or contains a member that is refused.
    """
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        made = beside / folder.name
        made.mkdir()  # a new folder, because only the owner may read the one of mkdtemp
        _write(archive, made)
        made.rename(folder)
    except (*BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno not in UNWRITABLE:
            raise
        said = getattr(error, "strerror", None) or error  # strerror does not contain the path of a temporary file
        raise BadInput(f"cannot be unpacked: {type(error).__name__}: {said}", str(archive)) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(archive: Path, folder: Path) -> None:
    members = _tar_members(archive) if not zipfile.is_zipfile(archive) else _zip_members(archive)
    for member in _bounded(members, archive, shutil.disk_usage(folder).free):
        target = folder.joinpath(*_parts(member, archive))
        _make(member, target, archive)


def tar_members(archive: Path) -> Iterator[Member]:
    """The members of a tar, one after the other. A member can only be opened before the next one is requested.

    Raises BadInput if the archive would unpack to too much, and an error of `BROKEN` or OSError if it is damaged.
    """
    return _bounded(_tar_members(archive), archive)


def bounded(opened: IO[bytes] | gzip.GzipFile, archive: Path) -> io.BufferedReader:
    """A reader of `opened`, the content of `archive`. It raises BadInput if the content is too large."""
    return io.BufferedReader(_Bounded(opened, archive), 1 << 16)


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """The content of a file, decompressed if its first bytes are those of gzip, bzip2 or xz.

    Raises BadInput if the content is too large, and an error of `BROKEN` or OSError if the file is damaged.
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
    """The largest size in bytes that an archive may unpack to."""
    return max(RATIO * archive.stat().st_size, ALWAYS)


def _bounded(members: Iterator[Member], archive: Path, free: float = math.inf) -> Iterator[Member]:
    """`members`, until they exceed the largest size for `archive` or `free` bytes: then it raises BadInput."""
    spare, most = min(_room(archive), free), min(MEMBERS, _room(archive) // EACH)
    for count, member in enumerate(members, 1):
        spare -= member.size
        if count > most:
            raise _too_much(archive, f"more than {most} members")
        if spare < 0:
            raise _too_much(archive)
        yield member


def _too_much(archive: Path, said: str = "more than the limit or the free space of the disk") -> BadInput:
    return BadInput(f"refused: it unpacks to {said}", str(archive))


def _parts(member: Member, archive: Path) -> tuple[str, ...]:
    """The path of a member below the target folder. Raises BadInput if the member is refused."""
    parts = PurePosixPath(member.name).parts
    if member.kind not in ("file", "folder"):
        fault = f"is a {member.kind}"
    elif member.name.startswith("/") or PureWindowsPath(member.name).anchor:
        fault = "has an absolute path"
    elif ".." in parts or "\\" in member.name or "\0" in member.name:
        fault = "has a path out of the folder"
    elif not parts and member.kind == "file":
        fault = "has no name"
    elif len(parts) > DEPTH:
        fault = f"is more than {DEPTH} folders deep"
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
        raise BadInput(f"refused: its member '{member.name}' has the path of another", str(archive)) from None


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            yield Member(info.filename, _zip_kind(info), info.file_size, partial(packed.open, info))


def _tar_members(archive: Path) -> Iterator[Member]:
    with tarfile.open(archive, tarinfo=_Header) as tar:
        for row in tar:
            if row.size < 0:  # from an extended header; then the next member would start before this one
                raise tarfile.ReadError("a member has a negative size")
            size = row.size if row.isfile() else 0
            yield Member(row.name, _tar_kind(row), size, partial(tar.extractfile, row))


class _Header(tarfile.TarInfo):
    """A header of a tar. It raises ReadError if tarfile would loop forever or read too much into memory."""

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
