"""Find a data set in the data folder (`REPRO_DATA`) or in a mirror (`REPRO_MIRROR`), or download it.

An existing file is not checked, because it may be packed differently from the published one. Its content is checked by
`experiment.data` in a config and by `repro data verify`. A downloaded file is compared with the published checksum.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from repro.data import catalogue
from repro.data.catalogue import DataSet, File
from repro.errors import BadInput, DataMissing
from repro.files.lock import acquire

DATA, MIRROR = "REPRO_DATA", "REPRO_MIRROR"

log = logging.getLogger("repro")


def root() -> Path:
    """The data folder: the folder in `REPRO_DATA`, else the cache folder of the platform."""
    if given := _given(DATA):
        return given
    if os.path.expanduser("~").startswith("~"):
        raise BadInput(f"this user has no home folder for the data: set {DATA} to a folder")
    import pooch  # imported here, because it takes 0.1 s

    return Path(pooch.os_cache("repro"))


def places() -> dict[str, Path]:
    """The folders in which data sets are looked for, in this order, by `data folder` and `mirror`."""
    mirror = _given(MIRROR)
    if mirror and not os.path.isdir(mirror):
        raise BadInput(f"{MIRROR} is {mirror}, which is not a folder", expected="a folder with data sets")
    if (own := root()).is_file():
        raise BadInput(f"{DATA} is {own}, which is a file", expected="a folder for data sets")
    return {"data folder": own, **({"mirror": mirror} if mirror else {})}


def _given(variable: str) -> Path | None:
    """The folder in an environment variable, or None if it is not set."""
    given = os.environ.get(variable)
    try:
        return Path(given).expanduser() if given else None
    except RuntimeError:
        raise BadInput(f"{variable} is {given}, but that home folder does not exist", expected="a folder") from None


def folder(name: str) -> Path:
    """The folder of the data set `name`, for example `mnist`, or of a variant, for example `librispeech/dev-clean`.

    It is looked for in the data folder, then in the mirror, which is only read. If it is in neither, it is downloaded
    into the data folder. If several processes ask at once, one downloads and the others wait. Your own data set needs
    no entry in the catalogue if its folder exists.
    Raises DataMissing if the data set is not available, and BadInput for a wrong name or setting.
    """
    return where(name) or _fetch(name)


def where(name: str) -> Path | None:
    """The folder of the data set `name`, or None if it is not on this machine. Nothing is downloaded."""
    return next((place / _head(name) for place in places().values() if not lacking(place, name)), None)


def missing(name: str) -> str:
    """Why the data set `name` is not on this machine, and how to get it; "" if it is on this machine.

    Raises BadInput if the data set is in the catalogue and has no such variant.
    """
    one = catalogue.readable()[0].get(_head(name))
    if one and (variant := name.partition("/")[2]):
        one.variant(variant)
    hint = f"{DATA} or {MIRROR} names a folder that contains {one.name if one else name}/"
    try:
        if where(name):
            return ""
        seen = "; ".join(f"{place} has no {lacking(place, name)}" for place in places().values())
        known = one or catalogue.find(name.partition("/")[0])
    except BadInput as error:
        return f"{name} is not here: {error}; expected that {hint}"
    how = f"repro data get {name} downloads it" if known.files else known.obtain
    return f"{name} is not here ({seen}): {how}, or {hint}"


def lacking(place: Path, name: str) -> str:
    """The first path of the data set or variant `name` that is missing in the folder `place`; "" if it is complete.

    Of several layouts, the one with the fewest missing paths counts. Raises BadInput if `place` cannot be read.
    """
    try:
        return _lacking(place, name)
    except OSError as error:  # no permission, or the name is too long
        raise BadInput(f"cannot be looked for: {error.strerror}", str(error.filename)) from None


def _lacking(place: Path, name: str) -> str:
    head = _head(name)
    one = catalogue.readable()[0].get(head)
    parts = one.parts(name.partition("/")[2]) if one else []
    if not (place / head).is_dir():
        return head
    for layouts in parts:
        missing = [[path for path in layout if not (place / head / path).exists()] for layout in layouts]
        if all(missing):
            return f"{head}/{min(missing, key=len)[0]}"
    return ""


def _head(name: str) -> str:
    """`mnist` for `mnist/test`. A name that is not in the catalogue is a path, and is returned unchanged."""
    if not name.strip("/") or name.startswith("/") or ".." in name.split("/"):
        raise BadInput(
            f"'{name}' is not the name of a data set",
            expected="one of `repro data list`, or a folder next to these",
        )
    head = name.partition("/")[0]
    return head if head in catalogue.readable()[0] else name


def _fetch(name: str) -> Path:
    seen = "; ".join(f"{place} has no {lacking(place, name)}" for place in places().values())
    try:
        one = catalogue.find(_head(name))
    except BadInput as error:
        raise DataMissing(f"{error} ({seen})") from None
    if not one.files:
        raise DataMissing(f"{name} is not here ({seen}) and cannot be downloaded: {one.obtain}")
    target = (root() / one.name).resolve()  # the folder may be a link to another disk
    try:
        with _locked(target):
            _download(one, name, target)
    except BadInput as error:
        raise DataMissing(
            f"{name} is not here ({seen}): {error}; {DATA} or {MIRROR} may name a folder that contains {one.name}/"
        ) from None
    except OSError as error:
        raise BadInput(f"cannot write {one.name} into {target.parent}: {error.strerror or error}") from None
    return root() / one.name


def _download(one: DataSet, name: str, target: Path) -> None:
    """Download every file that is still missing; another process may have downloaded some already.

    Incomplete files are in the folder `.<name>.partial` next to `target`.
    """
    beside = target.with_name(f".{target.name}.partial")
    if target.exists() and not target.is_dir():
        raise BadInput(f"{target} is not a folder", expected="a folder, or nothing")
    files = _wanted(one, name, target)
    _refuse_full(files, target.parent)
    _clear(beside, one)
    try:
        for file in files:
            _bring(one, file, beside, target)
    finally:
        if not _kept(beside, one):
            shutil.rmtree(beside)
    if missing := lacking(root(), name):
        raise BadInput(f"the download does not contain {missing}, but the catalogue lists it")


def _wanted(one: DataSet, name: str, target: Path) -> list[File]:
    """The files to download for the missing variants: of one variant, or of all."""
    variants = [name.partition("/")[2]] if "/" in name else one.variants
    lacks = [variant for variant in variants if lacking(root(), f"{one.name}/{variant}")]
    names = {file.name for variant in lacks for file in one.needed(variant)}
    wanted = [file for file in one.files.values() if file.name in names]
    return [file for file in wanted if file.unpack or not (target / file.name).exists()]


def _refuse_full(files: list[File], disk: Path) -> None:
    needed, free = sum(file.size for file in files), shutil.disk_usage(disk).free
    if needed > free:
        raise BadInput(
            f"{disk} has {free / 1e9:.1f} GB free", expected=f"{needed / 1e9:.1f} GB, and more space for unpacking"
        )


def _bring(one: DataSet, file: File, beside: Path, target: Path) -> None:
    from repro.data import download, unpack  # imported here, because requests takes 0.1 s

    path = held = target / file.name
    if not held.is_file():  # you may have copied an archive here: it is unpacked and not deleted
        log.info("downloading %s of %s into %s", file.name, one.name, target)
        path = download.download(one.addresses(file), beside, file.name, file.size, file.checksum)
        target.mkdir(exist_ok=True)
    if file.unpack:
        log.info("unpacking %s", path)
        unpacked = beside / f"{file.name}.unpacked"
        unpack.unpack(path, unpacked)
        _merge(unpacked, target)
        if path != held:
            path.unlink()
    else:
        path.replace(held)


def _merge(source: Path, target: Path) -> None:
    """Move the content of `source` into `target`, files first. A new folder is moved as a whole."""
    for path in sorted(source.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.is_dir() and (target / path.name).is_dir():
            _merge(path, target / path.name)
        else:
            path.replace(target / path.name)


def _clear(beside: Path, one: DataSet) -> None:
    """Delete the files of a killed process, except those that a download can resume."""
    beside.mkdir(exist_ok=True)
    for path in set(beside.iterdir()) - set(_kept(beside, one)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _kept(beside: Path, one: DataSet) -> list[Path]:
    """The complete and partial files that a download can resume."""
    paths = [beside / name for file in one.files for name in (file, f"{file}.part")]
    return [path for path in paths if path.exists()]


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold the lock of a data set, so that only one process downloads it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(f".{target.name}.lock"), fallback_to_soft=False)
    try:
        acquire(lock, 0)
    except Timeout:
        log.info("another process downloads %s: waiting for it", target.name)
        acquire(lock)
    try:
        yield
    finally:
        lock.release()
