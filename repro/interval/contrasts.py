"""Which pairs of many configs differ, with a correction for how many pairs there are.

`contrasts` compares each pair, and `holm` (1979) corrects. Three seeds alone know too little for that: of 100 pairs,
two such configs would need a t of 14. So each config counts as spreading at least as all do together, with their
degrees of freedom, fewer the farther its own spread lies above theirs. The p values rest on the quantile of Cochran
and Cox (1950), the widest of those in `repro.interval.quantile`. Where nothing differs, a difference is found in
5 % of all studies at most, in 7 % where one of few configs spreads four times as much as the others:
`tests/test_contrasts.py` simulates it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from repro.interval import Interval, around
from repro.interval.layout import Layout, Rows, Term, paired, total

TINY = 1e-24
"""A variance, of numbers up to 1, that is but the rounding of sums: seeds that agree so well have no chance in them."""


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
    scale = max((Layout(rows).scale for rows in groups), default=1.0)
    layouts = [Layout(rows, scale) for rows in groups]
    seeds, most = _seed_terms(layouts)
    found = {}
    for i, j in combinations(range(len(layouts)), 2):
        variance, freedom = total(seeds[i], seeds[j])
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


def _seed_terms(layouts: Sequence[Layout]) -> tuple[list[Term], float]:
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


def _contrast(a: Layout, b: Layout, seed: Term, scale: float) -> Contrast:
    mean, item = a.mean - b.mean, paired(a, b)
    found = around(mean, seed, item, min(a.seeds, b.seeds), a.items, scale)
    return Contrast(found, _p(abs(mean) / scale, seed, item, known=max(a.seeds, b.seeds, a.items) > 1))


def _p(mean: float, seed: Term, item: Term, known: bool) -> float:
    """The p value of a mean whose variance is the sum of the two: 1 where nothing is `known` of the spread."""
    from scipy.special import stdtr, stdtrit

    terms = [term for term in (seed, item) if term[0] > 0]
    whole = sum(variance for variance, _ in terms)
    if not whole > 0.0:
        return float(mean == 0.0 or not known)
    reached = mean / math.sqrt(whole)
    tails = [float(stdtr(freedom, -reached)) for _, freedom in terms]
    low, high = min(tails), max(tails)  # the tail of the weighted mean of both quantiles lies between their own
    while high - low > 1e-6 * high:
        middle = math.sqrt(low * high) if low > 0 else high / 2
        quantile = -sum(variance / whole * stdtrit(freedom, middle) for variance, freedom in terms)
        low, high = (low, middle) if quantile < reached else (middle, high)
    return min(1.0, 2 * high)
