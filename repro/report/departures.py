"""Counts the departures from the paper that `report.md` lists, and finds their section.

The heading of that section contains the word *departures* or *differently*. Each list item and each table row in it
is one departure. A row does not count if all its cells between that of the paper and the reason are "the same". The
last cell of a row is the reason for the departure; an item gives its reason with a word such as *because*.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from repro.report import prose
from repro.report.html.words import count

TITLE = re.compile(r"(?i)\b(?:departures?|differently)\b")
ITEM = re.compile(r"(?:[-*+]|\d+[.)])\s")
RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*$")  # the line between the head of a table and its rows
HEAD = re.compile(r":header-rows:\s*(\d+)")  # an option of a {list-table}, whose rows are list items

REASONS = re.compile(r"(?i)(?:why|reasons?|because|evidence)$")  # the head of the last column of a table
GIVEN = re.compile(r"(?i)\b(?:because|since|so that|in order to|why|reasons?|therefore)\b")


@dataclass(frozen=True)
class Departures:
    """The number of departures, and the id of their heading on the page."""

    many: int
    anchor: str


def departures(lines: Sequence[str]) -> Departures | None:
    """The departures of a report, given as lines. None if it has no such section."""
    found = [line for _, line in _section(lines)]
    if not found:
        return None
    return Departures(max(sum(map(_counts, found)), 0), _id(prose.HEADING.sub("", found[0])))


def _section(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(line number, line) of the section about departures, without code; first its heading."""
    level = 0
    for number, (line, plain) in enumerate(zip(lines, prose.told(list(lines)), strict=True), 1):
        hit = prose.HEADING.match(line) if plain else None
        if hit and level and len(hit[1]) <= level:
            return
        if hit and not level and TITLE.search(line):
            level = len(hit[1])
        if level and plain:
            yield number, line


def unreasoned(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(line number, departure) of each departure without a reason, and of each table without a column of reasons."""
    found = [*_section(lines), (0, "")]
    for (number, line), (_, after) in pairwise(found):
        if not _reasoned(line, after, _whole(found, number)):
            yield number, line


def _reasoned(line: str, after: str, whole: str) -> bool:
    """Whether a line has a reason, or needs none. `after`: the next line. `whole`: with the lines that continue it."""
    if not line.startswith("|"):
        return not ITEM.match(line) or bool(GIVEN.search(whole))
    last = _cells(line)[-1]
    return bool(REASONS.match(last)) if RULE.match(after) else _counts(line) < 1 or bool(last)


def _whole(found: Sequence[tuple[int, str]], first: int) -> str:
    """The text of the list item that begins in line `first`, with the lines that continue it."""
    rest = itertools.takewhile(lambda row: row[1].startswith(" "), (row for row in found if row[0] > first))
    return " ".join(line for _, line in [*(row for row in found if row[0] == first), *rest])


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def _counts(line: str) -> int:
    """1 for an item or a row. The line below a table's head counts -1, so that the head does not count."""
    if head := HEAD.match(line):
        return -int(head[1])
    if line.startswith("|"):
        cells = [cell.lower().rstrip(".") for cell in _cells(line)]
        return -1 if RULE.match(line) else int(set(cells[2:-1] or cells[2:]) != {"the same"})
    return int(bool(ITEM.match(line)))


def _id(heading: str) -> str:
    """The id that Sphinx gives to a heading."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def said(found: Departures | None) -> str:
    """The number in words: `with 3 departures`, `no departures listed`, or that there is no list."""
    if found is None:
        return "its departures are not listed"
    return f"with {count(found.many, 'departure')}" if found.many else "no departures listed"
