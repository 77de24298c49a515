"""Archives unpacked so that a bad one does no harm: tar (plain, gz, bz2, xz) and zip.

A member is written below the folder or the archive is refused: no absolute path, no `..`, no link, no device, no
second member of one name, and no more bytes or members than a data set of this size can have. Contents alone are
taken, not modes, owners or times, so nothing here relies on what an archive says of itself.
"""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple

from repro.errors import BadInput

RATIO = 50  # bytes unpacked for each byte packed: text comes to about 10, a bomb to 1000 and more
ALWAYS = 64 << 20  # bytes that any archive may unpack to, however small it is
MEMBERS = 2_000_000

BROKEN = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, RuntimeError, ValueError)


class Member(NamedTuple):
    """One member of an archive: `kind` is "file", "folder", or what else it is and may not be."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, folder: Path) -> None:
    """Write the members of `archive` below `folder`, which must not exist: it appears whole or not at all.

    Raises BadInput for what is no archive, is broken, or holds a member that is refused.
    """
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        made = beside / folder.name
        made.mkdir()  # mkdtemp's own is for nobody else to read
        _write(archive, made)
        made.rename(folder)
    except BROKEN as error:
        raise BadInput(f"cannot be unpacked: {type(error).__name__}: {error}", str(archive)) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(archive: Path, folder: Path) -> None:
    spare = min(max(RATIO * archive.stat().st_size, ALWAYS), shutil.disk_usage(folder).free)
    for count, member in enumerate(_members(archive), 1):
        spare -= member.size
        if count > MEMBERS or spare < 0:
            said = (
                f"more than {MEMBERS} members" if count > MEMBERS else "more than it may take or the disk has room for"
            )
            raise BadInput(f"refused: it unpacks to {said}", str(archive))
        target = folder.joinpath(*_parts(member, archive))
        _make(member, target, archive)


def _parts(member: Member, archive: Path) -> tuple[str, ...]:
    """Where below the folder a member goes."""
    parts = PurePosixPath(member.name).parts
    if member.kind not in ("file", "folder"):
        fault = f"is a {member.kind}"
    elif member.name.startswith("/") or PureWindowsPath(member.name).anchor:
        fault = "has an absolute path"
    elif ".." in parts or "\\" in member.name or "\0" in member.name:
        fault = "has a path that leads elsewhere"
    elif not parts and member.kind == "file":
        fault = "has no name"
    else:
        return parts
    raise BadInput(f"refused: its member '{member.name}' {fault}", str(archive))


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


def _members(archive: Path) -> Iterator[Member]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                yield Member(info.filename, _zip_kind(info), info.file_size, partial(packed.open, info))
        return
    with tarfile.open(archive) as tar:
        for row in tar:
            size = row.size if row.isfile() else 0
            yield Member(row.name, _tar_kind(row), size, partial(tar.extractfile, row))


def _zip_kind(info: zipfile.ZipInfo) -> str:
    mode = stat.S_IFMT(info.external_attr >> 16)
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "link" if mode == stat.S_IFLNK else "device"
    return "folder" if info.is_dir() else "file"


def _tar_kind(row: tarfile.TarInfo) -> str:
    if row.isfile() or row.isdir():
        return "file" if row.isfile() else "folder"
    return "link" if row.issym() or row.islnk() else "device"
