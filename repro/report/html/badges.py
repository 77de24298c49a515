"""The badge of a paper: a small SVG for other pages, with the counts in words and colours. It loads nothing."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path

from repro.report.html.markup import Markup, tag
from repro.report.html.words import slug

STYLE = Path(__file__).parents[1] / "sphinx" / "static" / "repro.css"
COLOUR = re.compile(r"--repro-(?P<name>[\w-]+): (?P<colour>#[0-9a-f]{3,6});")
FONT = "Verdana, 'DejaVu Sans', Geneva, sans-serif"
WIDTHS = dict.fromkeys("fijlrtI .,:()-", 4.0)  # pixels that a letter gets, whatever the font
WIDTH = 7.0  # of any other letter
HEIGHT, GAP, SQUARE = 20, 8, 9
INK, GROUND, HEAD = "#222222", "#ffffff", "#444444"


def svg(label: str, counts: Sequence[tuple[str, str]]) -> Markup:
    """The badge: `label`, then for each (outcome, words) a square in the colour of the outcome and the words."""
    left = _width(label) + 2 * GAP
    parts = [_rectangle(0, left, HEAD), _text(label, GAP, GROUND)]
    places, across = [], left + GAP
    for outcome, words in counts:
        places += [_square(across, outcome), _text(words, across + SQUARE + 4, INK)]
        across += SQUARE + 4 + _width(words) + GAP
    said = f"{label}: {', '.join(words for _, words in counts)}"
    return tag(
        "svg",
        tag("title", said),
        _rectangle(0, across, GROUND),
        *parts,
        *places,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        aria_label=said,
        width=across,
        height=HEIGHT,
        font_family=FONT,
        font_size=11,
    )


@functools.cache
def colours() -> dict[str, str]:
    """The colours of the site's light theme, by name."""
    found: dict[str, str] = {}
    for hit in COLOUR.finditer(STYLE.read_text(encoding="utf-8")):
        found.setdefault(hit["name"], hit["colour"])
    return found


def _width(words: str) -> float:
    return sum(WIDTHS.get(letter, WIDTH) for letter in words)


def _rectangle(x: float, width: float, colour: str) -> Markup:
    return tag("rect", x=x, width=width, height=HEIGHT, fill=colour)


def _square(x: float, outcome: str) -> Markup:
    top = (HEIGHT - SQUARE) / 2
    return tag("rect", x=x, y=top, width=SQUARE, height=SQUARE, fill=colours()[slug(outcome)], stroke=INK)


def _text(words: str, x: float, colour: str) -> Markup:
    return tag("text", words, x=x, y=14, fill=colour, textLength=_width(words))
