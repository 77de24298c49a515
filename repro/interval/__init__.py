"""The 95 % interval of a mean over seeds and test items. Pure: numbers in, numbers out.

Item i of seed s gives x[s][i] = mu + seed_s + item_i + rest, a two-way layout of random effects without repetition.

Where the items are *fixed* (the very test set that the paper's number was measured on), only the training varies: the
interval is Student's t over the means of the seeds, and a method without chance has none.

Where they are *sampled* (new items of the same kind), the variance of the grand mean over S seeds and n items is

    MS_seed / (S n)  +  max(MS_item - MS_rest, 0) / (S n)

the rest being part of the first term already (Searle, Casella & McCulloch 1992, Variance Components). The first term
has S - 1 degrees of freedom, the second nearly n - 1. `repro.interval.quantile` says which quantile goes with such a
sum. With one seed only the items speak: the interval then says nothing of the spread between seeds.

`tests/test_interval.py` simulates how often both cover the truth.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from decimal import Decimal

from repro.interval.layout import Layout, Rows, Term, paired, spread, total
from repro.interval.quantile import quantile


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval, with what made it: the variance of one seed, and what more seeds do not lessen.

    That is the variance of the mean over the items, `item_variance`, with its degrees of freedom. `freedom`: those of
    the sum of both. `fixed`: the items are no sample, so that only the seeds vary.
    """

    mean: float
    low: float
    high: float
    seeds: int
    items: int
    seed_variance: float = 0.0
    item_variance: float = 0.0
    item_freedom: float = 0.0
    freedom: float = 0.0
    fixed: bool = False

    def shown(self, unit: str = "") -> str:
        """`5.93 [5.51, 6.35] dB`, with two uncertain digits; without an interval the mean alone."""
        half = (self.high - self.low) / 2
        texts = [number(value, half) for value in (self.mean, self.low, self.high)]
        return f"{texts[0]} [{texts[1]}, {texts[2]}] {unit}".rstrip() if half else f"{texts[0]} {unit}".rstrip()

    def scaled(self, by: float) -> Interval:
        """The same in another unit. The decimal numbers are multiplied: 0.07 times 100 is 7."""
        mean, low, high = (float(Decimal(repr(x)) * Decimal(repr(by))) for x in (self.mean, self.low, self.high))
        seed, item = self.seed_variance * by**2, self.item_variance * by**2
        return replace(self, mean=mean, low=low, high=high, seed_variance=seed, item_variance=item)

    def seeds_to_settle(self, edge: float, most: int = 100) -> int:
        """How many more seeds of this mean and spread would take `edge` out of the interval; 0: `most` would not."""

        def short(seeds: int) -> bool:
            half = _half((self.seed_variance / seeds, seeds - 1), (self.item_variance, self.item_freedom))
            return half >= abs(self.mean - edge)

        wanted = bisect_left(range(self.seeds + 1, most + 1), True, key=lambda seeds: not short(seeds))
        return wanted + 1 if self.seeds + wanted < most else 0


def number(value: float, half: float = 0.0) -> str:
    """`value` with the digits that an uncertainty of `half` leaves: two of them are uncertain."""
    if half <= 1e-12 * abs(value):
        return f"{value:.6g}"
    decimals = max(1 - math.floor(math.log10(half)), 0)
    return f"{value:.{decimals}f}" if decimals <= 9 else f"{value:.{_digits(value, half)}e}"


def _digits(value: float, half: float) -> int:
    """How many digits after the first the uncertainty of a small number leaves."""
    return max(math.floor(math.log10(abs(value) or half)) - math.floor(math.log10(half)) + 1, 1)


def interval(rows: Rows, fixed: bool = False) -> Interval:
    """The interval of the grand mean of `rows`, of items that are `fixed` or a sample. All rows are equally long."""
    one = Layout(rows)
    return around(one.mean, one.seed_term, one.item_term, one.seeds, one.items, one.scale, fixed)


def difference(ours: Rows, theirs: Rows, same_seeds: bool, same_items: bool, fixed: bool = False) -> Interval:
    """The interval of the mean of `ours` less that of `theirs`, paired over the seeds and over the items they share."""
    scale = max(Layout(ours).scale, Layout(theirs).scale)
    a, b = Layout(ours, scale), Layout(theirs, scale)
    if same_seeds and same_items:
        both = Layout((a.x - b.x) * scale, scale)
        return around(both.mean, both.seed_term, both.item_term, both.seeds, both.items, scale, fixed)
    seed_term = spread(a.by_seed - b.by_seed) if same_seeds else total(a.seed_term, b.seed_term)
    item_term = paired(a, b) if same_items else total(a.item_term, b.item_term)
    seeds, items = min(a.seeds, b.seeds), min(a.items, b.items)
    return around(a.mean - b.mean, seed_term, item_term, seeds, items, scale, fixed)


def apart(ours: Interval, theirs: Interval) -> Interval:
    """The interval of one mean less another where nothing pairs: it is wider than that of pairs."""
    both = (ours, theirs)
    seed_term = total(*((one.seed_variance / one.seeds, one.seeds - 1) for one in both))
    item_term = total(*((one.item_variance, one.item_freedom) for one in both))
    seeds, items = (min(getattr(one, key) for one in both) for key in ("seeds", "items"))
    return around(ours.mean - theirs.mean, seed_term, item_term, seeds, items, 1.0, ours.fixed and theirs.fixed)


def beside(ours: Interval, seeds: int, spread: float | None) -> Interval:
    """Ours with the chance in the paper's number added: a mean over `seeds` trainings of that standard deviation.

    Where the paper does not state its spread (None), each of its trainings is taken to spread as ours do.
    """
    seed, rest = (ours.seed_variance / ours.seeds, ours.seeds - 1), (ours.item_variance, ours.item_freedom)
    if spread is not None:
        rest = total(rest, (spread**2 / seeds, seeds - 1))
        return replace(around(ours.mean, seed, rest, ours.seeds, ours.items, 1.0), fixed=ours.fixed)
    theirs = ours.seed_variance / seeds, ours.seeds - 1  # by the same estimate, so that Student's t fits both together
    found = around(ours.mean, (seed[0] + theirs[0], seed[1]), rest, ours.seeds, ours.items, 1.0)
    variance, freedom = total(rest, theirs)  # which more seeds of ours do not lessen
    found = replace(found, seed_variance=ours.seed_variance, item_variance=variance, item_freedom=freedom)
    return replace(found, fixed=ours.fixed)


def around(mean: float, seed: Term, item: Term, seeds: int, items: int, scale: float, fixed: bool = False) -> Interval:
    """The interval around a mean, whose terms are in units of `scale`."""
    item = (0.0, 0) if fixed else item
    half = scale * _half(seed, item)
    by_seed, by_item = (scale * (scale * variance) for variance in (seed[0] * seeds, item[0]))
    freedom = total(seed, item)[1]
    return Interval(mean, mean - half, mean + half, seeds, items, by_seed, by_item, item[1], freedom, fixed)


def _half(seed: Term, item: Term) -> float:
    """Half the width of the interval of a mean whose variance is the sum of the two."""
    return quantile(seed, item) * math.sqrt(seed[0] + item[0])
