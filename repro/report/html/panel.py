"""A panel: a small picture with two axes, in which a section draws curves or points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.report.html.axis import Axis, around, powers
from repro.report.html.markup import Markup, tag

WIDTH, HEIGHT = 250, 170
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 34  # the margins for the labels, in the units of WIDTH
BOX = f"0 0 {WIDTH} {HEIGHT}"
STEEP = 30  # values that differ by more than this factor are drawn on a logarithmic axis


def scale(values: Sequence[float]) -> Axis:
    """The axis for these values: logarithmic if they are above 0 and differ by a large factor."""
    return powers(values) if min(values) > 0 and max(values) > STEEP * min(values) else around(values, ticks=4)


def frame(across: Axis, upward: Axis, name: str, marks: Mapping[float, str] | None = None) -> list[Markup]:
    """Grid lines, their numbers, and the name of the horizontal axis. `marks`: labels in place of its numbers."""
    parts = []
    for tick in upward.ticks:
        height = y(upward, tick)
        parts += [
            tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=height, y2=height, class_="grid"),
            tag("text", label(tick), x=LEFT - 6, y=height + 4, text_anchor="end"),
        ]
    shown = marks if marks is not None else {tick: label(tick) for tick in across.ticks}
    for tick, text in shown.items():
        parts.append(tag("text", text, x=x(across, tick), y=HEIGHT - BOTTOM + 16, text_anchor="middle"))
    middle = (LEFT + WIDTH - RIGHT) / 2
    return [*parts, tag("text", name, x=middle, y=HEIGHT - 4, text_anchor="middle", class_="name")]


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
