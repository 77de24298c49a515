"""The suspected causes of a disagreement: each cause, the config that tests it, and the effect of the change."""

from __future__ import annotations

from itertools import groupby

from repro import config
from repro.claim.paper import Claim
from repro.report import chosen, naming, needed
from repro.report.evidence import shown
from repro.report.html import files
from repro.report.html.markup import Markup, entry, fold, join, link, tag, worded
from repro.report.html.words import count, slug, spread, typeset
from repro.report.outcome import badge
from repro.report.page import Page
from repro.verdict import Verdict
from repro.verdict.evidence import OTHER_METRIC
from repro.verdict.suspected_causes import Entry, ledger, unexplained

HEADS = ("Suspected cause", "What was changed", "Ours with it", "Effect", "Verdict with it")


def section(page: Page) -> Markup:
    """A fold per claim that has suspected causes. Below, the failed or exceeded claims that have none."""
    entries = ledger(page.paper, page.verdicts, page.records)
    groups = [_claim(page, list(rows)) for _, rows in groupby(entries, key=lambda entry: entry.claim.id)]
    open_ends = unexplained(page.paper, page.verdicts)
    return join([*groups, *([_unexplained(page, open_ends)] if open_ends else [])])


def _claim(page: Page, entries: list[Entry]) -> Markup:
    claim, before = entries[0].claim, entries[0].before
    agreeing = [one for one in entries if one.after.outcome == "reproduced"]
    many = count(len(entries), "suspected cause")
    found = f"{many}, agrees after one change" if agreeing else f"{many}, not explained"
    head = join([claim.says, badge(chosen.outcome(before)), tag("span", found, class_="repro-muted")], " ")
    says = join([link("the claim", page.place(claim)), ": ", naming.why(page, before), "."])
    rows = [_row(page, one) for one in entries]
    table = worded("repro-ledger", HEADS, rows, label=f"Suspected causes of {claim.id}")
    notes = dict.fromkeys(_unlike(one.effect.unlike) for one in entries if one.effect and one.effect.unlike)
    below = [tag("p", f"–: {note}.", class_="repro-muted") for note in notes]
    return fold(head, tag("p", says), table, *below, id=anchor(claim), class_="repro-causes")


def anchor(claim: Claim) -> str:
    """The id of the fold with the suspected causes of a claim."""
    return slug("causes", claim.id)


def _row(page: Page, one: Entry) -> Markup:
    cells = (_changed(page, one), _ours(page, one.after), effect(page, one))
    after = badge(chosen.outcome(one.after), needed.chip(page, one.after))
    return entry(one.cause.says, HEADS, (*cells, after))


def _changed(page: Page, one: Entry) -> Markup:
    """The changed configs (one or both sides of a comparison), each with the settings that differ."""
    return join([_side(page, base, changed) for base, changed in one.changes])


def _side(page: Page, before: str, after: str) -> Markup:
    base, changed = (config.read(page.paper.folder / name) for name in (before, after))
    rows = [
        tag("div", tag("code", f"{name} = {now or 'nothing'}"), tag("span", f" was {was or 'not set'}"))
        for name, was, now in config.differences(base, changed)
    ]
    return join([link(f"{changed.name}.gin", files.shown(page.file(after))), *rows])


def _ours(page: Page, after: Verdict) -> Markup:
    """Our number with the change, as a link to the origin of its first record."""
    if not after.evidence:
        return join([naming.why(page, after)])
    found = after.evidence[0]
    return link(shown(after.claim, found), page.origin(found.records[0]))


def effect(page: Page, one: Entry) -> str:
    """The change of our number, and how much of the difference from the paper it removes."""
    if one.effect is None:
        return "not measured"
    found = one.effect.interval
    moved = spread(found, page.unit(one.claim)) if found.low < found.high else typeset(f"{found.mean:.3g}")
    moved = "–" if one.effect.unlike else moved  # a note below the table says why
    gap = "excess" if one.before.outcome == "exceeded" else "difference"
    return moved if one.share is None else f"{moved}: {_share(one.share, one.crosses, gap)}"


def _share(share: float, crosses: bool, gap: str) -> str:
    """What a change does to the difference from the paper (`gap`): it closes a part, widens it, or overshoots.

    >>> _share(0.63, False, "difference"), _share(-0.34, True, "excess")
    ('closes 63% of the difference', 'overshoots: 34% further, on the other side')
    """
    size = f"{abs(share):.0%}" if abs(share) < 10 else f"{abs(share):.3g} times"
    if crosses:
        return f"overshoots: {size} {'nearer' if share >= 0 else 'further'}, on the other side"
    return f"closes {size} of the {gap}" if share >= 0 else f"widens the {gap} by {size}"


def _unlike(why: str) -> str:
    """Why the effect cannot be computed, in the words of this section."""
    _, differ, keys = why.partition(OTHER_METRIC)
    return (
        f"the change is in the metric itself ({keys}): values of different metrics cannot be subtracted"
        if differ
        else why
    )


def _unexplained(page: Page, claims: list[Claim]) -> Markup:
    links = [tag("li", link(claim.says, page.place(claim))) for claim in claims]
    title = f"{count(len(claims), 'claim')} without a tested cause, discussed in the text below"
    return fold(title, tag("ul", *links))
