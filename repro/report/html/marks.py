"""SVG marks on an axis: a mean with its interval, bands, vertical lines, the scale; and a key for the legend.

Positions are percentages: a picture is as wide as its column, and its text stays readable on a phone.
"""

from __future__ import annotations

import math

from repro.interval import Interval
from repro.report.html.axis import Axis
from repro.report.html.markup import Markup, join, tag
from repro.report.html.words import typeset

LANE = 20  # pixels of height per interval
ROOM = 30  # digits that fit below the axis of a figure
BETWEEN = 1.5  # digits of space between two numbers
EDGE = 2.5  # percent of free space on each side, so that a mark at the edge is complete


def x(axis: Axis, value: float) -> float:
    """The horizontal position of `value`, in percent from the left."""
    return EDGE + (100 - 2 * EDGE) * axis.share(value)


def interval(
    axis: Axis, found: Interval, note: str, down: float = 0.5, proxy: bool = False, stale: bool = False
) -> Markup:
    """A mean with its interval. `down` is the vertical position (0 top, 1 bottom); `note` is the text for a tooltip."""
    low, mean, high = (f"{x(axis, value):.3f}%" for value in (found.low, found.mean, found.high))
    bar = tag("line", x1=low, x2=high, y1=0, y2=0)
    ends = [tag("line", x1=end, x2=end, y1=-5, y2=5) for end in (low, high)]
    kind = "proxy" if proxy else "ours"
    return tag(
        "svg",
        tag("title", note),
        bar,
        *ends,
        _mark(mean, 0, proxy),
        y=f"{100 * down:.3f}%",
        overflow="visible",
        class_=f"{kind} old" if stale else kind,
    )


def _mark(across: str, y: float, proxy: bool) -> Markup:
    """A filled circle for our number, a hollow diamond for a proxy. They are distinguished without colour."""
    if proxy:
        return tag("svg", tag("path", d="M0-6 6 0 0 6-6 0Z"), x=across, y=y, overflow="visible")
    return tag("circle", cx=across, cy=y, r=5)


def band(axis: Axis, low: float, high: float) -> Markup:
    """A band from `low` to `high`."""
    left, right = x(axis, low), x(axis, high)
    return tag("rect", x=f"{left:.3f}%", y=0, width=f"{max(right - left, 0.2):.3f}%", height="100%", class_="band")


def upright(axis: Axis, value: float, kind: str) -> Markup:
    """A vertical line at one value. `kind` is its CSS class."""
    across = f"{x(axis, value):.3f}%"
    return tag("line", x1=across, x2=across, y1=0, y2="100%", class_=kind)


def scale(axis: Axis, room: float = ROOM) -> Markup:
    """The scale of an axis: the numbers at its ticks, as many as fit in a width of `room` digits."""
    labels = [
        tag("text", label, x=f"{x(axis, tick):.3f}%", y=14, text_anchor="middle")
        for tick, label in labelled(axis, room)
    ]
    return tag("svg", *labels, class_="repro-strip", width="100%", height=20, focusable="false")


def labelled(axis: Axis, room: float = ROOM) -> list[tuple[float, str]]:
    """The ticks that have a number, each with its text: all, or every second, third ... one if there is less room.

    Zero keeps its number. `room` is the width of the axis in digits.
    """
    found = [(tick, _tick(axis, tick)) for tick in axis.ticks]
    width = max((len(label) for _, label in found), default=0) + BETWEEN
    step = math.ceil(len(found) * width / room) or 1
    zero = next((place for place, (tick, _) in enumerate(found) if tick == 0), 0)
    return found[zero % step :: step]


def _tick(axis: Axis, tick: float) -> str:
    if axis.log:
        return typeset(f"{tick:g}")
    decimals = max(0, -math.floor(math.log10(axis.step)))
    return f"{tick:.{decimals}f}".replace("-", "−")


def key(kind: str, words: str) -> Markup:
    """The legend entry of one kind of mark: `paper`, `ours`, `proxy` or `ours old`."""
    if kind == "paper":
        marks = [
            tag("rect", x=4, y=0, width=26, height=18, class_="band"),
            tag("line", x1=17, x2=17, y1=0, y2=18, class_="paper"),
        ]
    else:
        marks = [tag("g", tag("line", x1=2, x2=32, y1=9, y2=9), _mark("17", 9, kind == "proxy"), class_=kind)]
    return tag(
        "li",
        tag("svg", *marks, width=34, height=18, class_="repro-strip", aria_hidden="true"),
        tag("span", join([words])),
    )
