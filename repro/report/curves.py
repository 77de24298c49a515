"""Learning curves: a panel per family of configs, a line per training. A line is the mean of the seeds.

A number at its end and a colour identify a line; a dashed line is the validation loss. The shade is from the lowest to
the highest seed. A switch (`repro.js`) changes the horizontal axis: steps, epochs, items or time. Metrics that the
runs measured at each validation have a row of panels each, below the losses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from repro.record import Record
from repro.report import percent
from repro.report.families import Family, Training, families
from repro.report.html import panel
from repro.report.html.axis import Axis, around
from repro.report.html.markup import Markup, fold, join, link, picture, tag
from repro.report.html.words import count, number, slug
from repro.report.page import Page

NAMES = {"train": "training loss", "valid": "validation loss"}
OPEN = 3  # visible panels, one row of a wide page; the others are in a fold
GAP = 11  # between two numbers at the ends of lines, so that they do not overlap
UNITS = ((90, 1, "seconds"), (5400, 60, "minutes"), (float("inf"), 3600, "hours"))

Curve = Sequence[tuple[float, float, float, float]]  # step, mean, lowest and highest seed


@dataclass(frozen=True)
class Quantity:
    """What the panels of a row draw: the loss, or one metric.

    `names`: the names of the curves in a record, each with its name in words. `axis` is the name of the vertical axis;
    "" for the loss, whose axis names the loss of the family. Values are multiplied by `by` (100 for percent). `valid`:
    measured at the validations; otherwise a number of the training, such as the accuracy of a discriminator.
    """

    names: Mapping[str, str]
    axis: str = ""
    by: float = 1.0
    valid: bool = True


LOSS = Quantity(NAMES)


@dataclass(frozen=True)
class Across:
    """One horizontal axis. `rates`: the length of one step on it for each training, such as epochs per step."""

    key: str
    name: str
    axis: Axis
    rates: Sequence[float]


def curves(page: Page) -> Markup:
    """A panel for each family, the headline claims' first."""
    shown = families(page)
    if not shown:
        return tag("p", "No record of this paper has learning curves.", class_="repro-muted")
    keys = choices([one for family in shown for one in family.trainings])
    losses, *metrics = [_row(page, shown, keys, quantity) for quantity in (LOSS, *measured(page))]
    single = {found.config for found in page.records if found.curves} - {found.config for found in page.curved}
    names = ", ".join(page.paper.label(name) for name in sorted(single))
    short = [tag("p", f"Too short for a curve: {names}.", class_="repro-muted")] if single else []
    head = tag("div", tag("p", _read(shown), class_="repro-muted"), _switch(keys), class_="repro-curves-head")
    return tag("div", head, losses, *metrics, *short, class_="repro-curves")


def measured(page: Page) -> list[Quantity]:
    """The metrics that the runs measured at each validation, and the other numbers of their trainings."""
    units = {one.metric: str(one.identity.get("unit", "")) for found in page.records for one in found.measurements}
    names = (name for found in page.curved for name, points in found.curves.items() if len(points) > 1)
    known = []
    for name in dict.fromkeys(name for name in names if name not in NAMES):
        label = page.paper.label(name)
        by, unit = percent.factor(page.paper, name, units.get(name, ""))
        valid = any(steps(found, name) == steps(found, "valid") for found in page.curved if name in found.curves)
        known.append(Quantity({name: label}, f"{label}, {unit}" if unit else label, by, valid))
    return known


def steps(found: Record, name: str) -> list[float]:
    """The steps at which a curve of a record has a point."""
    return [point[0] for point in found.curves.get(name, ())]


def _row(page: Page, shown: Sequence[Family], keys: Sequence[str], quantity: Quantity) -> Markup:
    """The panels of one quantity; those after the first `OPEN` are in a fold. A metric has its name above them."""
    panels = list(filter(None, (_panel(page, family, keys, quantity) for family in shown)))
    rest = [fold(f"{count(len(panels) - OPEN, 'more panel')}", _grid(panels[OPEN:]))] if panels[OPEN:] else []
    where = ", on the validation items" if quantity.valid else ", in training"
    head = [tag("p", tag("strong", quantity.axis), where)] if quantity.axis and panels else []
    return join([*head, _grid(panels[:OPEN]), *rest])


