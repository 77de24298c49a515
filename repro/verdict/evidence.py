"""Collect the measurements for a claim (one row for each seed), and decide whether they are comparable with it.

This module reads no files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from repro.claim import Claim, units
from repro.errors import nearest
from repro.interval import Interval, apart, beside, difference, interval
from repro.record import Measurement, Record

Held = Mapping[str, Sequence[Record]]
"""Records by the name of their config."""

Side = dict[int, tuple[Record, Measurement, list[float]]]
"""The records of one config with the metric of a claim, by seed: (record, measurement, values of the claim's items)."""

OTHER_METRIC = "the records do not measure the same thing: their metrics have another "
"""This is followed by the properties of the metrics that differ."""


@dataclass(frozen=True)
class Evidence:
    """The measurements of one config for a claim. `over`: the records of the other config of a comparison."""

    config: str
    interval: Interval
    identity: dict[str, Any]
    records: list[Record]
    proxy: bool
    over: list[Record] = field(default_factory=list)
    other: str = ""  # the other config of a comparison
    converted: str = ""  # how our number was converted to the unit of the claim, if it was
    unlike: str = ""  # why the records cannot be compared with the claim or with each other
    rows: list[list[float]] = field(default_factory=list)  # one for each seed; paired differences for a comparison
    with_theirs: Interval | None = None  # with the uncertainty of the paper's number, if the claim states it

    @property
    def compared(self) -> Interval:
        """The interval that is compared with the accepted range."""
        return self.with_theirs or self.interval

    @property
    def name(self) -> str:
        """The config, or the difference of two configs, in words."""
        return f"{self.config} minus {self.other}" if self.other else self.config

    @property
    def stale(self) -> str:
        """Why the first stale record is stale; "" if no record is."""
        return next((record.stale for record in (*self.records, *self.over) if record.stale), "")


def missing(claim: Claim, own: Evidence | None, held: Held) -> str:
    """What is missing for a verdict, in words: seeds, or the metric or the item of the claim."""
    records = [record for config in claim.configs for record in held.get(PurePath(config).stem, ())]
    known = {f"{m.test}: {m.metric}" for record in records for m in record.measurements}
    wanted = f"{claim.test}: {claim.metric}"
    if known and wanted not in known:
        return f"no '{wanted}' in the records of its configs{nearest(wanted, known)}"
    items = {name for record in records for name in record.items.get(claim.test, ())}
    if records and claim.item and claim.item not in items:
        return f"no item '{claim.item}' in the records of its configs{nearest(claim.item, items)}"
    whose = f"of both {claim.config} and {claim.over}" if claim.over not in ("", claim.config) else f"of {claim.config}"
    return f"{own.interval.seeds if own else 0} of {claim.seeds} seeds {whose}"


def gather(claim: Claim, config: str, other: str, proxy: bool, held: Held) -> Evidence | None:
    """The evidence of `config`, or of the difference of `config` and `other`; None if one of them has no record."""
    ours = _measured(claim, config, claim.test, held)
    theirs = _measured(claim, other, claim.over_test or claim.test, held) if other else {}
    if not ours or (other and not theirs):
        return None
    shared = ours.keys() & theirs.keys()
    if other and len(shared) >= claim.seeds:  # with enough common seeds, use only these, because they are paired
        ours, theirs = ({seed: side[seed] for seed in sorted(shared)} for side in (ours, theirs))
    unlike = _unlike(claim, ours, theirs, proxy)
    rows, others, fixed = _rows(ours), _rows(theirs), _fixed(claim, proxy, ours, theirs)
    if other:
        same_items = len(_data(ours, theirs)) == 1 and len(rows[0]) == len(others[0])
        found = difference(rows, others, ours.keys() == theirs.keys(), same_items, fixed)
        rows = _paired(rows, others) if same_items and ours.keys() == theirs.keys() else []
    else:
        found = interval(rows, fixed)
    if claim.printed:
        found = replace(found, mean=_as_written(rows))
    identity = next(iter(ours.values()))[1].identity
    unit = str(identity.get("unit", ""))
    unlike, converted = unlike or units.unlike(claim.stated_unit, unit), units.converted(claim.stated_unit, unit)
    if converted:
        by = units.factor(claim.stated_unit, unit) or 1.0
        found, rows = found.scaled(by), [[value * by for value in row] for row in rows]
        identity = {**identity, "unit": units.sign(claim.stated_unit or "")}
    records, over = ([record for record, _, _ in side.values()] for side in (ours, theirs))
    theirs_too = None if claim.value_seeds is None else beside(found, claim.value_seeds, claim.value_spread)
    return Evidence(config, found, identity, records, proxy, over, other, converted, unlike, rows, theirs_too)


def _fixed(claim: Claim, proxy: bool, *sides: Side) -> bool:
    """Whether the claim is about exactly these test items.

    The claim's `items` decides. Without it, a value is about these items if its config or `data` fixes the test data.
    """
    if claim.items or claim.printed:
        return claim.items != "sampled"
    if claim.value is None or proxy:
        return False
    held = [(record, measurement) for side in sides for record, measurement, _ in side.values()]
    return bool(claim.data) or all(record.pinned(measurement.test) for record, measurement in held)


def _paired(rows: list[list[float]], others: list[list[float]]) -> list[list[float]]:
    return [[a - b for a, b in zip(row, other, strict=True)] for row, other in zip(rows, others, strict=True)]


def change(after: Evidence, before: Evidence, test: str) -> Evidence:
    """The difference of two comparisons on the test set `test`. Paired if all four configs share seeds and items."""
    keys = sorted(k for k in {*after.identity, *before.identity} if after.identity.get(k) != before.identity.get(k))
    unlike = f"{OTHER_METRIC}{', '.join(keys)}" if keys else ""
    sides = [{record.seed: row for record, row in zip(one.records, one.rows, strict=False)} for one in (after, before)]
    shared = sorted(sides[0].keys() & sides[1].keys())
    ours, theirs = ([side[seed] for seed in shared] for side in sides)
    data = {record.basis(test) for one in (after, before) for record in one.records}
    if shared and len(data) == 1 and len(ours[0]) == len(theirs[0]):
        found = difference(ours, theirs, True, True, after.interval.fixed and before.interval.fixed)
    else:
        found = apart(after.interval, before.interval)
    records, over = [*after.records, *after.over], [*before.records, *before.over]
    unlike = after.unlike or before.unlike or unlike
    return Evidence(after.config, found, after.identity, records, after.proxy, over, before.config, unlike=unlike)


def _measured(claim: Claim, config: str, test: str, held: Held) -> Side:
    """The records of `config` with the claim's metric, by seed, with the values of all items or of the claim's item."""
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
    """One row of values for each seed, cut to the same length (different lengths are not comparable anyway)."""
    items = min((len(values) for _, _, values in side.values()), default=0)
    return [values[:items] for _, _, values in side.values()]


def _as_written(rows: Sequence[Sequence[float]]) -> float:
    """The mean by decimal arithmetic, because a float mean may be rounded in the wrong direction when printed."""
    values = [Decimal(repr(value)) for row in rows for value in row]
    return float(sum(values) / len(values))


def _unlike(claim: Claim, ours: Side, theirs: Side, proxy: bool) -> str:
    """Why these measurements cannot be compared with the claim or with each other; "" if they can."""
    first = next(iter(ours.values()))[1].identity
    for _, measurement, _ in (*ours.values(), *theirs.values()):
        other = measurement.identity
        if keys := sorted(key for key in {*first, *other} if first.get(key) != other.get(key)):
            return f"{OTHER_METRIC}{', '.join(keys)}"
    for side in (ours, theirs):
        if len(_data(side)) > 1 or len({len(values) for _, _, values in side.values()}) > 1:
            return "the records were made on different test data"
    lengths = {len(values) for side in (ours, theirs) for _, _, values in side.values()}
    if theirs and not claim.over_test and (len(_data(ours, theirs)) > 1 or len(lengths) > 1):
        return "the two configs were measured on different test data"
    return "" if proxy else _unlike_the_claim(claim, first, ours)


def _unlike_the_claim(claim: Claim, identity: dict[str, Any], ours: Side) -> str:
    for key, wanted in claim.identity.items():
        if identity.get(key) != wanted:
            return f"the paper's {key} is {wanted}, that of the records is {identity.get(key)}"
    prints = {record.fingerprint(measurement.test) for record, measurement, _ in ours.values()}
    if claim.data and prints != {claim.data}:
        return f"the claim is about the data {claim.data}, the records were made on {min(prints)}"
    return ""


def _data(*sides: Side) -> set[str]:
    """Identifiers of the test data of all `sides`; exactly one if all were measured on the same items."""
    return {record.basis(measurement.test) for side in sides for record, measurement, _ in side.values()}
