"""Where a data set is: in the data folder (`REPRO_DATA`), in a mirror (`REPRO_MIRROR`), or still to be downloaded.

A file that lies there is taken as it is: its wrapper may differ from the published one, and whether the content is that
of the catalogue is asked by `experiment.data` in a config and by `repro data verify`. What is downloaded is compared
with the published checksum.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from repro.datasets import catalogue
from repro.datasets.catalogue import DataSet, File
from repro.errors import BadInput, DataMissing
from repro.files.lock import acquire

DATA, MIRROR = "REPRO_DATA", "REPRO_MIRROR"

log = logging.getLogger("repro")


def root() -> Path:
    """The data folder: that named by `REPRO_DATA`, or the platform's own cache."""
    if given := _given(DATA):
        return given
    if os.path.expanduser("~").startswith("~"):
        raise BadInput(f"this user has no home folder to keep data in: set {DATA} to a folder")
    import pooch  # a tenth of a second

    return Path(pooch.os_cache("repro"))


def places() -> dict[str, Path]:
    """The folders in which data sets are looked for, in that order, by what they are called."""
    mirror = _given(MIRROR)
    if mirror and not os.path.isdir(mirror):
        raise BadInput(f"{MIRROR} is {mirror}, which is no folder; expected one that holds data sets")
    return {"data folder": root(), **({"mirror": mirror} if mirror else {})}


def _given(variable: str) -> Path | None:
    """The folder that a variable of the environment names."""
    given = os.environ.get(variable)
    try:
        return Path(given).expanduser() if given else None
    except RuntimeError:
        raise BadInput(f"{variable} is {given}, and there is no such home; expected a folder") from None


def folder(name: str) -> Path:
    """The folder that holds the data set `name`, or its variant where `name` is like `librispeech/dev-clean`.

    It is below the data folder, else below the mirror, which is only read, else downloaded into the first. Several
    processes may ask at once: one downloads, the others wait. A data set of one's own needs no entry in the catalogue
    where its folder is there. Raises BadInput where the data set cannot be had.
    """
    return where(name) or _fetch(name)


def where(name: str) -> Path | None:
    """The same, or None where it is not on this machine: nothing is downloaded."""
    return next((place / _head(name) for place in places().values() if not lacking(place, name)), None)


def missing(name: str) -> str:
    """Why `folder(name)` would find nothing on this machine, and how to get the data; "" where it would.

    Raises BadInput for a variant that a data set of the catalogue does not have.
    """
    one = catalogue.readable()[0].get(_head(name))
    if one and (variant := name.partition("/")[2]):
        one.variant(variant)
    hint = f"{DATA} or {MIRROR} names a folder that holds {one.name if one else name}/"
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
    """What `place` lacks to hold the data set `name`, or a variant of it: the first such path; "" where it lacks none.

    Of several layouts, it is that of which the least is missing.
    """
    try:
        return _lacking(place, name)
    except OSError as error:  # it may not be looked into, or the name is too long
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
    """The data set of `mnist/test`; of what is not in the catalogue, the whole name: it is a path and nothing more."""
    if not name.strip("/") or name.startswith("/") or ".." in name.split("/"):
        raise BadInput(
            f"'{name}' is no name of a data set; expected one of `repro data list`, or a folder beside these"
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
    target = (root() / one.name).resolve()  # which may be a link to another disk
    try:
        with _locked(target):
            _download(one, name, target)
    except BadInput as error:
        hint = f"{DATA} or {MIRROR} may name a folder that holds {one.name}/"
        raise DataMissing(f"{name} is not here ({seen}): {error}; {hint}") from None
    except OSError as error:
        raise BadInput(f"cannot write {one.name} into {target.parent}: {error.strerror or error}") from None
    return root() / one.name


def _download(one: DataSet, name: str, target: Path) -> None:
    """Bring every file that is lacking still: another process may have been first.

    Whatever is not whole stands in a folder beside `target`.
    """
    beside = target.with_name(f".{target.name}.partial")
    if target.exists() and not target.is_dir():
        raise BadInput(f"{target} is in the way: expected a folder, or nothing")
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
        raise BadInput(f"what was downloaded has no {missing}: the catalogue says otherwise")


def _wanted(one: DataSet, name: str, target: Path) -> list[File]:
    """The files of what is not there yet: of one variant, or of every one."""
    variants = [name.partition("/")[2]] if "/" in name else one.variants
    lacks = [variant for variant in variants if lacking(root(), f"{one.name}/{variant}")]
    names = {file.name for variant in lacks for file in one.needed(variant)}
    wanted = [file for file in one.files.values() if file.name in names]
    return [file for file in wanted if file.unpack or not (target / file.name).exists()]


def _refuse_full(files: list[File], disk: Path) -> None:
    needed, free = sum(file.size for file in files), shutil.disk_usage(disk).free
    if needed > free:
        raise BadInput(f"{disk} has {free / 1e9:.1f} GB free; expected {needed / 1e9:.1f} GB and room to unpack them")


def _bring(one: DataSet, file: File, beside: Path, target: Path) -> None:
    from repro.datasets import download, unpack  # requests takes a tenth of a second to import

    path = held = target / file.name
    if not held.is_file():  # an archive may have been brought by hand: it is unpacked and left there
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
    """Move what is in `source` into `target`, each folder that is not there yet by one move; files first."""
    for path in sorted(source.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.is_dir() and (target / path.name).is_dir():
            _merge(path, target / path.name)
        else:
            path.replace(target / path.name)


def _clear(beside: Path, one: DataSet) -> None:
    """Delete what a killed process left, except what a download can go on with."""
    beside.mkdir(exist_ok=True)
    for path in set(beside.iterdir()) - set(_kept(beside, one)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _kept(beside: Path, one: DataSet) -> list[Path]:
    """The files, whole or not, that a download can go on with."""
    paths = [beside / name for file in one.files for name in (file, f"{file}.part")]
    return [path for path in paths if path.exists()]


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """One process at a time brings a data set."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(f".{target.name}.lock"), fallback_to_soft=False)
    try:
        acquire(lock, 0)
    except Timeout:
        log.info("another process brings %s: waiting for it", target.name)
        acquire(lock)
    try:
        yield
    finally:
        lock.release()
