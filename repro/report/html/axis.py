"""An axis: a range of numbers, its ticks, and the position of a number on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

THIN = 0.012
"""The smallest share of an axis that looks wider than a line: a few pixels."""

MOST = 7  # ticks of a logarithmic axis
FACTORS = ((1, 2, 5), (1, 3), (1,))  # the ticks in each decade: the first choice that is not too dense

TENFOLD = 10
"""Positive numbers that differ by more than this factor have a logarithmic axis."""


@dataclass(frozen=True)
class Extent:
    """What a row of a figure shows: all its numbers, and the widths of its bands and intervals."""

    values: Sequence[float]
    widths: Sequence[float]

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]], alone: Sequence[float] = (), log: bool = False) -> Extent:
        """Of bands and intervals (low, high), and single numbers; with `log`, as on a logarithmic axis."""
        place = math.log10 if log else float
        placed = [(place(low), place(high)) for low, high in pairs]
        values = [*map(place, alone), *(value for pair in placed for value in pair)]
        return cls(values, [high - low for low, high in placed])

    @property
    def span(self) -> float:
        """The highest minus the lowest number; 0 if the row has no numbers."""
        return max(self.values) - min(self.values) if self.values else 0.0

    @property
    def needed(self) -> float:
        """The smallest width that must look wider than a line.

        Widths below twice `THIN` of the row's own span do not count: even on its own axis they would look like a line.
        """
        seen = [width for width in self.widths if width > 0]
        return max(min(seen, default=self.span), 2 * THIN * self.span)


@dataclass(frozen=True)
class Axis:
    """The range from `low` to `high`, with ticks every `step`. With `log`, these are exponents of ten."""

    low: float
    high: float
    step: float
    log: bool = False

    def share(self, value: float) -> float:
        """The position of `value`, from 0 (at `low`) to 1 (at `high`)."""
        if self.log:
            return (math.log10(value) - self.low) / (self.high - self.low)
        return (value - self.low) / (self.high - self.low)

    @property
    def ends(self) -> tuple[float, float]:
        """The numbers at the left and at the right end."""
        return (10.0**self.low, 10.0**self.high) if self.log else (self.low, self.high)

    @property
    def ticks(self) -> list[float]:
        """The numbers at which the ticks are."""
        if not self.log:
            return _multiples(self.low, self.high, self.step)
        decades = range(math.floor(self.low), math.ceil(self.high) + 1)
        for factors in FACTORS:
            found = [float(f"{factor}e{power}") for power in decades for factor in factors]
            seen = [tick for tick in found if self.low - 1e-9 <= math.log10(tick) <= self.high + 1e-9]
            if len(seen) <= MOST:
                break
        if len(seen) < 3:  # less than a decade: round steps, as on a linear axis
            low, high = self.ends
            return _multiples(low, high, _round((high - low) / 6))
        return seen[:: -(-len(seen) // MOST)]


def apart(rows: Sequence[Extent]) -> list[list[int]]:
    """Split rows into groups that one axis can show. Returns the indices of the rows in each group."""
    groups: list[list[int]] = []
    for number in range(len(rows)):
        fitting = (group for group in groups if _well([rows[other] for other in (*group, number)]))
        group = next(fitting, None)
        if group is None:
            groups.append([number])
        else:
            group.append(number)
    return groups


def _well(rows: Sequence[Extent]) -> bool:
    span = Extent([value for row in rows for value in row.values], []).span
    return all(row.needed == 0 or row.needed >= THIN * span for row in rows)


def around(values: Iterable[float], ticks: int = 5, margin: float = 0.06) -> Axis:
    """The axis that shows all `values` with a margin (a share of their range), in about `ticks` round steps."""
    found = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(found), max(found)
    room = (high - low) * margin if high > low else abs(high) * 0.1 or 1.0
    return Axis(low - room, high + room, _round((high - low + 2 * room) / ticks))


def wide(values: Iterable[float]) -> bool:
    """Whether a logarithmic axis shows these numbers better: all are above 0, and they differ by a large factor."""
    found = list(values)
    return bool(found) and min(found) > 0 and max(found) > TENFOLD * min(found)


def logarithmic(values: Iterable[float], margin: float = 0.06) -> Axis:
    """The logarithmic axis that shows all `values` (> 0) with a margin (a share of their range)."""
    exponents = around([math.log10(value) for value in values], margin=margin)
    return Axis(exponents.low, exponents.high, 1.0, log=True)


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _round(step: float) -> float:
    """The smallest round number (1, 2 or 5 times a power of ten) that is not below `step`."""
    size = 10.0 ** math.floor(math.log10(step))
    return next(factor * size for factor in (1, 2, 5, 10) if factor * size >= step * 0.999)
