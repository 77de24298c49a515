"""The 95 % interval of a mean over seeds and test items. Pure: numbers in, numbers out.

Item i of seed s gives x[s][i] = mu + seed_s + item_i + rest, a two-way layout of random effects without repetition.
With MS_seed, MS_item and MS_rest its mean squares over S seeds and n items, the variance of the grand mean is

    MS_seed / (S n)  +  max(MS_item - MS_rest, 0) / (S n)

the rest being part of the first term already (Searle, Casella & McCulloch 1992, Variance Components). The first term
has S - 1 degrees of freedom, the second nearly n - 1. Two quantiles of Student's t are in use for such a sum:
Satterthwaite's (1946), with which three seeds cover 92 %, and Cochran & Cox's (1950, the mean of both quantiles
weighted by the variances), with which they cover 98 %. Six tenths of the one and four of the other, a mixture of our
own, cover 94 to 96.5 %: `tests/test_interval.py` simulates it. With one seed only the items speak: the interval then
says nothing of the spread between seeds.

Of many configs `contrasts` compares each pair, and `holm` (1979) corrects for how many pairs there are. Three seeds
alone know too little for that: of 100 pairs, two such configs would need a t of 14. So each config counts as spreading
at least as all do together, with their degrees of freedom, fewer the farther its own spread lies above theirs. The p
values rest on Cochran & Cox's quantile alone, for so far out in the tails the mixture is too narrow. Where nothing
differs, some pair is told apart in 5 % of all studies at most, in 7 % where one of few configs spreads four times as
much as the others: `tests/test_contrasts.py` simulates it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import combinations
from typing import Any

Rows = Sequence[Sequence[float]]
"""The values of one config: a row per seed, of the same test items each."""

Term = tuple[float, float]
"""An estimated variance and its degrees of freedom."""

TINY = 1e-24
"""A variance, of numbers up to 1, that is but the rounding of sums: seeds that agree so well have no chance in them."""


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
        """`5.93 [5.51, 6.35] dB`, with two uncertain digits; without an interval the mean alone."""
        half = (self.high - self.low) / 2
        texts = [number(value, half) for value in (self.mean, self.low, self.high)]
        return f"{texts[0]} [{texts[1]}, {texts[2]}] {unit}".rstrip() if half else f"{texts[0]} {unit}".rstrip()

    def scaled(self, by: float) -> Interval:
        """The same in another unit. The decimal numbers are multiplied: 0.07 times 100 is 7."""
        mean, low, high = (float(Decimal(repr(x)) * Decimal(repr(by))) for x in (self.mean, self.low, self.high))
        variances = self.seed_variance * by**2, self.item_variance * by**2
        return Interval(mean, low, high, self.seeds, self.items, *variances)

    def seeds_to_settle(self, edge: float, most: int = 100) -> int:
        """How many more seeds of this mean and spread would take `edge` out of the interval; 0: `most` would not."""
        for seeds in range(self.seeds + 1, most + 1):
            if _half((self.seed_variance / seeds, seeds - 1), (self.item_variance, self.items - 1)) < abs(
                self.mean - edge
            ):
                return seeds - self.seeds
        return 0


def number(value: float, half: float = 0.0) -> str:
    """`value` with the digits that an uncertainty of `half` leaves: two of them are uncertain."""
    if half <= 1e-12 * abs(value):
        return f"{value:.6g}"
    decimals = max(1 - math.floor(math.log10(half)), 0)
    return f"{value:.{decimals}f}" if decimals <= 9 else f"{value:.{_digits(value, half)}e}"


def _digits(value: float, half: float) -> int:
    """How many digits after the first the uncertainty of a small number leaves."""
    return max(math.floor(math.log10(abs(value) or half)) - math.floor(math.log10(half)) + 1, 1)


def interval(rows: Rows) -> Interval:
    """The interval of the grand mean of `rows`. All rows are equally long."""
    one = _Layout(rows)
    return _around(one.mean, one.seed_term, one.item_term, one.seeds, one.items, one.scale)


def difference(ours: Rows, theirs: Rows, same_seeds: bool, same_items: bool) -> Interval:
    """The interval of the mean of `ours` less that of `theirs`, paired over the seeds and over the items they share."""
    scale = max(_Layout(ours).scale, _Layout(theirs).scale)
    a, b = _Layout(ours, scale), _Layout(theirs, scale)
    if same_seeds and same_items:
        both = _Layout((a.x - b.x) * scale, scale)
        return _around(both.mean, both.seed_term, both.item_term, both.seeds, both.items, scale)
    seed_term = _spread(a.by_seed - b.by_seed) if same_seeds else _sum(a.seed_term, b.seed_term)
    item_term = _paired(a, b) if same_items else _sum(a.item_term, b.item_term)
    seeds, items = min(a.seeds, b.seeds), min(a.items, b.items)
    return _around(a.mean - b.mean, seed_term, item_term, seeds, items, scale)


def apart(ours: Interval, theirs: Interval) -> Interval:
    """The interval of one mean less another where nothing pairs: it is wider than that of pairs."""
    both = (ours, theirs)
    seed_term = _sum(*((one.seed_variance / one.seeds, one.seeds - 1) for one in both))
    item_term = _sum(*((one.item_variance, one.items - 1) for one in both))
    seeds, items = (min(getattr(one, key) for one in both) for key in ("seeds", "items"))
    return _around(ours.mean - theirs.mean, seed_term, item_term, seeds, items, 1.0)


@dataclass(frozen=True)
class Contrast:
    """The mean of one config less that of another, with the p value of no difference, not corrected for others."""

    difference: Interval
    p: float


def contrasts(groups: Sequence[Rows]) -> dict[tuple[int, int], Contrast]:
    """Each pair (i, j), i < j, of configs measured on the same items in the same order: `groups[i]` less `groups[j]`.

    The items pair, the seeds do not: run 0 of one config and run 0 of another share a number, not their chance. Of one
    seed the spread is taken to be that of the configs with several; one whose seeds all agree has no chance in it.
    """
    scale = max((_Layout(rows).scale for rows in groups), default=1.0)
    layouts = [_Layout(rows, scale) for rows in groups]
    seeds, most = _seed_terms(layouts)
    found = {}
    for i, j in combinations(range(len(layouts)), 2):
        variance, freedom = _sum(seeds[i], seeds[j])
        found[i, j] = _contrast(layouts[i], layouts[j], (variance, min(freedom, most)), scale)
    return found


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values, corrected for their number: if nothing differs, the least is below 5 % in 5 % of all studies."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, highest = [0.0] * len(order), 0.0
    for before, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - before) * p_values[index]))
        corrected[index] = highest
    return corrected


class _Layout:
    """The two-way layout of one config's values, its spreads in units of `scale`: the square of a p value may be 0."""

    def __init__(self, rows: Rows, scale: float = 0.0) -> None:
        import numpy as np

        values = np.asarray(rows, dtype=float)
        peak = float(np.abs(values).max())
        self.scale = scale or (peak if 0 < peak < math.inf else 1.0)
        self.x: Any = values / self.scale
        self.seeds, self.items = values.shape
        self.by_seed, self.by_item = self.x.mean(axis=1), self.x.mean(axis=0)
        self.mean = math.fsum(values.flat) / values.size

    @cached_property
    def rest_variance(self) -> float:
        """The share of the rest in the variance of the grand mean: MS_rest / (S n)."""
        rest = self.x - self.by_seed[:, None] - self.by_item[None, :] + self.x.mean()
        return float((rest**2).sum()) / max((self.seeds - 1) * (self.items - 1), 1) / self.seeds / self.items

    @cached_property
    def seed_term(self) -> Term:
        return _spread(self.by_seed)

    @cached_property
    def item_term(self) -> Term:
        return _less(_spread(self.by_item), self.rest_variance)


