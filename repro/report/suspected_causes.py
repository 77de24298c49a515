"""The ledger of gaps: what may be the reason where a claim came out otherwise, and what changing it does."""

from __future__ import annotations

from itertools import groupby

from repro import config
from repro.claim.paper import Claim
from repro.report.evidence import shown
from repro.report.html import files
from repro.report.html.markup import Markup, entry, join, link, tag, worded
from repro.report.html.words import slug, spread, typeset
from repro.report.outcome import badge
from repro.report.page import Page
from repro.verdict import Verdict
from repro.verdict.suspected_causes import Entry, ledger, unexplained

HEADS = ("Suspected cause", "What was changed", "Ours with it", "Effect", "Verdict with it")


def section(page: Page) -> Markup:
    """A table per claim that has suspected causes; those that failed or were exceeded and have none are named below."""
    entries = ledger(page.paper, page.verdicts, page.records)
    groups = [_claim(page, list(rows)) for _, rows in groupby(entries, key=lambda entry: entry.claim.id)]
    open_ends = unexplained(page.paper, page.verdicts)
    return join([*groups, *([_unexplained(page, open_ends)] if open_ends else [])])


def _claim(page: Page, entries: list[Entry]) -> Markup:
    claim, before = entries[0].claim, entries[0].before
    says = join([link(claim.says, page.place(claim)), ": ", typeset(before.why), ". ", badge(before.outcome)])
    rows = [_row(page, one) for one in entries]
    table = worded("repro-ledger", HEADS, rows, label=f"Suspected causes of {claim.id}")
    notes = dict.fromkeys(_unlike(one.effect.unlike) for one in entries if one.effect and one.effect.unlike)
    below = [tag("p", f"–: {note}.", class_="repro-muted") for note in notes]
    return tag("div", tag("p", says), table, *below, id=anchor(claim), class_="repro-causes")


def anchor(claim: Claim) -> str:
    """The id of the place where the suspected causes of a claim stand."""
    return slug("causes", claim.id)


def _row(page: Page, one: Entry) -> Markup:
    cells = (_changed(page, one), _ours(page, one.after), _effect(page, one), badge(one.after.outcome))
    return entry(one.cause.says, HEADS, cells)


def _changed(page: Page, one: Entry) -> Markup:
    """Of each side that is changed: the config, and the settings in which it differs from the one that it changes."""
    return join([_side(page, base, changed) for base, changed in one.changes])


def _side(page: Page, before: str, after: str) -> Markup:
    base, changed = (config.read(page.paper.folder / name) for name in (before, after))
    rows = [
        tag("div", tag("code", f"{name} = {now or 'nothing'}"), tag("span", f" was {was or 'not set'}"))
        for name, was, now in config.differences(base, changed)
    ]
    return join([link(f"{changed.name}.gin", files.shown(page.file(after))), *rows])


def _ours(page: Page, after: Verdict) -> Markup:
    """Our number with the change, linking to where its first record comes from."""
    if not after.evidence:
        return join([after.why])
    found = after.evidence[0]
    return link(shown(after.claim, found), page.origin(found.records[0]))


def _effect(page: Page, one: Entry) -> Markup:
    """How far the change moves our number, and how much of the gap it closes."""
    if one.effect is None:
        return join(["not measured"])
    found = one.effect.interval
    moved = spread(found, page.unit(one.claim)) if found.low < found.high else typeset(f"{found.mean:.3g}")
    moved = "–" if one.effect.unlike else moved  # a note below the table says why
    gap = "excess" if one.before.outcome == "exceeded" else "gap"
    share = "" if one.share is None else f" ({_share(one.share)} the {gap})"
    return join([moved, share])


def _share(share: float) -> str:
    """In percent, in times where it is many; the other way it closes nothing."""
    size = f"{abs(share):.0%} of" if abs(share) < 10 else f"{abs(share):.3g} times"
    return f"away from the paper, {size}" if share < 0 else size


def _unlike(why: str) -> str:
    """Why there is no difference, in the words of who changed the factor."""
    _, differ, keys = why.partition("they differ in ")
    return (
        f"the change is in the metric itself ({keys}): numbers of unlike metrics are not subtracted" if differ else why
    )


def _unexplained(page: Page, claims: list[Claim]) -> Markup:
    names = join([link(claim.id, page.place(claim)) for claim in claims], ", ")
    return tag("p", "Without a suspected cause that a config tests, and discussed below: ", names, ".")