def choices(trainings: Sequence[Training]) -> list[str]:
    """The horizontal axes of all these trainings: steps, and epochs, items and time if all records have them."""
    known: dict[str, list[float | None]] = {
        "epochs": [one.steps_per_epoch for one in trainings],
        "items": [one.batch for one in trainings],
        "time": [one.step_seconds for one in trainings],
    }
    return ["steps", *(key for key, values in known.items() if all(values))]


def _read(shown: Sequence[Family]) -> str:
    """How to read the lines."""
    records = [record for family in shown for one in family.trainings for record in one.records]
    valid = "Solid: training loss, dashed: validation loss. " if any("valid" in one.curves for one in records) else ""
    many = max(len(one.seeds) for family in shown for one in family.trainings)
    return f"{valid}{'Line: the mean of the seeds, shade: from the lowest to the highest. ' if many > 1 else ''}"


def _switch(keys: Sequence[str]) -> Markup:
    """Radio buttons for the horizontal axis. They are hidden without JavaScript, which shows steps."""
    if len(keys) == 1:
        return Markup("")
    buttons = [
        tag("label", tag("input", type="radio", name_="repro-across", value=key, checked=key == "steps"), key)
        for key in keys
    ]
    return tag("fieldset", tag("legend", "Horizontal axis: "), *buttons, class_="repro-switch", hidden=True)


def _grid(panels: Sequence[Markup]) -> Markup:
    return tag("div", *panels, class_="repro-panels")


def _panel(page: Page, family: Family, keys: Sequence[str], quantity: Quantity) -> Markup:
    """The curves of one family, and the names of its lines. A box hides a line. Empty if it has no such curves."""
    drawn = [{name: averaged(one, name, quantity.by) for name in quantity.names} for one in family.trainings]
    points = [point for one in drawn for points in one.values() for point in points]
    if not points:
        return Markup("")
    upward = panel.scale([value for point in points for value in point[1:]])
    axes = [_across(key, family.trainings) for key in keys]
    said = [_say(label, one, quantity) for label, one in zip(family.labels, drawn, strict=True)]
    lines = [_line(n, said[n], one, axes, upward) for n, one in enumerate(drawn)]
    below = [tag("g", *panel.below(one.axis, one.name), data_axis=one.key, display=_shown(one)) for one in axes]
    shape = picture(
        f"Learning curves: {family.title}",
        " ".join(filter(None, said)),
        *panel.side(upward, quantity.axis or f"loss ({page.paper.label(family.loss)})"),
        *below,
        *lines,
        *_ends(drawn, axes, upward),
        viewBox=panel.BOX,
        data_left=panel.LEFT,
        class_="repro-curve",
    )
    entries = [
        _entry(page, n, label, one)
        for n, (label, one) in enumerate(zip(family.labels, family.trainings, strict=True))
        if said[n]
    ]
    return tag("figure", tag("figcaption", family.title), shape, tag("ul", *entries), class_="repro-panel")


def averaged(one: Training, name: str, by: float = 1.0) -> Curve:
    """The mean, the lowest and the highest value of the seeds, at the steps that all of them have."""
    losses = [{point[0]: by * point[1] for point in found.curves.get(name, ())} for found in one.records]
    steps = sorted(set.intersection(*(set(found) for found in losses)))
    rows = [(step, [found[step] for found in losses]) for step in steps]
    return [(step, fmean(values), min(values), max(values)) for step, values in rows]


def _across(key: str, trainings: Sequence[Training]) -> Across:
    """One horizontal axis, from 0 to the end of the longest training."""
    if key == "epochs":
        rates, name = [1 / (one.steps_per_epoch or math.inf) for one in trainings], "epoch"
    elif key == "items":
        rates, name = [float(one.batch or 0) for one in trainings], "training items"
    elif key == "time":
        seconds = [one.step_seconds or 0.0 for one in trainings]
        longest = max(s * one.records[0].cost["steps"] for s, one in zip(seconds, trainings, strict=True))
        size, name = next((size, name) for limit, size, name in UNITS if longest < limit)
        rates = [one / size for one in seconds]
    else:
        rates, name = [1.0] * len(trainings), "step"
    ends = [rate * _last(one) for rate, one in zip(rates, trainings, strict=True)]
    return Across(key, name, around([0.0, *ends], ticks=4, margin=0.0), rates)


def _last(one: Training) -> float:
    return max(point[0] for found in one.records for points in found.curves.values() for point in points)


