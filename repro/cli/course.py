"""The commands of a course: `course week` and `grade`."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.course import Course
    from repro.course.grade import Standing

Row = dict[str, Any]


def options(commands: Any, add: Any, count: Any) -> None:
    """Add the commands to the parser. add: adds one command; count: reads a whole number from 1."""
    about = "who reviews, presents and writes notes in a week"
    inner = commands.add_parser("course", help=about, description=about).add_subparsers(
        required=True, metavar="COMMAND"
    )
    command = add(inner, "week", week, "print the duties of a week")
    command.add_argument("week", nargs="?", type=count, help="from 1 (default: the week of today or the next one)")
    command = add(commands, "grade", grade, "per group: verdicts, reviews, replays, tips, open points")
    command.add_argument("group", nargs="*", help="groups of the course, with their open points (default: all groups)")
    command.add_argument("--csv", action="store_true", help="print the table as CSV")


def week(given: argparse.Namespace) -> None:
    """`repro course week`: print who presents, who takes notes, and who reviews whom."""
    from repro import course
    from repro.cli import listing

    found = course.find()
    number = found.checked(found.week_of(datetime.date.today()) if given.week is None else given.week)
    talks, reviews = _talks(found, number), _reviews(found, number)
    print(f"week {number} of {len(found.weeks)}, {found.weeks[number - 1]}")
    for rows in (talks, reviews):
        print(f"\n{listing.table(rows)}")
    for note in found.unstarted:
        print(f"repro: {note}", file=sys.stderr)


def _talks(found: Course, week: int) -> list[Row]:
    return [
        {
            "presentation": talk.what,
            "group": talk.group,
            "scribe": talk.scribe,
            "title": row.title if (row := found.presentation(week, talk.what)) else "",
        }
        for talk in found.talks(week)
    ]


def _reviews(found: Course, week: int) -> list[Row]:
    papers = {group.id: group.paper for group in found.groups}
    return [
        {"reviewer": one, "reviews": other, "start with": f"repro review {papers[other]} --write --group {one}"}
        for one, other in found.reviews(week).items()
    ]


def grade(given: argparse.Namespace) -> int:
    """`repro grade`: print the table of the groups, or of the groups with these ids and their open points."""
    from repro import course
    from repro.course import grade as grades

    found = course.find()
    groups = [found.group(name) for name in dict.fromkeys(given.group)] or found.groups
    rows, faults = grades.standings(found)
    chosen = [row for row in rows if row.group in groups]
    if given.csv:
        print(grades.as_csv(chosen), end="")
    else:
        print("\n".join(_table(chosen, open_points=bool(given.group))))
    for fault in faults:
        print(f"repro: {fault}", file=sys.stderr)
    return 2 if faults else 0


def _table(rows: Sequence[Standing], open_points: bool) -> Iterator[str]:
    """The lines of the table. Outcomes that no claim has are left out. Below it: the open points, if asked for.

    A cell is `?` if a file cannot be read.
    """
    from repro import verdict
    from repro.cli import listing

    outcomes = [name for name in verdict.OUTCOMES if any((row.claims or {}).get(name) for row in rows)]
    cells = [row.cells(outcomes) for row in rows]
    yield listing.table([{key: "?" if cell is None else cell for key, cell in row.items()} for row in cells])
    if open_points:
        yield from ("", *(point for row in rows for point in row.open_points))
