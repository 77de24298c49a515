"""What the records say of a claim, with its uncertainty. Pure: opens no file, imports no torch.

`repro.interval` says how the interval comes about; docs/guide/claims.md says when which verdict is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from repro.claim import Claim, units
from repro.record import Record
from repro.verdict import power
from repro.verdict.evidence import Evidence as Evidence
from repro.verdict.evidence import Held, gather, missing

OUTCOMES = (
    "reproduced",
    "exceeded",
    "trend holds",
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
RANKS = {outcome: rank for rank, outcome in enumerate(OUTCOMES)} | {"exceeded": OUTCOMES.index("inconclusive")}
DECIDED = ("reproduced", "exceeded", "not reproduced")  # by the paper's own config
WIDE = Context(prec=700)  # any two floats, side by side


@dataclass(frozen=True)
class Verdict:
    """The outcome of one claim, why, and the evidence; `judged` is the piece of evidence that decided."""

    claim: Claim
    outcome: str
    why: str
    evidence: list[Evidence] = field(default_factory=list)
    judged: Evidence | None = None

    @property
    def sees(self) -> float | None:
        """The smallest difference that 80 % of such studies would have found; None where nobody knows."""
        found = self.judged
        if found is None or self.outcome in ("not comparable", "stale"):
            return None
        return power.sees(self.claim, found)

    @property
    def too_wide(self) -> str:
        """Why no result could have failed the claim; empty where one could."""
        return power.too_wide(self.claim, self.judged)

    @property
    def out_of_reach(self) -> str:
        """Why no mean could have been reproduced with these seeds and items; empty where one could."""
        return "" if self.judged is None or self.sees is None else power.out_of_reach(self.claim, self.judged)


def judge(claim: Claim, records: Iterable[Record]) -> Verdict:
    """Set the records of a claim's configs beside the claim. The order of `records` does not matter."""
    return judge_all([claim], records)[0]


def judge_all(claims: Iterable[Claim], records: Iterable[Record]) -> list[Verdict]:
    """A verdict for each claim, in their order."""
    held: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if not record.overrides:
            held[record.config].append(record)
    for mine in held.values():
        mine.sort(key=lambda record: (record.seed, record.finished, record.digest))  # of twins the later counts
    return [_judge(claim, held) for claim in claims]


def worse(now: str, before: str) -> bool:
    """Whether outcome `now` is farther from a reproduced claim than `before`.

    `exceeded` ranks with `inconclusive`: a wider tolerance leads from the one over the other to `reproduced`. A trend
    where the paper's own config had decided is worse whatever it says: records are gone.
    """
    return RANKS[now] > RANKS[before] or (before in DECIDED and now.startswith("trend"))


def untranscribed(verdicts: Iterable[Verdict]) -> str:
    """A sentence on the numbers that have no verdict because nobody has copied them; empty where there are none."""
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
    if own is not None or not proxies:  # no proxy speaks where the paper's own config has begun to
        return Verdict(claim, "not run", lacking, evidence)
    if claim.kind != "comparison":
        return Verdict(claim, "not run", f"{lacking}; a proxy cannot judge a {claim.kind}", evidence)
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
    """Why the chance in our number is not known well enough to judge it, if so."""
    if claim.printed:
        return None
    if claim.deterministic and found.interval.seed_variance > 0:
        means = [sum(row) / len(row) for row in found.rows]
        apart = f": {min(means):.6g} to {max(means):.6g}" if means else ""
        return "not comparable", f"the claim is deterministic, but its seeds give unlike numbers{apart}"
    least = claim.trend_seeds if found.proxy else min(2, claim.trend_seeds)
    if (lacking := least - found.interval.seeds) <= 0:
        return None
    seeds = "1 more seed is" if lacking == 1 else f"{lacking} more seeds are"
    return "inconclusive", f"{_say(found)}; {seeds} needed to know the chance in the training{_cost(found, lacking)}"


def _in_unit(claim: Claim, found: Evidence, outcome: str, why: str) -> tuple[str, str]:
    """The outcome with the conversion of ours; there is none where only the unit may be the reason for it.

    That is: the claim states no unit and is missed by a factor of about 100, or ours is so far above its lower bound.
    """
    ours, stated = found.interval.mean, claim.number
    unsure = outcome in ("exceeded", "not reproduced", "trend fails") or (claim.above is not None and not claim.over)
    unsure = unsure and claim.stated_unit is None and outcome != "inconclusive"
    if unsure and stated and units.hundredfold(ours, stated, found.identity.get("unit", "")):
        hint = "about a factor of 100; give the claim its 'unit': '%', or '1' for a share"
        return "not comparable", f"ours is {ours:.6g}, the paper's number is {stated:g}: {hint}"
    return outcome, f"{why} ({found.converted})" if found.converted else why


def _trend(claim: Claim, proxy: Evidence) -> tuple[str, str]:
    if fault := _unfit(proxy):
        return fault
    settled = _unsettled(claim, proxy) or _sign(claim, proxy, "trend holds", "trend fails")
    outcome, why = _in_unit(claim, proxy, *settled)
    return outcome, f"by the proxy {proxy.config}: {why}"


