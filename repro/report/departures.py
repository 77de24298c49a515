"""Counts the departures from the paper that `report.md` lists, and finds their section.

The heading of that section contains the word *departures* or *differently*. Each list item and each table row in it
is one departure. A row that has a cell "the same" does not count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from repro.report import prose
from repro.report.html.words import count

TITLE = re.compile(r"(?i)\b(?:departures?|differently)\b")
ITEM = re.compile(r"(?:[-*+]|\d+[.)])\s")
RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*$")  # the line between the head of a table and its rows
HEAD = re.compile(r":header-rows:\s*(\d+)")  # an option of a {list-table}, whose rows are list items


@dataclass(frozen=True)
class Departures:
    """The number of departures, and the id of their heading on the page."""

    many: int
    anchor: str


def departures(lines: Sequence[str]) -> Departures | None:
    """The departures of a report, given as lines. None if it has no such section."""
    head, level, many = "", 0, 0
    for line, plain in zip(lines, prose.told(list(lines)), strict=True):
        hit = prose.HEADING.match(line) if plain else None
        if hit and level and len(hit[1]) <= level:
            break
        if hit and not level and TITLE.search(line):
            head, level = line[hit.end() :], len(hit[1])
        elif level and plain:
            many += _counts(line)
    return Departures(max(many, 0), _id(head)) if level else None


def _counts(line: str) -> int:
    """1 for an item or a row. The line below a table's head counts -1, so that the head does not count."""
    if head := HEAD.match(line):
        return -int(head[1])
    if line.startswith("|"):
        cells = [cell.strip().lower().rstrip(".") for cell in line.strip("| \t").split("|")]
        return -1 if RULE.match(line) else int("the same" not in cells)
    return int(bool(ITEM.match(line)))


def _id(heading: str) -> str:
    """The id that Sphinx gives to a heading."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def said(found: Departures | None) -> str:
    """The number in words: `with 3 departures`, `no departures listed`, or that there is no list."""
    if found is None:
        return "its departures are not listed"
    return f"with {count(found.many, 'departure')}" if found.many else "no departures listed"
