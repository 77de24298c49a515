"""Learning curves: a panel per config, a line per seed. Colour and dashes distinguish training and validation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from repro.record import Record
from repro.report.html import panel
from repro.report.html.axis import Axis, around
from repro.report.html.markup import Markup, fold, join, link, picture, tag
from repro.report.html.words import count, number
from repro.report.page import Page

NAMES = {"train": "training loss", "valid": "validation loss"}
OPEN = 6  # visible panels; the others are in a fold

Curve = Sequence[Sequence[float]]


def curves(page: Page) -> Markup:
    """A panel for every config whose records have a curve of at least two points."""
    records = sorted(page.curved, key=page.rank)
    if not records:
        return tag("p", "No record of this paper has learning curves.", class_="repro-muted")
    panels = [_panel(page, list(mine)) for _, mine in groupby(records, key=lambda found: found.config)]
    names = sorted({name for found in records for name in found.curves}, key=list(NAMES).index)
    keys = [tag("li", _key(name), tag("span", NAMES[name])) for name in names]
    single = {found.config for found in page.records if found.curves} - {found.config for found in records}
    short = [tag("p", f"Too short for a curve: {', '.join(sorted(single))}.", class_="repro-muted")] if single else []
    rest = [fold(f"{count(len(panels) - OPEN, 'more config')}", _grid(panels[OPEN:]))] if panels[OPEN:] else []
    return join([tag("ul", *keys, class_="repro-legend"), _grid(panels[:OPEN]), *rest, *short])


def _grid(panels: Sequence[Markup]) -> Markup:
    return tag("div", *panels, class_="repro-panels")


def _panel(page: Page, records: Sequence[Record]) -> Markup:
    """The curves of one config: all its seeds on the same axes."""
    drawn = [(name, points) for found in records for name, points in found.curves.items() if len(points) > 1]
    across = around([0.0, *(point[0] for _, points in drawn for point in points)], ticks=4, margin=0.0)
    upward = panel.scale([point[1] for _, points in drawn for point in points])
    lines = [part for name, points in drawn for part in _curve(name, points, across, upward)]
    shape = picture(
        f"Learning curves of {records[0].config}",
        _say(drawn, upward),
        *panel.frame(across, upward, "step"),
        *lines,
        viewBox=panel.BOX,
        class_="repro-curve",
    )
    seeds = join([link(str(found.seed), page.origin(found)) for found in records], ", ")
    noun = "seed" if len(records) == 1 else "seeds"
    return tag("figure", shape, tag("figcaption", f"{records[0].config}, {noun} ", seeds), class_="repro-panel")


def _say(drawn: Sequence[tuple[str, Curve]], upward: Axis) -> str:
    """The first and last loss of the curves, in words. Several seeds give a range, from the smallest to the largest."""
    parts = []
    for name in dict.fromkeys(name for name, _ in drawn):
        first, last = ([points[at] for other, points in drawn if other == name] for at in (0, -1))
        parts.append(f"the {name} loss starts at {_reach(first)} and ends at {_reach(last)}")
    text = "; ".join(parts) + (", on a logarithmic axis." if upward.log else ".")
    return text[:1].upper() + text[1:]


def _reach(points: Sequence[Sequence[float]]) -> str:
    values, steps = (sorted({point[index] for point in points}) for index in (1, 0))
    said = " to ".join(number(value) for value in dict.fromkeys((values[0], values[-1])))
    return f"{said} (step {number(steps[-1])})"


def _curve(name: str, points: Curve, across: Axis, upward: Axis) -> list[Markup]:
    places = [(panel.x(across, step), panel.y(upward, value)) for step, value in points]
    line = tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places), class_=f"curve {name}")
    if name != "valid" or len(places) > 25:
        return [line]
    return [line, *(tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=2.6, class_="dot valid") for x, y in places)]


def _key(name: str) -> Markup:
    dots = [tag("circle", cx=17, cy=9, r=3, class_="dot valid")] if name == "valid" else []
    line = tag("polyline", points="2,9 32,9", class_=f"curve {name}")
    return tag("svg", line, *dots, width=34, height=18, class_="repro-curve", aria_hidden="true")
