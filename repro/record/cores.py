"""Cores that made records, and give the same numbers as the present one: `cores.json`, a row for each.

A record keeps the digest of the core that ran it. Where the core has changed since, the record counts only if a row
here names that core. `repro renew` writes a row after it has run records of that core again; rows are reviewed.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from repro import HOME, disk, git
from repro.errors import BadInput, where
from repro.files import strict_json
from repro.git import GitError

FILE = HOME / "cores.json"


@dataclass(frozen=True)
class Core:
    """A core, the commit it is of, and the records (`paper/stem`) that the present core gave again, bit for bit."""

    core: str
    commit: str
    records: list[str]
    processor: str
    measured: str  # when

    def __str__(self) -> str:
        return f"the core has changed since: the same bits in {_runs(len(self.records))}, {self.measured[:10]}"


def _runs(many: int) -> str:
    return "1 run" if many == 1 else f"{many} runs"


def find(core: str, commit: str) -> Core | None:
    """The row of a record's core; of a record that keeps none, the row of its commit."""
    found = [one for one in rows() if one.records and git.is_commit(one.commit)]
    missing = _missing(tuple(one.commit for one in found))
    known = (one for one in found if one.commit not in missing)
    return next((one for one in known if (one.core == core if core else one.commit == commit)), None)


@functools.cache
def _missing(commits: tuple[str, ...]) -> frozenset[str]:
    """Those commits that the repository of the core does not have; none where there is no repository."""
    try:
        return frozenset(git.missing(FILE.parent, commits))
    except GitError:
        return frozenset()


def rows() -> tuple[Core, ...]:
    """Every row. Raises BadInput for a file that holds none."""
    return read(FILE, FILE.stat().st_mtime_ns) if FILE.is_file() else ()


@functools.cache
def read(path: Path, changed: int = 0) -> tuple[Core, ...]:
    """The rows of a file of cores. Raises BadInput for a file that holds none."""
    from pydantic import TypeAdapter, ValidationError  # where there is a file to check: it takes a tenth of a second

    try:
        return tuple(TypeAdapter(list[Core]).validate_python(strict_json.load(path, "no list of cores")))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"no list of cores: {'.'.join(map(str, first['loc']))}: {first['msg']}", where(path)) from None


def store(found: Iterable[Core]) -> Path:
    """Write the rows anew: those of cores that no record needs any more are gone."""
    lines = [json.dumps(asdict(one), sort_keys=True) for one in sorted(found, key=lambda one: (one.core, one.commit))]
    return disk.write(FILE, "[\n" + ",\n".join(lines) + "\n]\n")
