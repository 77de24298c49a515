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
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import PurePath
from statistics import fmean, variance
from typing import Any

from repro.errors import nearest
from repro.paper import Claim
from repro.record import Measurement, Record

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
    "unread",
)
WIDE = Context(prec=700)  # any two floats, side by side


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval, with the variance of one seed and that of the mean over items which made it."""

    mean: float
    low: float
    high: float
    seeds: int
    items: int
    seed_variance: float = 0.0
    item_variance: float = 0.0

    def shown(self, unit: str = "") -> str:
        """`5.93 [5.51, 6.35] dB`, with two uncertain digits."""
        half = (self.high - self.low) / 2
        texts = [number(value, half) for value in (self.mean, self.low, self.high)]
        return f"{texts[0]} [{texts[1]}, {texts[2]}] {unit}".rstrip()


def number(value: float, half: float = 0.0) -> str:
    """`value` with the digits that an uncertainty of `half` leaves: two of them are uncertain."""
    if half <= 0:
        return f"{value:.6g}"
    return f"{value:.{min(max(1 - math.floor(math.log10(half)), 0), 9)}f}"


@dataclass(frozen=True)
class Evidence:
    """What the records of one config say of a claim; `over`: the records of the config it is compared with."""

    config: str
    interval: Interval
    identity: dict[str, Any]
    records: list[Record]
    proxy: bool
    over: list[Record] = field(default_factory=list)
    other: str = ""  # the other config of a comparison

    @property
    def name(self) -> str:
        """The config, or both as a difference."""
        return f"{self.config} less {self.other}" if self.other else self.config

    @property
    def stale(self) -> str:
        return next((record.stale for record in (*self.records, *self.over) if record.stale), "")


Side = dict[int, tuple[Record, Measurement]]
"""The records of one config that hold a claim's metric, by seed."""


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
    evidence = [
        found
        for config, other, proxy in claim.pairs
        for found in [_evidence(claim, config, other, proxy, records)]
        if found
    ]
    own = next((found for found in evidence if not found.proxy), None)
    if own is not None and own.interval.seeds >= claim.seeds:
        return Verdict(claim, *_full(claim, own), evidence, own)
    missing = _missing(claim, own, records)
    proxies = [found for found in evidence if found.proxy]
    if not proxies:
        return Verdict(claim, "not run", missing, evidence)
    if claim.kind != "comparison":
        return Verdict(claim, "not run", f"{missing}; a proxy cannot judge a {claim.kind}", evidence)
    return Verdict(claim, *_trend(claim, proxies[-1]), evidence, proxies[-1])


def _missing(claim: Claim, own: Evidence | None, records: Sequence[Record]) -> str:
    """What is not there: seeds, or the very thing that the claim asks of its records."""
    stems = {PurePath(config).stem for config in claim.configs}
    held = {f"{m.test}: {m.metric}" for record in records if record.config in stems for m in record.measurements}
    wanted = f"{claim.test}: {claim.metric}"
    if held and wanted not in held:
        return f"no '{wanted}' in the records of its configs{nearest(wanted, held)}"
    whose = f"that {claim.config} and {claim.over} share" if claim.over else f"of {claim.config}"
    return f"{own.interval.seeds if own else 0} of {claim.seeds} seeds {whose}"


def _evidence(claim: Claim, config: str, other: str, proxy: bool, records: Sequence[Record]) -> Evidence | None:
    ours = _measured(claim, config, records)
    theirs = _measured(claim, other, records) if other else {}
    if not ours or (other and not theirs):
        return None
    identity = _common(claim, ours, theirs)
    found = _difference(claim, ours, theirs) if other else interval([m.values for _, m in ours.values()])
    return Evidence(
        config,
        found,
        identity,
        [record for record, _ in ours.values()],
        proxy,
        [record for record, _ in theirs.values()],
        other,
    )


def _measured(claim: Claim, config: str, records: Sequence[Record]) -> Side:
    """The records of `config` that hold the claim's metric, by seed."""
    name = PurePath(config).stem
    mine = sorted((r for r in records if r.config == name and not r.overrides), key=lambda r: r.seed)
    return {r.seed: (r, found) for r in mine if (found := r.measured(claim.test, claim.metric))}


def _common(claim: Claim, *sides: Side) -> dict[str, Any]:
    """The identity that all measurements share; empty when it, or the data within one side, is not one and the same."""
    found = [measurement.identity for side in sides for _, measurement in side.values()]
    alike = all(identity == found[0] for identity in found)
    return found[0] if alike and all(len(_data(claim, side)) < 2 for side in sides) else {}


def _data(claim: Claim, *sides: Side) -> set[str]:
    """The fingerprints of the test data that `sides` were measured on."""
    return {str(record.data.get(claim.test)) for side in sides for record, _ in side.values()}


