"""A panel: a small picture with two axes, in which a section draws curves or points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.report.html.axis import Axis, around, logarithmic, wide
from repro.report.html.markup import Markup, tag

WIDTH, HEIGHT = 250, 180
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 22, 34  # the margins for the labels, in the units of WIDTH
BOX = f"0 0 {WIDTH} {HEIGHT}"
LONGEST = {"side": 36, "below": 30}  # characters of the name of an axis that fit into the picture


def scale(values: Sequence[float]) -> Axis:
    """The axis for these values: logarithmic if they are above 0 and differ by a large factor."""
    return logarithmic(values) if wide(values) else around(values, ticks=4)


def frame(across: Axis, upward: Axis, names: tuple[str, str], marks: Mapping[float, str] | None = None) -> list[Markup]:
    """Both axes. `names`: of the horizontal and the vertical one. `marks`: labels instead of horizontal numbers."""
    return [*side(upward, names[1]), *below(across, names[0], marks)]


def side(upward: Axis, name: str) -> list[Markup]:
    """The vertical axis: grid lines, their numbers, and its name above it, which says if it is logarithmic."""
    parts = []
    for tick in upward.ticks:
        height = f"{y(upward, tick):.1f}"
        parts += [
            tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=height, y2=height, class_="grid"),
            tag("text", label(tick), x=LEFT - 6, y=f"{y(upward, tick) + 4:.1f}", text_anchor="end"),
        ]
    return [*parts, _name(name, ", log" if upward.log else "", LONGEST["side"], x=4, y=11)]


def below(across: Axis, name: str, marks: Mapping[float, str] | None = None) -> list[Markup]:
    """The horizontal axis: its numbers, and its name."""
    shown = marks if marks is not None else {tick: label(tick) for tick in across.ticks}
    parts = [
        tag("text", text, x=f"{x(across, tick):.1f}", y=HEIGHT - BOTTOM + 16, text_anchor="middle")
        for tick, text in shown.items()
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    return [*parts, _name(name, "", LONGEST["below"], x=middle, y=HEIGHT - 4, text_anchor="middle")]


def _name(name: str, end: str, longest: int, **place: float | str) -> Markup:
    """The name of an axis. If it is too long for the picture, its end is left out, and a tooltip has all of it."""
    space = longest - len(end)
    if len(name) <= space:
        return tag("text", f"{name}{end}", **place, class_="name")
    return tag("text", tag("title", f"{name}{end}"), f"{name[: space - 1]}…{end}", **place, class_="name")


def label(tick: float) -> str:
    """A number at an axis: `25k` for 25000."""
    if abs(tick) >= 10000:
        return f"{tick / 1000:g}k"
    return f"{tick:g}".replace("-", "−")


def x(axis: Axis, value: float) -> float:
    """The horizontal position of a value."""
    return LEFT + (WIDTH - LEFT - RIGHT) * axis.share(value)


def y(axis: Axis, value: float) -> float:
    """The vertical position of a value."""
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * axis.share(value)
