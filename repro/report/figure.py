"""The figure of claims. Each row shows the paper's number, the range that we accept, and our number with its interval.

Claims with the same metric share an axis; differences of two configs have their own axis. Positions are percentages:
the figure is as wide as its column, and its text stays readable on a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repro.claim.paper import Claim
from repro.report import cells, needed
from repro.report.html import marks
from repro.report.html.axis import Axis, Extent, apart, around
from repro.report.html.markup import Markup, join, link, picture, tag
from repro.report.html.words import count, slug, spread, typeset
from repro.report.outcome import SIGNS, badge_of, counts
from repro.report.page import Page
from repro.verdict import Evidence, Verdict, bound, upward


def figure(page: Page) -> Markup:
    """All transcribed claims: a row each, grouped by metric; printed numbers are a square each."""
    read = [verdict for verdict in page.verdicts if verdict.claim.transcribed]
    if not read:
        return tag("p", "No number of this paper is transcribed yet.", class_="repro-muted")
    printed = [verdict for verdict in read if verdict.claim.kind == "printed"]
    drawn = [rows(page, [verdict for verdict in read if verdict.claim.kind != "printed"])]
    return join([*drawn, *([squares(page, printed)] if printed else [])])


def one(page: Page, verdict: Verdict) -> Markup:
    """One claim as a row; as a square if it is a printed number."""
    return squares(page, [verdict]) if verdict.claim.kind == "printed" else rows(page, [verdict])


def rows(page: Page, verdicts: Sequence[Verdict]) -> Markup:
    """A row per claim. Claims with one metric share an axis unless their ranges are too different.

    Empty if there are no verdicts.
    """
    drawn = [_group(page, one) for one in grouped(page, verdicts)]
    return tag("figure", *drawn, _legend(verdicts), class_="repro-figure") if drawn else Markup("")


@dataclass(frozen=True)
class Group:
    """Claims that share an axis: those of one metric, unless their ranges are too different (`first` is False)."""

    metric: str
    difference: bool
    unit: str
    verdicts: list[Verdict]
    first: bool

    @property
    def name(self) -> str:
        """What the axis shows."""
        return f"{self.metric}, difference of two configs" if self.difference else self.metric

    @property
    def scale(self) -> str:
        """The unit of the axis, and whether it is not the first axis of the metric."""
        return f"{f' in {self.unit}' if self.unit else ''}{'' if self.first else ', on another scale'}"


def grouped(page: Page, verdicts: Sequence[Verdict]) -> list[Group]:
    """The groups of claims that share an axis."""
    groups: dict[tuple[str, bool, str], list[Verdict]] = {}
    for verdict in verdicts:
        claim = verdict.claim
        groups.setdefault((claim.metric, bool(claim.over), page.unit(claim)), []).append(verdict)
    return [
        Group(*key, [members[place] for place in places], first=0 in places)
        for key, members in groups.items()
        for places in apart([_extent(verdict) for verdict in members])
    ]


def tables(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    """The verdicts by table of the paper. Those that are in no table come last, under the name ""."""
    found: dict[str, list[Verdict]] = {}
    for verdict in sorted(verdicts, key=lambda verdict: not verdict.claim.table):
        found.setdefault(verdict.claim.table, []).append(verdict)
    return found


def squares(page: Page, verdicts: Sequence[Verdict]) -> Markup:
    """A square per printed number, grouped by table of the paper. Each square links to its claim."""
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
    """The range in which our number should be: the accepted range, or all numbers that round to the printed one."""
    if claim.printed:
        printed, digit = claim.digits
        return float(printed - digit / 2), float(printed + digit / 2)
    return (float(claim.accepted[0]), float(claim.accepted[1])) if claim.accepted else None


def edge(claim: Claim) -> float | None:
    """The bound of a comparison without `value`: our number must be above or below it. None for other claims."""
    return bound(claim) if claim.kind == "comparison" and claim.value is None else None


def claimed(claim: Claim, unit: str) -> str:
    """What the paper says, with its own digits: `0.950 dB`, `above 3 dB`. Our tolerance is not included."""
    if not claim.transcribed:
        return "not transcribed"
    if claim.printed:
        return typeset(claim.printed)
    if claim.value is not None:
        return f"{typeset(claim.stated)} {unit}".rstrip()
    other = f"better than {claim.over.removeprefix('configs/').removesuffix('.gin')}"
    if claim.bound is None:
        return other
    return f"{'above' if claim.above is not None else 'below'} {typeset(claim.stated)} {unit}".rstrip()


def accepted(claim: Claim, unit: str) -> str:
    """The range that we accept around the paper's number: `0.58 to 1.32 %`. Empty if there is none."""
    return f"{typeset(claim.accepts)} {unit}".rstrip() if claim.accepts else ""


def _group(page: Page, group: Group) -> Markup:
    axis = around(value for verdict in group.verdicts for value in _extent(verdict).values)
    head = tag("p", tag("strong", group.name), group.scale, class_="repro-figure-head")
    rows = [_row(page, verdict, axis, group.unit) for verdict in group.verdicts]
    scale = tag("div", tag("span"), marks.scale(axis), tag("span"), class_="repro-row", aria_hidden="true")
    return tag("div", head, *rows, scale, class_="repro-group")


def _extent(verdict: Verdict) -> Extent:
    """All numbers that a row shows, and the widths of its bands and intervals."""
    line = edge(verdict.claim)
    shown = [band for band in (target(verdict.claim),) if band]
    shown += [(found.interval.low, found.interval.high) for found in verdict.evidence]
    alone = [] if line is None else [line]
    return Extent([*alone, *(value for pair in shown for value in pair)], [high - low for low, high in shown])


