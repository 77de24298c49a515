"""Compare all pairs of configs, and correct the p values for the number of pairs.

`contrasts` compares each pair; `holm` corrects the p values (Holm 1979). Three seeds are too few to estimate the spread
of one config: with 100 pairs, a difference would need a t of 14. So all configs are used together: the variance of each
config is at least the pooled variance of all. It also gets their degrees of freedom, but fewer if its own variance is
much larger than the pooled one.

The p values use the quantile of Cochran and Cox (1950), the most cautious one in `repro.interval.quantile`. If no
configs differ, at most 5 % of all studies find a difference. It is up to 7 % if one of a few configs has four times the
spread of the others. `tests/interval/test_contrasts.py` simulates this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from repro.interval import Interval, around
from repro.interval.layout import Layout, Rows, Term, paired, total

TINY = 1e-24
"""A smaller variance, of numbers up to 1, is only a rounding error. Such seeds agree: the method is deterministic."""


@dataclass(frozen=True)
class Contrast:
    """The mean of one config minus the mean of another, with an uncorrected p value for "there is no difference"."""

    difference: Interval
    p: float


def contrasts(groups: Sequence[Rows]) -> dict[tuple[int, int], Contrast]:
    """For each pair i < j of configs, `groups[i]` minus `groups[j]`. A group has one row of values for each seed.

    All groups have the same items in the same order, so the items are paired. The seeds are not: seed 0 of one config
    has nothing in common with seed 0 of another. A config with one seed gets the pooled spread of the other configs. A
    config whose seeds all agree counts as deterministic.
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
    """The p values, corrected for their number by the method of Holm (1979).

    If there is no difference, the smallest corrected value is below 0.05 in at most 5 % of all studies.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, highest = [0.0] * len(order), 0.0
    for before, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - before) * p_values[index]))
        corrected[index] = highest
    return corrected


def _seed_terms(layouts: Sequence[Layout]) -> tuple[list[Term], float]:
    """The part of the variance of each mean that comes from the seeds, and the degrees of freedom of all configs."""
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
    """The p value of a mean whose variance is the sum of these two; 1 if the spread is not `known`."""
    from scipy.special import stdtr, stdtrit

    terms = [term for term in (seed, item) if term[0] > 0]
    whole = sum(variance for variance, _ in terms)
    if not whole > 0.0:
        return float(mean == 0.0 or not known)
    reached = mean / math.sqrt(whole)
    tails = [float(stdtr(freedom, -reached)) for _, freedom in terms]
    low, high = min(tails), max(tails)  # the solution is between the tails of the two t distributions
    while high - low > 1e-6 * high:
        middle = math.sqrt(low * high) if low > 0 else high / 2
        quantile = -sum(variance / whole * stdtrit(freedom, middle) for variance, freedom in terms)
        low, high = (low, middle) if quantile < reached else (middle, high)
    return min(1.0, 2 * high)
