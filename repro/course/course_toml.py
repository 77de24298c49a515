"""Read and check `course.toml`. Every error is one line with the file, the line number and the nearest correct name.

[course]
title = "Reproducing papers"
weeks = [2026-10-13, 2026-10-20]       # the date of each meeting

[[group]]
id = "waves"
paper = "my_paper"                     # the folder in papers/; it may not exist yet
people = ["Ada L.", "Grace H."]

[[presentation]]
week = 1
what = "paper"                         # or "code", for a code-base
group = "waves"
title = "Attention is all you need"
slides = "week1.pdf"          # in material/; or .md
notebook = "week1.ipynb"
questions = "week1-questions.md"
links = ["https://arxiv.org/abs/1706.03762"]
"""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from repro import untrusted
from repro.claim import paper_toml
from repro.course import FILE, MATERIAL, Course, Group, Presentation
from repro.course.assignment import WHAT
from repro.errors import BadInput, where
from repro.files import regular
from repro.files.toml_lines import Block, blocks

TABLES = ("course", "group", "presentation")
ENDS = {"slides": (".pdf", ".md"), "notebook": (".ipynb",), "questions": (".md",)}
MOST = 50_000_000  # maximum bytes of a file of a presentation
NAME = re.compile(r"[A-Za-z0-9][\w-]*")
DATE = re.compile(r"(?<![\w.-])\d+-\d+-\d+(?![\w.-])")
QUOTED = re.compile(r"""\"[^\"]*\"|'[^']*'|#.*""")  # texts and comments
PLAIN = re.compile(r"[A-Za-z0-9][\w.-]*")
WEB = re.compile(r"https?://[^\s/<>\"'`\\][^\s<>\"'`\\]*")


def read(folder: Path) -> Course:
    """The course in `folder`. Raises BadInput with file and line for a wrong key or value."""
    path = folder / FILE
    untrusted.refuse_links(folder)
    text, data = _loaded(path)
    found = blocks(text, where(path))
    _refuse_stray(data, found, where(path))
    head = paper_toml.one_table(data, found, "course", where(path)) or {}
    at = found["course"][0] if found["course"] else Block(where(path), 1)
    groups = [_group(row, place) for row, place in paper_toml.tables(data, found, "group", where(path))]
    _refuse_groups(groups, where(path))
    rows = [_presentation(row, place) for row, place in paper_toml.tables(data, found, "presentation", where(path))]
    given = {"folder": folder, "groups": groups, "presentations": rows}
    course: Course = paper_toml.make(Course, {**head, **_dates(head)}, at, given)
    _refuse_weeks(course.weeks, at.place("weeks"))
    for row, place in zip(rows, found["presentation"], strict=True):
        _refuse(row, course, place)
    return course


def _loaded(path: Path) -> tuple[str, dict[str, Any]]:
    """The text and the data of the file. A date that does not exist is named; a reader of TOML stops at its digits."""
    try:
        return paper_toml.load(path)
    except BadInput as error:
        if error.what.startswith("not TOML"):
            _refuse_dates(path)
        raise


def _refuse_dates(path: Path) -> None:
    """Raise BadInput for the first date without quotes that is not in the calendar."""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        for hit in DATE.finditer(QUOTED.sub("", line)):
            _refuse_date(hit[0], f"{where(path)}:{number}")


def _refuse_date(day: str, place: str) -> None:
    try:
        right = datetime.date.fromisoformat(day).isoformat() == day
    except ValueError:
        right = False
    if not right:
        raise BadInput(f"'{day:.40}' is not a date", place, expected="a date such as 2026-10-13")


def _refuse_stray(data: dict[str, Any], found: dict[str, list[Block]], place: str) -> None:
    for name in (name for name in data if name not in TABLES):
        line = found[name][0].line if name in found else 1
        raise BadInput(f"unknown table '{name}'", f"{place}:{line}", given=name, known=TABLES)


def _dates(head: dict[str, Any]) -> dict[str, Any]:
    """The key `weeks` with each date as a text: TOML has a type for dates, which may be written without quotes."""
    weeks = head.get("weeks")
    if not isinstance(weeks, list):
        return {}
    return {"weeks": [str(day) if isinstance(day, datetime.date) else day for day in weeks]}


def _refuse_weeks(weeks: list[str], place: str) -> None:
    """Raise BadInput unless `weeks` are dates, each after the one before it."""
    for day in weeks:
        _refuse_date(day, place)
    for before, day in itertools.pairwise(weeks):
        if day <= before:
            raise BadInput(
                f"in 'weeks', {day} comes after {before}", place, expected="each date once, the earliest first"
            )
    if not weeks:
        raise BadInput("'weeks' is empty", place, expected="the date of each meeting")


