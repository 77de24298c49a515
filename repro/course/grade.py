"""What an instructor needs at the end of a course, per group. Everything is counted from files; nothing is a score.

A review has the form of `repro.report.reviews`, a replay that of `repro.rerun.counter_record`. A review or replay of a
group's own paper counts for nobody.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import record, registry, verdict
from repro.claim import paper
from repro.course import FILE, Course, Group
from repro.errors import BadInput, where
from repro.files import regular
from repro.report import reviews, spreadsheet, tips
from repro.rerun import counter_record


@dataclass(frozen=True)
class Done:
    """A review or a replay: `by` which group, `of` which group's paper; and the points of a review that are open.

    approves: whether the review approves the paper.
    """

    by: str
    of: str
    open_points: list[str]
    approves: bool = False


@dataclass(frozen=True)
class Standing:
    """What one group has done. claims: how many of its claims have each outcome, in the order of the outcomes.

    tests: test functions of the paper. open_points: each `- [ ]` in the reviews of the paper, with file and line.
    claims, tips and tests are None if a file cannot be read; `unread` has its place.
    approvals: how many groups have approved the paper in their newest review.
    """

    group: Group
    claims: dict[str, int] | None
    reviews_given: int
    reviews_received: int
    replays_given: int
    replays_received: int
    tips: int | None
    tests: int | None
    open_points: list[str]
    approvals: int
    unread: list[str]

    def cells(self, outcomes: Sequence[str]) -> dict[str, Any]:
        """The row of the table, by the head of the column, with the columns of these outcomes."""
        return {
            "group": self.group.id,
            "paper": self.group.paper,
            **{name: None if self.claims is None else self.claims[name] for name in outcomes},
            "reviews given": self.reviews_given,
            "reviews received": self.reviews_received,
            "replays given": self.replays_given,
            "replays received": self.replays_received,
            "tips": self.tips,
            "tests": self.tests,
            "open points": len(self.open_points),
            "approvals": self.approvals,
        }


def standings(course: Course) -> tuple[list[Standing], list[BadInput]]:
    """A row per group, and an error for each file that cannot be read, or that counts for no group."""
    given, faults = _counted(course, reviews.paths, _review)
    again, more = _counted(course, counter_record.paths, _replay)
    faults += [*more, *_elsewhere(course), *course.unstarted]
    rows: list[Standing] = []
    for group in course.groups:
        row, more = _standing(group, given, again)
        rows.append(row)
        faults += more
    return rows, list({str(fault): fault for fault in faults}.values())


def as_csv(rows: Sequence[Standing]) -> str:
    """The table as CSV, with a column for every outcome, and one for the files that cannot be read."""
    cells = [{**row.cells(verdict.OUTCOMES), "cannot be read": "; ".join(row.unread)} for row in rows]
    return spreadsheet.as_csv(list(cells[0]), [list(row.values()) for row in cells])


def _standing(group: Group, given: Sequence[Done], again: Sequence[Done]) -> tuple[Standing, list[BadInput]]:
    """The row of a group, and an error for each file of its paper that cannot be read."""
    faults: list[BadInput] = []
    folder = group.folder if group.started else None

    def known(count: Callable[[Path], Any]) -> Any:
        return _tried(faults, count, folder) if folder else None

    row = Standing(
        group,
        known(_claims),
        *(sum(one.by == group.id for one in given), sum(one.of == group.id for one in given)),
        *(sum(one.by == group.id for one in again), sum(one.of == group.id for one in again)),
        known(_tips),
        known(lambda folder: sum(map(_tests, sorted((folder / "tests").rglob("test_*.py"))))),
        [point for one in given if one.of == group.id for point in one.open_points],
        sum({one.by: one.approves for one in given if one.of == group.id}.values()),  # the newest of a group is last
        list(dict.fromkeys(error.where for error in faults)),
    )
    return row, faults


def _tried(faults: list[BadInput], call: Callable[..., Any], *given: Any) -> Any:
    """What `call` returns; None if a file cannot be read or counted, and then the error is added to `faults`."""
    try:
        return call(*given)
    except BadInput as error:
        faults.append(error)
        return None


def _claims(folder: Path) -> dict[str, int]:
    counts = Counter(one.outcome for one in verdict.judge_all(paper.read(folder).claims, record.of_paper(folder)))
    return {name: counts[name] for name in verdict.OUTCOMES}


def _tips(folder: Path) -> int:
    return len(tips.read(folder / "tips.md")) if regular.present(folder / "tips.md") else 0


def _counted(course: Course, paths: Any, read: Any) -> tuple[list[Done], list[BadInput]]:
    """What the groups have done in each other's papers, and an error for each file that counts for no group."""
    found: list[Done] = []
    faults: list[BadInput] = []
    for group in (group for group in course.groups if group.started):
        for path in _tried(faults, paths, group.folder) or []:
            if done := _tried(faults, read, course, group, path):
                found.append(done)
    return found, faults


def _elsewhere(course: Course) -> list[BadInput]:
    """An error for each review and replay by a group of the course, of a paper that no group of the course has."""
    ours, names = {group.paper for group in course.groups}, {counter_record.name(name) for name in course.names}
    expected, faults = f"a paper of {where(course.folder / FILE)}", list[BadInput]()
    for name, folder in sorted(paper.folders().items()):
        found = {} if name in ours else _tried(faults, _authors, folder) or {}
        for path in (path for path, group in found.items() if counter_record.name(group) in names):
            what = f"not counted: no group of the course has the paper '{name}'"
            faults.append(BadInput(what, where(path), expected=expected))
    return faults


def _authors(folder: Path) -> dict[Path, str]:
    """The group of each review (`DATE-GROUP.md`) and each replay (`GROUP/RECORD.json`), as the path says."""
    written = {path: path.stem[len("2026-10-13-") :] for path in reviews.paths(folder)}
    return written | {path: path.parent.name for path in counter_record.paths(folder)}


def _review(course: Course, group: Group, path: Path) -> Done:
    one = reviews.read(path)
    points = [f"{where(path)}:{point.line}: {point.text}" for point in one.open]
    return Done(_by(course, group, path, one.group), group.id, points, one.approves)


def _replay(course: Course, group: Group, path: Path) -> Done:
    one = counter_record.read(path, paper.read(group.folder), record.of_paper(group.folder))
    if one.fault:
        raise BadInput(f"not counted: {one.fault}", where(path))
    return Done(_by(course, group, path, one.group), group.id, [])


def _by(course: Course, group: Group, path: Path, name: str) -> str:
    """The id of the group of the course that calls itself `name`. Raises BadInput if it is none, or the authors'."""
    known = {counter_record.name(one): one for one in course.names}
    by = known.get(counter_record.name(name))
    if by is None:
        raise BadInput(f"not counted: no group '{name}'", where(path), given=name, known=course.names)
    if by == group.id:
        raise BadInput("not counted: it is by the group of the paper", where(path), expected="another group")
    return by


def _tests(path: Path) -> int:
    """The number of test functions in a file."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return sum(isinstance(node, kinds) and node.name.startswith("test") for node in ast.walk(registry.parse(path)))
