"""`tips.md`: what went wrong, by symptom.

    ## The loss is NaN on a silent segment

    - **Symptom** what one sees, in as many words as it takes.
    - **Cause** why.
    - **Fix** what helped.
    - **Test** `papers/<paper>/tests/test_loss.py::test_battery`, or `none` and why.

A heading is what one sees, not its cause: it is what the next person will look for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from repro.errors import BadInput
from repro.report import prose

HEADING = re.compile(r"## (.+)")
ITEM = re.compile(r"- \*\*(\w+)\*\* ")
ITEMS = ["Symptom", "Cause", "Fix", "Test"]


@dataclass(frozen=True)
class Tip:
    """One tip: its heading, and the lines of its four items, the first counted from 0, the last not included."""

    symptom: str
    first: int
    last: int
    text: str


def read(path: Path) -> list[Tip]:
    """The tips of a file, in its order. Raises BadInput with the line where the form is another."""
    lines = prose.read(path)
    told = [line if plain else "" for line, plain in zip(lines, prose.told(lines), strict=True)]
    starts = [number for number, line in enumerate(told) if HEADING.match(line)]
    _refuse_preamble(path, told[: starts[0] if starts else len(told)])
    found: list[Tip] = []
    for start, end in pairwise([*starts, len(lines)]):
        tip = Tip(told[start].removeprefix("## ").strip(), start + 1, end, "\n".join(lines[start + 1 : end]))
        _check(tip, told[start + 1 : end], [one.symptom for one in found], f"{path}:{start + 1}")
        found.append(tip)
    return found


def _refuse_preamble(path: Path, lines: list[str]) -> None:
    """Before the first tip there may be a title and nothing else."""
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("# "):
            raise BadInput("text before the first tip; expected '## <what one sees>'", f"{path}:{number}")


def _check(tip: Tip, lines: list[str], above: list[str], place: str) -> None:
    names = [hit[1] for hit in map(ITEM.match, lines) if hit]
    if names != ITEMS:
        items = ", ".join(f"- **{name}**" for name in ITEMS)
        raise BadInput(f"tip '{tip.symptom}' has {', '.join(names) or 'no items'}; expected {items}", place)
    if tip.symptom in above:
        raise BadInput(f"tip '{tip.symptom}' stands already above", place)
