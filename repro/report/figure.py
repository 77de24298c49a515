"""The figure of claims. Each row shows the paper's number, the range that we accept, and our number with its interval.

`groups` decides which claims share an axis. Positions are percentages: the figure is as wide as its column, and its
text stays readable on a phone.
"""

from __future__ import annotations

from collections.abc import Sequence

from repro.claim.paper import Claim
from repro.report import cells, chosen, naming, needed, possible
from repro.report.groups import MIXED, Group, edge, grouped, target
from repro.report.html import marks
from repro.report.html.axis import Axis
from repro.report.html.markup import Markup, join, link, picture, tag, unbroken
from repro.report.html.words import count, number, slug, typeset
from repro.report.outcome import SIGNS, badge, badge_of, counts
from repro.report.page import Page
from repro.verdict import Evidence, Verdict, upward


def figure(page: Page) -> Markup:
    """All transcribed claims: a row each, grouped by metric; printed numbers are a square each."""
    read = [verdict for verdict in page.verdicts if verdict.claim.transcribed]
    if not read:
        return tag("p", "No number of this paper is transcribed yet.", class_="repro-muted")
    drawn = [verdict for verdict in read if verdict.claim.kind != "printed" and verdict.claim.config]
    printed = [verdict for verdict in read if verdict.claim.kind == "printed"]
    beyond = [verdict for verdict in read if verdict not in (*drawn, *printed)]
    return join([rows(page, drawn), _beyond(page, beyond), *([squares(page, printed)] if printed else [])])


def _beyond(page: Page, verdicts: Sequence[Verdict]) -> Markup:
    """The claims that no config can test: they have no row."""
    links = [link(verdict.claim.says, page.place(verdict.claim)) for verdict in verdicts]
    return tag("p", badge("not checkable"), " ", join(links, "; "), class_="repro-muted") if links else Markup("")


def one(page: Page, verdict: Verdict) -> Markup:
    """One claim as a row; as a square if it is a printed number."""
    return squares(page, [verdict]) if verdict.claim.kind == "printed" else rows(page, [verdict])


def rows(page: Page, verdicts: Sequence[Verdict]) -> Markup:
    """A row per claim. Claims with one metric share an axis unless their ranges are too different.

    Empty if there are no verdicts.
    """
    drawn = [_group(page, one) for one in grouped(page, verdicts)]
    return tag("figure", *drawn, _legend(verdicts), class_="repro-figure") if drawn else Markup("")


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
                tag("span", link(cells.title(page, members), f"{page.address}#{cells.anchor(members)}")),
                tag("ul", *links, class_="repro-squares"),
                class_="repro-field",
            )
        )
    what = f": {count(len(verdicts), 'square')}, in the order of the paper"
    head = tag(
        "div",
        tag("strong", "Printed numbers"),
        what,
        counts(verdicts, needed.chips(page)),
        class_="repro-figure-head",
    )
    return tag("figure", head, *fields, class_="repro-figure")


def _square(page: Page, verdict: Verdict) -> Markup:
    words = f"{verdict.claim.says}: {verdict.outcome}"
    kind = f"repro-square {slug(verdict.outcome)}"
    sign = tag("span", SIGNS[verdict.outcome], aria_hidden="true")
    return tag("a", sign, href=page.place(verdict.claim), title=words, aria_label=words, class_=kind)


def claimed(page: Page, claim: Claim) -> str:
    """What the paper says, with its own digits: `0.950 dB`, `above 3 dB`. Our tolerance is not included.

    What the group chose itself is called so: `our bound: above 50 %`, `our comparison: better than "GRU"`.
    """
    unit = page.unit(claim)
    if not claim.transcribed:
        return "not transcribed"
    if claim.printed:
        return typeset(claim.printed)
    if claim.value is not None:
        return f"{typeset(claim.stated)} {unit}".rstrip()
    if claim.bound is None:
        whose = "our comparison: " if chosen.comparison(claim) else ""
        other = naming.test_set(claim.over_test) if claim.over == claim.config else page.paper.label(claim.over)
        return f"{whose}better than “{other}”"
    whose = "our bound: " if chosen.own(claim) else ""
    return f"{whose}{'above' if claim.above is not None else 'below'} {typeset(claim.stated)} {unit}".rstrip()


def stated(page: Page, claim: Claim) -> str:
    """What the paper says, for a table in which the words of the claim are next to it."""
    return "our comparison" if chosen.comparison(claim) else claimed(page, claim)


