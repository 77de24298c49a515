"""Judge claims: compare each claim with its records, including the uncertainty of the result.

`repro.interval` computes the intervals; docs/guide/claims.md explains the verdicts. This module reads no files and does
not import torch. `evidence` collects the measurements for a claim, `power` computes which differences can be detected,
`suspected_causes` shows the effect of each cause, `behaviours` judges behaviour tests, and `verdicts_json` writes the
committed file.

A verdict is *inconclusive* in four cases:

- too few seeds were run to know the spread between seeds (`_unsettled`);
- a value: our interval contains a border of the accepted range (`_value`);
- a comparison: our interval contains the bound (`_sign`);
- a difference that is within the accepted range: our interval contains 0, so its sign is uncertain (`_keeps_sign`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context
from typing import Any

from repro.claim import Claim, units
from repro.record import Record
from repro.verdict import power, settling
from repro.verdict.evidence import Evidence as Evidence
from repro.verdict.evidence import Held, gather, missing
from repro.verdict.settling import bound as bound
from repro.verdict.settling import exact

OUTCOMES = (
    "reproduced",
    "exceeded",
    "trend holds",
    "last digit differs",
    "same conclusion",
    "inconclusive",
    "trend fails",
    "not reproduced",
    "not comparable",
    "stale",
    "not run",
    "not checkable",
    "not transcribed",
)
UNTRANSCRIBED = OUTCOMES[-1]
BEHAVED = ("holds", "fails")
"""The outcomes that only a behaviour has: see `repro.verdict.behaviours`."""
RANKS = {outcome: rank for rank, outcome in enumerate(OUTCOMES)} | {
    "exceeded": OUTCOMES.index("inconclusive"),
    "holds": OUTCOMES.index("reproduced"),
    "fails": OUTCOMES.index("not reproduced"),
}
DECIDED = ("reproduced", "exceeded", "not reproduced")  # with the paper's own config, not with a proxy
TELLING = 2  # digits of a printed number; one unit of 0.002 is half of it, which is not only another last digit
WIDE = Context(prec=700)  # decimal digits that are enough for any float


@dataclass(frozen=True)
class Verdict:
    """The outcome of one claim, the reason, and the evidence. `judged`: the evidence that decided; None if none did."""

    claim: Claim
    outcome: str
    why: str
    evidence: list[Evidence] = field(default_factory=list)
    judged: Evidence | None = None

    @property
    def sees(self) -> float | None:
        """The smallest difference that 80 % of such studies detect, in the unit of the claim; None if unknown."""
        found = self.judged
        if found is None or self.outcome in ("not comparable", "stale"):
            return None
        return power.sees(self.claim, found)

    @property
    def more_seeds(self) -> int | None:
        """How many more seeds would settle an inconclusive claim; 0 if they would not, None for other claims."""
        found = self.judged if self.outcome == "inconclusive" else None
        return None if found is None else settling.more_seeds(self.claim, found)

    @property
    def too_wide(self) -> str:
        """Why no result could have failed the claim; "" if one could."""
        return power.too_wide(self.claim, self.judged)

    @property
    def out_of_reach(self) -> str:
        """Why these seeds and items could not have reproduced the claim with any mean; "" if they could."""
        return "" if self.judged is None or self.sees is None else power.out_of_reach(self.claim, self.judged)


def judge(claim: Claim, records: Iterable[Record]) -> Verdict:
    """Compare a claim with the records of its configs. Other records are ignored; the order does not matter.

    >>> from repro.record import Measurement
    >>> claim = Claim("a", "says", "Table 1", "Accuracy", "configs/a.gin", value=0.90, tolerance=0.02, items="fixed")
    >>> measured = {0: [0.90, 0.91], 1: [0.90, 0.90], 2: [0.89, 0.91]}  # by seed: one value for each test item
    >>> records = [
    ...     Record("paper", "a", seed, "digest", [Measurement("test", "Accuracy", {"better": "higher"}, values)])
    ...     for seed, values in measured.items()
    ... ]
    >>> judge(claim, records).outcome, judge(claim, records[:2]).outcome
    ('reproduced', 'not run')
    """
    return judge_all([claim], records)[0]


def judge_all(claims: Iterable[Claim], records: Iterable[Record]) -> list[Verdict]:
    """A verdict for each claim, in the same order."""
    held: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if not record.overrides:
            held[record.config].append(record)
    for mine in held.values():
        mine.sort(key=lambda record: (record.seed, record.finished, record.digest))  # for a seed, the latest counts
    return [_judge(claim, held) for claim in claims]


def worse(now: str, before: str) -> bool:
    """Whether the outcome `now` is farther from "reproduced" than the outcome `before`.

    `exceeded` has the same rank as `inconclusive`: with a wider tolerance, the first becomes the second and then
    `reproduced`. A trend after a decision by the paper's own config is always worse, because records were lost.

    >>> worse("not run", "reproduced"), worse("exceeded", "inconclusive")
    (True, False)
    """
    return RANKS[now] > RANKS[before] or (before in DECIDED and now.startswith("trend"))


def untranscribed(verdicts: Iterable[Verdict]) -> str:
    """A sentence with the number of claims that are not transcribed; "" if there are none."""
    if not (many := sum(verdict.outcome == UNTRANSCRIBED for verdict in verdicts)):
        return ""
    said = ("1 number is", "it has") if many == 1 else (f"{many} numbers are", "they have")
    return f"{said[0]} not transcribed from the paper yet, so {said[1]} no verdict."


def _judge(claim: Claim, held: Held) -> Verdict:
    if not claim.transcribed:
        return Verdict(claim, UNTRANSCRIBED, "this number is not transcribed from the paper yet")
    if claim.no_config:
        return Verdict(claim, "not checkable", claim.no_config)
    found = (gather(claim, config, other, proxy, held) for config, other, proxy in claim.pairs)
    evidence = [one for one in found if one]
    own = next((one for one in evidence if not one.proxy), None)
    if own is not None and own.interval.seeds >= claim.seeds:
        return Verdict(claim, *_full(claim, own), evidence, own)
    lacking = missing(claim, own, held)
    proxies = [one for one in evidence if one.proxy]
    if own is not None or not proxies:  # proxies do not count once the paper's own config has a record
        return Verdict(claim, "not run", lacking, evidence)
    if claim.kind != "comparison":
        return Verdict(claim, "not run", f"{lacking}; a proxy cannot confirm a number", evidence)
    return Verdict(claim, *_trend(claim, proxies[-1]), evidence, proxies[-1])


def _full(claim: Claim, own: Evidence) -> tuple[str, str]:
    if fault := _unfit(own):
        return fault
    if fault := _unsettled(claim, own):
        return fault
    if claim.kind == "printed":
        return _in_unit(claim, own, *_printed(claim, own))
    if claim.kind == "comparison" and claim.value is None:
        return _in_unit(claim, own, *_sign(claim, own, "reproduced", "not reproduced"))
    outcome, why = _value(claim, own)
    return _in_unit(
        claim, own, *(_keeps_sign(claim, own, why) if claim.over and outcome == "reproduced" else (outcome, why))
    )


def _unsettled(claim: Claim, found: Evidence) -> tuple[str, str] | None:
    """The outcome and reason if the spread between seeds is not known well enough for a verdict, else None."""
    if claim.printed:
        return None
    if claim.deterministic and found.interval.seed_variance > 0:
        means = [sum(row) / len(row) for row in found.rows]
        apart = f": {min(means):.6g} to {max(means):.6g}" if means else ""
        return "not comparable", f"the claim is deterministic, but its seeds give different numbers{apart}"
    if not settling.lacking_seeds(claim, found):
        return None
    return "inconclusive", f"{say(found)}; {settling.in_words(claim, found)}"


def _in_unit(claim: Claim, found: Evidence, outcome: str, why: str) -> tuple[str, str]:
    """Add the conversion of our number to the reason, or report "not comparable" if the unit may be wrong.

    The unit may be wrong if the claim states none and our number differs from it by a factor of about 100.
    """
    ours, stated = found.interval.mean, claim.number
    unsure = outcome in ("exceeded", "not reproduced", "trend fails") or (claim.above is not None and not claim.over)
    unsure = unsure and claim.stated_unit is None and outcome != "inconclusive"
    if unsure and stated and units.hundredfold(ours, stated, found.identity.get("unit", "")):
        hint = "they differ by about a factor of 100; add the 'unit' to the claim: '%', or '1' for a share"
        return "not comparable", f"ours is {ours:.6g}, the paper's number is {stated:g}: {hint}"
    return outcome, f"{why} ({found.converted})" if found.converted else why


def _trend(claim: Claim, proxy: Evidence) -> tuple[str, str]:
    if fault := _unfit(proxy):
        return fault
    settled = _unsettled(claim, proxy) or _sign(claim, proxy, "trend holds", "trend fails")
    outcome, why = _in_unit(claim, proxy, *settled)
    return outcome, f"with the proxy {proxy.config}: {why}"


def _unfit(found: Evidence) -> tuple[str, str] | None:
    """The outcome and reason if this evidence cannot decide, because it is not comparable or stale; else None."""
    if found.unlike:
        return "not comparable", found.unlike
    return ("stale", found.stale) if found.stale else None


def upward(claim: Claim, identity: dict[str, Any]) -> bool:
    """Whether our number must be above the bound. If the claim gives no bound, `better` of the metric decides."""
    return identity.get("better") != "lower" if claim.bound is None else claim.above is not None


def _sign(claim: Claim, found: Evidence, yes: str, no: str) -> tuple[str, str]:
    """Judge a comparison: is our number (or difference) on the claimed side of the bound?"""
    edge, ours = bound(claim), found.interval
    what = f"the difference {found.name} is " if found.other else ""
    note = f"{what}{say(found)} against a bound of {claim.bound or 0}"
    if ours.low <= edge <= ours.high:
        return "inconclusive", f"{note}; {settling.in_words(claim, found)}"
    return (yes if (ours.low > edge) == upward(claim, found.identity) else no), note


def _value(claim: Claim, own: Evidence) -> tuple[str, str]:
    assert claim.accepted is not None  # repro.claim.rules requires a tolerance for each value
    (low, high), ours, unit = claim.accepted, own.compared, own.identity.get("unit", "")
    stated, accepted = (f"{text} {unit}".rstrip() for text in (claim.stated, claim.accepts))
    chance = f"; with the uncertainty of the paper's own number, ours is {ours.shown(unit)}" if own.with_theirs else ""
    note = f"{say(own)}{chance} against {stated} (accepted by us: {accepted})"
    if low <= exact(ours.low) and exact(ours.high) <= high:
        return "reproduced", note
    if exact(ours.low) > high or exact(ours.high) < low:
        better = (exact(ours.low) > high) == (own.identity.get("better") != "lower")
        return ("exceeded" if better else "not reproduced"), note
    return "inconclusive", f"{note}; {settling.in_words(claim, own)}"


def _keeps_sign(claim: Claim, own: Evidence, why: str) -> tuple[str, str]:
    """Check the sign of a difference that is within the tolerance: it must be the claimed sign."""
    ours, up = own.interval, (claim.value or 0.0) > 0
    if claim.value == 0 or (ours.low > 0 if up else ours.high < 0):
        return "reproduced", why
    if ours.low <= 0 <= ours.high:
        return "inconclusive", f"{why}, but its sign is uncertain; {settling.in_words(claim, own)}"
    return "not reproduced", f"{why}, but it has the opposite sign"


def _printed(claim: Claim, own: Evidence) -> tuple[str, str]:
    """Judge a printed number: does our number round to its digits? A number halfway is rounded away from zero."""
    printed, digit = claim.digits
    ours = own.interval
    if ours.seed_variance > 0:
        return "not comparable", f"a printed number needs a deterministic result; {say(own)} vary from seed to seed"
    rounded = exact(ours.mean).quantize(digit, ROUND_HALF_UP, WIDE)
    note = f"{ours.mean:.9g} rounds to {str(rounded).lower()}, printed is {claim.printed}"
    if rounded == printed:
        return "reproduced", note
    if abs(rounded - printed) == digit and len(printed.as_tuple().digits) >= TELLING:
        return "last digit differs", f"{note}: one unit of the last digit apart"
    if claim.level is not None and (own.interval.mean < claim.level) == (float(printed) < claim.level):
        side = "below" if float(printed) < claim.level else "not below"
        return "same conclusion", f"{note}; both are {side} {claim.level:g}, which decides the conclusion"
    return "not reproduced", note


def say(found: Evidence) -> str:
    """Our number with its interval, and of how many seeds and items it is."""
    ours, unit = found.interval, found.identity.get("unit", "")
    if ours.seeds == ours.items == 1:
        return f"{ours.shown(unit)} (one value)"
    runs = "1 seed" if ours.seeds == 1 else f"{ours.seeds} seeds"
    items = "1 item" if ours.items == 1 else f"{ours.items:,} items"
    return f"{ours.shown(unit)} ({runs}, {'these ' if ours.fixed and ours.items > 1 else ''}{items})"
