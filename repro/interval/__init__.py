"""The 95 % confidence interval of a mean over seeds and test items. This package reads no files.

Model: the value of test item i in the run with seed s is x[s][i] = mu + seed_s + item_i + rest. This is a two-way
layout with random effects and one value in each cell.

Fixed items: the test set is exactly the one of the paper, so only the training varies. The interval is Student's t over
the means of the seeds. A deterministic method has an interval of width 0.

Sampled items: the items are new ones of the same kind, so they vary too. The variance of the grand mean over S seeds
and n items is then

    MS_seed / (S n)  +  max(MS_item - MS_rest, 0) / (S n)

with the mean squares MS of the two-way analysis of variance. The first term already contains the rest (Searle, Casella
& McCulloch 1992, Variance Components). The first term has S - 1 degrees of freedom, the second about n - 1.
`repro.interval.quantile` computes the quantile for such a sum. With one seed, the interval contains only the variation
of the items, and nothing about the spread between seeds.

- This file: `interval` for one config, `difference` for two; `Interval` is the result.
- `layout`: the variances of seeds and items. `quantile`: the factor of the standard error.
- `contrasts`: all pairs of several configs, for a leaderboard.

`tests/interval/test_interval.py` simulates how often both intervals contain the true mean.
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
    """A mean and its 95 % interval from `low` to `high`, in the unit of the metric, and the variances behind it.

    seed_variance: the variance of one seed. item_variance: the part of the variance of the mean that more seeds do not
    reduce, with its degrees of freedom `item_freedom`. freedom: the degrees of freedom of the sum of both.
    fixed: the items are fixed, so only the seeds vary.
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
        """The interval as text: `5.93 [5.51, 6.35] dB`, with two uncertain digits. Only the mean if the width is 0."""
        half = (self.high - self.low) / 2
        texts = [number(value, half) for value in (self.mean, self.low, self.high)]
        return f"{texts[0]} [{texts[1]}, {texts[2]}] {unit}".rstrip() if half else f"{texts[0]} {unit}".rstrip()

    def scaled(self, by: float) -> Interval:
        """The interval in another unit: all numbers times `by`. Decimal arithmetic, so 0.07 times 100 is exactly 7."""
        mean, low, high = (float(Decimal(repr(x)) * Decimal(repr(by))) for x in (self.mean, self.low, self.high))
        seed, item = self.seed_variance * by**2, self.item_variance * by**2
        return replace(self, mean=mean, low=low, high=high, seed_variance=seed, item_variance=item)

    def seeds_to_settle(self, edge: float, most: int = 100) -> int:
        """How many more seeds would shrink the interval until `edge` is outside, if mean and spread do not change.

        0 if `most` seeds are not enough.
        """

        def short(seeds: int) -> bool:
            half = _half((self.seed_variance / seeds, seeds - 1), (self.item_variance, self.item_freedom))
            return half >= abs(self.mean - edge)

        wanted = bisect_left(range(self.seeds + 1, most + 1), True, key=lambda seeds: not short(seeds))
        return wanted + 1 if self.seeds + wanted < most else 0


def number(value: float, half: float = 0.0) -> str:
    """`value` as text, rounded so that two digits are uncertain if its uncertainty is `half`.

    A number that is rounded to zero has no sign.

    >>> number(5.93456, 0.42), number(5.93456), number(-0.001, 0.42)
    ('5.93', '5.93456', '0.00')
    """
    if half <= 1e-12 * abs(value):
        return f"{value:z.6g}"
    decimals = max(1 - math.floor(math.log10(half)), 0)
    return f"{value:z.{decimals}f}" if decimals <= 9 else f"{value:z.{_digits(value, half)}e}"


def _digits(value: float, half: float) -> int:
    """The number of digits after the first one that a small number is printed with."""
    return max(math.floor(math.log10(abs(value) or half)) - math.floor(math.log10(half)) + 1, 1)


def interval(rows: Rows, fixed: bool = False) -> Interval:
    """The 95 % interval of the mean of all values. `rows`: one row for each seed, with one value for each test item.

    All rows have the same length. fixed: whether the test items are fixed; if not, they are a sample.

    >>> rows = [[5.0, 6.1, 7.2], [5.3, 6.2, 7.1], [5.1, 6.4, 7.3]]  # 3 seeds, 3 items
    >>> interval(rows).shown("dB")
    '6.2 [3.7, 8.6] dB'
    >>> interval(rows, fixed=True).shown("dB")
    '6.19 [5.98, 6.40] dB'
    """
    one = Layout(rows)
    return around(one.mean, one.seed_term, one.item_term, one.seeds, one.items, one.scale, fixed)


def difference(ours: Rows, theirs: Rows, same_seeds: bool, same_items: bool, fixed: bool = False) -> Interval:
    """The interval of the mean of `ours` minus the mean of `theirs`.

    The values are paired by seed if `same_seeds`, and by item if `same_items`. Pairs make the interval narrower.
    """
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
    """The interval of the difference of two means whose values are not paired."""
    both = (ours, theirs)
    seed_term = total(*((one.seed_variance / one.seeds, one.seeds - 1) for one in both))
    item_term = total(*((one.item_variance, one.item_freedom) for one in both))
    seeds, items = (min(getattr(one, key) for one in both) for key in ("seeds", "items"))
    return around(ours.mean - theirs.mean, seed_term, item_term, seeds, items, 1.0, ours.fixed and theirs.fixed)


def beside(ours: Interval, seeds: int, spread: float | None) -> Interval:
    """Our interval, widened by the uncertainty of the paper's number.

    That number is a mean over `seeds` trainings, which have the standard deviation `spread`. If the paper does not
    state it (None), our own spread between seeds is used.
    """
    seed, rest = (ours.seed_variance / ours.seeds, ours.seeds - 1), (ours.item_variance, ours.item_freedom)
    if spread is not None:
        rest = total(rest, (spread**2 / seeds, seeds - 1))
        return replace(around(ours.mean, seed, rest, ours.seeds, ours.items, 1.0), fixed=ours.fixed)
    theirs = ours.seed_variance / seeds, ours.seeds - 1  # the same estimate, so Student's t fits the sum
    found = around(ours.mean, (seed[0] + theirs[0], seed[1]), rest, ours.seeds, ours.items, 1.0)
    variance, freedom = total(rest, theirs)  # more seeds of ours do not reduce this part
    found = replace(found, seed_variance=ours.seed_variance, item_variance=variance, item_freedom=freedom)
    return replace(found, fixed=ours.fixed)


def around(mean: float, seed: Term, item: Term, seeds: int, items: int, scale: float, fixed: bool = False) -> Interval:
    """The interval around `mean`. The variances of `seed` and `item` are in units of the square of `scale`."""
    item = (0.0, 0) if fixed else item
    half = scale * _half(seed, item)
    by_seed, by_item = (scale * (scale * variance) for variance in (seed[0] * seeds, item[0]))
    freedom = total(seed, item)[1]
    return Interval(mean, mean - half, mean + half, seeds, items, by_seed, by_item, item[1], freedom, fixed)


def _half(seed: Term, item: Term) -> float:
    """Half the width of the interval of a mean whose variance is the sum of these two."""
    return quantile(seed, item) * math.sqrt(seed[0] + item[0])
