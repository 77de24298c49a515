"""Reads `tips.md`: problems and their solutions, by symptom. The form of a tip is:

    ## The loss is NaN on a silent segment

    - **Symptom** what you see.
    - **Cause** why it happens.
    - **Fix** what helped.
    - **Test** `papers/<paper>/tests/test_loss.py::test_battery`, or `none` and why.

The heading describes what you see, not the cause, because the next person will search for what they see.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from repro.errors import BadInput, where
from repro.report import prose

HEADING = re.compile(r"## (.+)")
ITEM = re.compile(r"- \*\*(\w+)\*\* ")
ITEMS = ["Symptom", "Cause", "Fix", "Test"]


@dataclass(frozen=True)
class Tip:
    """One tip: its heading, and its four items, which are the lines `first` to `last` - 1 of the file (from 0)."""

    symptom: str
    first: int
    last: int
    text: str


def read(path: Path) -> list[Tip]:
    """The tips of a file, in their order. Raises BadInput with the line number if a tip does not have the form."""
    lines = prose.read(path)
    told = [line if plain else "" for line, plain in zip(lines, prose.told(lines), strict=True)]
    starts = [number for number, line in enumerate(told) if HEADING.match(line)]
    _refuse_preamble(path, told[: starts[0] if starts else len(told)])
    found: list[Tip] = []
    for start, end in pairwise([*starts, len(lines)]):
        tip = Tip(told[start].removeprefix("## ").strip(), start + 1, end, "\n".join(lines[start + 1 : end]))
        _check(tip, told[start + 1 : end], [one.symptom for one in found], f"{where(path)}:{start + 1}")
        found.append(tip)
    return found


def _refuse_preamble(path: Path, lines: list[str]) -> None:
    """Raise BadInput if there is anything except a title before the first tip."""
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("# "):
            raise BadInput("text before the first tip; expected '## <what you see>'", f"{where(path)}:{number}")


def _check(tip: Tip, lines: list[str], above: list[str], place: str) -> None:
    names = [hit[1] for hit in map(ITEM.match, lines) if hit]
    if names != ITEMS:
        items = ", ".join(f"- **{name}**" for name in ITEMS)
        raise BadInput(f"tip '{tip.symptom}' has {', '.join(names) or 'no items'}; expected {items}", place)
    if tip.symptom in above:
        raise BadInput(f"tip '{tip.symptom}' is already above", place)
