"""Compare the measurements of two records: one pair for each metric on each test set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from repro.record import Measurement, Record


@dataclass(frozen=True)
class Pair:
    """One metric on one test set in two records; None if a record has no such measurement."""

    one: Measurement | None
    other: Measurement | None

    @property
    def name(self) -> str:
        found = self.one or self.other
        return f"{found.test}, {found.metric}" if found else ""

    @property
    def unit(self) -> str:
        found = self.one or self.other
        return str(found.identity.get("unit", "")) if found else ""

    @cached_property
    def unlike(self) -> list[str]:
        """The keys of the metric's identity that differ, for example `unit`; empty if one is missing."""
        if not self.one or not self.other:
            return []
        one, other = self.one.identity, self.other.identity
        return sorted(key for key in {*one, *other} if one.get(key) != other.get(key))

    @cached_property
    def moved(self) -> list[float] | None:
        """By how much the value of each item differs; None if the items cannot be compared."""
        if not self.one or not self.other or self.unlike or len(self.one.values) != len(self.other.values):
            return None
        return [abs(a - b) for a, b in zip(self.one.values, self.other.values, strict=True)]

    @property
    def identical(self) -> bool:
        """True if both have the same metric with the same value of every item."""
        return self.moved is not None and not any(self.moved)


def pairs(one: Record, other: Record) -> Iterator[Pair]:
    """A pair for each measurement of `one`, then for each that only `other` has."""
    for found in one.measurements:
        yield Pair(found, other.measured(found.test, found.metric))
    for found in other.measurements:
        if not one.measured(found.test, found.metric):
            yield Pair(None, found)
