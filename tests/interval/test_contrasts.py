"""All pairs of many configs: against scipy where seeds or items are alone, by simulation, and Holm's steps by hand."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from repro.interval import difference
from repro.interval.contrasts import contrasts, holm

SHARES = {  # of the variance of the grand mean: seeds, items, rest
    "seeds": (1.0, 0.0, 0.0),
    "items": (0.0, 1.0, 0.0),
    "mostly seeds": (0.9, 0.1, 0.0),
    "all three": (0.4, 0.3, 0.3),
}


def configs(random: Any, shares: Any, many: int, seeds: int, items: int, unlike: Any = 1.0) -> Any:
    """(many, seeds, items) values of configs that do not differ; all share how hard the items are.

    `unlike`: times how much chance there is in the runs of each config.
    """
    scales = np.sqrt(np.array(shares) * [seeds, items, seeds * items])
    shapes = [(many, seeds, 1), (many, 1, items), (many, seeds, items)]
    of_seeds, of_items, rest = (c * random.standard_normal(shape) for c, shape in zip(scales, shapes, strict=True))
    return (of_seeds + rest) * np.reshape(unlike, (-1, 1, 1)) + of_items + 3 * random.standard_normal(items)


@pytest.mark.parametrize("scale", [1e-150, 1.0])
def test_of_one_seed_it_is_the_paired_t_test(scale: float) -> None:
    groups = scale * (configs(np.random.default_rng(0), SHARES["all three"], 4, 1, 40) + np.arange(4)[:, None, None])
    for (i, j), found in contrasts(groups).items():
        wanted = scipy.stats.ttest_rel(groups[i, 0], groups[j, 0])
        assert found.p == pytest.approx(wanted.pvalue, rel=1e-4)
        low, high = wanted.confidence_interval(0.95)
        assert (found.difference.low, found.difference.high) == pytest.approx((low, high))


def test_an_interval_of_one_seed_each_is_that_of_the_difference() -> None:
    groups = configs(np.random.default_rng(2), SHARES["all three"], 3, 1, 20)
    for (i, j), found in contrasts(groups).items():
        alone = difference(groups[i], groups[j], True, True)
        assert (found.difference.mean, found.difference.low) == pytest.approx((alone.mean, alone.low))


@pytest.mark.parametrize("many", [2, 5])
def test_where_all_spread_alike_it_is_the_t_test_with_their_spread(many: int) -> None:
    """One item, equal spreads: of two configs Student's test; of more with the degrees of freedom of all."""
    seeds = np.random.default_rng(1).standard_normal((4, 1))
    groups = [seeds + shift for shift in 0.5 * np.arange(many)]
    for (i, j), found in contrasts(groups).items():
        reached = 0.5 * (j - i) / (seeds.std(ddof=1) * (2 / 4) ** 0.5)
        assert found.p == pytest.approx(2 * scipy.stats.t.sf(reached, 3 * many), rel=1e-4)
    wanted = scipy.stats.ttest_ind(groups[0][:, 0], groups[1][:, 0]).pvalue
    assert many > 2 or contrasts(groups)[0, 1].p == pytest.approx(wanted, rel=1e-4)


def test_of_one_seed_the_spread_is_that_of_the_others() -> None:
    """One item: the t of a pooled spread s over S and one seeds is the difference by s (1 / S + 1)^(1/2)."""
    seeds = np.random.default_rng(2).standard_normal((4, 1))
    found = contrasts([seeds, seeds + 1, [[2.0]]])
    reached = abs(2.0 - seeds.mean()) / (seeds.std(ddof=1) * (1 / 4 + 1) ** 0.5)
    assert found[0, 2].p == pytest.approx(2 * scipy.stats.t.sf(reached, 6), rel=1e-4)


def test_seeds_that_agree_have_no_chance_in_them() -> None:
    """Beside one that varies they do not begin to: the items decide between them."""
    random = np.random.default_rng(3)
    ours, theirs = (random.standard_normal((1, 30)).repeat(3, axis=0) for _ in range(2))
    noisy = 9 * random.standard_normal((3, 30))
    wanted = scipy.stats.ttest_rel(ours[0], theirs[0]).pvalue
    assert contrasts([ours, theirs, noisy])[0, 1].p == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(("ours", "theirs", "p"), [
    ([[1.0]], [[2.0]], 1.0), ([[1.0, 1.0]], [[2.0, 2.0]], 0.0), ([[1.0, 2.0]], [[1.0, 2.0]], 1.0),
])  # fmt: skip
def test_without_spread(ours: Any, theirs: Any, p: float) -> None:
    """Of one value each nothing is known; where every item differs by the same, there is no doubt."""
    assert contrasts([ours, theirs])[0, 1].p == p
    assert contrasts([ours]) == contrasts([]) == {}


UNLIKE: dict[str, Any] = {  # how much chance there is in the runs of each of `many` configs
    "alike": np.ones,
    "every other thrice": lambda many: 1.0 + 2.0 * (np.arange(many) % 2),
    "one four times": lambda many: np.where(np.arange(many) == 0, 4.0, 1.0),
    "every other none": lambda many: 1.0 * (np.arange(many) % 2),
    "random": lambda many: np.exp(0.7 * np.random.default_rng(0).standard_normal(many)),
}


def errors(studies: int, shares: Any, unlike: Any, seeds: int, items: int) -> float:
    """In which share of `studies`, none of whose configs differ, any pair is told apart."""
    random = np.random.default_rng(3)
    drawn = (configs(random, shares, len(unlike), seeds, items, unlike) for _ in range(studies))
    return float(np.mean([min(holm([one.p for one in contrasts(x).values()])) <= 0.05 for x in drawn]))


@pytest.mark.parametrize("what", SHARES)
@pytest.mark.parametrize("unlike", ["alike", "every other thrice"])
def test_where_nothing_differs_no_pair_is_told_apart(what: str, unlike: str) -> None:
    assert errors(150, SHARES[what], UNLIKE[unlike](5), 3, 50) <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize("what", SHARES)
@pytest.mark.parametrize("unlike", UNLIKE)
@pytest.mark.parametrize(("many", "seeds", "items"), [(2, 3, 50), (6, 2, 50), (6, 3, 1000), (15, 3, 50), (6, 10, 50)])
def test_however_many_configs_and_seeds(what: str, unlike: str, many: int, seeds: int, items: int) -> None:
    """5 %, or somewhat more where one spreads many times as much as another; and what 1,000 studies leave open."""
    assert errors(1000, SHARES[what], UNLIKE[unlike](many), seeds, items) <= 0.075


def test_three_seeds_tell_apart_what_lies_eight_standard_errors_apart() -> None:
    """Of many configs too, where two alone would need a t of 14."""
    groups = configs(np.random.default_rng(6), SHARES["seeds"], 15, 3, 50) + 8.0 * np.arange(15)[:, None, None]
    assert max(holm([one.p for one in contrasts(groups).values()])) <= 0.05


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
