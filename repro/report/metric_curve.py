"""A curve of a metric over a number in its name, or in the name of the test set: F1 by tolerance, error by epsilon.

A `*` in the name stands for the number. Each config is a line through its means, with a band of the 95 % intervals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from repro.errors import BadInput, nearest
from repro.interval import Interval, interval
from repro.report import entrants, percent
from repro.report.curves import apart
from repro.report.entrants import Entrant, Field
from repro.report.families import MOST
from repro.report.html import panel
from repro.report.html.axis import Axis, around
from repro.report.html.markup import Markup, box, fold, link, picture, row, tag, unbroken
from repro.report.html.words import number, spread
from repro.report.page import Page

NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)"
TICKS = 7  # with more points, the horizontal axis has round numbers instead of the points


@dataclass(frozen=True)
class Line:
    """One config: its mean with the interval, in `unit`, at each number of the horizontal axis."""

    entrant: Entrant
    points: dict[float, Interval]


@dataclass(frozen=True)
class Curve:
    """All lines of a figure, with the names of both axes, and the configs that have not run."""

    lines: list[Line]
    across: str
    upward: str
    unit: str
    waiting: list[str]
    sample: str  # on which items, with how many seeds

    @property
    def places(self) -> list[float]:
        """The numbers of the horizontal axis."""
        return list(self.lines[0].points)


def gather(page: Page, configs: Sequence[str], metric: str, test: str, across: str = "", upward: str = "") -> Curve:
    """The curve of `configs`; without names, of all configs of the paper that measured the metrics.

    One of `metric` and `test` contains a `*`. Raises BadInput if not, if fewer than two names fit, and for everything
    for which a leaderboard of one of the points would be refused.
    """
    if (metric + test).count("*") != 1:
        raise BadInput(f"metric '{metric}' and test '{test}'", expected="one * for the number, in one of the two")
    names = _names(page, configs, metric, test)
    fields = {at: entrants.gather(page, configs, *names[at]) for at in sorted(names)}
    first = next(iter(fields.values()))
    units = {str(one.found[0].identity.get("unit", "")) for field in fields.values() for one in field.ran}
    if len(units) > 1:
        raise BadInput(f"these metrics have different units: {', '.join(sorted(units))}")
    by, unit = percent.factor(first.ran[0].page.paper, first.metric, units.pop())
    lines = [_line(one, fields, by) for one in first.ran]
    upward = upward or (metric if "*" in test else " ".join(metric.replace("*", " ").split()))
    waiting = [one.label for one in first.entrants if not one.found]
    return Curve(lines, across or (test if "*" in test else metric), upward, unit, waiting, _sample(lines, test))


def _names(page: Page, configs: Sequence[str], metric: str, test: str) -> dict[float, tuple[str, str]]:
    """The metric and the test set of each point."""
    records = [record for one in entrants.wanted(page, configs) for record in one.records]
    known = {(found.metric, found.test) for record in records for found in record.measurements}
    pattern = re.compile(
        "".join(NUMBER if part == "*" else re.escape(part) for part in re.split(r"(\*)", f"{metric}\n{test}"))
    )
    hits = {pair: hit for pair in known if (hit := pattern.fullmatch("\n".join(pair)))}
    if len(hits) < 2:
        which = 0 if "*" in metric else 1
        near = nearest((metric, test)[which], {pair[which] for pair in known})
        raise BadInput(f"{len(hits)} of the measured metrics fit '{metric}' on '{test}', a curve needs two{near}")
    return {float(hit[1]): pair for pair, hit in hits.items()}


def _line(one: Entrant, fields: dict[float, Field], by: float) -> Line:
    same = {at: next(other for other in field.ran if other.name == one.name) for at, field in fields.items()}
    return Line(one, {at: interval(other.rows).scaled(by) for at, other in same.items()})


def _sample(lines: Sequence[Line], test: str) -> str:
    """The test set, and the numbers of seeds and items."""
    found = [next(iter(line.points.values())) for line in lines]
    seeds, items = ({getattr(one, key) for one in found} for key in ("seeds", "items"))
    many = (" to ".join(f"{n:,}" for n in sorted({min(values), max(values)})) for values in (seeds, items))
    return f"{test}: {' × '.join(many)} (seeds × items)"


def figure(curve: Curve) -> Markup:
    """A panel for each `MOST` lines, and a table of all numbers in a fold."""
    parts = -(-len(curve.lines) // MOST)
    size = -(-len(curve.lines) // parts)
    groups = [curve.lines[first : first + size] for first in range(0, len(curve.lines), size)]
    ends = [value for line in curve.lines for one in line.points.values() for value in (one.low, one.high)]
    across, upward = around(curve.places, ticks=4, margin=0.0), panel.scale(ends)
    title = f"{curve.upward}{f', {curve.unit}' if curve.unit else ''}, by {curve.across}"
    panels = [_panel(curve, lines, across, upward, title) for lines in groups]
    said = f"{title}. On {curve.sample}. Line: the mean; shade: its 95 % interval."
    lacking = f" Not run: {', '.join(curve.waiting)}." if curve.waiting else ""
    head = tag("p", said, lacking, class_="repro-muted")
    kind = "repro-panels wide" if len(panels) == 1 else "repro-panels"
    return tag("div", head, tag("div", *panels, class_=kind), _numbers(curve), class_="repro-curves repro-metric-curve")


def _panel(curve: Curve, lines: Sequence[Line], across: Axis, upward: Axis, title: str) -> Markup:
    marks = {at: panel.label(at) for at in curve.places} if len(curve.places) <= TICKS else None
    vertical = f"{curve.upward}, {curve.unit}" if curve.unit else curve.upward
    ends = [(panel.x(across, at) + 3, panel.y(upward, one.mean) + 4) for line in lines for at, one in [_last(line)]]
    numbers = [
        tag("text", str(n + 1), x=f"{x:.1f}", y=f"{y:.1f}", class_=f"end c{n + 1}")
        for n, (x, y) in enumerate(apart(ends))
    ]
    shape = picture(
        title,
        " ".join(f"{line.entrant.label}: {_words(line)}." for line in lines),
        *panel.frame(across, upward, (curve.across, vertical), marks),
        *(_drawn(n, line, across, upward) for n, line in enumerate(lines)),
        *numbers,
        viewBox=panel.BOX,
        class_="repro-curve",
    )
    entries = [_entry(n, line) for n, line in enumerate(lines)]
    return tag("figure", shape, tag("ul", *entries), class_="repro-panel")


def _last(line: Line) -> tuple[float, Interval]:
    return list(line.points.items())[-1]


def _words(line: Line) -> str:
    """The means of a line in words."""
    return ", ".join(f"{number(one.mean, (one.high - one.low) / 2)} at {at:g}" for at, one in line.points.items())


def _drawn(n: int, line: Line, across: Axis, upward: Axis) -> Markup:
    """The line, its band, and a dot at each mean."""
    rows = [(panel.x(across, at), one) for at, one in line.points.items()]
    means = [(x, panel.y(upward, one.mean)) for x, one in rows]
    highs = [(x, panel.y(upward, one.high)) for x, one in rows]
    lows = [(x, panel.y(upward, one.low)) for x, one in rows]
    parts = [tag("title", f"{line.entrant.label}: {_words(line)}")]
    parts.append(tag("path", d=f"{_path([*highs, *reversed(lows)])}Z", class_="shade"))
    parts.append(tag("path", d=_path(means), class_="metric"))
    parts += [tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=2) for x, y in means]
    return tag("g", *parts, class_=f"line c{n + 1}")


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)


def _entry(n: int, line: Line) -> Markup:
    """The name of a line, with a link to its first record and a box that hides it."""
    one = line.entrant
    check = tag("input", type="checkbox", value=str(n + 1), checked=True, aria_label=f"show {one.label}")
    name = link(one.label, one.page.origin(one.records[0]))
    return tag("li", tag("label", check, tag("span", str(n + 1)), class_=f"c{n + 1}"), name)


def _numbers(curve: Curve) -> Markup:
    """All means with their intervals, as a table in a fold."""
    heads = [tag("th", curve.across, scope="col"), *(tag("th", panel.label(at), scope="col") for at in curve.places)]
    rows = [
        row(*map(unbroken, texts(curve, line)), first=tag("th", line.entrant.label, scope="row"))
        for line in curve.lines
    ]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows), class_="number")
    return fold("All numbers, with their 95 % intervals", box(table, label=f"{curve.upward} by {curve.across}"))


def texts(curve: Curve, line: Line) -> list[str]:
    """The means of a line with their intervals, as text."""
    return [spread(one, curve.unit) for one in line.points.values()]
