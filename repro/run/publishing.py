"""Decide after a run which record is the paper's: the new one or the existing one.

A valid existing record is kept: the new record stays in the run folder, and a line compares the numbers. `--publish`
replaces it. A stale existing record is always replaced. The same is true for the record of a point of a sweep, which
has its place in `records/sweeps/`.
"""

from __future__ import annotations

import logging
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from repro import record
from repro.config import Config, points, read
from repro.errors import BadInput, where
from repro.files import disk
from repro.record import Measurement, Record, determinism, git, renewal, stale
from repro.record.git import GitError

SHOWN = 3  # measurements that differ, in one line

log = logging.getLogger("repro")


@dataclass(frozen=True)
class Earlier:
    """The paper's existing record of the same config and seed. `record` is None if its file is not a valid record."""

    record: Record | None
    outdated: str  # why the new record replaces it; empty if it is kept


def check(config: Config, wanted: bool | None) -> None:
    """Before a run: raise BadInput if no claim could use the record of `--publish`, or if renewals cannot be read."""
    if wanted and config.overrides:
        raise BadInput("--publish cannot be used with --set: a claim names a config as it is in its paper")
    if wanted and not config.committed:
        raise BadInput(
            "--publish cannot be used with this config",
            where(config.path),
            expected="a config of a paper, as it is in its folder",
        )
    renewal.read(config.folder)


def valid(path: Path, seed: int, overrides: tuple[str, ...] = ()) -> Path | None:
    """The paper's record of the config `path` with `seed`, or None if there is none or only a stale one."""
    config = read(path, overrides)
    home = _home(config)
    file = home / f"{config.name}-seed{seed}.json" if home else None
    if file is None or not file.is_file():
        return None
    (found,) = stale.mark([record.read(file)], config.folder, swept=bool(overrides))
    return None if found.stale else file


def _home(config: Config) -> Path | None:
    """The folder of a config's records in its paper; None if its records stay in the run folder."""
    if config.committed:
        return config.folder / "records"
    point = points.of_config(config)
    return config.folder / "records" / record.SWEPT / point.name if point else None


def publish_point(found: Record, written: Path, config: Config) -> Path:
    """Copy the record `written` of a run with `--set` to the paper if it is of a point of a sweep; returns its path.

    The copy has no examples, because a page shows only the table of a sweep.
    """
    home = _home(config)
    if home is None:
        return written
    home.mkdir(parents=True, exist_ok=True)
    kept = publish(replace(found, examples=[]), written.parent, config.folder, home=home)
    if kept != written:
        log.info("it is of a point of a sweep: its copy is %s", where(kept))
    return kept


def publish(found: Record, run: Path, folder: Path, wanted: bool | None = None, home: Path | None = None) -> Path:
    """Copy the record and its examples from `run` to the paper in `folder`, unless a valid record is already there.

    wanted: True replaces a valid record too, False writes none. home: the folder of the records, if it is not
    `records/`. Returns the path of the new record.
    """
    path = (home or folder / "records") / f"{found.stem}.json"
    before = _earlier(path, found, folder)
    if wanted is False:
        log.info("%s%s", _unpublished(path, before), _numbers(before, found) if before else "")
        return run / path.name
    if before and not wanted and (why := _kept(before, found, path)):
        log.info("%s is kept%s", where(path), why)
        return run / path.name
    if before:
        log.info("%s is replaced: %s%s", where(path), before.outdated or "--publish", _numbers(before, found))
    if doubt := _doubt(found):
        back = f"; to restore the committed one: git checkout {_files(path)}" if before and _committed(path) else ""
        log.warning("the new record was made %s%s", doubt, back)
    return _put(found, run, path.parent)


def _unpublished(path: Path, before: Earlier | None) -> str:
    """What is said of the paper's record if the new one stays in the run folder."""
    if before is None:
        return f"no record {where(path)} to compare with"
    return f"compared with {where(path)}{f', but {before.outdated}' if before.outdated else ''}"


