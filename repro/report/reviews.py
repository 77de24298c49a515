"""Reads the reviews of a paper, `reviews/DATE-GROUP.md`, and prints their open points. The form of a review is:

    # Review of my_paper

    - **Group** Group 2
    - **Who** Ada Lovelace
    - **Date** 2026-01-31
    - **Commit** 0123456789abcdef0123456789abcdef01234567
    - **Decision** approve

    ## What I ran

    ## What I could not run

    ## Questions

    - [ ] Why is the learning rate 0.3?

    ## What must change

    - [x] A point that is answered: the box has an x.

The decision is one of `DECISIONS`. Older reviews have none.

`repro review PAPER --write --group GROUP` starts one; `repro check` checks it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from repro import untrusted
from repro.errors import BadInput, where
from repro.files import regular
from repro.record import git
from repro.report import prose
from repro.report.html import files
from repro.report.html.markup import Markup, inline, join, link, tag
from repro.report.html.words import count

if TYPE_CHECKING:
    from repro.report.page import Page

FOLDER = "reviews"
ITEMS = ("Group", "Who", "Date", "Commit")
DECISION = "Decision"
DECISIONS = ("approve", "changes needed")
DECIDED = f"- **{DECISION}** "
SECTIONS = ("What I ran", "What I could not run", "Questions", "What must change")
POINTS = SECTIONS[2:]  # the sections whose items have a box
ITEM = re.compile(r"- \*\*(?P<name>\w+)\*\* (?P<value>.*\S)")
POINT = re.compile(r"\s*[-*+] (?:\[(?P<box>[ xX])\] )?(?P<text>.*)")
BLANK = re.compile(r"\s*[-*+] \[[ xX]\] *")  # a box without a point
NONE = re.compile(r"[*_]*(none|nothing)[*_]*\.?", re.IGNORECASE)  # the answer of a section that has no point
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True)
class Point:
    """One item or paragraph of the questions or of what must change. `open`: None if it has no box."""

    line: int
    text: str
    open: bool | None


@dataclass(frozen=True)
class Review:
    """One review: its head, the text of each section without comments, and its points."""

    path: Path
    group: str
    who: str
    date: str
    commit: str
    sections: dict[str, str]
    points: list[Point]
    decision: str = ""
    lines: dict[str, int] = field(default_factory=dict)  # of the sections' headings, and of the decision
    blank: list[int] = field(default_factory=list)  # the lines of the boxes after which there is no point

    @property
    def approves(self) -> bool:
        """Whether the group would merge the paper as it is."""
        return self.decision == DECISIONS[0]

    @property
    def open(self) -> list[Point]:
        """The points that are not answered yet; a point without a box counts as open."""
        return [point for point in self.points if point.open is not False]


def of_paper(folder: Path) -> list[Review]:
    """The reviews of a paper, the oldest first. Raises BadInput if one does not have the form."""
    return sorted(map(read, paths(folder)), key=lambda one: (one.date, one.path.name))


def paths(folder: Path) -> list[Path]:
    """The files of a paper's reviews."""
    return regular.files(folder / FOLDER, "[!.]*.md")


def read(path: Path) -> Review:
    """Read one review. Raises BadInput with the line if it does not have the form."""
    lines = prose.read(path)
    untrusted.refuse_unseen_in("\n".join(lines), where(path))
    prosaic = [line if plain else "" for line, plain in zip(lines, prose.told(lines), strict=True)]
    starts = [number for number, line in enumerate(prosaic) if line.startswith("## ")]
    names = [prosaic[number].removeprefix("## ").strip() for number in starts]
    if names != list(SECTIONS):
        place = f"{where(path)}:{starts[0] + 1 if starts else 1}"
        raise BadInput(f"it has the sections {', '.join(names) or 'none'}", place, expected=", ".join(SECTIONS))
    head = _head(path, prosaic[: starts[0]])
    spans = list(zip(names, pairwise([*starts, len(lines)]), strict=True))
    texts = {name: COMMENT.sub("", "\n".join(lines[start + 1 : end])).strip() for name, (start, end) in spans}
    found = [point for name, (start, end) in spans if name in POINTS for point in _points(prosaic, start + 1, end)]
    group, who, date, commit, decision = head
    places = dict(zip(names, (start + 1 for start in starts), strict=True)) | {
        DECISION: next((number for number, line in enumerate(prosaic, 1) if DECIDED in line), 1)
    }
    blank = [n + 1 for name, span in spans if name in POINTS for n in range(*span) if BLANK.fullmatch(prosaic[n])]
    return Review(path, group, who, date, commit, texts, found, decision, places, blank)