def theirs(page: Page, claim: Claim) -> Markup:
    """What the paper says, and below it the range that we accept, because this range decides the verdict."""
    between = possible.accepted(claim, page.unit(claim)).replace(" %", "\N{NO-BREAK SPACE}%")
    below = [tag("span", f"accepted {between}", class_="repro-accepted")] if between else []
    return join([tag("span", stated(page, claim)), *below], " ")


def _group(page: Page, group: Group) -> Markup:
    """The blocks of one axis; each has the numbers of the axis above and below."""
    axis = group.axis
    head = tag("p", tag("strong", group.name), group.scale, class_="repro-figure-head")
    blocks = [_block(page, group, axis, block) for block in group.blocks]
    return tag("div", head, *blocks, class_="repro-group repro-mixed" if group.metric == MIXED else "repro-group")


def _block(page: Page, group: Group, axis: Axis, verdicts: Sequence[Verdict]) -> Markup:
    unit = " ".join(filter(None, (group.unit, "(log)" if group.log else "")))
    numbers = marks.scale(axis)
    top = tag(
        "div", tag("span", unit), numbers, tag("span", f"ours ({_told_by(page, verdicts)})"), class_="repro-row scale"
    )
    bottom = tag("div", tag("span", unit), numbers, tag("span"), class_="repro-row scale", aria_hidden="true")
    return tag("div", top, *(_row(page, group, axis, one) for one in verdicts), bottom, class_="repro-block")


def _told_by(page: Page, verdicts: Sequence[Verdict]) -> str:
    """Whose numbers are in parentheses at the end of the rows: the paper's, our own bounds, or both."""
    own = {chosen.own(one.claim) for one in verdicts}
    whose = "course" if page.paper.kind == "course" else "paper"
    return {frozenset({True}): "our bound", frozenset({False}): whose}.get(frozenset(own), f"{whose} or our bound")


def _row(page: Page, group: Group, axis: Axis, verdict: Verdict) -> Markup:
    """The row of a claim. Results on other data have a row of their own below it if they cannot judge its number."""
    own, other = _judging(verdict)
    claim = verdict.claim
    name = link(group.names[claim.id], page.place(claim), class_="repro-row-name", title=claim.says)
    words = _say(page, group, verdict, own)
    strip = _strip(page, axis, claim, own, _paper(verdict, axis), (claim.says, words))
    end = tag("span", *(tag("span", unbroken(one)) for one in _numbers(verdict, own)), class_="repro-row-numbers")
    row = tag(
        "div", tag("div", name, _whose(page, claim, own)), strip, end, badge_of(page, verdict), class_="repro-row"
    )
    return join([row, *([_elsewhere(page, axis, claim, other)] if other else [])])


def _judging(verdict: Verdict) -> tuple[list[Evidence], list[Evidence]]:
    """The evidence that is compared with the claim, and the results on other data, which are not."""
    if verdict.claim.kind == "comparison":
        return verdict.evidence, []
    return [one for one in verdict.evidence if not one.proxy], [one for one in verdict.evidence if one.proxy]


def _elsewhere(page: Page, axis: Axis, claim: Claim, other: Sequence[Evidence]) -> Markup:
    """The results of the proxies of a value, without the paper's number and the accepted range."""
    whose = ", ".join(page.paper.label(found.config) for found in other)
    elsewhere = needed.other_data(page, claim, [found.config for found in other])
    what = f"{'other data' if elsewhere else 'proxy'}, for orientation"
    name = tag("div", f"{what}: {whose}", class_="repro-row-whose")
    words = "; ".join(_note(page, claim, found) for found in other)
    strip = _strip(page, axis, claim, other, [], (f"{claim.says}: {what}", f"{words}."))
    end = tag("span", *(tag("span", _mean(claim, found)) for found in other), class_="repro-row-numbers")
    return tag("div", name, strip, end, class_="repro-row repro-orientation")


def _whose(page: Page, claim: Claim, shown: Sequence[Evidence]) -> Markup:
    """The configs of the row's lanes, if these are not just the claim's own config."""
    if [found.config for found in shown] in ([], [claim.config]):
        return Markup("")
    lead = "from the top: " if len(shown) > 1 else ""
    whose = ", ".join(page.paper.label(found.config) for found in shown)
    return tag("div", f"{lead}{whose}", class_="repro-row-whose")