def _row(page: Page, verdict: Verdict, axis: Axis, unit: str) -> Markup:
    """The row of a claim; below it, the values of proxies that cannot be compared with the claim's number."""
    apart = [found for found in verdict.evidence if found.proxy and verdict.claim.kind == "value"]
    whole = replace(verdict, evidence=[found for found in verdict.evidence if found not in apart])
    says = link(verdict.claim.says, page.place(verdict.claim), class_="repro-row-name")
    name = tag("div", says, _whose(whole.evidence))
    row = tag("div", name, _strip(whole, axis, unit), badge_of(page, verdict), class_="repro-row")
    return join([row, _orientation(page, replace(verdict, evidence=apart), axis, unit)]) if apart else row


def _orientation(page: Page, verdict: Verdict, axis: Axis, unit: str) -> Markup:
    """The row of proxies of a number: without the accepted range, because their values cannot be compared with it."""
    other = needed.other_data(page, verdict.claim, [found.config for found in verdict.evidence])
    what = f"{'other data' if other else 'proxy'}, for orientation"
    name = tag("div", tag("span", what, class_="repro-row-name"), _whose(verdict.evidence))
    words = f"{what}: {'; '.join(_gives(found, unit) for found in verdict.evidence)}."
    strip = _drawn(f"{verdict.claim.id}: {what}", words, verdict, axis, unit, [])
    return tag("div", name, strip, tag("span"), class_="repro-row repro-orientation")


def _whose(evidence: Sequence[Evidence]) -> Markup:
    """The configs of a row, in the order of its lanes."""
    lead = "from the top: " if len(evidence) > 1 else ""
    whose = ", ".join(_name(found) for found in evidence)
    return tag("div", f"{lead}{whose}", class_="repro-row-whose") if whose else Markup("")


def _strip(verdict: Verdict, axis: Axis, unit: str) -> Markup:
    title = f"{verdict.claim.id}: {verdict.outcome}"
    return _drawn(title, _say(verdict, unit), verdict, axis, unit, _paper(verdict, axis))


def _drawn(title: str, words: str, verdict: Verdict, axis: Axis, unit: str, paper: list[Markup]) -> Markup:
    """The picture of a row: the grid, the marks of the paper, and a lane for each config."""
    height = marks.LANE * max(len(verdict.evidence), 1) + 8
    grid = [marks.upright(axis, tick, "grid") for tick in axis.ticks]
    lanes = len(verdict.evidence)
    ours = [_ours(axis, found, (lane + 0.5) / lanes, unit) for lane, found in enumerate(verdict.evidence)]
    return picture(
        title,
        words,
        *grid,
        *paper,
        *ours,
        class_="repro-strip",
        width="100%",
        height=height,
    )


def _say(verdict: Verdict, unit: str) -> str:
    """The row in words, for screen readers."""
    parts = [f"The paper says {claimed(verdict.claim, unit)}"]
    parts += [f"accepted by us: {band}"] if (band := accepted(verdict.claim, unit)) else []
    answered = len(parts)
    parts += [_gives(found, unit) for found in verdict.evidence]
    return "; ".join(parts if len(parts) > answered else [*parts, "there is no record for it"]) + "."


def _gives(found: Evidence, unit: str) -> str:
    side = "the proxy" if found.proxy else "our config"
    return f"{side} {_name(found)} gives {spread(found.interval, found.identity.get('unit', unit))}"


def _name(found: Evidence) -> str:
    return found.config.removeprefix("configs/").removesuffix(".gin")


def _paper(verdict: Verdict, axis: Axis) -> list[Markup]:
    """The band in which our interval should be, and the paper's number or bound as a line."""
    between, line = target(verdict.claim), edge(verdict.claim)
    if between is not None:
        return [marks.band(axis, *between), marks.upright(axis, sum(between) / 2, "paper")]
    if line is None:
        return []
    identity = next((found.identity for found in verdict.evidence), {})
    side = marks.band(axis, line, axis.high) if upward(verdict.claim, identity) else marks.band(axis, axis.low, line)
    known = bool(identity) or not verdict.claim.over  # without a record the better direction is unknown
    return [*([side] if known else []), marks.upright(axis, line, "paper")]


def _ours(axis: Axis, found: Evidence, down: float, unit: str) -> Markup:
    """The mean and interval of one config's records. `down` is the vertical position: 0 is the top, 1 the bottom."""
    said = f"{spread(found.interval, found.identity.get('unit', unit))}, {count(found.interval.seeds, 'seed')}"
    note = f"{_name(found)}: {said}, {count(found.interval.items, 'item')}"
    return marks.interval(axis, found.interval, note, down, found.proxy, bool(found.stale))


def _legend(verdicts: Sequence[Verdict]) -> Markup:
    """The meaning of the marks that occur in the figure."""
    evidence = [found for verdict in verdicts for found in verdict.evidence]
    items = [marks.key("paper", "line: the paper's number; band: the range that we accept (our choice)")]
    if any(not found.proxy for found in evidence):
        items.append(marks.key("ours", "ours: mean and 95 % interval"))
    if any(found.proxy for found in evidence):
        items.append(
            marks.key(
                "proxy",
                "proxy: the same question with other data, a smaller network or a shorter training. "
                "It is evidence for a trend; its value cannot be compared with the paper's",
            )
        )
    if any(found.stale for found in evidence):
        items.append(marks.key("ours old", "faded: the record is stale, because the config or its code has changed"))
    return tag("figcaption", tag("ul", *items, class_="repro-legend"))
