"""What the records say of a claim, with its uncertainty. Pure: opens no file, imports no torch.

**The interval.** Item i of seed s gives x[s][i] = mu + seed_s + item_i + rest. Over S seeds and n shared items the
variance of the grand mean is estimated by (variance of the seed means)/S + (variance of the item means)/n, slightly
too large since both contain the rest, and the 95 % interval is Student's t with Welch-Satterthwaite degrees of
freedom. With one seed only the items speak: the interval then says nothing of the spread between seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import PurePath
from statistics import fmean, variance
from typing import Any

from repro.paper import Claim
from repro.record import Measurement, Record

OUTCOMES = ("reproduced", "exceeded", "trend holds", "inconclusive", "trend fails", "not reproduced",
            "not comparable", "stale", "not run", "unread")


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval, with the two variances that made it."""

    mean: float
    low: float
    high: float
    seeds: int
    items: int
    seed_variance: float = 0.0
    item_variance: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """What the records of one config say of a claim."""

    config: str
    interval: Interval
    identity: dict[str, Any]
    records: list[Record]
    proxy: bool

    @property
    def stale(self) -> str:
        return next((record.stale for record in self.records if record.stale), "")


@dataclass(frozen=True)
class Verdict:
    """The outcome of one claim, why, and the evidence; `judged` is the piece of evidence that decided."""

    claim: Claim
    outcome: str
    why: str
    evidence: list[Evidence] = field(default_factory=list)
    judged: Evidence | None = None


def judge(claim: Claim, records: Sequence[Record]) -> Verdict:
    """Set the records of a claim's configs beside the claim. The order of `records` does not matter."""
    if claim.unread:
        return Verdict(claim, "unread", "nobody has read this number in the paper")
    evidence = [found for config in claim.configs if config != claim.over
                for found in [_evidence(claim, config, records)] if found]
    own = next((found for found in evidence if not found.proxy), None)
    if own is not None and own.interval.seeds >= claim.seeds:
        return Verdict(claim, *_full(claim, own), evidence, own)
    missing = f"{own.interval.seeds if own else 0} of {claim.seeds} seeds of {claim.config}"
    proxies = [found for found in evidence if found.proxy]
    if not proxies:
        return Verdict(claim, "not run", missing, evidence)
    if claim.kind != "comparison":
        return Verdict(claim, "not run", f"{missing}; a proxy cannot judge a {claim.kind}", evidence)
    return Verdict(claim, *_trend(claim, proxies[-1]), evidence, proxies[-1])


def _evidence(claim: Claim, config: str, records: Sequence[Record]) -> Evidence | None:
    mine = _chosen(config, records)
    pairs = [(record, found) for record in mine if (found := record.measured(claim.test, claim.metric))]
    if not pairs:
        return None
    rows = {record.seed: found.values for record, found in pairs}
    identity = _common([found for _, found in pairs])
    if claim.over:
        other = {r.seed: m for r in _chosen(claim.over, records) if (m := r.measured(claim.test, claim.metric))}
        if not other:
            return None
        identity = _common([*(found for _, found in pairs), *other.values()])
        rows = _differences(rows, {seed: m.values for seed, m in other.items()})
    proxy = config != claim.config
    return Evidence(config, interval(list(rows.values())), identity, [record for record, _ in pairs], proxy)


def _chosen(config: str, records: Sequence[Record]) -> list[Record]:
    name = PurePath(config).stem
    return sorted((r for r in records if r.config == name and not r.overrides), key=lambda r: r.seed)


def _common(found: list[Measurement]) -> dict[str, Any]:
    """The identity that all measurements share; empty when they differ, which makes them not comparable."""
    first = found[0].identity
    return first if all(m.identity == first for m in found) else {}


def _differences(ours: dict[int, list[float]], theirs: dict[int, list[float]]) -> dict[int, list[float]]:
    """Item by item, seed by seed: paired where both saw the same items, else against the other side's mean."""
    shared = sorted(set(ours) & set(theirs))
    if shared and all(len(ours[s]) == len(theirs[s]) for s in shared):
        return {s: [a - b for a, b in zip(ours[s], theirs[s], strict=True)] for s in shared}
    level = fmean(fmean(values) for values in theirs.values())
    return {s: [value - level for value in values] for s, values in ours.items()}


