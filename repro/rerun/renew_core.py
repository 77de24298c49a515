"""`repro renew` without a paper: check whether the present core gives the numbers of an older core's records.

For each older core and each paper, the fastest record is measured as `repro renew PAPER` does. If all numbers are
bit-identical, a row in `cores.json` says so, and the records of that core are no longer stale.
"""

from __future__ import annotations

import datetime
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from repro import interruption, record
from repro.claim import paper
from repro.errors import BadInput, DataMissing, Finding
from repro.files import disk
from repro.record import Record, code_digest, cores, git
from repro.record.cores import Core
from repro.record.git import GitError
from repro.rerun import child, renew, replay

Records = dict[tuple[str, str], list[tuple[Path, Record]]]
"""The records of each core. The key is the digest of the core, or the commit if the record has no such digest."""


def tried() -> Iterator[Finding]:
    """Measure every older core, and write `cores.json` again with the ones that agree. Yields a finding per core."""
    disk.refuse_unwritable(cores.FILE.parent, cores.FILE.name)
    made: list[Core] = []
    present = code_digest.core()
    with interruption.listening():
        for (core, commit), records in _older(present).items():
            try:
                row = _measured(core, commit, records)
            except (BadInput, GitError, child.Failed, renew.Differs) as error:
                yield Finding(f"core {core or commit[:12]}", False, str(error))
                continue
            made.append(row)
            yield Finding(f"core {row.core}", True, str(row))
    cores.store(made)


def sample() -> Iterator[Finding]:
    """Measure one older core again; stores nothing. The commit decides which one is chosen."""
    known = list(_older(code_digest.core()).items())
    if not known:
        return
    (core, commit), records = random.Random(git.head(code_digest.REPRO)).choice(known)
    with interruption.listening():
        try:
            row = _measured(core, commit, records)
            yield Finding(f"core {row.core}", True, str(row))
        except (BadInput, GitError, child.Failed, renew.Differs) as error:
            yield Finding(f"core {core or commit[:12]}", False, str(error))


def _older(present: str) -> Records:
    found: Records = defaultdict(list)
    for folder in paper.folders().values():
        for path in record.paths(folder):
            one = record.read(path)
            if one.core != present and one.source.get("dirty") is False:
                found[one.core, "" if one.core else str(one.source.get("commit"))].append((path, one))
    return found


def _measured(core: str, commit: str, records: list[tuple[Path, Record]]) -> Core:
    """Run one record of each paper again. Raises BadInput if none can be run, Differs if the numbers differ."""
    again, processor = [], ""
    for name in sorted({found.paper for _, found in records}):
        mine = sorted((r for r in records if r[1].paper == name), key=lambda row: row[1].cost.get("seconds", 0.0))
        path, found = mine[0]
        commit = commit or replay.commit_of(found, path)
        try:
            row = renew.measured(found, {}, path.parents[1])
        except DataMissing:
            continue
        again.append(f"{found.paper}/{found.stem}{f', the first {row.steps} steps' if row.steps else ''}")
        processor = row.processor
    if not again:
        raise BadInput("the data of its records is not on this machine")
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Core(core or _core_of(commit), commit, again, processor, when, code_digest.core())


def _core_of(commit: str) -> str:
    """The digest of the core at a commit of this repository."""
    with tempfile.TemporaryDirectory(prefix="repro-renew-") as home:
        git.write(git.top(code_digest.REPRO), commit, Path(home), ["repro"])
        return code_digest.core(Path(home) / "repro")
