"""The table of claims: for each claim the paper's number, our number with its interval, and the verdict.

A claim takes two lines. The second one is folded: it has the place in the paper, the reason for the verdict, the files
that it comes from and the commands that repeat it. `repro.js` adds the filter by outcome and words, and the sorting.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from repro.claim.paper import Claim
from repro.report import cells, chosen, explained, naming, needed, possible, replays, uncertainty
from repro.report.evidence import asked, links, mistake, ours_accepted, read_in, source
from repro.report.figure import stated, tables
from repro.report.html import files
from repro.report.html.markup import Markup, box, copyable, fold, join, link, tag, unbroken
from repro.report.html.words import count, slug
from repro.report.outcome import ORDER, badge_of, transcribed
from repro.report.page import Page
from repro.verdict import OUTCOMES, Evidence, Verdict, untranscribed

ALONE = "Each claim is judged alone: the intervals are not corrected for the number of claims."
MANY = 12
"""With more claims, the table is in a fold: the figure above it has a row for each claim."""


def claims(page: Page) -> Markup:
    """The table of claims, then each table of the paper, then a fold with the claims that are not transcribed yet."""
    judged = transcribed(page.verdicts)
    later = [verdict for verdict in page.verdicts if not verdict.claim.transcribed]
    placed = [verdict for verdict in judged if verdict.claim.table or verdict.claim.kind == "printed"]
    single = [verdict for verdict in judged if not verdict.claim.table and verdict.claim.kind != "printed"]
    own = [needed.word(page, verdict) for verdict in judged if chosen.own(verdict.claim)]
    words = [*ORDER, *dict.fromkeys(needed.chips(page).values()), *dict.fromkeys(own)]
    chips = tag("div", class_="repro-chips", data_outcomes=", ".join(words))
    parts = [chips, _folded(page, single)] if single else [chips]
    parts += cells.tables(page, tables(placed).values())
    if judged:
        table = link("claims.csv", page.file(files.TABLE), download=f"{page.name}-claims.csv")
        parts.append(tag("p", "All claims as a table: ", table, class_="repro-muted"))
        inside = uncertainty.contained(judged)
        there = link(inside, f"{page.root}{uncertainty.EXPLAINED}")
        parts += [tag("p", "What the intervals include: ", there, f". {ALONE}", class_="repro-muted")] if inside else []
    return join([*parts, *([_later(later)] if later else [])])


def _folded(page: Page, verdicts: list[Verdict]) -> Markup:
    """The table; in a fold if it is long. `repro.js` opens it when a reader chooses claims or follows a link to one."""
    shown = box(_table(page, verdicts), label="Claims and verdicts")
    title = f"All {len(verdicts)} claims in words, with their sources, reasons and commands"
    return fold(title, shown, class_="repro-all") if len(verdicts) > MANY else shown


def one(page: Page, verdict: Verdict) -> Markup:
    """The row of one claim, for a page other than the paper's own."""
    return box(_table(page, [verdict], anchor=False), label=f"The claim {verdict.claim.id}")


def _heads(page: Page) -> tuple[str, ...]:
    return "Claim", source(page), "Ours, 95 % interval", "Verdict"


def _table(page: Page, verdicts: Iterable[Verdict], anchor: bool = True) -> Markup:
    names = [tag("th", name, scope="col", role="columnheader") for name in _heads(page)]
    head = tag("thead", tag("tr", *names, role="row"), role="rowgroup")
    told = explained.sentences(page)
    bodies = [_body(page, verdict, anchor, told) for verdict in verdicts]
    return tag("table", head, *bodies, class_="repro-claims", role="table", data_sorts=True)


def _body(page: Page, verdict: Verdict, anchor: bool, told: Mapping[str, str]) -> Markup:
    """The two lines of a claim."""
    rows = _row(page, verdict, anchor), _more(page, verdict, told)
    return tag("tbody", *rows, role="rowgroup", data_outcome=needed.word(page, verdict))


