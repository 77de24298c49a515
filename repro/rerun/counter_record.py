"""Counter-records: the records of replays by another group, in `records/replays/GROUP/`.

A counter-record is the whole record of the new run. Its `source` also has `group` and `who`. Whether it agrees is not
stored: both records are compared again each time. No claim uses its numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repro import config as configs
from repro import record
from repro.claim import paper
from repro.claim.paper import Paper
from repro.errors import BadInput, where
from repro.files import disk, regular
from repro.record import Record, as_committed, audit
from repro.rerun import replay, signatures
from repro.rerun.replay import Replay
from repro.rerun.signatures import Signature

FOLDER = f"{paper.WRITTEN}/{audit.REPLAYS}"
ACCOUNTS = re.compile(r"\([\s,]*@[^()]*\)")
"""The accounts of a group's people, as in `Group A (@ann, @bob)`: they are not a part of its name."""


@dataclass(frozen=True)
class Reviewer:
    """Who replays a record, in which group, and with which code (the `source` of the new record)."""

    group: str
    who: str
    source: dict[str, Any]


@dataclass(frozen=True)
class CounterRecord:
    """One replay of one record of a paper. `replay` compares the two; None if the paper has no such record."""

    path: Path
    paper: Paper
    again: Record
    replay: Replay | None
    signature: Signature

    @property
    def group(self) -> str:
        """The group that made it, as it calls itself."""
        return str(self.again.source.get("group", ""))

    @property
    def who(self) -> str:
        """The person who made it."""
        return str(self.again.source.get("who", ""))

    @property
    def run(self) -> tuple[str, int]:
        """The config and the seed."""
        return self.again.config, self.again.seed

    @property
    def fault(self) -> str:
        """Why it is not the replay of a record by another group; empty if it is. It may agree or differ."""
        again, source = self.again, self.again.source
        if again.paper != self.paper.name:
            return f"it is of the paper '{again.paper}'"
        if self.replay is None:
            return f"the paper has no record {again.stem}"
        if name(self.group) != self.path.parent.name or not self.who:
            return f"it is by '{self.who}' of the group '{self.group}', but its folder is {self.path.parent.name}"
        if not another(self.group, self.paper):
            return "it is not by another group than the authors'"
        if source.get("dirty") is not False or again.overrides:
            return "it was made with uncommitted changes, or with --set"
        if (again.finished, again.cost) == (self.replay.record.finished, self.replay.record.cost):
            return "it is a copy of the record"
        return str(self.signature) if self.signature.state in ("broken", "foreign", "missing") else ""

    @property
    def agrees(self) -> bool:
        """Whether it is a replay by another group that gives the numbers of the record."""
        return not self.fault and self.replay is not None and self.replay.agrees


def name(group: str) -> str:
    """The name of a group in file names and in `allowed_signers`, without the accounts of its people.

    >>> name("Group 2, Münster (@ann, @bob)")
    'group-2-münster'
    """
    return re.sub(r"\W+", "-", ACCOUNTS.sub(" ", group).casefold()).strip("-")


def another(group: str, one: Paper) -> bool:
    """Whether `group` is another group than the authors'. False if `paper.toml` does not name theirs."""
    return bool(name(one.group)) and name(group) != name(one.group)


def refuse_own(group: str, one: Paper) -> None:
    """Raise BadInput unless `group` is the name of another group than the authors' of the paper."""
    if not name(group) or not group.isprintable() or re.search(r"[/\\]", group):
        raise BadInput(f"the name of the group is {group!r:.80}", expected="a name with letters or digits, without /")
    if not name(one.group):
        raise BadInput("it does not name the group of its authors", f"{where(one.folder)}/paper.toml", expected="group")
    if not another(group, one):
        raise BadInput(f"{one.group!r} wrote the paper's code", expected="another group, which has not written it")


def person(folder: Path) -> str:
    """The name of the person at this machine, as git knows it. Raises BadInput if git has none."""
    if who := signatures.setting("user.name", folder):
        return who
    raise BadInput("git does not know your name", expected="git config --global user.name 'First Last'")


def reviewer(path: Path, group: str, own_commit: bool) -> Reviewer:
    """Who is about to replay the record at `path`. Raises BadInput before the run, if it could not be stored."""
    folder = path.resolve().parents[1]
    if path.resolve().parent.name != paper.WRITTEN or paper.folders().get(folder.name, Path()).resolve() != folder:
        raise BadInput("not a record of a paper", where(path), expected="a file in papers/PAPER/records")
    refuse_own(group, paper.read(folder))
    signatures.refuse_missing_key(folder)
    disk.refuse_unwritable(folder / FOLDER / name(group), path.name)
    return Reviewer(group, person(folder), _source(record.read(path), folder, own_commit))


def _source(found: Record, folder: Path, own_commit: bool) -> dict[str, Any]:
    """The commit of the code that the replay uses, and whether the files that count are as in it."""
    if own_commit:
        return {key: found.source.get(key) for key in ("commit", "dirty")}
    config = folder / "configs" / f"{found.config}.gin"
    if not config.is_file():
        raise BadInput("the config of the record is gone", where(config), expected="the config, or --commit")
    return as_committed.state(configs.read(config))


def write(found: Replay, path: Path, by: Reviewer) -> Path:
    """Store a replay of the record at `path`, agreeing or not, and sign it. Returns the path of the counter-record."""
    folder = path.resolve().parents[1] / FOLDER / name(by.group)
    source = {**by.source, "group": by.group, "who": by.who}
    made = record.write(replace(found.again, source=source, examples=[]), folder)
    signatures.sign(made)
    return made


def of_paper(one: Paper, records: Iterable[Record]) -> list[CounterRecord]:
    """All counter-records of a paper, by group. Raises BadInput if a file is not a record or is a link."""
    known = list(records)
    return [read(path, one, known) for path in paths(one.folder)]


def paths(folder: Path) -> list[Path]:
    """The files of a paper's counter-records. Raises BadInput if one is a link."""
    if regular.present(folder / FOLDER) and not (folder / FOLDER).is_dir():
        raise BadInput("is not a folder", where(folder / FOLDER), expected="a folder, or nothing")
    homes = sorted(path for path in (folder / FOLDER).glob("[!.]*") if path.is_dir())
    found = [path for home in homes for path in regular.files(home, "*.json", regular.RECORD)]
    record.refuse_links(folder / FOLDER, [*homes, *found])
    return found


def read(path: Path, one: Paper, records: Iterable[Record]) -> CounterRecord:
    """Read a counter-record and compare it with the record of the same run. Raises BadInput if it is no record."""
    again = record.read(path)
    found = next((found for found in records if (found.config, found.seed) == (again.config, again.seed)), None)
    signature = signatures.check(path, path.parent.name, one.folder.parent / signatures.LISTED)
    return CounterRecord(path, one, again, replay.compare(found, again) if found else None, signature)
