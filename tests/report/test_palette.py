"""The colours of the report, light and dark: what must be read has the contrast that WCAG 2 asks for (AA)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from repro.report.families import MOST
from repro.report.html.words import slug
from repro.verdict import OUTCOMES

DOCS = Path(__file__).parents[2] / "docs"
CSS = (DOCS.parent / "repro/report/sphinx/static/repro.css").read_text(encoding="utf-8")
BLOCKS = re.findall(r"\bbody(?:\[data-theme=\"dark\"\]|:not\(\[data-theme=\"light\"\]\))? \{(.*?)\}", CSS, re.S)
LIGHT, DARK, SYSTEM = (dict(re.findall(r"--repro-([\w-]+): (#\w+)", block)) for block in BLOCKS)
PALETTES = {"light": (LIGHT, ["#ffffff", "#f8f9fb"]), "dark": (LIGHT | DARK, ["#131416", "#202020"])}
"""With the grounds that the theme gives a page and its blocks of code."""


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    text = colour[1:7] if len(colour) > 4 else "".join(letter * 2 for letter in colour[1:])
    parts = [int(text[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_definition() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)  # the grey that just fails


def test_each_block_of_the_style_sheet_is_closed() -> None:
    assert CSS.count("{") == CSS.count("}") and not re.search(r"(?m)^(?:<<<<<<<|>>>>>>>)", CSS)


def test_both_ways_into_the_dark_have_the_same_colours() -> None:
    assert DARK == SYSTEM and len(DARK) > 10


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_sign_is_read_on_the_colour_of_its_outcome(outcome: str, theme: str) -> None:
    colours, _ = PALETTES[theme]
    assert contrast(colours[slug(outcome)], colours[f"on-{slug(outcome)}"]) >= 4.5


@pytest.mark.parametrize("theme", PALETTES)
def test_words_and_marks_are_read_on_the_page(theme: str) -> None:
    """4.5 : 1 for words, 3 : 1 for lines and marks that carry meaning."""
    colours, grounds = PALETTES[theme]
    for ground in grounds:
        assert contrast(colours["soft"], ground) >= 4.5
        assert all(contrast(colours[mark], ground) >= 3 for mark in ("paper", "ours", "proxy", "reproduced"))
        assert contrast(colours["not-reproduced"], ground) >= 3
        lines = [colours[f"curve-{number}"] for number in range(1, MOST + 1)]
        assert len(set(lines)) == MOST and all(contrast(line, ground) >= 4.5 for line in lines), "also of their numbers"


@pytest.mark.parametrize("picture", sorted((DOCS / "_static").glob("terminal-*.svg")), ids=lambda path: path.stem)
def test_letters_in_a_picture_of_a_terminal_are_read(picture: Path) -> None:
    """On the window, and on the coloured bar of tmux, which is one line high."""
    text = picture.read_text(encoding="utf-8")
    colours = dict(re.findall(r"\.([\w-]+-r\d+) \{ fill: (#\w+)", text))
    window = re.search(r'<rect fill="(#\w+)" stroke', text)
    bars = {float(y): fill for fill, y in re.findall(r'<rect fill="(#\w+)" x="0" y="([\d.]+)"', text)}
    lines = re.findall(r'<text class="([\w-]+-r\d+)" x="0" y="([\d.]+)"', text)
    assert window and lines
    for name, y in lines:
        ground = next((fill for top, fill in bars.items() if 0 < float(y) - top < 24), window[1])
        assert contrast(colours[name], ground) >= 4.5, (name, y)