def _shown(one: Across) -> str | None:
    return None if one.key == "steps" else "none"


def _factors(axes: Sequence[Across], n: int) -> dict[str, float]:
    """How `repro.js` stretches line `n` for the other axes, as `data-items` and `data-time`."""
    steps = axes[0].axis.high
    return {f"data_{one.key}": one.rates[n] * steps / one.axis.high for one in axes[1:]}


def _line(n: int, said: str, drawn: dict[str, Curve], axes: Sequence[Across], upward: Axis) -> Markup:
    """The lines and the shade of one training. Its tooltip, `said`, is the first and the last value."""
    across, parts = axes[0].axis, [tag("title", said)]
    for name, points in drawn.items():
        if any(low < high for _, _, low, high in points):
            thin = [*points[:-1:2], *points[-1:]]
            edge = [(step, high) for step, _, _, high in thin] + [(step, low) for step, _, low, _ in reversed(thin)]
            parts.append(tag("path", d=f"{_path(edge, across, upward)}z", class_="shade"))
        if len(points) > 1:
            line = [(step, mean) for step, mean, _, _ in points]
            parts.append(tag("path", d=_path(line, across, upward), class_=name if name in NAMES else "metric"))
    return tag("g", tag("g", *parts, transform="scale(.1)"), class_=f"line c{n + 1}", **_factors(axes, n))


def _path(points: Sequence[tuple[float, float]], across: Axis, upward: Axis) -> str:
    """The path through the points, in tenths of a unit, relative to the point before: this is the shortest text."""
    places = [(round(10 * panel.x(across, at)), round(10 * panel.y(upward, value))) for at, value in points]
    (x, y), text = places[0], f"M{places[0][0]} {places[0][1]}l"
    for after in places[1:]:
        text += f"{after[0] - x} {after[1] - y} "
        x, y = after
    return text.replace(" -", "-").rstrip()


def _ends(drawn: Sequence[dict[str, Curve]], axes: Sequence[Across], upward: Axis) -> list[Markup]:
    """The number of each line at the end of its first curve (of the losses: the training loss)."""
    ends = {
        n: next(points[-1] for points in one.values() if points) for n, one in enumerate(drawn) if any(one.values())
    }
    places = apart([(panel.x(axes[0].axis, end[0]) + 3, panel.y(upward, end[1]) + 4) for end in ends.values()])
    return [
        tag("text", str(n + 1), x=f"{x:.1f}", y=f"{y:.1f}", class_=f"end c{n + 1}", **_factors(axes, n))
        for n, (x, y) in zip(ends, places, strict=True)
    ]


def apart(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The places of numbers, moved upward where they would overlap. The lowest stays within the panel."""
    moved: dict[int, tuple[float, float]] = {}
    for n in sorted(range(len(places)), key=lambda n: -places[n][1]):
        x, y = places[n][0], min(places[n][1], panel.HEIGHT - panel.BOTTOM + 2.0)
        for other, taken in sorted(moved.values(), key=lambda place: -place[1]):
            if abs(other - x) < GAP and abs(taken - y) < GAP:
                y = taken - GAP
        moved[n] = (x, y)
    return [moved[n] for n in range(len(places))]


def _say(label: str, drawn: dict[str, Curve], quantity: Quantity) -> str:
    """The first and the last value of one training, in words; "" if it has no curve."""
    parts = [
        f"{quantity.names[name]} {_point(points[0])}, then {_point(points[-1])}"
        for name, points in drawn.items()
        if points
    ]
    return f"{label}: {'; '.join(parts)}." if parts else ""


def _point(point: tuple[float, float, float, float]) -> str:
    return f"{number(float(f'{point[1]:.3g}'))} at step {point[0]:,.0f}"


def _entry(page: Page, n: int, label: str, one: Training) -> Markup:
    """The name of a line, with a link to its records and a box that hides it."""
    others = [page.paper.label(name) for name in one.configs[1:]]
    box = tag("input", type="checkbox", value=str(n + 1), checked=True, aria_label=f"show {label}")
    name = link(label, f"{page.address}#{slug('records', one.configs[0])}")
    same = f" (the same training: {'; '.join(others)})" if others else ""
    return tag("li", tag("label", box, tag("span", str(n + 1)), class_=f"c{n + 1}"), name, same)
