"""One number in a sentence: looks up what the roles `{record}`, `{claim}`, `{stated}` and `{verdict}` print."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from statistics import fmean

from repro.errors import BadInput, nearest
from repro.interval import interval
from repro.record import Measurement, Record
from repro.report import chosen, percent, possible
from repro.report.evidence import ours
from repro.report.figure import claimed
from repro.report.html.words import duration, number, spread, typeset
from repro.report.page import Page
from repro.verdict import Verdict

ALONE = "mean"
"""In place of the name of a test item: the mean without an interval."""


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
    """A number of a record, or of all records of a config. `name` has one of five forms:

        cnn:test:Accuracy                the mean over all seeds and its interval
        cnn-seed0:test:Accuracy          the mean of one record and its interval
        cnn-seed0:test:Accuracy:mean     the mean alone, of a number that is computed without randomness
        cnn-seed0:test:Accuracy:item 3   the value of one test item
        cnn:seconds, cnn-seed0:seconds   a cost: the mean of all runs, and of one

    The interval of several seeds is for exactly these test items if that of the paper's numbers is, with this metric.
    Raises BadInput for an unknown name, with the most similar one.
    """
    stem, *rest = name.split(":")
    found = _find(page, stem)
    text = _cost(found, rest[0]) if len(rest) == 1 else _value(page, found, rest)
    old = [f"{one.stem} is stale: {one.stale}" for one in found if one.stale]
    return Quote(text, page.origin(found[0]), "; ".join(old))


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


def _find(page: Page, stem: str) -> list[Record]:
    """The record of this name, or all records of the config of this name, by seed."""
    known: dict[str, list[Record]] = {}
    for found in sorted((*page.records, *page.smoke), key=lambda one: one.seed):
        known.setdefault(found.config, []).append(found)
        known[found.stem] = [found]
    if stem not in known:
        raise BadInput(f"no record '{stem}'{nearest(stem, known)}")
    return known[stem]


def _value(page: Page, found: list[Record], rest: list[str]) -> str:
    """The mean of a metric, with its interval or alone, or the value of one item. A row of values for each record."""
    every = [_measurement(one, ":".join(rest[:2])) for one in found]
    item, names = ":".join(rest[2:]), found[0].items.get(rest[0], [])
    alone = item == ALONE and item not in names
    if item and not alone and item not in names:
        raise BadInput(f"no item '{item}' of {':'.join(rest[:2])} in {found[0].stem}{nearest(item, names)}")
    rows = [[one.values[names.index(item)]] if item and not alone else one.values for one in every]
    identity = every[0].identity
    by, unit = percent.factor(page.paper, every[0].metric, str(identity.get("unit", "")))
    ours = interval(rows, fixed=len(rows) > 1 and _fixed(page, found, rest[0], every[0].metric))
    if alone:
        return typeset(f"{number(ours.mean * by)} {unit}".rstrip())
    return spread(possible.within(ours, identity, chain.from_iterable(rows)).scaled(by), unit)


def _fixed(page: Page, found: list[Record], test: str, metric: str) -> bool:
    """Whether the interval is for exactly these test items, as that of the paper's numbers with this metric."""
    alike = (one for one in page.paper.claims if one.metric == metric and one.test in ("", test))
    claims = [one for one in alike if one.value is not None]
    ways = {one.items for one in claims} - {""}
    return ways == {"fixed"} if ways else bool(claims) and all(one.pinned(test) for one in found)


def _measurement(found: Record, name: str) -> Measurement:
    known = {f"{one.test}:{one.metric}": one for one in found.measurements}
    if name not in known:
        raise BadInput(f"no measurement '{name}' in {found.stem}{nearest(name, known)}")
    return known[name]


def _cost(found: list[Record], name: str) -> str:
    """A cost, the mean over the records."""
    for one in found:
        if name not in one.cost:
            raise BadInput(f"no cost '{name}' in {one.stem}{nearest(name, one.cost)}")
    value = fmean(one.cost[name] for one in found)
    return duration(value) if name.endswith("seconds") else number(value)
