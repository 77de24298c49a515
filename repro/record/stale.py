"""Mark stale records: records that no claim can use, because what they depend on has changed or is not known.

A record is valid if all of these are true: it has measurements of the unchanged config, its commit exists, its code was
committed, its core is the present one or gives the same numbers, and its config, code and data are unchanged.

A record of a point of a sweep may have settings from `--set` (`swept`): its config is compared with the same settings.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro import config as configs
from repro.record import code_digest, cores, git, renewal
from repro.record.git import GitError

if TYPE_CHECKING:
    from repro.record import Record

Data = Callable[[Path], dict[str, Any] | None]
"""Reads the data of a config again: the fingerprint of each role, or None if the data is not available here."""


def mark(records: Iterable[Record], folder: Path, data: Data | None = None, swept: bool = False) -> Iterator[Record]:
    """The records of a paper with `stale` and `renewed` set.

    Each is compared with the present config and code, and with the present data if `data` is given. swept: they are
    records of a sweep.
    """

    @functools.cache
    def code(modules: tuple[str, ...]) -> dict[str, str]:
        return code_digest.of_modules(modules, folder.parent)

    @functools.cache
    def now(config: str, overrides: tuple[str, ...]) -> Now | None:
        path = folder / "configs" / f"{config}.gin"
        if not path.is_file():
            return None
        found = configs.read(path, overrides)
        return Now(found.text, code(tuple(name for name, _ in found.modules)), data(path) if data else None)

    records, renewals = list(records), renewal.read(folder)
    commits = [record.source.get("commit") for record in records] + [one.commit for one in renewals]
    trust = _trust(folder, commits)
    renewals = [one for one in renewals if git.is_commit(one.commit) and one.commit not in trust.missing]
    for record in records:
        if fault := unusable(record, trust.paper, swept):
            yield replace(record, stale=fault)
        else:
            yield _marked(record, trust, now(record.config, tuple(record.overrides)), renewals)


def _marked(record: Record, trust: Trust, now: Now | None, renewals: list[renewal.Renewal]) -> Record:
    if fault := trust.fault(record.source, record.core):
        return replace(record, stale=fault)
    if now is None:
        return replace(record, stale=f"its config configs/{record.config}.gin is gone")
    code = renewal.difference(record.code, now.code)
    renewed = renewal.find(renewals, record.config, code, record.overrides) if code else None
    changed = [*_changed(record, now), *([] if renewed else code)]
    notes = [str(note) for note in (renewed, trust.note(record.source, record.core)) if note]
    why = f"changed since the record: {', '.join(changed)}" if changed else ""
    renewed_because = "; ".join(notes)
    if (record.stale, record.renewed) == (why, renewed_because):
        return record  # `replace` takes half as long as reading the record
    return replace(record, stale=why, renewed=renewed_because)


def unusable(record: Record, paper: str, swept: bool = False) -> str:
    """Why no claim of `paper` (swept: no sweep) can use a record, whatever its code; empty if one can use it."""
    if record.paper != paper:
        return f"it is of the paper '{record.paper}'"
    if record.overrides and not swept:
        return f"made with --set {' '.join(record.overrides)}, but a claim needs the unchanged config"
    return "" if record.measurements else "it has no measurements"


@dataclass(frozen=True)
class Now:
    """What a new record of a config would depend on."""

    text: str
    code: dict[str, str]
    data: dict[str, Any] | None


def _changed(record: Record, now: Now) -> Iterator[str]:
    """The names of what has changed, without the code."""
    if not configs.belongs(record.digest, record.text):
        yield "the text of the record (it does not match its digest)"
    elif configs.digest(record.text) != configs.digest(now.text):
        yield f"configs/{record.config}.gin"
    if now.data is not None:
        yield from (f"data of {role}" for role, found in record.data.items() if now.data.get(role) != found)


@dataclass(frozen=True)
class Trust:
    """Which commits exist, and the digest of the present core."""

    paper: str
    missing: frozenset[str]  # commits that the repository does not have
    core: str
    same: Callable[[str, str], cores.Core | None]  # `cores.find`, which is slow, at most once for each core

    def fault(self, source: dict[str, Any], core: str) -> str:
        """Why no claim can use a record with this source and core; empty if a claim can use it."""
        commit = source.get("commit")
        if source.get("dirty"):
            return "made from code that was not committed"
        if source.get("dirty") is not False or not git.is_commit(commit):
            return "made from an unknown commit"
        if commit in self.missing:
            return f"its commit {commit} does not exist in this repository"
        if core != self.core and self._found(source, core) is None:
            return "made by another core: run `repro renew` without a paper to check whether the numbers are the same"
        return ""

    def note(self, source: dict[str, Any], core: str) -> str:
        """The note on a record that is valid although its core has changed; else empty."""
        return str(self._found(source, core) or "") if core != self.core else ""

    def _found(self, source: dict[str, Any], core: str) -> cores.Core | None:
        """The row of `cores.json`; the commit counts only for a record without the digest of its core."""
        return self.same(core, "" if core else str(source.get("commit")))


def _trust(folder: Path, commits: Iterable[Any]) -> Trust:
    """The `Trust` for `commits` of the repository of `folder`; without git, no commit counts as missing."""
    named = {commit for commit in commits if git.is_commit(commit)}
    try:
        missing = git.missing(folder, named)
    except GitError:
        missing = set()
    return Trust(folder.name, frozenset(missing), _core(), functools.cache(cores.find))


@functools.cache
def _core() -> str:
    """The digest of the present core, computed only once per process."""
    return code_digest.core()
