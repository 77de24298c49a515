"""The ledger of gaps: what may be the reason where a claim did not come out, and what changing it does."""

from __future__ import annotations

from itertools import groupby

from repro import config
from repro.ledger import Entry, ledger, unexplained
from repro.paper import Claim
from repro.report import files
from repro.report.markup import Markup, box, join, link, tag
from repro.report.outcome import badge
from repro.report.page import Page
from repro.report.words import spread
from repro.verdict import Verdict

HEADS = ("Suspected cause", "What was changed", "Ours with it", "Effect", "Verdict with it")


def section(page: Page) -> Markup:
    """A table per claim that has suspected causes; the failed claims that have none are named below."""
    entries = ledger(page.paper, page.verdicts, page.records)
    groups = [_claim(page, list(rows)) for _, rows in groupby(entries, key=lambda entry: entry.claim.id)]
    open_ends = unexplained(page.paper, page.verdicts)
    return join([*groups, *([_unexplained(page, open_ends)] if open_ends else [])])


def _claim(page: Page, entries: list[Entry]) -> Markup:
    claim, before = entries[0].claim, entries[0].before
    says = join([link(claim.says, page.place(claim)), ": ", before.why, ". ", badge(before.outcome)])
    head = tag("tr", *(tag("th", name, scope="col") for name in HEADS))
    rows = [_row(page, entry) for entry in entries]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="repro-ledger")
    return tag("div", tag("p", says), box(table, label=f"Suspected causes of {claim.id}"))


def _row(page: Page, entry: Entry) -> Markup:
    cells = [_changed(page, entry), _ours(page, entry.after), _effect(page, entry), badge(entry.after.outcome)]
    return tag("tr", tag("th", entry.cause.says, scope="row"), *(tag("td", cell) for cell in cells))


def _changed(page: Page, entry: Entry) -> Markup:
    """The config, and the settings in which it differs from the one that it changes."""
    base, changed = (config.read(page.paper.folder / name) for name in (entry.base, entry.cause.config))
    rows = [
        tag("div", tag("code", f"{name} = {after or 'nothing'}"), tag("span", f" was {before or 'not set'}"))
        for name, before, after in config.differences(base, changed)
    ]
    return join([link(f"{changed.name}.gin", files.shown(page.file(entry.cause.config))), *rows])


def _ours(page: Page, after: Verdict) -> Markup:
    """Our number with the change, linking to where its first record comes from."""
    if not after.evidence:
        return join([after.why])
    found = after.evidence[0]
    return link(spread(found.interval, found.identity.get("unit", "")), page.origin(found.records[0]))


def _effect(page: Page, entry: Entry) -> Markup:
    """How far the change moves our number, and how much of the gap that is."""
    if entry.effect is None:
        return join(["not measured"])
    if entry.effect.unlike:  # numbers of unlike metrics are not subtracted
        return join([f"not a difference: {entry.effect.unlike}"])
    moved = spread(entry.effect.interval, page.unit(entry.claim))
    share = "" if entry.share is None else f" ({entry.share:.0%} of the gap)"
    return join([moved, share])


def _unexplained(page: Page, claims: list[Claim]) -> Markup:
    names = join([link(claim.id, page.place(claim)) for claim in claims], ", ")
    return tag("p", "Without a suspected cause that a config tests, and discussed below: ", names, ".")
