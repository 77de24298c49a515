"""Ranks configs that were measured on the same items, and tests which of them can be distinguished.

Pure functions of numbers: this module opens no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.interval import Interval, interval
from repro.interval.contrasts import contrasts, holm
from repro.interval.layout import Rows

LEVEL = 0.05
"""The family-wise error rate: the probability that some pair is distinguished although no configs differ."""


@dataclass(frozen=True)
class Pair:
    """The mean of the higher-ranked config minus that of the other. `p` is corrected for the number of pairs (Holm)."""

    difference: Interval
    p: float

    @property
    def apart(self) -> bool:
        """Whether the two configs can be distinguished: `p` is at most `LEVEL`."""
        return self.p <= LEVEL


@dataclass(frozen=True)
class Ranking:
    """`order[place]` is the index of the config at a place; the best has place 0.

    `intervals` are in the order of the places. The keys of `pairs` are two places (i, j) with i < j.
    """

    order: list[int]
    intervals: list[Interval]
    pairs: dict[tuple[int, int], Pair]

    def places(self, place: int) -> tuple[int, int]:
        """The best and the worst rank (from 1) of the config at `place` that agree with the measurements.

        Another config is certainly above or below it only if the two can be distinguished.
        """
        above = sum(pair.apart for (_, lower), pair in self.pairs.items() if lower == place)
        below = sum(pair.apart for (upper, _), pair in self.pairs.items() if upper == place)
        return 1 + above, len(self.order) - below


def ranking(groups: Sequence[Rows], higher: bool) -> Ranking:
    """Rank configs by their means; with `higher`, a higher mean is better. Configs with equal means keep their order.

    Each group has one row of values per seed, and the same items as all other groups. Each pair is compared item by
    item; the p-values are corrected by Holm's method (Holm 1979).
    """
    intervals = [interval(rows) for rows in groups]
    order = sorted(range(len(groups)), key=lambda one: (-1 if higher else 1) * intervals[one].mean)
    found = contrasts([groups[one] for one in order])
    corrected = holm([one.p for one in found.values()])
    pairs = {place: Pair(one.difference, p) for (place, one), p in zip(found.items(), corrected, strict=True)}
    return Ranking(order, [intervals[one] for one in order], pairs)
