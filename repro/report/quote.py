"""One number in a sentence: looks up what the roles `{record}`, `{claim}`, `{stated}` and `{verdict}` print."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from repro.errors import BadInput, nearest
from repro.interval import interval
from repro.record import Record
from repro.report import chosen, percent, possible
from repro.report.evidence import ours
from repro.report.figure import claimed
from repro.report.html.words import duration, number, spread
from repro.report.page import Page
from repro.verdict import Verdict


@dataclass(frozen=True)
class Quote:
    """The text to print and its link. `fault` says why the number cannot be trusted; "" if it can.

    If `outcome` is given, it is printed as a badge instead of `text`.
    """

    text: str
    href: str = ""
    fault: str = ""
    outcome: str = ""


def measured(page: Page, name: str) -> Quote:
    """A number of a record. `name` has one of three forms:

        cnn-seed0:test:Accuracy          the mean and its interval
        cnn-seed0:test:Accuracy:item 3   the value of one test item
        cnn-seed0:seconds                a cost of the run

    Raises BadInput for an unknown name, with the most similar one.
    """
    stem, *rest = name.split(":")
    found = _find(page, stem)
    text = _cost(found, rest[0]) if len(rest) == 1 else _value(page, found, rest)
    return Quote(text, page.origin(found), f"{stem} is stale: {found.stale}" if found.stale else "")


def judged(page: Page, name: str) -> Quote:
    """Our number for the claim `name`. Raises BadInput if no record decides the claim."""
    verdict = verdict_of(page, name)
    claim = verdict.claim
    if verdict.judged is None:
        raise BadInput(f"claim '{name}' is {verdict.outcome}: {verdict.why}")
    stale = verdict.judged.stale
    fault = f"claim '{name}' depends on a stale record: {stale}" if stale else ""
    return Quote(ours(verdict), page.place(claim), fault)


def stated(page: Page, name: str) -> Quote:
    """The paper's number or bound for the claim `name`, with the digits that the paper prints.

    It does not contain our accepted range.

    Raises BadInput for an unknown claim, and for a number that is not transcribed.
    """
    claim = page.paper.claim(name)
    if not claim.transcribed:
        raise BadInput(f"claim '{name}' is not transcribed: its number is not known here")
    return Quote(claimed(page, claim), page.place(claim))


def decided(page: Page, name: str) -> Quote:
    """The verdict on the claim `name`. Raises BadInput for an unknown claim."""
    verdict = verdict_of(page, name)
    fault = f"claim '{name}' is stale: {verdict.why}" if verdict.outcome == "stale" else ""
    name = chosen.outcome(verdict)
    return Quote(name, page.place(verdict.claim), fault, name)


LOOKS: dict[str, Callable[[Page, str], Quote]] = {
    "record": measured,
    "claim": judged,
    "stated": stated,
    "verdict": decided,
}
"""What each role looks up."""
ROLES = frozenset({*LOOKS, "abbr", "doc", "kbd", "math", "ref", "sub", "sup", "term"})
"""The roles that a text of a paper may use."""


def verdict_of(page: Page, name: str) -> Verdict:
    """The verdict on the claim `name`. Raises BadInput for an unknown claim, with the most similar name."""
    claim = page.paper.claim(name)
    return next(verdict for verdict in page.verdicts if verdict.claim is claim)


def _find(page: Page, stem: str) -> Record:
    known = {found.stem: found for found in (*page.records, *page.smoke)}
    if stem not in known:
        raise BadInput(f"no record '{stem}'{nearest(stem, known)}")
    return known[stem]


def _value(page: Page, found: Record, rest: list[str]) -> str:
    known = {f"{m.test}:{m.metric}": m for m in found.measurements}
    name, item = ":".join(rest[:2]), ":".join(rest[2:])
    if name not in known:
        raise BadInput(f"no measurement '{name}' in {found.stem}{nearest(name, known)}")
    names = found.items.get(rest[0], [])
    if item and item not in names:
        raise BadInput(f"no item '{item}' of {name} in {found.stem}{nearest(item, names)}")
    identity = known[name].identity
    values = [known[name].values[names.index(item)]] if item else known[name].values
    by, unit = percent.factor(page.paper, known[name].metric, str(identity.get("unit", "")))
    return spread(possible.within(interval([values]), identity, values).scaled(by), unit)


def _cost(found: Record, name: str) -> str:
    if name not in found.cost:
        raise BadInput(f"no cost '{name}' in {found.stem}{nearest(name, found.cost)}")
    value = found.cost[name]
    return duration(value) if name.endswith("seconds") else number(value)
