"""The section "What does not agree": the claims that failed or were exceeded, and the known reasons.

It is the first section of the page, because the authors of the paper look for it first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from repro.report import chosen, explained, naming, needed, tiers
from repro.report.evidence import ours, slip, source
from repro.report.figure import theirs
from repro.report.html.markup import Markup, entry, fold, join, link, tag, unbroken, worded
from repro.report.html.words import count
from repro.report.outcome import badge
from repro.report.page import Page
from repro.report.suspected_causes import anchor
from repro.verdict import Verdict
from repro.verdict.suspected_causes import Entry, ledger

OPEN = 6  # visible rows; the others are in a fold


def disagreements(page: Page) -> Markup:
    """A row per failed claim, then the exceeded ones. Below them the claims without a run, and why."""
    causes: dict[str, list[Entry]] = {}
    for cause in ledger(page.paper, page.verdicts, page.records):
        causes.setdefault(cause.claim.id, []).append(cause)
    failed = sorted(page.failed, key=lambda one: (chosen.own(one.claim), _better(one)))
    told = _short(explained.sentences(page), ["" if one.claim.id in causes else one.claim.id for one in failed])
    rows = [_row(page, verdict, causes.get(verdict.claim.id, ()), told) for verdict in failed]
    more = [fold(f"{len(rows) - OPEN} more", _table(page, rows[OPEN:]))] if rows[OPEN:] else []
    return join([tag("p", _lead(page, failed)), _table(page, rows[:OPEN]), *more, _untried(page)])


def _lead(page: Page, failed: Sequence[Verdict]) -> str:
    """How many claims of the paper do not agree, and in which way; then how many of our own do not hold."""
    theirs, mine = chosen.theirs(failed), chosen.ours(failed)
    whole = count(len(chosen.theirs(page.verdicts)), "claim")
    course = "course" if page.paper.kind == "course" else "paper"
    verb = "does" if len(theirs) == 1 else "do"
    parts = [f"{len(theirs)} of {whole} of the {course} {verb} not agree."] if theirs else []
    if better := sum(map(_better, theirs)):
        which = ("All" if better > 1 else "It") if better == len(theirs) else f"{better} of them"
        parts.append(f"{which} {'is' if better == 1 else 'are'} exceeded. {EXCEEDED}")
    if unlike := _unlike(page, theirs):
        parts.append(f"Not as in the paper in these runs: {unlike}.")
    if mine:
        parts.append(f"{count(len(mine), 'claim')} of our own {'does' if len(mine) == 1 else 'do'} not hold.")
    return " ".join([*parts, "Each row shows our number and the reason, if it is known."])


EXCEEDED = (
    "An exceeded number is beyond the accepted range on the side that its metric counts as better, which need not be a "
    "better result, and needs an explanation too."
)


def _unlike(page: Page, failed: Sequence[Verdict]) -> str:
    """What is not as in the paper in the runs of the claims that fail: `other data (all), a smaller network (2)`."""
    many = Counter(what for one in failed for what in tiers.changes(page, one.claim))
    return ", ".join(f"{what} ({'all' if some == len(failed) else some})" for what, some in many.most_common())


def _short(told: Mapping[str, str], claims: Sequence[str]) -> dict[str, str]:
    """The sentences that explain claims. A row does not repeat that of the row before, unless it is the fold's first.

    `claims`: the claim of each row; "" if the row shows a tested cause instead.

    >>> _short({"a": "It is late.", "b": "It is late.", "c": "It is far."}, ["a", "b", "c"])
    {'a': 'It is late.', 'b': 'the same reason', 'c': 'It is far.'}
    """
    rows = list(enumerate(claims))
    same = {after for (_, before), (n, after) in pairwise(rows) if n != OPEN and told.get(before) == told.get(after)}
    return {claim: "the same reason" if claim in same else said for claim, said in told.items()}


def _better(verdict: Verdict) -> bool:
    return verdict.outcome == "exceeded"


def _heads(page: Page) -> tuple[str, ...]:
    return "Claim", source(page), "Ours", "Why"


def _table(page: Page, rows: Sequence[Markup]) -> Markup:
    return worded("repro-gaps", _heads(page), rows, label="What does not agree")


def _row(page: Page, verdict: Verdict, causes: Sequence[Entry], told: Mapping[str, str]) -> Markup:
    claim = verdict.claim
    says = link(claim.says, page.place(claim))
    name = chosen.outcome(verdict)
    other = "" if name == "not reproduced" else tag("div", badge(name, needed.word(page, verdict)))
    cells = (theirs(page, claim), join([unbroken(ours(verdict)), other]), _why(page, verdict, causes, told))
    return entry(says, _heads(page), cells)


def _why(page: Page, verdict: Verdict, causes: Sequence[Entry], told: Mapping[str, str]) -> Markup:
    """A cause that explains it; else the first sentence of the report about it; else a guess from the digits."""
    way = f"{page.address}#{anchor(verdict.claim) if causes else REASONS}"
    found = [one.cause.says for one in causes if one.after.outcome == "reproduced"]
    if found:
        return join(["it agrees if one factor is changed: ", link("; ".join(found), way)])
    if said := told.get(verdict.claim.id):
        return link(said, f"{page.address}#{explained.anchor(verdict.claim.id)}")
    tried = count(sum(one.after.judged is not None for one in causes), "cause")
    tested = f"not explained yet: {tried} tested" if causes else ""
    if tested:
        return link(tested, way)
    seen = slip(verdict.claim, verdict.judged) if verdict.judged else ""
    return link(seen or "no cause has been tested yet", way)


REASONS = "how-it-differs-and-why"
"""The id that Sphinx makes from the heading of the section on reasons (see `page.TEXT`)."""


def _untried(page: Page) -> Markup:
    """The claims whose outcome is "not run", with the reason for each."""
    waiting = [verdict for verdict in page.verdicts if verdict.outcome == "not run"]
    items = [
        tag("li", link(verdict.claim.says, page.place(verdict.claim)), f": {naming.why(page, verdict)}")
        for verdict in waiting
    ]
    return fold(f"{count(len(items), 'claim')} not run, and why", tag("ul", *items)) if items else Markup("")
