"""What differs between two records, runs or configs (`repro diff`). Nothing is run."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from repro.config import bindings
from repro.record import Record
from repro.record.determinism import MACHINE
from repro.rerun import sides
from repro.rerun.pairs import Pair, pairs
from repro.rerun.sides import Side

TIME = ("seconds", "training_seconds", "items_per_second")
"""The keys of a record's `cost` that differ between any two runs: they are shown, but do not count."""


@dataclass(frozen=True)
class Row:
    """One difference. None: this side does not have it."""

    name: str
    one: str | float | None
    other: str | float | None


@dataclass(frozen=True)
class Result:
    """A measurement that differs: the means, their difference (other - one), and how many of the items differ.

    difference, differing and largest (of one item) are None if the two cannot be compared; `why` says why.
    """

    name: str
    unit: str
    one: float | None
    other: float | None
    difference: float | None = None
    items: int | None = None
    differing: int | None = None
    largest: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Diff:
    """All differences between two sides, in the order in which they are shown.

    unknown: what is not compared, because a side does not have it. measurements: how many were compared.
    """

    one: Side
    other: Side
    bindings: list[Row]
    code: list[Row]
    data: list[Row]
    environment: list[Row]
    machine: list[Row]
    unknown: list[str]
    results: list[Result] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    time: list[Row] = field(default_factory=list)
    measurements: int = 0

    @property
    def sections(self) -> dict[str, list[Row]]:
        """The differences that count, except for the results."""
        names = ("bindings", "code", "data", "environment", "machine", "history")
        return {name: getattr(self, name) for name in names}

    @property
    def same(self) -> bool:
        """True if nothing differs; the time that a run took does not count."""
        return not self.results and not any(self.sections.values())

    @property
    def bit_identical(self) -> bool | None:
        """Whether all measurements are; None if no measurement was compared."""
        return not self.results if self.results or self.measurements else None


def diff(one: str, other: str) -> Diff:
    """Compare the records, runs or configs at two places. Raises BadInput as `sides.read`."""
    return compare(sides.read(one), sides.read(other))


def compare(one: Side, other: Side) -> Diff:
    """Compare what both sides have."""
    environments = _shared(one.environment, other.environment)
    found = Diff(
        one,
        other,
        [Row(*row) for row in bindings.differences(one.text, other.text)],
        [*_rows(one.code, other.code), *_rows({"core": one.core or None}, {"core": other.core or None})],
        _rows(one.data, other.data),
        list(_packages(*environments)),
        [*_seed(one, other), *_rows(*(_part(each, MACHINE) for each in environments))],
        list(_unknown(one, other)),
    )
    return _measured(found, one.record, other.record) if one.record and other.record else found


def _measured(found: Diff, one: Record, other: Record) -> Diff:
    """`found`, with what only finished runs have: the names of items, measurements, curves and times."""
    both = list(pairs(one, other))
    return replace(
        found,
        data=[*found.data, *_items(one, other)],
        results=[_result(pair) for pair in both if not pair.identical],
        history=[*_rows(_part(one.cost, ("steps",)), _part(other.cost, ("steps",))), *_curves(one, other)],
        time=_rows(_part(one.cost, TIME), _part(other.cost, TIME)),
        measurements=len(both),
    )


def _rows(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> list[Row]:
    """The keys whose values differ; none if a side is not known."""
    if one is None or other is None:
        return []
    names = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
    return [Row(name, one.get(name), other.get(name)) for name in names]


def _seed(one: Side, other: Side) -> list[Row]:
    known = one.seed is not None and other.seed is not None
    return _rows({"seed": one.seed}, {"seed": other.seed}) if known else []


def _shared(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What both environments state: a run that is not finished states only its packages and threads."""
    one, other = one or {}, other or {}
    return _part(one, other), _part(other, one)


def _part(row: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in names}


def _packages(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Row]:
    """Python, the packages that both sides state (the project may require more now), and the variables."""
    yield from _rows(_part(one, ("python",)), _part(other, ("python",)))
    yield from _rows(*_shared(one.get("packages"), other.get("packages")))
    yield from _rows(one.get("variables"), other.get("variables"))


def _items(one: Record, other: Record) -> Iterator[Row]:
    """The first name of an item that differs, for each test set of which both records have the names."""
    for test in sorted({*one.items} & {*other.items}):
        if (at := _first(one.items[test], other.items[test])) is not None:
            names = ((names[at] if at < len(names) else None) for names in (one.items[test], other.items[test]))
            yield Row(f"name of item {at} of {test}", *names)


def _first(one: Sequence[Any], other: Sequence[Any]) -> int | None:
    """The index of the first difference; None if there is none."""
    if one == other:
        return None
    apart = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(apart, min(len(one), len(other)))


def _result(pair: Pair) -> Result:
    """A pair that is not bit-identical."""
    one, other, moved = pair.one, pair.other, pair.moved
    found = Result(pair.name, pair.unit, one.mean if one else None, other.mean if other else None)
    if one is None or other is None:
        return replace(found, why="only one side has this measurement")
    if pair.unlike:
        return replace(found, why=f"the metric has another {', '.join(pair.unlike)}")
    found = replace(found, difference=other.mean - one.mean)
    if moved is None:
        return replace(found, why=f"{len(one.values)} and {len(other.values)} items")
    return replace(found, items=len(moved), differing=sum(map(bool, moved)), largest=max(moved))


def _curves(one: Record, other: Record) -> Iterator[Row]:
    """For each curve of the training that differs, its first point that does."""
    for name in sorted({*one.curves, *other.curves}):
        curves = one.curves.get(name, []), other.curves.get(name, [])
        if (at := _first(*curves)) is not None:
            yield Row(f"curve {name}, point {at + 1}", *(_point(curve, at) for curve in curves))


def _point(curve: list[list[float]], at: int) -> str | None:
    return f"{curve[at][1]:.6g} at step {curve[at][0]:g}" if at < len(curve) else None


def _unknown(one: Side, other: Side) -> Iterator[str]:
    """The names of what a side does not have."""
    if one.seed is None or other.seed is None:
        yield "seed"
    if one.data is None or other.data is None:
        yield "data"
    if one.environment is None or other.environment is None:
        yield "environment"
    else:
        whole = {"python", "packages", "variables", *MACHINE}
        yield from sorted(whole - one.environment.keys() & other.environment.keys())
    if one.record is None or other.record is None:
        yield "result"
