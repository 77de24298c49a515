"""Check `report.md`: its sections, a reason for each departure, and no typed number where a role belongs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from repro.claim import paper
from repro.claim.paper import Paper
from repro.errors import BadInput, where
from repro.files import regular
from repro.record import Record
from repro.report import prose, quote, tips
from repro.report.departures import TITLE, unreasoned
from repro.testing.consistency import PLACE, Records

FILE = "report.md"
WHY = re.compile(r"(?i)\bwhy\b.*\breproduced?\b")
EASY = re.compile(r"(?i)\bwhat was easy\b")
ASKED = re.compile(r"(?i)\bcommunication with the authors?\b")
SECTIONS = {
    TITLE: "What we did differently from the paper",
    WHY: "Why it did or did not reproduce",
    EASY: "What was easy",
    ASKED: "Communication with the authors",
}
NOT_PROSE = re.compile(r"(?:\{\w+\})?(`+)[^`]+?\1|\$[^$]+\$|\]\([^)]*\)")  # code, roles, formulas, targets of links
ROLE = re.compile(
    r"(?s)(?<![\\`])(?:\{(?P<role>[\w+:-]+)\})?(?P<t>`+)(?!`)(?P<text>(?:(?!\n\s*\n).)+?)(?<!`)(?P=t)(?!`)"
)
"""A role; or code (`role` is None), which is recognised so that a role in it does not count."""
NUMBER = re.compile(r"(?<![\w.,/^-])(?P<number>\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?)\s?(?P<unit>%|[^\W\d_]\w*)?")
DIGITS = 3  # a typed number with fewer significant digits may agree with a mean of a record by chance


def sections(one: Paper, records: Records) -> Iterator[BadInput]:
    """The report has the sections that nobody but the group can write. The page makes the others from the records.

    Together they are what the ML Reproducibility Challenge and ReScience C ask for; what was difficult is in `tips.md`.
    """
    lines = prose.read(one.folder / FILE)
    heads = [line for line, plain in zip(lines, prose.told(lines), strict=True) if plain and prose.HEADING.match(line)]
    for pattern, wanted in SECTIONS.items():
        if not any(map(pattern.search, heads)):
            what, place = f"no section '{wanted}'", f"{where(one.folder)}/{FILE}:{max(len(lines), 1)}"
            yield BadInput(what, place, expected="a heading with these words, as in papers/template")


def reasons(one: Paper, records: Records) -> Iterator[BadInput]:
    """Every departure from the paper has a reason."""
    lines = prose.read(one.folder / FILE)
    for number, line in unreasoned(lines):
        wanted = "a last column `why`, with a reason in each cell" if line.startswith("|") else "an item with `because`"
        place = f"{where(one.folder)}/{FILE}:{number}"
        yield BadInput(f"no reason for the departure '{line.strip():.60}'", place, expected=wanted)


def roles(one: Paper, records: Records) -> Iterator[BadInput]:
    """Every role in the two texts exists, and names a claim that exists."""
    for path in (path for path in (one.folder / FILE, one.folder / tips.FILE) if regular.present(path)):
        try:
            text = _told(path)
        except BadInput:
            continue  # the checks `report` and `tips` report it
        for hit in (hit for hit in ROLE.finditer(text) if hit["role"]):
            try:
                _refuse_role(one, hit["role"], hit["text"])
            except BadInput as error:
                yield error.at(f"{where(path)}:{text.count(chr(10), 0, hit.start()) + 1}")


def _refuse_role(one: Paper, role: str, text: str) -> None:
    """Raise BadInput for a role that does not exist, or that names a claim that does not exist."""
    if role not in quote.ROLES:
        raise BadInput(f"no role '{role}'", given=role, known=quote.ROLES)
    name, _, claim = text.strip().rpartition("/")
    if role in ("claim", "stated", "verdict"):
        (paper.find(name) if name else one).claim(claim)


def _told(path: Path) -> str:
    """A text with an empty line in place of each line of code."""
    lines = prose.read(path)
    return "\n".join(line if plain else "" for line, plain in zip(lines, prose.told(lines), strict=True))


@dataclass(frozen=True)
class Printed:
    """A number that a role prints: its value, its unit, and the role."""

    value: Decimal
    unit: str
    role: str
    rounded: bool  # whether a typed number agrees if the value rounds to it

    def agrees(self, typed: Decimal, unit: str) -> bool:
        """Whether a typed number with this unit is this number; a percentage agrees with a share."""
        if unit == "%" and self.unit in ("", "1"):
            return self._same(typed.scaleb(-2))
        return self._same(typed) and (unit == self.unit if self.unit not in ("", "1") else unit != "%")

    def _same(self, typed: Decimal) -> bool:
        exponent = typed.as_tuple().exponent
        near = abs(self.value - typed) * 2 <= Decimal(1).scaleb(int(exponent)) if self.rounded else self.value == typed
        return near and not (self.rounded and len(typed.as_tuple().digits) < DIGITS)


def typed(one: Paper, records: Records) -> Iterator[BadInput]:
    """No number in the report is one that a claim states, or that a record measured: a role prints these.

    Only numbers with a decimal point or with a unit are compared: `12` may be anything.
    """
    known = [*_stated(one, records), *_measured(records)]
    for number, value, unit, written in _numbers(one.folder / FILE, {found.unit for found in known}):
        role = next((found.role for found in known if found.agrees(value, unit)), "")
        if role:
            place = f"{where(one.folder)}/{FILE}:{number}"
            yield BadInput(f"the number {written} is typed", place, expected=f"{role}, which links to its source")


def _stated(one: Paper, records: Iterable[Record]) -> Iterator[Printed]:
    units = {
        (f"configs/{found.config}.gin", m.metric): m.identity.get("unit", "")
        for found in records
        for m in found.measurements
    }
    for claim in one.claims:
        if claim.number is not None:
            unit = claim.stated_unit if claim.stated_unit is not None else _unit(units, claim.metric)
            yield Printed(Decimal(claim.stated.rstrip("% ")), unit, f"{{stated}}`{claim.id}`", rounded=False)


def _unit(units: dict[tuple[str, str], str], metric: str) -> str:
    return next((str(unit) for (_, name), unit in units.items() if name == metric), "")


def _measured(records: Iterable[Record]) -> Iterator[Printed]:
    for found in records:
        for one in found.measurements:
            role = f"{{record}}`{found.stem}:{one.test}:{one.metric}`"
            yield Printed(Decimal(repr(one.mean)), str(one.identity.get("unit", "")), role, rounded=True)


def _numbers(path: Path, units: set[str]) -> Iterator[tuple[int, Decimal, str, str]]:
    """(line, value, unit, as written) of each number in the prose that has a decimal point or one of the units."""
    text = _told(path)
    for ignored in (NOT_PROSE, PLACE):
        text = ignored.sub(lambda hit: re.sub(r"[^\n]", " ", hit[0]), text)
    for hit in NUMBER.finditer(text):
        unit = hit["unit"] if hit["unit"] in {*units, "%"} else ""
        if unit or "." in hit["number"]:
            line = text.count("\n", 0, hit.start()) + 1
            yield line, Decimal(hit["number"].replace(",", "")), unit, hit[0].strip()