def _spread(means: Any) -> Term:
    """The variance of the mean of `means`; nothing is known of one alone."""
    count = len(means)
    return (float(means.var(ddof=1)) / count, count - 1) if count > 1 else (0.0, 0)


def _less(term: Term, variance: float) -> Term:
    return max(term[0] - variance, 0.0), term[1]


def _paired(a: _Layout, b: _Layout) -> Term:
    """What the items add to the variance of a difference where both sides have the same."""
    return _less(_spread(a.by_item - b.by_item), a.rest_variance + b.rest_variance)


def _seed_terms(layouts: Sequence[_Layout]) -> tuple[list[Term], float]:
    """What the seeds add to the variance of each mean, and the degrees of freedom of all together."""
    own = [(one.seed_term[0] * one.seeds, one.seed_term[1]) for one in layouts]
    living = [(variance, freedom) for variance, freedom in own if variance > TINY]
    most = sum(freedom for _, freedom in living)
    together = sum(variance * freedom for variance, freedom in living) / max(most, 1)

    def term(variance: float, freedom: float) -> Term:
        if freedom > 0 and variance <= TINY:
            return 0.0, freedom
        kept = min(1.0, together / variance) ** 2 if variance > TINY else 1.0
        return max(variance, together), freedom + (most - freedom) * kept

    terms = [term(*one) for one in own]
    return [(term[0] / one.seeds, term[1]) for term, one in zip(terms, layouts, strict=True)], most