def _numbers(verdict: Verdict, shown: Sequence[Evidence]) -> list[str]:
    """Our numbers, the first one with the paper's in parentheses: `0.90 (0.95)`, `1.2 (> 0)`."""
    claim, line = verdict.claim, edge(verdict.claim)
    paper = typeset(claim.stated) if claim.value is not None else ""
    if line is not None and _directed(verdict):
        paper = f"{'>' if _upward(verdict) else '<'} {_bound(claim)}"
    first, *more = [_mean(claim, found) for found in shown] or ["–"]
    return [f"{first} ({paper})" if paper else first, *more]


def _mean(claim: Claim, found: Evidence) -> str:
    """Our mean, with the digits that its interval allows; four without an interval."""
    ours = possible.seen(claim, found)
    half = (ours.high - ours.low) / 2
    return number(found.interval.mean, half) if half else number(float(f"{found.interval.mean:.4g}"))


def _strip(
    page: Page,
    axis: Axis,
    claim: Claim,
    shown: Sequence[Evidence],
    paper: Sequence[Markup],
    said: tuple[str, str],
) -> Markup:
    """The picture of a row. `said` is its name and its description, for screen readers."""
    lanes = max(len(shown), 1)
    grid = [marks.upright(axis, tick, "grid") for tick in axis.ticks]
    ours = [_ours(page, axis, claim, found, (lane + 0.5) / lanes) for lane, found in enumerate(shown)]
    height = marks.LANE * lanes + 4
    return picture(*said, *grid, *paper, *ours, class_="repro-strip", width="100%", height=height)


def _say(page: Page, group: Group, verdict: Verdict, shown: Sequence[Evidence]) -> str:
    """The row in words, for screen readers."""
    band = possible.accepted(verdict.claim, group.unit)
    lead = "" if chosen.own(verdict.claim) else "The paper says "
    said = f"{lead}{claimed(page, verdict.claim)}"
    parts = [said[:1].upper() + said[1:], *([f"accepted by us: {band}"] if band else [])]
    ours = [f"{'the proxy' if found.proxy else 'ours,'} {_note(page, verdict.claim, found)}" for found in shown]
    return (
        f"{'; '.join([*parts, *(ours or ['there is no record for it'])])}. {needed.word(page, verdict).capitalize()}."
    )


def _note(page: Page, claim: Claim, found: Evidence) -> str:
    """One config's records in words: `LeNet-5: 0.90 [0.74, 1.05] %, 3 seeds, 10,000 items`."""
    size = f"{count(found.interval.seeds, 'seed')}, {count(found.interval.items, 'item')}"
    return (
        f"{page.paper.label(found.config)}: {possible.text(claim, found, str(found.identity.get('unit', '')))}, {size}"
    )


def _paper(verdict: Verdict, axis: Axis) -> list[Markup]:
    """The band in which our interval should be, and the paper's number or bound as a line."""
    between, line = target(verdict.claim), edge(verdict.claim)
    if between is not None:
        middle = verdict.claim.number if verdict.claim.value is not None else sum(between) / 2
        return [marks.band(axis, *between), marks.upright(axis, middle or 0.0, "paper")]
    if line is None:
        return []
    low, high = axis.ends
    side = marks.band(axis, line, high) if _upward(verdict) else marks.band(axis, low, line)
    return [*([side] if _directed(verdict) else []), marks.upright(axis, line, "paper")]


def _bound(claim: Claim) -> str:
    """The bound of a claim; zero has no decimals."""
    return typeset(claim.stated) if claim.bound else "0"


def _directed(verdict: Verdict) -> bool:
    """Whether the claimed side of a bound is known. Without a record, the better direction of a metric is not."""
    return bool(verdict.evidence) or not verdict.claim.over


def _upward(verdict: Verdict) -> bool:
    identity = next((found.identity for found in verdict.evidence), {})
    return upward(verdict.claim, identity)


def _ours(page: Page, axis: Axis, claim: Claim, found: Evidence, down: float) -> Markup:
    """The mean and interval of one config's records. `down` is the vertical position: 0 is the top, 1 the bottom."""
    return marks.interval(
        axis, possible.seen(claim, found), _note(page, claim, found), down, found.proxy, bool(found.stale)
    )


def _legend(verdicts: Sequence[Verdict]) -> Markup:
    """The meaning of the marks that occur in the figure."""
    evidence = [found for verdict in verdicts for found in verdict.evidence]
    sides = any(edge(verdict.claim) is not None for verdict in verdicts)
    band = f"the range that we accept (our choice){', or the side that the paper claims' if sides else ''}"
    own = any(chosen.bound(verdict.claim) or chosen.comparison(verdict.claim) for verdict in verdicts)
    line = "the paper's number or our own bound" if own else "the paper's number"
    items = [marks.key("paper", f"line: {line}; band: {band}")]
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
