"""A row per claim: where the paper puts the number, with its tolerance, and where the records put it.

Claims of one metric share an axis; differences have their own. Positions are percentages, so that a figure is as wide
as its column and its letters stay readable on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from repro.paper import Claim
from repro.report import cells
from repro.report.axis import Axis, Extent, apart, around
from repro.report.markup import Markup, join, link, picture, tag
from repro.report.outcome import SIGNS, badge, counts
from repro.report.page import Page
from repro.report.words import count, number, slug, spread, typeset
from repro.verdict import Evidence, Verdict, bound, upward

LANE = 20  # pixels of height per interval
EDGE = 2.5  # percent kept free on either side, so that a mark at the border is whole


def figure(page: Page) -> Markup:
    """Every claim that was read in the paper: a row each, by metric; a square each where a number is printed."""
    read = [verdict for verdict in page.verdicts if verdict.claim.kind != "unread"]
    if not read:
        return tag("p", "No claim of this paper has been read in the paper yet.", class_="repro-muted")
    printed = [verdict for verdict in read if verdict.claim.kind == "printed"]
    drawn = [rows(page, [verdict for verdict in read if verdict.claim.kind != "printed"])]
    return join([*drawn, *([squares(page, printed)] if printed else [])])


def one(page: Page, verdict: Verdict) -> Markup:
    """One claim as a row or, printed, as a square."""
    return squares(page, [verdict]) if verdict.claim.kind == "printed" else rows(page, [verdict])


def rows(page: Page, verdicts: Sequence[Verdict]) -> Markup:
    """A row per claim, those of one metric on one axis where it shows them all; nothing without claims."""
    groups: dict[tuple[str, bool], list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.claim.metric, bool(verdict.claim.over)), []).append(verdict)
    drawn = [
        _group(page, *key, [members[place] for place in places], first=0 in places)
        for key, members in groups.items()
        for places in apart([_extent(verdict) for verdict in members])
    ]
    return tag("figure", *drawn, _legend(verdicts), class_="repro-figure") if drawn else Markup("")


def tables(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    """The verdicts by the table that prints them; those of no table come last, under the empty name."""
    found: dict[str, list[Verdict]] = {}
    for verdict in sorted(verdicts, key=lambda verdict: not verdict.claim.table):
        found.setdefault(verdict.claim.table, []).append(verdict)
    return found


def squares(page: Page, verdicts: Sequence[Verdict]) -> Markup:
    """A square per printed number, each a link to its place, in a field per table of the paper."""
    fields = []
    for members in tables(verdicts).values():
        links = [tag("li", _square(page, verdict)) for verdict in members]
        fields.append(
            tag(
                "div",
                tag("span", cells.title(members)),
                tag("ul", *links, class_="repro-squares"),
                class_="repro-field",
            )
        )
    what = f": {count(len(verdicts), 'square')}, in the order of the paper"
    head = tag("div", tag("strong", "Printed numbers"), what, counts(verdicts), class_="repro-figure-head")
    return tag("figure", head, *fields, class_="repro-figure")


def _square(page: Page, verdict: Verdict) -> Markup:
    words = f"{verdict.claim.says}: {verdict.outcome}"
    kind = f"repro-square {slug(verdict.outcome)}"
    sign = tag("span", SIGNS[verdict.outcome], aria_hidden="true")
    return tag("a", sign, href=page.place(verdict.claim), title=words, aria_label=words, class_=kind)


def target(claim: Claim) -> tuple[float, float] | None:
    """Between which values the paper's number lies: its tolerance, or the digits it prints."""
    if claim.printed:
        printed, digit = claim.digits
        return float(printed - digit / 2), float(printed + digit / 2)
    if claim.value is None:
        return None
    return claim.value - (claim.tolerance or 0.0), claim.value + (claim.tolerance or 0.0)


def edge(claim: Claim) -> float | None:
    """The bound of a claim that is told by its sign."""
    return bound(claim) if claim.kind == "comparison" and claim.value is None else None


def claimed(claim: Claim, unit: str) -> str:
    """What the paper says, in few words: `6 ± 0.5 dB`, `above 3 dB`."""
    if claim.kind == "unread":
        return "not read yet"
    if claim.printed:
        return f"{typeset(claim.printed)}, to the digit printed"
    if claim.value is not None:
        return f"{number(claim.value)} ± {number(claim.tolerance or 0.0)} {unit}".rstrip()
    other = f"better than {claim.over.removeprefix('configs/').removesuffix('.gin')}"
    if claim.bound is None:
        return other
    return f"{'above' if claim.above is not None else 'below'} {number(claim.bound)} {unit}".rstrip()


def _group(page: Page, metric: str, difference: bool, verdicts: Sequence[Verdict], first: bool) -> Markup:
    unit = page.unit(verdicts[0].claim)
    axis = around(value for verdict in verdicts for value in _extent(verdict).values)
    name = f"{metric}, difference of two configs" if difference else metric
    other = "" if first else ", on another scale"
    head = tag("p", tag("strong", name), f" in {unit}" if unit else "", other, class_="repro-figure-head")
    rows = [_row(page, verdict, axis, unit) for verdict in verdicts]
    scale = tag("div", tag("span"), _scale(axis), tag("span"), class_="repro-row", aria_hidden="true")
    return tag("div", head, *rows, scale, class_="repro-group")


def _extent(verdict: Verdict) -> Extent:
    """Every number that a row shows, and its bands and intervals."""
    line = edge(verdict.claim)
    shown = [band for band in (target(verdict.claim),) if band]
    shown += [(found.interval.low, found.interval.high) for found in verdict.evidence]
    alone = [] if line is None else [line]
    return Extent([*alone, *(value for pair in shown for value in pair)], [high - low for low, high in shown])


