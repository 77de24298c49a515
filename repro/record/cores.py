"""`cores.json`: earlier cores that give the same numbers as the present one, one row for each.

The *core* is the code that every run uses (`repro.record.code_digest.core_files`), not all of `repro/`. A record
contains the digest of the core that ran it. If the core has changed since, the record is valid only if a row here names
its core and the present one. `repro renew` writes a row after the present core has repeated records of that core. A
reviewer reads each new row.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from repro import HOME
from repro.files import disk, strict_json
from repro.record import code_digest, git
from repro.record.git import GitError

FILE = HOME / "cores.json"


@dataclass(frozen=True)
class Core:
    """An earlier core, and its `records` (`paper/stem`) that the core `present` repeated with bit-identical numbers.

    If the core changes again, the row does not count any more.
    """

    core: str
    commit: str
    records: list[str]
    processor: str
    measured: str  # date and time
    present: str

    def __str__(self) -> str:
        return f"the core has changed since: bit-identical in {_runs(len(self.records))}, {self.measured[:10]}"


def _runs(many: int) -> str:
    return "1 run" if many == 1 else f"{many} runs"


def find(core: str, commit: str) -> Core | None:
    """The row of a record's core, or None. For a record without the digest of its core: the row of its commit."""
    present = code_digest.core()
    found = [one for one in rows() if one.records and one.present == present and git.is_commit(one.commit)]
    missing = _missing(tuple(one.commit for one in found))
    known = (one for one in found if one.commit not in missing)
    return next((one for one in known if (one.core == core if core else one.commit == commit)), None)


@functools.cache
def _missing(commits: tuple[str, ...]) -> frozenset[str]:
    """The commits that the repository of `repro` does not have; empty if there is no repository."""
    try:
        return frozenset(git.missing(FILE.parent, commits))
    except GitError:
        return frozenset()


def rows() -> tuple[Core, ...]:
    """Every row of `cores.json`. Raises BadInput if the file is not a list of cores."""
    return read(FILE, FILE.stat().st_mtime_ns) if FILE.is_file() else ()


@functools.cache
def read(path: Path, changed: int = 0) -> tuple[Core, ...]:
    """The rows of a file of cores. Raises BadInput if the file is not a list of cores."""
    return tuple(strict_json.read(path, list[Core], "not a list of cores"))


def store(found: Iterable[Core]) -> Path:
    """Replace all rows of `cores.json` by `found`, without the rows that no record needs any more."""
    lines = [json.dumps(asdict(one), sort_keys=True) for one in sorted(found, key=lambda one: (one.core, one.commit))]
    return disk.write(FILE, "[\n" + ",\n".join(lines) + "\n]\n")
