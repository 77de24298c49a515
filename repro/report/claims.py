"""The table of claims: the paper's number, our number, the verdict, and the commands that repeat it."""

from __future__ import annotations

from collections.abc import Iterable

from repro.report import cells, replays
from repro.report.evidence import asked, links, ours_accepted, read_in
from repro.report.figure import claimed, tables
from repro.report.html import files
from repro.report.html.markup import Markup, box, copyable, fold, join, link, tag
from repro.report.html.words import slug, spread, typeset
from repro.report.outcome import badge, transcribed
from repro.report.page import Page
from repro.report.uncertainty import seen
from repro.verdict import Evidence, Verdict, untranscribed

HEADS = ("Claim", "The paper says", "Ours, 95 % interval", "Seeds × items", "Verdict")


def claims(page: Page) -> Markup:
    """The table of claims, then each table of the paper, then a fold with the claims that are not transcribed yet."""
    judged = transcribed(page.verdicts)
    later = [verdict for verdict in page.verdicts if not verdict.claim.transcribed]
    placed = [verdict for verdict in judged if verdict.claim.table or verdict.claim.kind == "printed"]
    single = [verdict for verdict in judged if not verdict.claim.table and verdict.claim.kind != "printed"]
    parts = [box(_table(page, single), label="Claims and verdicts")] if single else []
    parts += [cells.table(page, group) for group in tables(placed).values()]
    if judged:
        table = link("claims.csv", page.file(files.TABLE), download=f"{page.name}-claims.csv")
        parts.append(tag("p", "All claims as a table: ", table, class_="repro-muted"))
    return join([*parts, *([_later(later)] if later else [])])


def one(page: Page, verdict: Verdict) -> Markup:
    """The row of one claim, for a page other than the paper's own."""
    return box(_table(page, [verdict], anchor=False), label=f"The claim {verdict.claim.id}")


def _table(page: Page, verdicts: Iterable[Verdict], anchor: bool = True) -> Markup:
    names = [tag("th", name, scope="col", role="columnheader") for name in HEADS]
    head = tag("thead", tag("tr", *names, role="row"), role="rowgroup")
    bodies = [tag("tbody", _row(page, verdict, anchor), _more(page, verdict), role="rowgroup") for verdict in verdicts]
    return tag("table", head, *bodies, class_="repro-claims", role="table")


def _row(page: Page, verdict: Verdict, anchor: bool) -> Markup:
    claim, unit = verdict.claim, page.unit(verdict.claim)
    place = tag("span", f"{claim.where} · {claim.id}", class_="repro-muted")
    name = tag("th", claim.says, place, scope="row", role="rowheader")
    ours = _lines(_ours(found, unit) for found in verdict.evidence)
    size = _lines(f"{found.interval.seeds} × {found.interval.items:,}" for found in verdict.evidence)
    said = (claimed(page, claim), ours or "–", size or "–", badge(verdict.outcome) + replays.mark(page, verdict))
    cells = [
        tag("td", tag("div", cell), data_label=head, role="cell") for head, cell in zip(HEADS[1:], said, strict=True)
    ]
    return tag("tr", name, *cells, id=slug("claim", claim.id) if anchor else None, role="row")


def _ours(found: Evidence, unit: str) -> Markup:
    name = found.config.removeprefix("configs/").removesuffix(".gin")
    kind = [tag("span", f"proxy {name}", class_="repro-muted")] if found.proxy else []
    old = [tag("span", "stale", class_="repro-chip stale")] if found.stale else []
    return join([*kind, spread(found.interval, found.identity.get("unit", unit)), *old], " ")


def _lines(items: Iterable[str]) -> Markup:
    return join(tag("span", item, class_="line") for item in items)


def _more(page: Page, verdict: Verdict) -> Markup:
    """The second line of a claim: the reason for the verdict, the files and the commands."""
    claim = verdict.claim
    why = tag("p", tag("strong", "Why: "), typeset(verdict.why), ".")
    run = fold("Run it", read_in(claim), copyable("\n".join(asked(page, claim)))) if claim.runs else ""
    cell = tag(
        "td",
        why,
        ours_accepted(page, claim),
        seen(verdict),
        links(page, verdict),
        replays.lines(page, verdict),
        run,
        colspan=len(HEADS),
        role="cell",
    )
    return tag("tr", cell, class_="more", role="row")


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
    return fold(
        untranscribed(verdicts),
        tag("ul", *items),
        class_="repro-later",
    )
