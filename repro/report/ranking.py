"""The order of configs that were measured on the same items, and which of them are told apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.interval import Interval, interval
from repro.interval.contrasts import contrasts, holm
from repro.interval.layout import Rows

LEVEL = 0.05
"""How often a ranking of configs that do not differ may tell any two of them apart."""


@dataclass(frozen=True)
class Pair:
    """The mean of the one that stands higher less that of the other; `p` is corrected for the number of pairs."""

    difference: Interval
    p: float

    @property
    def apart(self) -> bool:
        return self.p <= LEVEL


@dataclass(frozen=True)
class Ranking:
    """`order[place]` is the number of the config at a place, the best at 0; `pairs` are by their places, i < j."""

    order: list[int]
    intervals: list[Interval]
    pairs: dict[tuple[int, int], Pair]

    def places(self, place: int) -> tuple[int, int]:
        """The first and last rank, from 1, that the one at `place` may have: those told apart from it aside."""
        above = sum(pair.apart for (_, lower), pair in self.pairs.items() if lower == place)
        below = sum(pair.apart for (upper, _), pair in self.pairs.items() if upper == place)
        return 1 + above, len(self.order) - below


def ranking(groups: Sequence[Rows], higher: bool) -> Ranking:
    """Rank configs by their means; `higher` says whether more is better. Equals keep their order.

    Each pair is compared over the items, which are the same for all, and the p values are corrected after Holm.
    """
    intervals = [interval(rows) for rows in groups]
    order = sorted(range(len(groups)), key=lambda one: (-1 if higher else 1) * intervals[one].mean)
    found = contrasts([groups[one] for one in order])
    corrected = holm([one.p for one in found.values()])
    pairs = {place: Pair(one.difference, p) for (place, one), p in zip(found.items(), corrected, strict=True)}
    return Ranking(order, [intervals[one] for one in order], pairs)
