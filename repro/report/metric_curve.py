"""A curve of a metric over a number in its name, or in the name of the test set: F1 by tolerance, error by epsilon.

A `*` in the name stands for the number. Each config is a line through its means, with a band of the 95 % intervals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from repro.errors import BadInput, nearest
from repro.interval import Interval, interval
from repro.report import entrants, percent, possible
from repro.report.entrants import Entrant, Field
from repro.report.families import MOST
from repro.report.html import panel
from repro.report.html.axis import Axis, around, logarithmic, wide
from repro.report.html.markup import Markup, box, fold, link, picture, row, tag, unbroken
from repro.report.html.words import number, spread
from repro.report.page import Page

NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)"
GAP = 11  # between the numbers of two lines, in the units of a panel
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


def gather(
    page: Page, configs: Sequence[str], metric: str, test: str, across: str = "", upward: str = "", zero: str = ""
) -> Curve:
    """The curve of `configs`; without names, of all configs of the paper that measured the metrics.

    One of `metric` and `test` contains a `*`. `zero` is the name that stands for the number 0, if it has no number: the
    test set without noise, for example. Raises BadInput if not, if fewer than two names fit, and for everything
    for which a leaderboard of one of the points would be refused.
    """
    if (metric + test).count("*") != 1:
        raise BadInput(f"metric '{metric}' and test '{test}'", expected="one * for the number, in one of the two")
    names = _names(page, configs, metric, test, zero)
    fields = {at: entrants.gather(page, configs, *names[at]) for at in sorted(names)}
    first = next(iter(fields.values()))
    units = {str(one.found[0].identity.get("unit", "")) for field in fields.values() for one in field.ran}
    if len(units) > 1:
        raise BadInput(f"these metrics have different units: {', '.join(sorted(units))}")
    by, unit = percent.factor(first.ran[0].page.paper, first.metric, units.pop())
    lines = [line for one in first.ran if len((line := _line(one, fields, by)).points) == len(fields)]
    if not lines:
        raise BadInput(f"no config has all {len(fields)} points of '{metric}' on '{test}'")
    upward = upward or (metric if "*" in test else " ".join(metric.replace("*", " ").split()))
    waiting = [one.label for one in first.entrants if not one.found]
    return Curve(lines, across or (test if "*" in test else metric), upward, unit, waiting, _sample(lines, test))


def _names(page: Page, configs: Sequence[str], metric: str, test: str, zero: str) -> dict[float, tuple[str, str]]:
    """The metric and the test set of each point."""
    records = [record for one in entrants.wanted(page, configs) for record in one.records]
    known = {(found.metric, found.test) for record in records for found in record.measurements}
    which = 0 if "*" in metric else 1
    pattern = re.compile(NUMBER.join(map(re.escape, f"{metric}\n{test}".split("*"))))
    hits = {float(hit[1]): pair for pair in known if (hit := pattern.fullmatch("\n".join(pair)))}
    if zero:
        hits[0.0] = (zero, test) if which == 0 else (metric, zero)
    if zero and hits[0.0] not in known:
        raise BadInput(f"no '{zero}' in the records{nearest(zero, {pair[which] for pair in known})}")
    if len(hits) < 2:
        near = nearest((metric, test)[which], {pair[which] for pair in known})
        raise BadInput(f"{len(hits)} of the measured metrics fit '{metric}' on '{test}', a curve needs two{near}")
    return hits


def _line(one: Entrant, fields: dict[float, Field], by: float) -> Line:
    """The points that a config has; it lacks some if the configs were not named and it did not measure all."""
    same = {at: other for at, field in fields.items() for other in field.ran if other.name == one.name}
    return Line(one, {at: _mean(other, by) for at, other in same.items()})


def _mean(one: Entrant, by: float) -> Interval:
    """The mean of a config with its interval, times `by`. The interval ends at what is possible."""
    return possible.within(interval(one.rows), one.found[0].identity, chain.from_iterable(one.rows)).scaled(by)


def _sample(lines: Sequence[Line], test: str) -> str:
    """The test set, and the numbers of seeds and items."""
    found = [next(iter(line.points.values())) for line in lines]
    seeds, items = ({getattr(one, key) for one in found} for key in ("seeds", "items"))
    many = (" to ".join(f"{n:,}" for n in sorted({min(values), max(values)})) for values in (seeds, items))
    which = f"the test sets {test}" if "*" in test else test
    return f"{which}: {' × '.join(many)} (seeds × items)"


def figure(curve: Curve) -> Markup:
    """A panel for each `MOST` lines, and a table of all numbers in a fold."""
    parts = -(-len(curve.lines) // MOST)
    size = -(-len(curve.lines) // parts)
    groups = [curve.lines[first : first + size] for first in range(0, len(curve.lines), size)]
    across, upward = around(curve.places, ticks=4, margin=0.08), _upward(curve)
    title = f"{curve.upward}{f', {curve.unit}' if curve.unit else ''}, by {curve.across}"
    panels = [_panel(curve, lines, across, upward, title) for lines in groups]
    said = f"{title}. On {curve.sample}. Line: the mean; shade: its 95 % interval for new test items."
    lacking = f" Not run: {', '.join(curve.waiting)}." if curve.waiting else ""
    head = tag("p", said, lacking, class_="repro-muted")
    kind = "repro-panels wide" if len(panels) == 1 else "repro-panels"
    return tag("div", head, tag("div", *panels, class_=kind), _numbers(curve), class_="repro-curves repro-metric-curve")


def _panel(curve: Curve, lines: Sequence[Line], across: Axis, upward: Axis, title: str) -> Markup:
    marks = {at: panel.label(at) for at in curve.places} if len(curve.places) <= TICKS else None
    vertical = f"{curve.upward}, {curve.unit}" if curve.unit else curve.upward
    shape = picture(
        title,
        " ".join(f"{line.entrant.label}: {_words(line)}." for line in lines),
        *panel.frame(across, upward, (curve.across, vertical), marks),
        *(_drawn(n, line, across, upward) for n, line in enumerate(lines)),
        *_names_of_lines(lines, across, upward),
        viewBox=panel.BOX,
        class_="repro-curve",
    )
    entries = [_entry(n, line) for n, line in enumerate(lines)]
    return tag("figure", shape, tag("ul", *entries), class_="repro-panel")


def _upward(curve: Curve) -> Axis:
    """The vertical axis of all intervals. It is logarithmic only if the means differ by a large factor."""
    found = [one for line in curve.lines for one in line.points.values()]
    ends = [value for one in found for value in (one.low, one.high)]
    return logarithmic(ends) if min(ends) > 0 and wide(one.mean for one in found) else around(ends, ticks=4)


def _names_of_lines(lines: Sequence[Line], across: Axis, upward: Axis) -> list[Markup]:
    """The number of each line, next to its first or its last point: where the lines are farther apart."""
    ends = [[panel.y(upward, list(line.points.values())[end].mean) for line in lines] for end in (0, -1)]
    first = sum(_gaps(ends[0])) > sum(_gaps(ends[1]))
    heights = spaced(ends[0 if first else 1])
    place = list(lines[0].points)[0 if first else -1]
    at = {"x": f"{panel.x(across, place) + (-4 if first else 4):.1f}", "text_anchor": "end" if first else None}
    return [tag("text", str(n), y=f"{height + 4:.1f}", class_=f"end c{n}", **at) for n, height in enumerate(heights, 1)]


def _gaps(heights: Sequence[float]) -> list[float]:
    """How far neighbours are from each other, at most `GAP`: farther does not help a reader."""
    return [min(below - above, GAP) for above, below in pairwise(sorted(heights))]


def spaced(heights: Sequence[float]) -> list[float]:
    """The heights of numbers, moved so that neighbours are at least `GAP` apart and all are within the panel.

    >>> spaced([50.0, 50.0, 90.0])
    [50.0, 61.0, 90.0]
    """
    order, found = sorted(range(len(heights)), key=lambda n: heights[n]), list(heights)
    for before, after in pairwise(order):
        found[after] = max(found[after], found[before] + GAP)
    lowest = panel.HEIGHT - panel.BOTTOM
    for n, place in enumerate(reversed(order)):
        found[place] = min(found[place], lowest - n * GAP)
    return found


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