def _difference(claim: Claim, ours: Side, theirs: Side) -> Interval:
    """Item by item, seed by seed: paired where both saw the same items, else as two independent means."""
    shared = sorted(set(ours) & set(theirs))
    pairs = [(ours[seed][1].values, theirs[seed][1].values) for seed in shared]
    if pairs and len(_data(claim, ours, theirs)) == 1 and all(len(a) == len(b) for a, b in pairs):
        return interval([[x - y for x, y in zip(a, b, strict=True)] for a, b in pairs])
    one, other = (interval([m.values for _, m in side.values()]) for side in (ours, theirs))
    by_seed = one.seed_variance / one.seeds + other.seed_variance / other.seeds
    seeds, items = min(one.seeds, other.seeds), min(one.items, other.items)  # few degrees of freedom: a wide interval
    return _around(one.mean - other.mean, by_seed, seeds, one.item_variance + other.item_variance, items)


def interval(rows: Sequence[Sequence[float]]) -> Interval:
    """The 95 % interval of the grand mean of `rows`, one row of item values per seed."""
    means = [fmean(row) for row in rows]
    across = [fmean(column) for column in zip(*rows, strict=False)]
    by_item = variance(across) / len(across) if len(across) > 1 else 0.0
    by_seed = variance(means) / len(rows) if len(rows) > 1 else 0.0
    return _around(fmean(means), by_seed, len(rows), by_item, len(across))


def _around(mean: float, by_seed: float, seeds: int, by_item: float, items: int) -> Interval:
    """The interval of a mean whose variance has two parts, each estimated from so many values."""
    total = by_item + by_seed
    if total == 0.0:
        return Interval(mean, mean, mean, seeds, items)
    half = _t(_freedom(by_seed, seeds, by_item, items)) * math.sqrt(total)
    return Interval(mean, mean - half, mean + half, seeds, items, by_seed * seeds, by_item)


def _freedom(by_seed: float, seeds: int, by_item: float, items: int) -> float:
    """Welch-Satterthwaite: the degrees of freedom of a sum of two estimated variances."""
    total = by_seed + by_item  # shares of it: the square of a small variance may be zero
    shares = ((by_seed / total, seeds), (by_item / total, items))
    return 1 / sum(share**2 / (count - 1) for share, count in shares if share > 0)


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


def bound(claim: Claim) -> float:
    """What a comparison must be on the right side of: the stated number, or no difference."""
    return claim.above or 0.0


def upward(claim: Claim, identity: dict[str, Any]) -> bool:
    """Whether the right side of the bound is above it: always with `above`, else as the metric's own direction is."""
    return claim.above is not None or identity.get("better") != "lower"


def _sign(claim: Claim, found: Evidence, yes: str, no: str) -> tuple[str, str]:
    """A comparison: is our value (or difference) on the claimed side of the bound?"""
    edge, ours = bound(claim), found.interval
    low, high = (ours.low, ours.high) if upward(claim, found.identity) else (-ours.high, -ours.low)
    what = f"the difference {found.name} is " if found.other else ""
    note = f"{what}{_say(ours, found)} against a bound of {edge:g}"
    if low > edge:
        return yes, note
    return (no, note) if high < edge else ("inconclusive", f"{note}; {_more(ours, abs(ours.mean - edge))}")


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
    printed = Decimal(claim.printed.rstrip("% "))
    digit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
    same = math.isfinite(ours.mean) and Decimal(repr(ours.mean)).quantize(digit, ROUND_HALF_UP, WIDE) == printed
    return ("reproduced" if same else "not reproduced"), f"{ours.mean:.10g} against the printed {claim.printed}"


def _say(ours: Interval, found: Evidence) -> str:
    unit = found.identity.get("unit", "")
    runs = "one seed, items only" if ours.seeds == 1 else f"{ours.seeds} seeds"
    return f"{ours.shown(unit)} ({runs}, {ours.items} items)"


def _more(ours: Interval, distance: float) -> str:
    """How many more seeds would settle it, if the mean stays where it is."""
    if ours.seed_variance + ours.item_variance == 0:
        return "it is the bound itself, with no spread: more seeds would not settle it"
    if ours.seeds < 2:
        return "a second seed is needed to know the spread between seeds"
    for seeds in range(ours.seeds + 1, 101):
        by_seed = ours.seed_variance / seeds
        freedom = _freedom(by_seed, seeds, ours.item_variance, ours.items)
        if _t(freedom) * math.sqrt(by_seed + ours.item_variance) < distance:
            more = seeds - ours.seeds
            return f"{more} more {'seed' if more == 1 else 'seeds'} would settle it"
    return "more seeds would not settle it: more test items would"