def _head(path: Path, lines: list[str]) -> tuple[str, str, str, str, str]:
    """Group, person, date, commit and decision, which may be empty."""
    rows = {hit["name"]: (number, hit["value"]) for number, line in enumerate(lines, 1) if (hit := ITEM.match(line))}
    decision = rows.pop(DECISION, (0, ""))[1] if list(rows)[-1:] == [DECISION] else ""
    if tuple(rows) != ITEMS:
        items = ", ".join(f"- **{name}**" for name in ITEMS)
        raise BadInput(f"its head has {', '.join(rows) or 'no items'}", f"{where(path)}:1", expected=items)
    group, who, date, commit = (rows[name][1] for name in ITEMS)
    if not _is_date(date):
        raise BadInput(f"the date is '{date:.40}'", f"{where(path)}:{rows['Date'][0]}", expected="as 2026-01-31")
    latest = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)  # somewhere it is already tomorrow
    if date > latest.isoformat():
        raise BadInput(
            f"the date {date} is in the future", f"{where(path)}:{rows['Date'][0]}", expected="today or earlier"
        )
    if not git.is_commit(commit):
        raise BadInput(f"the commit is '{commit:.80}'", f"{where(path)}:{rows['Commit'][0]}", expected="40 digits")
    return group, who, date, commit, decision


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _points(lines: list[str], start: int, end: int) -> Iterator[Point]:
    """The items and the other paragraphs of one section, without those in a comment, and without *none*."""
    block = "\n".join(lines[:end])
    clean = COMMENT.sub(lambda hit: "\n" * hit[0].count("\n"), block).split("\n")
    number = start
    while number < end:
        after = next((n for n in range(number + 1, end) if not _belongs(clean, n)), end)
        first = next((n for n in range(number, after) if not clean[n].strip()), after)
        hit = POINT.match(clean[number])
        text = " ".join(" ".join([hit["text"] if hit else clean[number], *clean[number + 1 : first]]).split())
        if text and not NONE.fullmatch(text):
            yield Point(number + 1, text, hit["box"] == " " if hit and hit["box"] else None)
        number = after


def _belongs(lines: list[str], number: int) -> bool:
    """Whether a line belongs to the paragraph or item above it: it is indented, or no empty line is in between."""
    line, above = lines[number], lines[number - 1]
    return not POINT.match(line) and (line.startswith("  ") or bool(line.strip() and above.strip()))


def section(page: Page) -> Markup:
    """One item for each review, the newest first, with its open points."""
    items = [_item(page, one) for one in reversed(page.reviews)]
    return tag("ul", *items, class_="repro-reviews") if items else tag("p", "No review yet.", class_="repro-muted")


def _item(page: Page, one: Review) -> Markup:
    address = files.shown(page.file(FOLDER, one.path.name))
    many = f"{count(len(one.open), 'open point')}" if one.open else "no open point"
    rows = [tag("li", inline(point.text), " ", link("line", f"{address}#L{point.line}")) for point in one.open]
    date = tag("time", one.date, datetime=one.date)
    said = f"{one.decision}, {many}" if one.decision in DECISIONS else many
    head = join([date, ", ", link(f"{one.group}, {one.who}", address), f": {said}"])
    return tag("li", head, tag("ul", *rows) if rows else "")
