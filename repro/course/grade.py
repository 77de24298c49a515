"""What an instructor needs at the end of a course, per group. Everything is counted from files; nothing is a score.

Reviews are `papers/<paper>/reviews/<date>-<group>.md`. Replays are the JSON files in `papers/<paper>/records/replays/`;
their key `group` says whose they are. A review or replay of a group's own paper counts for nobody.
"""

from __future__ import annotations

import ast
import datetime
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import record, registry, untrusted, verdict
from repro.claim import paper
from repro.course import Course, Group
from repro.errors import BadInput, where
from repro.files import regular, strict_json
from repro.report import prose, spreadsheet, tips

REVIEW = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)-(?P<group>[\w-]+)")
OPEN = re.compile(r"\s*[-*+] \[ \] (?P<point>.*)")


@dataclass(frozen=True)
class Done:
    """A review or a replay: `by` which group, `of` which group's paper, and the file."""

    by: str
    of: str
    path: Path


@dataclass(frozen=True)
class Standing:
    """What one group has done. claims: how many of its claims have each outcome, in the order of the outcomes.

    tests: test functions of the paper. open_points: each `- [ ]` in the reviews of the paper, with file and line.
    """

    group: Group
    claims: dict[str, int]
    reviews_given: int
    reviews_received: int
    replays_given: int
    replays_received: int
    tips: int
    tests: int
    open_points: list[str]

    def cells(self, outcomes: Sequence[str]) -> dict[str, Any]:
        """The row of the table, by the head of the column, with the columns of these outcomes."""
        return {
            "group": self.group.id,
            "paper": self.group.paper,
            **{name: self.claims[name] for name in outcomes},
            "reviews given": self.reviews_given,
            "reviews received": self.reviews_received,
            "replays given": self.replays_given,
            "replays received": self.replays_received,
            "tips": self.tips,
            "tests": self.tests,
            "open points": len(self.open_points),
        }


def standings(course: Course) -> tuple[list[Standing], list[BadInput]]:
    """A row per group, and an error for each review or replay that counts for no group."""
    reviews, faults = _counted(course, _reviews)
    replays, more = _counted(course, _replays)
    return [_standing(group, reviews, replays) for group in course.groups], [*faults, *more]


def as_csv(rows: Sequence[Standing]) -> str:
    """The table as CSV, with a column for every outcome."""
    cells = [row.cells(verdict.OUTCOMES) for row in rows]
    return spreadsheet.as_csv(list(cells[0]), [list(row.values()) for row in cells])


def _standing(group: Group, reviews: Sequence[Done], replays: Sequence[Done]) -> Standing:
    folder = group.folder
    counts = Counter(one.outcome for one in verdict.judge_all(paper.read(folder).claims, record.of_paper(folder)))
    return Standing(
        group,
        {name: counts[name] for name in verdict.OUTCOMES},
        *(sum(one.by == group.id for one in reviews), sum(one.of == group.id for one in reviews)),
        *(sum(one.by == group.id for one in replays), sum(one.of == group.id for one in replays)),
        len(tips.read(folder / "tips.md")) if regular.present(folder / "tips.md") else 0,
        sum(map(_tests, sorted((folder / "tests").rglob("test_*.py")))),
        [point for one in reviews if one.of == group.id for point in _open(one.path)],
    )


def _counted(course: Course, found_in: Any) -> tuple[list[Done], list[BadInput]]:
    """What the groups have done in each other's papers, and an error for each file that counts for no group."""
    found: list[Done] = []
    faults: list[BadInput] = []
    for group in course.groups:
        for path, by in found_in(group.folder):
            try:
                found.append(_done(course, group, path, by))
            except BadInput as error:
                faults.append(error)
    return found, faults


def _done(course: Course, group: Group, path: Path, by: str | BadInput) -> Done:
    if isinstance(by, BadInput):
        raise by
    if by not in course.names:
        raise BadInput(f"not counted: no group '{by}'", where(path), given=by, known=course.names)
    if by == group.id:
        raise BadInput("not counted: it is by the group of the paper", where(path), expected="another group")
    return Done(by, group.id, path)


def _reviews(folder: Path) -> Iterator[tuple[Path, str | BadInput]]:
    """Each review of a paper, with the group in its name."""
    for path in regular.files(folder / "reviews", "*.md"):
        hit = REVIEW.fullmatch(path.stem)
        fault = BadInput("not counted: the name is not that of a review", where(path), expected="<date>-<group>.md")
        yield path, hit["group"] if hit and _is_date(hit["day"]) else fault


def _is_date(text: str) -> bool:
    try:
        return bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False


def _replays(folder: Path) -> Iterator[tuple[Path, str | BadInput]]:
    """Each replay of a record of a paper, with the group that it names."""
    for path in regular.files(folder / paper.WRITTEN / "replays", "**/*.json"):
        yield path, _group_of(path)


def _group_of(path: Path) -> str | BadInput:
    try:
        row = strict_json.load(path, "not counted")
    except BadInput as error:
        return error
    group = row.get("group") if isinstance(row, dict) else None
    return group if isinstance(group, str) else BadInput("not counted: it has no 'group'", where(path))


def _tests(path: Path) -> int:
    """The number of test functions in a file."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return sum(isinstance(node, kinds) and node.name.startswith("test") for node in ast.walk(registry.parse(path)))


def _open(path: Path) -> Iterator[str]:
    """The open points of a review: `- [ ]` outside of code, each with file and line. A terminal prints them."""
    lines = prose.read(path)
    untrusted.refuse_unseen_in("\n".join(lines), where(path))
    for number, (line, plain) in enumerate(zip(lines, prose.told(lines), strict=True), 1):
        if plain and (hit := OPEN.fullmatch(line)):
            yield f"{where(path)}:{number}: {hit['point'].strip()}"
