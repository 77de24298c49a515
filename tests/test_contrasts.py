"""All pairs of many configs: against scipy where seeds or items are alone, by simulation, and Holm's steps by hand."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from repro.interval import contrasts, difference, holm

SHARES = {  # of the variance of the grand mean: seeds, items, rest
    "seeds": (1.0, 0.0, 0.0),
    "items": (0.0, 1.0, 0.0),
    "mostly seeds": (0.9, 0.1, 0.0),
    "all three": (0.4, 0.3, 0.3),
}


def configs(random: Any, shares: tuple[float, float, float], many: int, seeds: int, items: int) -> Any:
    """(many, seeds, items) values of configs that do not differ; all share how hard the items are."""
    scales = np.sqrt(np.array(shares) * [seeds, items, seeds * items])
    shapes = [(many, seeds, 1), (many, 1, items), (many, seeds, items)]
    own = sum(scale * random.standard_normal(shape) for scale, shape in zip(scales, shapes, strict=True))
    return own + 3 * random.standard_normal(items)


@pytest.mark.parametrize("scale", [1e-150, 1.0])
def test_of_one_seed_it_is_the_paired_t_test(scale: float) -> None:
    groups = scale * (configs(np.random.default_rng(0), SHARES["all three"], 4, 1, 40) + np.arange(4)[:, None, None])
    for (i, j), found in contrasts(groups).items():
        wanted = scipy.stats.ttest_rel(groups[i, 0], groups[j, 0])
        assert found.p == pytest.approx(wanted.pvalue, rel=1e-4)
        low, high = wanted.confidence_interval(0.95)
        assert (found.difference.low, found.difference.high) == pytest.approx((low, high))


def test_of_one_item_it_is_welchs_t_test() -> None:
    """The seeds of two configs do not pair."""
    random = np.random.default_rng(1)
    groups = [spread * random.standard_normal((5, 1)) + spread for spread in (1.0, 0.3, 4.0)]
    for (i, j), found in contrasts(groups).items():
        wanted = scipy.stats.ttest_ind(groups[i][:, 0], groups[j][:, 0], equal_var=False)
        assert found.p == pytest.approx(wanted.pvalue, rel=1e-4)


def test_the_interval_is_that_of_the_difference() -> None:
    groups = configs(np.random.default_rng(2), SHARES["all three"], 3, 3, 20)
    for (i, j), found in contrasts(groups).items():
        alone = difference(groups[i], groups[j], False, True)
        assert (found.difference.mean, found.difference.low) == pytest.approx((alone.mean, alone.low))


@pytest.mark.parametrize(("ours", "theirs", "p"), [
    ([[1.0]], [[2.0]], 1.0), ([[1.0, 1.0]], [[2.0, 2.0]], 0.0), ([[1.0, 2.0]], [[1.0, 2.0]], 1.0),
])  # fmt: skip
def test_without_spread(ours: Any, theirs: Any, p: float) -> None:
    """Of one value each nothing is known; where every item differs by the same, there is no doubt."""
    assert contrasts([ours, theirs])[0, 1].p == p
    assert contrasts([ours]) == contrasts([]) == {}


def _errors(studies: int, shares: tuple[float, float, float], many: int, seeds: int, items: int) -> float:
    """In which share of `studies`, none of whose configs differ, any pair is found to."""
    random = np.random.default_rng(3)
    drawn = (configs(random, shares, many, seeds, items) for _ in range(studies))
    return float(np.mean([min(holm([one.p for one in contrasts(x).values()])) <= 0.05 for x in drawn]))


@pytest.mark.parametrize("what", SHARES)
def test_where_nothing_differs_no_pair_is_told_apart(what: str) -> None:
    assert _errors(400, SHARES[what], 5, 3, 50) <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize("what", SHARES)
@pytest.mark.parametrize(("many", "seeds", "items"), [(2, 3, 50), (6, 2, 50), (6, 3, 1000), (15, 3, 50), (6, 10, 50)])
def test_however_many_configs_and_seeds(what: str, many: int, seeds: int, items: int) -> None:
    assert _errors(1000, SHARES[what], many, seeds, items) <= 0.065  # 5 % and two standard errors


def test_what_differs_is_found() -> None:
    """Two groups of three, five standard errors apart: between them every pair, within them none."""
    groups = configs(np.random.default_rng(4), SHARES["items"], 6, 3, 400) + 8.0 * (np.arange(6) // 3)[:, None, None]
    pairs = contrasts(groups)
    found = dict(zip(pairs, holm([one.p for one in pairs.values()]), strict=True))
    assert {pair for pair, p in found.items() if p <= 0.05} == {(i, j) for i in range(3) for j in range(3, 6)}


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.001, 0.999))
def test_holm_rejects_step_by_step(p_values: list[float], level: float) -> None:
    """Holm (1979): the least against level / m, the next against level / (m - 1), until the first that is above."""
    rejected: set[int] = set()
    for step, index in enumerate(np.argsort(p_values, kind="stable")):
        if (len(p_values) - step) * p_values[index] > level:
            break
        rejected.add(int(index))
    assert {index for index, p in enumerate(holm(p_values)) if p <= level} == rejected


def test_every_pair_is_there_once() -> None:
    groups = configs(np.random.default_rng(5), SHARES["items"], 5, 2, 10)
    assert list(contrasts(groups)) == list(combinations(range(5), 2))
