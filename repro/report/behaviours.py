"""The section "Behaviour tests": for each behaviour the required share, the measured one, and whether it holds."""

from __future__ import annotations

from pathlib import PurePath

from repro.report import naming, possible
from repro.report.html.markup import Markup, entry, join, link, tag, worded
from repro.report.html.words import count, number, slug, typeset
from repro.report.outcome import badge
from repro.report.page import Page
from repro.verdict import BEHAVED, Verdict, behaviours

HEADS = ("Behaviour", "Kind", "Test set", "Must pass", "Passed", "Outcome")
LEAD = (
    "What the group requires of its own model; these are not claims of the paper. Each number is the share of the test "
    "items that pass, with its 95 % interval over the seeds."
)

MEANINGS = {
    BEHAVED[0]: "the whole interval is at or above the required share",
    BEHAVED[1]: "the whole interval is below the required share",
}


def section(page: Page) -> Markup:
    """A row for each behaviour, in the order of `paper.toml`; below the table, why some are not decided."""
    judged = behaviours.judge_all(page.paper.behaviours, page.records)
    rows = [_row(page, one) for one in judged]
    held = sum(one.outcome == "holds" for one in judged)
    lead = tag("p", f"{held} of {count(len(judged), 'behaviour')} {'holds' if held == 1 else 'hold'}. {LEAD}")
    return join([lead, worded("repro-behaviours", HEADS, rows, label="Behaviour tests"), _undecided(page, judged)])


def _row(page: Page, verdict: Verdict) -> Markup:
    claim = verdict.claim
    says = tag("span", claim.says, id=slug("behaviour", claim.id))
    config = PurePath(claim.config).name
    measured = [tag("code", claim.test), " of ", link(config, page.file("configs", config))]
    cells = (claim.where, join(measured), _percent(claim.above or 0.0), _passed(page, verdict), _badge(verdict))
    return entry(says, HEADS, cells)


def _passed(page: Page, verdict: Verdict) -> Markup:
    """The share with its interval, and the records that it comes from; the reason if there is none."""
    found = verdict.judged or next(iter(verdict.evidence), None)
    if found is None:
        return tag("span", "not measured", class_="repro-muted")
    ours = possible.seen(verdict.claim, found).scaled(100.0)
    seeds = join([link(str(one.seed), page.origin(one)) for one in found.records], ", ")
    detail = join([f"{count(ours.items, 'item')}, seeds ", seeds])
    return join([typeset(ours.shown("%")), " ", tag("span", detail, class_="repro-muted")])


def _percent(share: float) -> str:
    return f"{number(round(100 * share, 9))} %"


def _badge(verdict: Verdict) -> Markup:
    """The outcome, in the colours of a reproduced claim or of one that was not."""
    like = dict(zip(BEHAVED, ("reproduced", "not reproduced"), strict=True))
    return badge(like.get(verdict.outcome, verdict.outcome), verdict.outcome, MEANINGS.get(verdict.outcome, ""))


def _undecided(page: Page, judged: list[Verdict]) -> Markup:
    items = [
        tag("li", one.claim.says, f": {naming.reason(page, one.why)}") for one in judged if one.outcome not in BEHAVED
    ]
    return tag("ul", *items, class_="repro-muted") if items else Markup("")
