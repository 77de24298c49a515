"""The departures from the paper that `report.md` lists: how many there are, and where the page has them.

They are in a section whose heading says *departures* or *differently*. Each item of a list and each row of a table
there is one; a row with a cell that says just "the same" is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from repro.report import prose
from repro.report.html.words import count

TITLE = re.compile(r"(?i)\b(?:departures?|differently)\b")
ITEM = re.compile(r"(?:[-*+]|\d+[.)])\s")
RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*$")  # between the head of a table and its rows
HEAD = re.compile(r":header-rows:\s*(\d+)")  # of a {list-table}, whose rows are items


@dataclass(frozen=True)
class Departures:
    """How many departures are listed, and the id of their heading on the page."""

    many: int
    anchor: str


def departures(lines: Sequence[str]) -> Departures | None:
    """Those of a report; None where it has no such section."""
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
    """1 for an item or a row; the head of a table is taken back by the rule below it."""
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
    """`with 3 departures`; without a list, that there is none."""
    if found is None:
        return "its departures are not listed"
    return f"with {count(found.many, 'departure')}" if found.many else "no departures listed"
