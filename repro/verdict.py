"""What the records say of a claim, with its uncertainty. Pure: opens no file, imports no torch.

`repro.interval` says how the interval comes about; docs/guide/claims.md says when which verdict is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import PurePath
from typing import Any

from repro.claim import Claim
from repro.errors import nearest
from repro.interval import Interval, difference, interval
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
    "not checkable",
    "unread",
)
RANKS = {outcome: rank for rank, outcome in enumerate(OUTCOMES)} | {"exceeded": OUTCOMES.index("inconclusive")}
WIDE = Context(prec=700)  # any two floats, side by side

Held = Mapping[str, Sequence[Record]]
"""Records by the name of their config."""

Side = dict[int, tuple[Record, Measurement, list[float]]]
"""The records of one config that hold what a claim asks for, by seed, with the values that count."""


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
    unlike: str = ""  # why it cannot be compared, with the claim or within itself

    @property
    def name(self) -> str:
        """The config, or both as a difference."""
        return f"{self.config} less {self.other}" if self.other else self.config

    @property
    def stale(self) -> str:
        return next((record.stale for record in (*self.records, *self.over) if record.stale), "")


@dataclass(frozen=True)
class Verdict:
    """The outcome of one claim, why, and the evidence; `judged` is the piece of evidence that decided."""

    claim: Claim
    outcome: str
    why: str
    evidence: list[Evidence] = field(default_factory=list)
    judged: Evidence | None = None


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
        mine.sort(key=lambda record: record.seed)
    return [_judge(claim, held) for claim in claims]


def worse(now: str, before: str) -> bool:
    """Whether outcome `now` is farther from a reproduced claim than `before`.

    `exceeded` ranks with `inconclusive`: a wider tolerance leads from the one over the other to `reproduced`.
    """
    return RANKS[now] > RANKS[before]


def _judge(claim: Claim, held: Held) -> Verdict:
    if claim.unread:
        return Verdict(claim, "unread", "nobody has read this number in the paper")
    if claim.no_config:
        return Verdict(claim, "not checkable", claim.no_config)
    found = (_evidence(claim, config, other, proxy, held) for config, other, proxy in claim.pairs)
    evidence = [one for one in found if one]
    own = next((one for one in evidence if not one.proxy), None)
    if own is not None and own.interval.seeds >= claim.seeds:
        return Verdict(claim, *_full(claim, own), evidence, own)
    missing = _missing(claim, own, held)
    proxies = [one for one in evidence if one.proxy]
    if not proxies:
        return Verdict(claim, "not run", missing, evidence)
    if claim.kind != "comparison":
        return Verdict(claim, "not run", f"{missing}; a proxy cannot judge a {claim.kind}", evidence)
    return Verdict(claim, *_trend(claim, proxies[-1]), evidence, proxies[-1])


def _missing(claim: Claim, own: Evidence | None, held: Held) -> str:
    """What is not there: seeds, or the very thing that the claim asks of its records."""
    records = [record for config in claim.configs for record in held.get(PurePath(config).stem, ())]
    known = {f"{m.test}: {m.metric}" for record in records for m in record.measurements}
    wanted = f"{claim.test}: {claim.metric}"
    if known and wanted not in known:
        return f"no '{wanted}' in the records of its configs{nearest(wanted, known)}"
    items = {name for record in records for name in record.items.get(claim.test, ())}
    if records and claim.item and claim.item not in items:
        return f"no item '{claim.item}' in the records of its configs{nearest(claim.item, items)}"
    whose = f"that {claim.config} and {claim.over} share" if claim.over else f"of {claim.config}"
    return f"{own.interval.seeds if own else 0} of {claim.seeds} seeds {whose}"


def _evidence(claim: Claim, config: str, other: str, proxy: bool, held: Held) -> Evidence | None:
    ours = _measured(claim, config, claim.test, held)
    theirs = _measured(claim, other, claim.over_test or claim.test, held) if other else {}
    if not ours or (other and not theirs):
        return None
    unlike = _unlike(claim, ours, theirs, proxy)
    rows, others = _rows(ours), _rows(theirs)
    if other:
        found = difference(rows, others, ours.keys() == theirs.keys(), len(_data(ours, theirs)) == 1)
    else:
        found = interval(rows)
    identity = next(iter(ours.values()))[1].identity
    records, over = ([record for record, _, _ in side.values()] for side in (ours, theirs))
    return Evidence(config, found, identity, records, proxy, over, other, unlike)


def _measured(claim: Claim, config: str, test: str, held: Held) -> Side:
    """The records of `config` that hold the claim's metric, by seed: the values of all items, or of the one named."""
    found: Side = {}
    for record in held.get(PurePath(config).stem, ()):
        measurement = record.measured(test, claim.metric)
        names = record.items.get(test, [])
        if measurement is None or (claim.item and claim.item not in names):
            continue
        values = [measurement.values[names.index(claim.item)]] if claim.item else measurement.values
        found[record.seed] = (record, measurement, values)
    return found


def _rows(side: Side) -> list[list[float]]:
    """A row per seed, equally long: where they are not, the records are not comparable anyway."""
    items = min((len(values) for _, _, values in side.values()), default=0)
    return [values[:items] for _, _, values in side.values()]