def _row(page: Page, verdict: Verdict, axis: Axis, unit: str) -> Markup:
    says = link(verdict.claim.says, page.place(verdict.claim), class_="repro-row-name")
    whose = ", ".join(_name(found) for found in verdict.evidence)
    lead = "from the top: " if len(verdict.evidence) > 1 else ""
    name = tag("div", says, tag("div", f"{lead}{whose}", class_="repro-row-whose") if whose else "")
    return tag("div", name, _strip(verdict, axis, unit), badge(verdict.outcome), class_="repro-row")


def _strip(verdict: Verdict, axis: Axis, unit: str) -> Markup:
    height = LANE * max(len(verdict.evidence), 1) + 8
    grid = [_upright(axis, tick, "grid") for tick in axis.ticks]
    lanes = len(verdict.evidence)
    marks = [_interval(axis, found, (lane + 0.5) / lanes, unit) for lane, found in enumerate(verdict.evidence)]
    return picture(
        f"{verdict.claim.id}: {verdict.outcome}",
        _say(verdict, unit),
        *grid,
        *_paper(verdict, axis),
        *marks,
        class_="repro-strip",
        width="100%",
        height=height,
    )


def _say(verdict: Verdict, unit: str) -> str:
    """The row in words, for those who do not see it."""
    parts = [f"The paper says {claimed(verdict.claim, unit)}"]
    parts += [
        f"{'the proxy' if found.proxy else 'ours'} {_name(found)} gives {spread(found.interval, unit)}"
        for found in verdict.evidence
    ]
    return "; ".join(parts if len(parts) > 1 else [*parts, "no record answers it"]) + "."


def _name(found: Evidence) -> str:
    return found.config.removeprefix("configs/").removesuffix(".gin")


def _paper(verdict: Verdict, axis: Axis) -> list[Markup]:
    """The band in which our interval should lie, and the paper's own number or bound as a line."""
    between, line = target(verdict.claim), edge(verdict.claim)
    if between is not None:
        return [_band(axis, *between), _upright(axis, sum(between) / 2, "paper")]
    if line is None:
        return []
    identity = next((found.identity for found in verdict.evidence), {})
    side = _band(axis, line, axis.high) if upward(verdict.claim, identity) else _band(axis, axis.low, line)
    known = bool(identity) or not verdict.claim.over  # without a record nobody knows which way is better
    return [*([side] if known else []), _upright(axis, line, "paper")]


def _band(axis: Axis, low: float, high: float) -> Markup:
    left, right = _x(axis, low), _x(axis, high)
    return tag("rect", x=f"{left:.3f}%", y=0, width=f"{max(right - left, 0.2):.3f}%", height="100%", class_="band")


def _interval(axis: Axis, found: Evidence, down: float, unit: str) -> Markup:
    """A mean and its interval, at the share `down` of the row's height."""
    ours, kind = found.interval, "proxy" if found.proxy else "ours"
    note = f"{_name(found)}: {spread(ours, unit)}, {count(ours.seeds, 'seed')}, {count(ours.items, 'item')}"
    low, mean, high = (f"{_x(axis, value):.3f}%" for value in (ours.low, ours.mean, ours.high))
    bar = tag("line", x1=low, x2=high, y1=0, y2=0)
    ends = [tag("line", x1=x, x2=x, y1=-5, y2=5) for x in (low, high)]
    return tag(
        "svg",
        tag("title", note),
        bar,
        *ends,
        _mark(mean, 0, found.proxy),
        y=f"{100 * down:.3f}%",
        overflow="visible",
        class_=f"{kind} old" if found.stale else kind,
    )


def _mark(x: str, y: float, proxy: bool) -> Markup:
    """A filled circle for ours, a hollow diamond for a proxy: told apart without colour."""
    if proxy:
        return tag("svg", tag("path", d="M0-6 6 0 0 6-6 0Z"), x=x, y=y, overflow="visible")
    return tag("circle", cx=x, cy=y, r=5)


def _upright(axis: Axis, value: float, kind: str) -> Markup:
    x = f"{_x(axis, value):.3f}%"
    return tag("line", x1=x, x2=x, y1=0, y2="100%", class_=kind)


def _x(axis: Axis, value: float) -> float:
    """Percent from the left."""
    return EDGE + (100 - 2 * EDGE) * axis.share(value)


def _scale(axis: Axis) -> Markup:
    half = axis.step / 2
    labels = [
        tag("text", _tick(tick, half), x=f"{_x(axis, tick):.3f}%", y=14, text_anchor="middle") for tick in axis.ticks
    ]
    return tag("svg", *labels, class_="repro-strip", width="100%", height=20, focusable="false")


def _tick(tick: float, half: float) -> str:
    decimals = max(0, -math.floor(math.log10(2 * half)))
    return f"{tick:.{decimals}f}".replace("-", "−")


def _legend(verdicts: Sequence[Verdict]) -> Markup:
    """What the marks mean, those alone that occur."""
    evidence = [found for verdict in verdicts for found in verdict.evidence]
    items = [_key("paper", "the paper: its number or bound; the band is where ours should lie")]
    if any(not found.proxy for found in evidence):
        items.append(_key("ours", "ours: mean and 95 % interval"))
    if any(found.proxy for found in evidence):
        items.append(
            _key(
                "proxy",
                "a proxy: the same question on data anyone can have. It is evidence for a trend; "
                "its value is not comparable to the paper's",
            )
        )
    if any(found.stale for found in evidence):
        items.append(_key("ours old", "faded: the config or its code has changed since, the record is stale"))
    return tag("figcaption", tag("ul", *items, class_="repro-legend"))


def _key(kind: str, words: str) -> Markup:
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
