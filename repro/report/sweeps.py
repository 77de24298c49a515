"""The sweeps of a paper: a table with a row for each point, and a panel for each setting."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from repro.claim.sweep import Sweep
from repro.launch import sweeps
from repro.launch.sweeps import Result
from repro.record import SWEPT, Record
from repro.report import percent
from repro.report.html import panel
from repro.report.html.axis import Axis, around
from repro.report.html.markup import Markup, copyable, entry, fold, inline, join, link, picture, tag, worded
from repro.report.html.words import count, slug, spread
from repro.report.page import Page

OPEN = 12  # visible points; the others are in a fold
CATEGORIES = 6  # the most values that are written below a panel
DASH = 10  # half the length of the line at the mean of a value that is not a number
SAVED = "Download the record, a JSON file"
LONG = 8  # characters of such a value


def section(page: Page) -> Markup:
    """Every sweep of the paper, with what a reader must know about the best point."""
    records = [*page.records, *page.smoke, *page.points]
    told = [
        _sweep(page, replace(sweep, metric=page.paper.label(sweep.metric)), _shown(page, sweep, records))
        for sweep in page.paper.sweeps
    ]
    left = len(sweeps.todo(page.paper, records))
    if not left:
        return join(told)
    old = (
        " Points that are marked stale were measured with older code." if any(one.stale for one in page.points) else ""
    )
    text = (
        f"{count(left, 'run')} still to do for these sweeps.{old} This command does them, with the runs of the claims:"
    )
    return join([*told, tag("p", text), copyable(f"repro launch {page.name}")])


def _shown(page: Page, sweep: Sweep, records: Sequence[Record]) -> list[list[Result]]:
    """The results of each round, in percent if the page shows the metric in percent."""
    return [[_scaled(page, one) for one in made] for made in sweeps.results(page.paper, sweep, records)]


def _scaled(page: Page, one: Result) -> Result:
    measured = []
    for found in one.measured:
        by, unit = percent.factor(page.paper, found.metric, str(found.identity.get("unit", "")))
        values = found.values if by == 1.0 else [by * value for value in found.values]
        measured.append(replace(found, values=values, identity={**found.identity, "unit": unit}))
    return replace(one, measured=measured)


def _sweep(page: Page, sweep: Sweep, rounds: Sequence[Sequence[Result]]) -> Markup:
    name = tag("h3", sweep.says or sweep.id, class_="repro-sweep", id=slug("sweep", sweep.id))
    says = [tag("p", tag("code", sweep.id), class_="repro-muted")] if sweep.says else []
    measured = [one for made in rounds for one in made if one.measured]
    if not measured:
        return join([name, *says, tag("p", "No point has a record yet.", class_="repro-muted")])
    old = any(record.stale for one in measured for record in one.records)
    best = sweeps.best(rounds[-1]) if len(measured) > 1 and not old else None
    rows = [(one, one is best) for made in reversed(rounds) for one in sorted(made, key=lambda one: -one.score)]
    panels = [
        _panel(sweep, setting, mine, best)
        for setting in sweep.values
        if _varies(setting, mine := _same_length(sweep, setting, measured))
    ]
    said = _caveat(sweep, measured, OLD if old else TUNED if len(measured) > 1 else "")
    return join([name, *says, said, _table(page, sweep, rows), _panels(panels)])


def _varies(setting: str, measured: Sequence[Result]) -> bool:
    return len({dict(one.point.bindings)[setting] for one in measured}) > 1


def _same_length(sweep: Sweep, setting: str, measured: Sequence[Result]) -> list[Result]:
    """The points that a panel compares: those of the first round, because later rounds have only good points.

    The panel of the lengths themselves has all points.
    """
    return [one for one in measured if setting == sweep.halving or one.length == sweep.rounds[0]]


TUNED = (
    " The best point was chosen by these numbers, so its own number is too good, and it is not a claim. To test it, "
    "write a config with its values, and measure that with other seeds or on other data."
)
OLD = " Some points were measured with older code (*stale*), so no point is called the best."


def _caveat(sweep: Sweep, measured: Sequence[Result], more: str) -> Markup:
    """What the numbers are; `more`: why the number of the best point is no result."""
    of = count(len(measured), "point")
    unit = measured[0].measured[0].identity.get("unit", "")
    text = (
        f"{sweep.metric}{f' in {unit}' if unit else ''} on the test set `{sweep.test}`, mean and 95 % interval over "
        f"seeds, {of}.{more}"
    )
    return tag("p", inline(text), class_="repro-muted")


def _table(page: Page, sweep: Sweep, rows: Sequence[tuple[Result, bool]]) -> Markup:
    heads = ["Point", *map(_short, sweep.values), "Mean", "Seeds"]
    made = [entry(*_row(page, sweep, heads, one, best)) for one, best in rows]
    shown = worded("repro-sweep", heads, made[:OPEN], f"Points of {sweep.id}")
    if not made[OPEN:]:
        return shown
    rest = worded("repro-sweep", heads, made[OPEN:], f"More points of {sweep.id}")
    return join([shown, fold(count(len(made) - OPEN, "more point"), rest)])


def _row(
    page: Page, sweep: Sweep, heads: Sequence[str], one: Result, best: bool
) -> tuple[str, Sequence[str], list[str]]:
    bound, found = dict(one.point.bindings), one.interval
    unit = str(one.measured[0].identity.get("unit", "")) if one.measured else ""
    mean: str = "not measured" if found is None else spread(found, unit)
    name = join([tag("code", one.point.name), tag("strong", " best") if best else ""])
    seeds = join(
        [link(str(record.seed), _file(page, one, record), download=True, title=SAVED) for record in one.records], ", "
    )
    absent = len(set(one.missing) - {record.seed for record in one.records})
    lacking = f"{' and ' if one.records else ''}{count(absent, 'seed')} not run" if absent else ""
    why = "; ".join(dict.fromkeys(record.stale for record in one.records if record.stale))
    old = join([" ", tag("span", "stale", class_="repro-chip stale", title=why)]) if why else ""
    return name, heads, [*(tag("code", bound[setting]) for setting in sweep.values), mean, join([seeds, lacking, old])]


def _file(page: Page, one: Result, record: Record) -> str:
    """The address of a record: of the sweep, or of the paper if its config has these values."""
    if not record.overrides:
        return page.file("records", f"{record.stem}.json")
    return page.file("records", SWEPT, one.point.name, f"{record.stem}.json")


def _short(setting: str) -> str:
    """The last two names of a setting: `SGD.lr` for `torch.optim.SGD.lr`."""
    return ".".join(setting.split(".")[-2:])


def _panels(panels: Sequence[Markup]) -> Markup:
    if not panels:
        return Markup("")
    keys = [
        tag("li", _key(tag("circle", cx=17, cy=9, r=3.5, class_="dot ours")), tag("span", "a point: its mean")),
        tag("li", _key(tag("circle", cx=17, cy=9, r=6, class_="dot best")), tag("span", "the best point")),
        tag(
            "li",
            _key(tag("polyline", points="2,9 32,9", class_="curve train")),
            tag("span", "the mean of all points with the same value"),
        ),
    ]
    return join([tag("ul", *keys, class_="repro-legend"), tag("div", *panels, class_="repro-panels")])


def _key(mark: Markup) -> Markup:
    return tag("svg", mark, width=34, height=18, class_="repro-curve", aria_hidden="true")


def _panel(sweep: Sweep, setting: str, measured: Sequence[Result], best: Result | None) -> Markup:
    """The metric against one setting: a mark for each point, and a line through the means of the values."""
    places, across, marks = _across([dict(one.point.bindings)[setting] for one in measured])
    means = [one.interval.mean for one in measured if one.interval]
    upward = panel.scale(means)
    dots = [
        tag("circle", cx=f"{panel.x(across, at):.1f}", cy=f"{panel.y(upward, mean):.1f}", r=3.5, class_="dot ours")
        for at, mean in zip(places, means, strict=True)
    ]
    chosen = measured.index(best) if best in measured else None
    if chosen is not None:
        middle = panel.x(across, places[chosen]), panel.y(upward, means[chosen])
        dots.append(tag("circle", cx=f"{middle[0]:.1f}", cy=f"{middle[1]:.1f}", r=6, class_="dot best"))
    by_value = {at: fmean(m for p, m in zip(places, means, strict=True) if p == at) for at in sorted(set(places))}
    line = [_line(across, upward, by_value)] if marks is None else _dashes(across, upward, by_value)
    shape = picture(
        f"{sweep.metric} by {setting}",
        _say(sweep, setting, measured),
        *panel.frame(across, upward, (_short(setting), sweep.metric), marks),
        *line,
        *dots,
        viewBox=panel.BOX,
        class_="repro-curve",
    )
    return tag("figure", shape, tag("figcaption", f"{sweep.metric} by ", tag("code", setting)), class_="repro-panel")


def _line(across: Axis, upward: Axis, means: dict[float, float]) -> Markup:
    places = [f"{panel.x(across, at):.1f},{panel.y(upward, mean):.1f}" for at, mean in means.items()]
    return tag("polyline", points=" ".join(places), class_="curve train")


def _dashes(across: Axis, upward: Axis, means: dict[float, float]) -> list[Markup]:
    """A short line at each mean: values that are not numbers have no order."""
    ends = [(panel.x(across, at), panel.y(upward, mean)) for at, mean in means.items()]
    lines = (f"{x - DASH:.1f},{y:.1f} {x + DASH:.1f},{y:.1f}" for x, y in ends)
    return [tag("polyline", points=line, class_="curve train") for line in lines]


def _across(texts: Sequence[str]) -> tuple[list[float], Axis, dict[float, str] | None]:
    """The horizontal positions of values, their axis, and the labels of values that are not numbers."""
    values = [_value(text) for text in texts]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        found = [float(str(value)) for value in values]
        return found, panel.scale(found), None
    names = sorted(set(texts))
    marks = {float(place): name[:LONG] for place, name in enumerate(names)}
    axis = around(marks, margin=0.2)
    return [float(names.index(text)) for text in texts], axis, marks if len(names) <= CATEGORIES else {}


def _value(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text  # a part or a macro


def _say(sweep: Sweep, setting: str, measured: Sequence[Result]) -> str:
    """The mean of the points with each value, in words; at most the first and the last values."""
    held: dict[str, list[float]] = {}
    for one in measured:
        held.setdefault(dict(one.point.bindings)[setting], []).append(one.interval.mean if one.interval else 0.0)
    said = [f"{fmean(means):.4g} with {text}" for text, means in held.items()]
    shown = said if len(said) <= 8 else [*said[:4], "...", *said[-4:]]
    return f"The mean {sweep.metric} is {', '.join(shown)}."