def _unlike(claim: Claim, ours: Side, theirs: Side, proxy: bool) -> str:
    """Why these measurements cannot be set beside the claim or each other; empty where they can."""
    first = next(iter(ours.values()))[1].identity
    for _, measurement, _ in (*ours.values(), *theirs.values()):
        other = measurement.identity
        if keys := sorted(key for key in {*first, *other} if first.get(key) != other.get(key)):
            return f"the records do not measure the same thing: they differ in {', '.join(keys)}"
    for side in (ours, theirs):
        if len(_data(side)) > 1 or len({len(values) for _, _, values in side.values()}) > 1:
            return "the records were made on different test data"
    if theirs and not claim.over_test and len(_data(ours, theirs)) > 1:
        return "the two configs were measured on different test data"
    return "" if proxy else _unlike_the_claim(claim, first, ours)


def _unlike_the_claim(claim: Claim, identity: dict[str, Any], ours: Side) -> str:
    for key, wanted in claim.identity.items():
        if identity.get(key) != wanted:
            return f"the paper's {key} is {wanted}, that of the records is {identity.get(key)}"
    if claim.data and _data(ours) != {claim.data}:
        return f"the claim is about the data {claim.data}, the records were made on {min(_data(ours))}"
    return ""


def _data(*sides: Side) -> set[str]:
    """The fingerprints of the test data that `sides` were measured on."""
    return {record.fingerprint(measurement.test) for side in sides for record, measurement, _ in side.values()}


def _full(claim: Claim, own: Evidence) -> tuple[str, str]:
    if fault := _unfit(own):
        return fault
    if claim.kind == "printed":
        return _printed(claim, own)
    if claim.kind == "comparison" and claim.value is None:
        return _sign(claim, own, "reproduced", "not reproduced")
    return _value(claim, own)


def _trend(claim: Claim, proxy: Evidence) -> tuple[str, str]:
    if fault := _unfit(proxy):
        return fault
    outcome, why = _sign(claim, proxy, "trend holds", "trend fails")
    return outcome, f"by the proxy {proxy.config}: {why}"


def _unfit(found: Evidence) -> tuple[str, str] | None:
    """Why this evidence decides nothing, if so."""
    if found.unlike:
        return "not comparable", found.unlike
    return ("stale", f"changed since the record: {found.stale}") if found.stale else None


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
    note = f"{what}{_say(found)} against a bound of {edge:g}"
    if ours.low <= edge <= ours.high:
        return "inconclusive", f"{note}; {_more(ours, edge)}"
    return (yes if (ours.low > edge) == upward(claim, found.identity) else no), note


def _value(claim: Claim, own: Evidence) -> tuple[str, str]:
    assert claim.value is not None and claim.tolerance is not None  # a claim is read with both or neither
    low, high, ours = claim.value - claim.tolerance, claim.value + claim.tolerance, own.interval
    note = f"{_say(own)} against {claim.value:g} +- {claim.tolerance:g}"
    if low <= ours.low and ours.high <= high:
        return "reproduced", note
    if ours.low > high or ours.high < low:
        better = (ours.low > high) == (own.identity.get("better") != "lower")
        return ("exceeded" if better else "not reproduced"), note
    return "inconclusive", f"{note}; {_more(ours, min((low, high), key=lambda edge: abs(edge - ours.mean)))}"


def factor(claim: Claim, unit: str) -> int:
    """What our number is multiplied by to be in the unit of the print: a share is printed as percent."""
    return 100 if claim.printed.endswith("%") and unit != "%" else 1


def _printed(claim: Claim, own: Evidence) -> tuple[str, str]:
    """Does our number round to the digits printed? A number halfway rounds away from zero."""
    printed, digit = claim.digits
    ours, by = own.interval, factor(claim, own.identity.get("unit", ""))
    if ours.seed_variance > 0:
        return "not comparable", f"a printed number is for results without chance; {_say(own)} vary from seed to seed"
    rounded = (Decimal(repr(ours.mean)) * by).quantize(digit, ROUND_HALF_UP, WIDE)
    note = f"{ours.mean * by:.9g} rounds to {str(rounded).lower()}, printed is {claim.printed}"
    return ("reproduced" if rounded == printed else "not reproduced"), note


def _say(found: Evidence) -> str:
    ours, unit = found.interval, found.identity.get("unit", "")
    if ours.seeds == ours.items == 1:
        return ours.shown(unit)
    runs = "one seed, items only" if ours.seeds == 1 else f"{ours.seeds} seeds"
    return f"{ours.shown(unit)} ({runs}, {ours.items} {'item' if ours.items == 1 else 'items'})"


def _more(ours: Interval, edge: float) -> str:
    """How many more seeds would settle it, if the mean stays where it is."""
    if ours.seed_variance + ours.item_variance == 0:
        return "it is the bound itself, with no spread: more seeds would not settle it"
    if ours.seeds < 2:
        return "a second seed is needed to know the spread between seeds"
    more = ours.seeds_to_settle(edge)
    if not more:
        return "more seeds would not settle it: more test items would"
    return f"{more} more {'seed' if more == 1 else 'seeds'} would settle it"