def interval(rows: Sequence[Sequence[float]]) -> Interval:
    """The 95 % interval of the grand mean of `rows`, one row of item values per seed."""
    means = [fmean(row) for row in rows]
    mean, items = fmean(means), min(len(row) for row in rows)
    across = [fmean(column) for column in zip(*rows, strict=False)]
    by_item = variance(across) / items if items > 1 else 0.0
    by_seed = variance(means) / len(rows) if len(rows) > 1 else 0.0
    total = by_item + by_seed
    if total == 0.0:
        return Interval(mean, mean, mean, len(rows), items)
    half = _t(_freedom(by_seed, len(rows), by_item, items)) * math.sqrt(total)
    return Interval(mean, mean - half, mean + half, len(rows), items, by_seed * len(rows), by_item)


def _freedom(by_seed: float, seeds: int, by_item: float, items: int) -> float:
    """Welch-Satterthwaite: the degrees of freedom of a sum of two estimated variances."""
    parts = ((by_seed, seeds), (by_item, items))
    return (by_seed + by_item) ** 2 / sum(part**2 / (count - 1) for part, count in parts if part > 0)


def _t(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))


def _full(claim: Claim, own: Evidence) -> tuple[str, str]:
    if not own.identity:
        return "not comparable", "the records do not measure the same thing"
    if own.stale:
        return "stale", f"changed since the record: {own.stale}"
    if claim.kind == "printed":
        return _printed(claim, own.interval)
    if claim.kind == "comparison" and claim.value is None:
        return _sign(claim, own, "reproduced", "not reproduced")
    return _value(claim, own)


def _trend(claim: Claim, proxy: Evidence) -> tuple[str, str]:
    if not proxy.identity:
        return "not comparable", "the records do not measure the same thing"
    if proxy.stale:
        return "stale", f"changed since the record: {proxy.stale}"
    return _sign(claim, proxy, "trend holds", "trend fails")


def _sign(claim: Claim, found: Evidence, yes: str, no: str) -> tuple[str, str]:
    """A comparison: is our value (or difference) on the claimed side of the bound?"""
    bound, ours = claim.above or 0.0, found.interval
    up = found.identity.get("better") != "lower" or claim.above is not None
    low, high = (ours.low, ours.high) if up else (-ours.high, -ours.low)
    note = f"{_say(ours, found)} against a bound of {bound:g}"
    if low > bound:
        return yes, note
    return (no, note) if high < bound else ("inconclusive", f"{note}; {_more(ours, abs(ours.mean - bound))}")


def _value(claim: Claim, own: Evidence) -> tuple[str, str]:
    assert claim.value is not None and claim.tolerance is not None  # read() refuses a value claim without them
    low, high, ours = claim.value - claim.tolerance, claim.value + claim.tolerance, own.interval
    note = f"{_say(ours, own)} against {claim.value:g} +- {claim.tolerance:g}"
    if low <= ours.low and ours.high <= high:
        return "reproduced", note
    if ours.low > high or ours.high < low:
        better = (ours.low > high) == (own.identity.get("better") != "lower")
        return ("exceeded" if better else "not reproduced"), note
    border = min((low, high), key=lambda edge: abs(edge - ours.mean))
    return "inconclusive", f"{note}; {_more(ours, abs(ours.mean - border))}"


def _printed(claim: Claim, ours: Interval) -> tuple[str, str]:
    """Does our number round to the digits printed?"""
    printed = Decimal(claim.printed.rstrip(" %"))
    digit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
    same = Decimal(repr(ours.mean)).quantize(digit, ROUND_HALF_UP) == printed
    return ("reproduced" if same else "not reproduced"), f"{ours.mean!r} against the printed {claim.printed}"


def _say(ours: Interval, found: Evidence) -> str:
    unit = found.identity.get("unit", "")
    runs = "one seed, items only" if ours.seeds == 1 else f"{ours.seeds} seeds"
    return f"{ours.mean:.2f} {unit} [{ours.low:.2f}, {ours.high:.2f}] ({runs}, {ours.items} items)"


def _more(ours: Interval, distance: float) -> str:
    """How many more seeds would settle it, if the mean stays where it is."""
    if ours.seeds < 2:
        return "a second seed is needed to know the spread between seeds"
    for seeds in range(ours.seeds + 1, 101):
        by_seed = ours.seed_variance / seeds
        freedom = _freedom(by_seed, seeds, ours.item_variance, ours.items)
        if _t(freedom) * math.sqrt(by_seed + ours.item_variance) < distance:
            return f"{seeds - ours.seeds} more seeds would settle it"
    return "more seeds would not settle it: more test items would"
