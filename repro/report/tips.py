"""Reads `tips.md`: problems and their solutions, by symptom. The form of a tip is:

    ## The loss is NaN on a silent segment

    - **Symptom** what you see.
    - **Pattern** `error: the loss is nan`. This item may be left out; `repro.report.patterns` has the forms.
    - **Cause** why it happens.
    - **Fix** what helped.
    - **Test** `papers/<paper>/tests/test_loss.py::test_battery`, or a record with the problem and one with the fix, or
      `none` and why.

The heading describes what you see, not the cause, because the next person will search for what they see. If a run fails
as a pattern says, `repro run` shows the tip (`advice`).
"""

from __future__ import annotations

import logging
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from repro.claim import paper
from repro.errors import BadInput, where
from repro.registry import REGISTRIES
from repro.report import patterns, prose

FILE = "tips.md"
HEADING = re.compile(r"## (.+)")
ITEM = re.compile(r"- \*\*(\w+)\*\* ", re.MULTILINE)
ITEMS = ["Symptom", "Cause", "Fix", "Test"]
OPTIONAL = "Pattern"
CODE = re.compile(r"`([^`]+)`")
PART = re.compile(rf"`((?:{'|'.join(REGISTRIES)})\.[A-Z]\w*)")
GROUPS = {
    "The run stops with an error": r"cannot (?:load|open|read)|exceptions?|not found|forked|crash\w*|hangs?",
    "The loss is NaN or infinite, or diverges": r"nan|inf|infinite|diverges?|explodes?",
    "The loss does not fall, or falls too well": r"loss|losses|square error|learning curve|overfitted|overfits",
    "It is slow, or needs much memory": r"slow|slower|its time|takes \w+|memory",
    "Something depends on the batch, the seed or the implementation": r"batch|seeds?|implementations?|toolkit|torch.s",
    "The numbers are not those of the paper": r"paper|table|printed|digit|differs?|agrees?|means?|p|missing",
}
"""What you see, and the words in a tip's heading that say so: the first group with such a word counts."""
OTHER = "Something else is not as expected"
SHOWN = 2  # tips that `repro run` shows at most
WIDTH = 200  # characters of a fix in a terminal

log = logging.getLogger("repro")


@dataclass(frozen=True)
class Tip:
    """One tip: its heading, and its items, which are the lines `first` to `last` - 1 of the file (from 0)."""

    symptom: str
    first: int
    last: int
    text: str

    def item(self, name: str) -> str:
        """The text of an item in one line; empty if the tip does not have it."""
        _, *found = ITEM.split(self.text)
        return " ".join(dict(zip(found[::2], found[1::2], strict=True)).get(name, "").split())

    @property
    def group(self) -> str:
        """The group of symptoms that the heading belongs to, from `GROUPS`."""
        fits = (group for group, words in GROUPS.items() if re.search(rf"(?i)\b(?:{words})\b", self.symptom))
        return next(fits, OTHER)

    @property
    def patterns(self) -> list[str]:
        """The patterns of the failure: `repro run` shows the tip if one of them fits."""
        return CODE.findall(self.item(OPTIONAL))

    @property
    def parts(self) -> list[str]:
        """The parts that the tip names, such as `losses.MeanSquare`, in alphabetical order."""
        return sorted(set(PART.findall(f"{self.symptom}\n{self.text}")))


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
    if [name for name in names if name != OPTIONAL] != ITEMS or OPTIONAL in names[:1] or names.count(OPTIONAL) > 1:
        items = ", ".join(f"- **{name}**" for name in ITEMS)
        raise BadInput(f"tip '{tip.symptom}' has {', '.join(names) or 'no items'}; expected {items}", place)
    if tip.symptom in above:
        raise BadInput(f"tip '{tip.symptom}' is already above", place)
    if OPTIONAL in names and not tip.patterns:
        raise BadInput(f"tip '{tip.symptom}' has no pattern", place, expected=f"`{patterns.FORMS[0]}`, in backticks")
    for pattern in tip.patterns:
        patterns.refuse(pattern, place)


def advice(folder: Path, error: BaseException | None = None, curves: patterns.Curves | None = None) -> list[str]:
    """The tips for a run of the paper in `folder` that failed with `error`, or that finished with `curves`.

    Two lines for each: the symptom with its place, and the fix. At most `SHOWN` tips, those of the same paper first.
    The tips of other papers count only for an error, because the size of a loss depends on the paper.
    """
    papers = [path for path in paper.folders().values() if path.resolve() != folder.resolve()] if error else []
    fits: dict[str, str] = {}  # a new paper has the tips of the template, which are shown once
    for one in [folder, *papers]:
        for tip in _fitting(one, patterns.said(error), curves or {}):
            fits.setdefault(tip.symptom, _shown(tip, one))
    return list(fits.values())[:SHOWN]


def _fitting(folder: Path, said: str, curves: patterns.Curves) -> Iterator[Tip]:
    """The tips of one paper with a pattern that fits. A faulty file is a warning."""
    path = folder / FILE
    try:
        found = read(path) if path.is_file() else []
    except BadInput as fault:
        log.warning("no tips are shown of %s", fault)
        return
    for tip in found:
        if any(patterns.in_error(one, said) or patterns.in_curves(one, curves) for one in tip.patterns):
            yield tip


def _shown(tip: Tip, folder: Path) -> str:
    """The two lines of a tip for a terminal, without characters that control it."""
    fix = textwrap.shorten(tip.item("Fix"), WIDTH, placeholder=" ...")
    lines = f"tip of {folder.name}: {tip.symptom} ({where(folder / FILE)}:{tip.first})", f"     fix: {fix}"
    return "\n".join("".join(filter(str.isprintable, line)) for line in lines)