def _contrast(a: _Layout, b: _Layout, seed: Term, scale: float) -> Contrast:
    mean, item = a.mean - b.mean, _paired(a, b)
    found = _around(mean, seed, item, min(a.seeds, b.seeds), a.items, scale)
    return Contrast(found, _p(abs(mean) / scale, seed, item, known=max(a.seeds, b.seeds, a.items) > 1))


def _p(mean: float, seed: Term, item: Term, known: bool) -> float:
    """The p value of a mean whose variance is the sum of the two: 1 where nothing is `known` of the spread."""
    from scipy.special import stdtr, stdtrit

    terms = [term for term in (seed, item) if term[0] > 0]
    total = sum(variance for variance, _ in terms)
    if not total > 0.0:
        return float(mean == 0.0 or not known)
    reached = mean / math.sqrt(total)
    tails = [float(stdtr(freedom, -reached)) for _, freedom in terms]
    low, high = min(tails), max(tails)  # the tail of the weighted mean of both quantiles lies between their own
    while high - low > 1e-6 * high:
        middle = math.sqrt(low * high) if low > 0 else high / 2
        quantile = -sum(variance / total * stdtrit(freedom, middle) for variance, freedom in terms)
        low, high = (low, middle) if quantile < reached else (middle, high)
    return min(1.0, 2 * high)


def _sum(*terms: Term) -> Term:
    """The sum of estimated variances, with the degrees of freedom after Satterthwaite (and Welch)."""
    total = sum(variance for variance, _ in terms)
    if not total > 0.0:
        return 0.0, 0
    return total, 1 / sum((variance / total) ** 2 / freedom for variance, freedom in terms if variance > 0)


def _around(mean: float, seed: Term, item: Term, seeds: int, items: int, scale: float) -> Interval:
    half = scale * _half(seed, item)
    variances = (scale * (scale * variance) for variance in (seed[0] * seeds, item[0]))
    return Interval(mean, mean - half, mean + half, seeds, items, *variances)


def _half(seed: Term, item: Term) -> float:
    """Half the width of the interval of a mean whose variance is the sum of the two."""
    from scipy.special import stdtrit

    total, freedom = _sum(seed, item)
    if not total > 0.0:
        return 0.0
    cochran = sum(variance / total * stdtrit(freedom, 0.975) for variance, freedom in (seed, item) if variance > 0)
    return float(0.6 * stdtrit(freedom, 0.975) + 0.4 * cochran) * math.sqrt(total)