def _unfit(found: Evidence) -> tuple[str, str] | None:
    """Why this evidence decides nothing, if so."""
    if found.unlike:
        return "not comparable", found.unlike
    return ("stale", found.stale) if found.stale else None


def bound(claim: Claim) -> float:
    """What a comparison must be on the right side of: the stated number, or no difference."""
    return claim.bound or 0.0


def upward(claim: Claim, identity: dict[str, Any]) -> bool:
    """Whether the right side of the bound is above it: as the claim says, else as the metric's own direction is."""
    return identity.get("better") != "lower" if claim.bound is None else claim.above is not None


def _sign(claim: Claim, found: Evidence, yes: str, no: str) -> tuple[str, str]:
    """A comparison: is our value (or difference) on the claimed side of the bound?"""
    edge, ours = bound(claim), found.interval
    what = f"the difference {found.name} is " if found.other else ""
    note = f"{what}{_say(found)} against a bound of {claim.bound or 0}"
    if ours.low <= edge <= ours.high:
        return "inconclusive", f"{note}; {_more(found, edge)}"
    return (yes if (ours.low > edge) == upward(claim, found.identity) else no), note


def _value(claim: Claim, own: Evidence) -> tuple[str, str]:
    assert claim.accepted is not None  # a claim is read with both value and tolerance, or with neither
    (low, high), ours, unit = claim.accepted, own.compared, own.identity.get("unit", "")
    stated, accepted = (f"{text} {unit}".rstrip() for text in (claim.stated, claim.accepts))
    chance = f"; with the chance in the paper's own number, ours is {ours.shown(unit)}" if own.with_theirs else ""
    note = f"{_say(own)}{chance} against {stated} (accepted by us: {accepted})"
    if low <= exact(ours.low) and exact(ours.high) <= high:
        return "reproduced", note
    if exact(ours.low) > high or exact(ours.high) < low:
        better = (exact(ours.low) > high) == (own.identity.get("better") != "lower")
        return ("exceeded" if better else "not reproduced"), note
    border = min((float(low), float(high)), key=lambda edge: abs(edge - ours.mean))
    return "inconclusive", f"{note}; {_more(own, border)}"


def _keeps_sign(claim: Claim, own: Evidence, why: str) -> tuple[str, str]:
    """A difference that is as large as claimed, within its tolerance, must have the claimed sign too."""
    ours, up = own.interval, (claim.value or 0.0) > 0
    if claim.value == 0 or (ours.low > 0 if up else ours.high < 0):
        return "reproduced", why
    if ours.low <= 0 <= ours.high:
        return "inconclusive", f"{why}, but its sign is open; {_more(own, 0.0)}"
    return "not reproduced", f"{why}, but of the other sign"


def exact(value: float) -> Decimal:
    """The number that is written so, and not the nearest binary one."""
    return Decimal(repr(value))


def _printed(claim: Claim, own: Evidence) -> tuple[str, str]:
    """Does our number round to the digits printed? A number halfway rounds away from zero."""
    printed, digit = claim.digits
    ours = own.interval
    if ours.seed_variance > 0:
        return "not comparable", f"a printed number is for results without chance; {_say(own)} vary from seed to seed"
    rounded = exact(ours.mean).quantize(digit, ROUND_HALF_UP, WIDE)
    note = f"{ours.mean:.9g} rounds to {str(rounded).lower()}, printed is {claim.printed}"
    return ("reproduced" if rounded == printed else "not reproduced"), note


def _say(found: Evidence) -> str:
    ours, unit = found.interval, found.identity.get("unit", "")
    if ours.seeds == ours.items == 1:
        return f"{ours.shown(unit)} (one value)"
    runs = "1 seed" if ours.seeds == 1 else f"{ours.seeds} seeds"
    items = "1 item" if ours.items == 1 else f"{ours.items:,} items"
    return f"{ours.shown(unit)} ({runs}, {'these ' if ours.fixed and ours.items > 1 else ''}{items})"


def _more(found: Evidence, edge: float) -> str:
    """How many more seeds would settle it, if the mean and the spread stay what they are, and what they would take."""
    ours = found.compared
    if ours.low == ours.high:
        return "it is the bound itself, with no spread: more seeds would not settle it"
    if more := ours.seeds_to_settle(edge):
        seeds = "1 more seed" if more == 1 else f"{more} more seeds"
        return f"{seeds} would settle it, if mean and spread stay as they are{_cost(found, more)}"
    if ours.item_variance <= ours.seed_variance / ours.seeds:
        return "the mean is so near the border that a hundred seeds would not settle it"
    what = "the paper's own number is too uncertain" if ours.fixed else "more test items would"
    return f"a hundred seeds would not settle it: {what}"


def _cost(found: Evidence, seeds: int) -> str:
    """What so many more seeds take on one machine like that of the records, in words; empty where no record says."""
    sides = [[record.cost.get("seconds", 0.0) for record in side] for side in (found.records, found.over) if side]
    minutes = seeds * sum(sum(side) / len(side) for side in sides) / 60
    return f" (about {max(minutes, 1):.0f} min of computing)" if minutes else ""