def _group(row: dict[str, Any], at: Block) -> Group:
    group: Group = paper_toml.make(Group, row, at, {"line": at.line})
    if not NAME.fullmatch(group.id):  # it becomes part of the names of files
        raise BadInput(f"'id' is {group.id!r:.60}", at.place("id"), expected="letters, digits, - and _")
    if not group.paper.isidentifier():  # it is the name of a folder, which may not exist yet
        raise BadInput(f"'paper' is {group.paper!r:.60}", at.place("paper"), expected="letters, digits and _")
    if not group.people or not all(name.strip() for name in group.people):
        raise BadInput("'people' has no name", at.place("people"), expected="the name of each member")
    return group


def _refuse_groups(groups: list[Group], place: str) -> None:
    """Raise BadInput if there are fewer than two groups, or if two of them share an id, a paper or a person."""
    if len(groups) < 2:
        line = groups[0].line if groups else 1
        many = "one group" if groups else "no group"
        raise BadInput(f"the course has {many}", f"{place}:{line}", expected="at least two, which review each other")
    _refuse_twins("id", ((group.id.casefold(), group.line) for group in groups), place)
    _refuse_twins("paper", ((group.paper, group.line) for group in groups), place)
    _refuse_twins("person", ((name, group.line) for group in groups for name in group.people), place)


def _refuse_twins(what: str, rows: Iterable[tuple[str, int]], place: str) -> None:
    seen: dict[str, int] = {}
    for name, line in rows:
        if name in seen:
            raise BadInput(f"the {what} '{name}' is already in the group of line {seen[name]}", f"{place}:{line}")
        seen[name] = line


def _presentation(row: dict[str, Any], at: Block) -> Presentation:
    one: Presentation = paper_toml.make(Presentation, row, at, {"line": at.line})
    if one.what not in WHAT:
        raise BadInput(f"'what' is {one.what!r:.60}", at.place("what"), expected="'paper' or 'code'")
    if not one.title.strip():
        raise BadInput("'title' is empty", at.place("title"), expected="what is presented")
    for link in one.links:
        if not WEB.fullmatch(link):
            raise BadInput(
                f"the link is {link!r:.80}", at.place("links"), expected="an address such as https://arxiv.org"
            )
    return one


def _refuse(one: Presentation, course: Course, at: Block) -> None:
    """Raise BadInput if the week, the group or a file of a presentation is wrong, or if it is there twice."""
    if not 1 <= one.week <= len(course.weeks):
        expected = f"a week from 1 to {len(course.weeks)}"
        raise BadInput(f"no week {one.week}", at.place("week"), expected=expected)
    if one.group not in course.names:
        raise BadInput(f"no group '{one.group}'", at.place("group"), given=one.group, known=course.names)
    above = [row for row in course.presentations if row.week == one.week and row.line < one.line]
    for row in above:
        if row.what == one.what:
            raise BadInput(f"week {one.week} has its '{one.what}' already in line {row.line}", at.place("what"))
        if row.group == one.group:
            raise BadInput(
                f"group '{one.group}' presents in week {one.week} already (line {row.line})", at.place("group")
            )
    for key, name in one.files.items():
        _refuse_file(key, name, course.folder / MATERIAL, at.place(key))
    if name := course.pdf(one):
        _refuse_pdf(course.folder / MATERIAL / name)


def _refuse_file(key: str, name: str, folder: Path, place: str) -> None:
    """Raise BadInput unless the file `name` exists below `folder` and has the right ending."""
    if not (PLAIN.fullmatch(name) and name.endswith(ENDS[key])):
        expected = f"a file in {where(folder)} that ends in {' or '.join(ENDS[key])}"
        raise BadInput(f"'{key}' is {name!r:.80}", place, expected=expected)
    if not (folder / name).exists():
        known = [path.name for end in ENDS[key] for path in folder.glob(f"*{end}")]
        raise BadInput(f"'{key}' is {where(folder)}/{name}, which does not exist", place, given=name, known=known)
    regular.check(folder / name, MOST)


def _refuse_pdf(path: Path) -> None:
    """Raise BadInput unless the file is a complete PDF that is not too large."""
    regular.check(path, MOST)
    content = path.read_bytes()
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-1024:]:
        raise BadInput("is not a complete PDF", where(path), expected="a file that a PDF viewer can open")