def _kept(before: Earlier, found: Record, path: Path) -> str:
    """Why the existing record is kept; empty if the new one replaces it."""
    if not before.outdated:
        return f"{_numbers(before, found)} (--publish replaces it)"
    if _doubt(found) and before.record and not _doubt(before.record) and not _committed(path):
        return f": it is not committed yet, and the new one was made {_doubt(found)} (--publish replaces it)"
    return ""


def _numbers(before: Earlier, found: Record) -> str:
    return f"; {compared(before.record, found)}" if before.record else ""


def _committed(path: Path) -> bool:
    """True if the file is in the last commit, so that git can restore it."""
    try:
        top = git.top(path.parent)
        return path.resolve().relative_to(top).as_posix() in git.tree(top, git.head(top))
    except GitError:
        return False


def _earlier(path: Path, found: Record, folder: Path) -> Earlier | None:
    if not path.is_file():
        return None
    try:
        before = record.read(path)
    except BadInput:
        return Earlier(None, "it cannot be read as a record")
    (before,) = stale.mark([before], folder, swept=bool(found.overrides))
    if before.stale:
        return Earlier(before, f"it is stale ({before.stale})")
    doubt = _doubt(before)
    return Earlier(before, f"it was made {doubt}" if doubt and not _doubt(found) else "")


def _files(path: Path) -> str:
    """A record and its examples, as arguments of a command."""
    return " ".join(shlex.quote(where(one)) for one in (path, path.with_suffix("")) if one.exists())


def _doubt(found: Record) -> str:
    """Why the code of a record is not known exactly; empty if its commit has that code."""
    if not found.source.get("commit"):
        return "without a commit"
    dirty = found.source.get("dirty")
    return "" if dirty is False else "from uncommitted changes" if dirty else "from code that git cannot compare"


def _put(found: Record, run: Path, home: Path) -> Path:
    """Write the record and its examples into `home`; they replace those of an earlier run."""
    target, beside = home / found.stem, home / f".{found.stem}.examples"
    disk.sweep(home, f"{found.stem}.json")
    shutil.rmtree(beside, ignore_errors=True)
    if found.examples:
        shutil.copytree(run / "examples", beside)  # first, because it may fill the disk; nothing is replaced yet
    written = record.write(found, home)
    shutil.rmtree(target, ignore_errors=True)
    if found.examples:
        beside.rename(target)
    return written


def compared(before: Record, now: Record) -> str:
    """One line: the numbers are bit-identical, or how much each differs, and which parts of the environment differ."""
    apart = list(_apart(before, now))
    if not apart:
        return "the new numbers are bit-identical"
    rest = len(apart) - SHOWN
    more = [f"{rest} more {'measurement differs' if rest == 1 else 'measurements differ'}"] if rest > 0 else []
    unlike = determinism.differences(before.environment, now.environment)
    other = f"; this is normal on another machine or environment: {', '.join(unlike)}" if unlike else ""
    return f"the new numbers differ: {'; '.join([*apart[:SHOWN], *more])}{other}"


def _apart(before: Record, now: Record) -> Iterator[str]:
    for one in before.measurements:
        other = now.measured(one.test, one.metric)
        if said := _difference(one, other) if other else "not measured now":
            yield f"{one.test}, {one.metric}: {said}"
    for other in now.measurements:
        if not before.measured(other.test, other.metric):
            yield f"{other.test}, {other.metric}: not in the record"


def _difference(one: Measurement, other: Measurement) -> str:
    if len(one.values) != len(other.values):
        return f"{len(other.values)} items, in the record {len(one.values)}"
    if one.values == other.values:
        return "" if one.identity == other.identity else "another metric of that name"
    largest = max(abs(a - b) for a, b in zip(one.values, other.values, strict=True))
    unit = one.identity.get("unit", "")
    return f"an item by up to {largest:.3g} {unit}".rstrip() + f" (mean {other.mean:.6g}, in the record {one.mean:.6g})"