def _row(page: Page, verdict: Verdict, anchor: bool) -> Markup:
    claim = verdict.claim
    name = tag("th", claim.says, data_by=str(claim.line), scope="row", role="rowheader")
    numbers = [_ours(page, claim, found) for found in verdict.evidence]
    what = [tag("span", "difference", class_="repro-muted")] if verdict.claim.over and numbers else []
    ours = _lines([*numbers, *what])
    said = (stated(page, claim), ours or "–", _verdict(page, verdict))
    number, mean = claim.number, verdict.judged.interval.mean if verdict.judged else None
    sorts = [math.inf if one is None or math.isnan(one) else one for one in (number, mean)]  # none is last
    by = (*sorts, OUTCOMES.index(verdict.outcome))
    cells = [
        tag("td", tag("div", cell), data_label=head, data_by=str(value).replace("inf", "Infinity"), role="cell")
        for head, cell, value in zip(_heads(page)[1:], said, by, strict=True)
    ]
    return tag("tr", name, *cells, id=slug("claim", claim.id) if anchor else None, role="row")


def _ours(page: Page, claim: Claim, found: Evidence) -> Markup:
    kind = [tag("span", f"proxy {page.paper.label(found.config)}", class_="repro-muted")] if found.proxy else []
    old = [tag("span", "stale", class_="repro-chip stale")] if found.stale else []
    return join([*kind, unbroken(possible.text(claim, found, found.identity.get("unit", page.unit(claim)))), *old], " ")


def _lines(items: Iterable[str]) -> Markup:
    return join(tag("span", item, class_="line") for item in items)


def _more(page: Page, verdict: Verdict, told: Mapping[str, str]) -> Markup:
    """The second line of a claim: the reason if the verdict needs one, and a fold with all details."""
    claim = verdict.claim
    run = [read_in(claim), copyable("\n".join(asked(page, claim)))] if claim.runs else []
    place = tag("span", f"{claim.where} · {claim.id}", class_="repro-muted")
    details = fold(
        place,
        tag("p", tag("strong", "Why: "), naming.why(page, verdict), "."),
        _sizes(page, verdict),
        ours_accepted(page, claim),
        uncertainty.seen(verdict),
        links(page, verdict),
        replays.lines(page, verdict),
        *run,
        mistake(page, verdict),
    )
    line = tag("div", _reason(page, verdict, told), _caveat(verdict), details)
    cell = tag("td", line, colspan=len(_heads(page)), role="cell")
    return tag("tr", cell, class_="more", role="row")


def _sizes(page: Page, verdict: Verdict) -> Markup:
    """The number of seeds and test items of each config that has records."""
    told = [
        f"{page.paper.label(one.config)}: {count(one.interval.seeds, 'seed')} × {count(one.interval.items, 'item')}"
        for one in verdict.evidence
    ]
    return tag("p", tag("strong", "Measured: "), "; ".join(told), ".") if told else Markup("")


def _reason(page: Page, verdict: Verdict, told: Mapping[str, str]) -> Markup:
    """The first sentence of the report about this claim, as a link; else the reason if it is more than numbers."""
    if verdict.outcome in chosen.AGREES:
        return Markup("")
    if said := told.get(verdict.claim.id):
        return tag("p", link(said, f"{page.address}#{explained.anchor(verdict.claim.id)}"), class_="repro-why")
    numbers, _, rest = verdict.why.partition("; ")
    own = rest if verdict.judged and not verdict.claim.no_config else numbers
    return tag("p", naming.reason(page, own), class_="repro-why") if own else Markup("")


def _verdict(page: Page, verdict: Verdict) -> Markup:
    """The verdict; below it, whether its claim was changed after the first record."""
    late = verdict.claim.id in page.late
    changed = tag("span", "changed after its record", class_="line repro-muted") if late else Markup("")
    return badge_of(page, verdict) + replays.mark(page, verdict) + changed


def _caveat(verdict: Verdict) -> Markup:
    """Whether no mean could have passed."""
    words = "Note: no mean could have passed with these seeds"
    return tag("p", words, class_="repro-muted") if verdict.out_of_reach else Markup("")


def _later(verdicts: list[Verdict]) -> Markup:
    items = [
        tag(
            "li",
            verdict.claim.says,
            tag("span", f" {verdict.claim.where}", class_="repro-muted"),
            id=slug("claim", verdict.claim.id),
        )
        for verdict in verdicts
    ]
    return fold(untranscribed(verdicts), tag("ul", *items), class_="repro-later")
