"""Checks of what reviewers write: `reviews/*.md` and the counter-records in `records/replays/`."""

from __future__ import annotations

from collections.abc import Iterator

from repro import course
from repro.claim import paper_toml
from repro.claim.paper import Paper
from repro.errors import BadInput, where
from repro.files import toml_lines
from repro.report import reviews
from repro.report.reviews import Review
from repro.rerun import counter_record, signatures
from repro.testing.consistency import Records


def forms(one: Paper, records: Records) -> Iterator[BadInput]:
    """Every review has its form, its file name, an answer in each section, and a box at each point."""
    for path in sorted((one.folder / reviews.FOLDER).glob("[!.]*")):
        if path.suffix != ".md":
            yield BadInput("is not a review", where(path), expected="a file DATE-GROUP.md; nothing reads another one")
    for path in reviews.paths(one.folder):
        try:
            yield from _form(reviews.read(path), one)
        except BadInput as error:
            yield error


def authors(one: Paper, records: Records) -> Iterator[BadInput]:
    """`group` is not empty; and it is in `paper.toml` as soon as there is a review or a replay."""
    text, data = paper_toml.load(one.folder / "paper.toml")
    at = toml_lines.blocks(text, f"{where(one.folder)}/paper.toml")["paper"][0]
    if not counter_record.name(one.group) and ("group" in data["paper"] or _reviewed(one)):
        yield BadInput("'group' is empty", at.place("group"), expected="the name of the group that wrote the code")


def _reviewed(one: Paper) -> bool:
    """Whether there is a review or a replay, also one that cannot be read: its own check reports that."""
    try:
        return bool([*reviews.paths(one.folder), *counter_record.paths(one.folder)])
    except BadInput:
        return True


def _form(found: Review, one: Paper) -> Iterator[BadInput]:
    place = where(found.path)
    stem = f"{found.date}-{counter_record.name(found.group)}"
    if found.path.stem != stem:
        yield BadInput(f"it is by {found.group}, {found.date}", f"{place}:1", expected=f"the file name {stem}.md")
    if counter_record.name(one.group) and not counter_record.another(found.group, one):
        yield BadInput(f"it is by '{found.group}'", f"{place}:1", expected="another group than that of paper.toml")
    if found.decision and found.decision not in reviews.DECISIONS:
        said = f"the decision is '{found.decision:.40}'"
        yield BadInput(
            said,
            f"{place}:{found.lines[reviews.DECISION]}",
            expected=" or ".join(f"'{name}'" for name in reviews.DECISIONS),
        )
    course.refuse_authors(found.group, one.name)
    yield from _answers(found, place)


def _answers(found: Review, place: str) -> Iterator[BadInput]:
    """The sections that are empty, the points that nobody can answer, and an approval that asks for changes."""
    for name in (name for name, text in found.sections.items() if not text):
        yield BadInput(f"'{name}' is empty", f"{place}:{found.lines[name]}", expected="an answer, or none")
    for point in (point for point in found.points if point.open is None):
        yield BadInput(f"the point has no box: {point.text:.60}", f"{place}:{point.line}", expected="- [ ] or - [x]")
    for number in found.blank:
        yield BadInput("the box has no point", f"{place}:{number}", expected="a point after it, or only: none")
    needed = [point for point in found.open if point.line > found.lines[reviews.SECTIONS[-1]]]
    if found.approves and needed:
        said = f"the review approves, but this must change: {needed[0].text:.60}"
        expected = f"the decision '{reviews.DECISIONS[1]}', or an x in the box"
        yield BadInput(said, f"{place}:{needed[0].line}", expected=expected)


def replays(one: Paper, records: Records) -> Iterator[BadInput]:
    """Every counter-record is the replay of a record by another group, and its signature matches."""
    for found in counter_record.of_paper(one, records):
        if found.fault and counter_record.name(one.group):  # else the fault is that of `authors`
            yield BadInput(found.fault, where(found.path), expected="a replay by: repro replay RECORD --as GROUP")
    for path in sorted((one.folder / counter_record.FOLDER).glob("*/*.json.*")):
        if path.suffix in signatures.SUFFIXES and not path.with_suffix("").exists():
            yield BadInput("it signs a file that is gone", where(path), expected=path.stem)
