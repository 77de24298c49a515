"""The tests for drift, each against scipy or its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from repro.errors import BadInput
from repro.metrics import drift


@pytest.fixture
def random() -> np.random.Generator:
    """Random numbers of the test's own: which tests run before it makes no difference."""
    return np.random.default_rng(0)


@pytest.mark.parametrize(("source", "target"), [(50, 50), (200, 7), (3, 90), (1, 2)])
@pytest.mark.parametrize("ties", [False, True])
def test_kolmogorov_smirnov_is_that_of_scipy(random: np.random.Generator, source: int, target: int, ties: bool) -> None:
    one, other = random.normal(size=(source, 4)), random.normal(0.5, 1.0, size=(target, 4))
    if ties:
        one, other = one.round(), other.round()
    reference = drift.source(one)
    expected = [stats.ks_2samp(one[:, column], other[:, column], method="asymp") for column in range(4)]
    assert reference.distances(other) == pytest.approx([row.statistic for row in expected], abs=1e-12)
    assert reference.p_values(other) == pytest.approx([row.pvalue for row in expected], rel=1e-9)


def test_the_correction_of_stephens_is_the_limit_for_many_items() -> None:
    distances = np.array([0.0005, 0.001, 0.002])
    plain = drift.p_values(distances, 2_000_000, 2_000_000)
    assert drift.p_values(distances, 2_000_000, 2_000_000, "stephens") == pytest.approx(plain, rel=0.01)
    root = np.sqrt(50 * 20 / 70)
    expected = stats.kstwobign.sf((root + 0.12 + 0.11 / root) * 0.4)
    assert drift.p_values(np.array([0.4]), 50, 20, "stephens")[0] == pytest.approx(expected)


def test_false_alarms_of_many_dimensions_stay_below_the_level(random: np.random.Generator) -> None:
    reference = drift.source(random.normal(size=(500, 20)))
    alarms = [drift.bonferroni(reference.p_values(random.normal(size=(50, 20)))) < 0.05 for _ in range(200)]
    assert np.mean(alarms) < 0.09  # 0.05 and two and a half standard errors


def test_chi_squared_is_that_of_scipy(random: np.random.Generator) -> None:
    one, other = random.integers(0, 4, 300), random.integers(1, 5, 60)
    table = [np.bincount(values, minlength=5) for values in (one, other)]
    assert drift.chi_squared(one, other, 8) == pytest.approx(stats.chi2_contingency(table).pvalue)
    assert drift.chi_squared([1, 1], [1], 3) == 1


def test_the_intersection_of_histograms(random: np.random.Generator) -> None:
    one, other = random.random(100), random.random(40) ** 2
    edges = np.linspace(0, 1, 6)
    shares = [np.histogram(values, edges)[0] / len(values) for values in (one, other)]
    assert drift.intersection(one, other, edges) == pytest.approx(sum(map(min, *shares)))
    assert drift.intersection([-5.0], [0.1], edges) == 1  # values outside count in the first bin


def test_p_of_the_intersection_is_that_of_shuffled_items(random: np.random.Generator) -> None:
    one, other, edges = random.random(60), random.random(30) ** 1.5, np.linspace(0, 1, 5)
    both, found = np.concatenate([one, other]), drift.intersection(one, other, edges)
    drawn = [drift.intersection((p := random.permutation(both))[:60], p[60:], edges) <= found for _ in range(2000)]
    assert drift.intersection_p(one, other, edges, permutations=4000) == pytest.approx(np.mean(drawn), abs=0.04)


def test_mmd_is_the_formula(random: np.random.Generator) -> None:
    one, other = random.normal(size=(12, 3)), random.normal(2, 1, size=(9, 3))
    apart = [[np.linalg.norm(x - y) for y in other] for x in one]
    scale = np.median(apart)

    def kernel(x: Any, y: Any) -> float:
        return float(np.exp(-np.sum((x - y) ** 2) / scale))

    within = sum(kernel(x, y) for i, x in enumerate(one) for j, y in enumerate(one) if i != j) / (12 * 11)
    within += sum(kernel(x, y) for i, x in enumerate(other) for j, y in enumerate(other) if i != j) / (9 * 8)
    between = sum(kernel(x, y) for x in one for y in other) / (12 * 9)
    found, p = drift.mmd(one, other, permutations=199)
    assert found == pytest.approx(within - 2 * between)
    assert p < 0.05


def test_p_of_mmd_is_uniform_without_a_shift(random: np.random.Generator) -> None:
    p = [drift.mmd(random.normal(size=(15, 2)), random.normal(size=(10, 2)), 99, seed)[1] for seed in range(150)]
    assert stats.kstest(p, "uniform").pvalue > 0.001


@pytest.mark.parametrize("wrong", [[], [[np.nan]], np.zeros((2, 2, 2)), [[1.0, 2.0]]])
def test_a_wrong_sample_is_refused(wrong: Any) -> None:
    with pytest.raises(BadInput):
        drift.source([[1.0], [2.0]]).distances(wrong)


@pytest.mark.parametrize("edges", [[], [0.0], [1.0, 0.0], [0.0, np.nan]])
def test_wrong_edges_are_refused(edges: Any) -> None:
    with pytest.raises(BadInput):
        drift.intersection([1.0], [1.0], edges)


def test_other_mistakes_are_refused() -> None:
    with pytest.raises(BadInput):
        drift.p_values(np.array([0.5]), 5, 5, "other")  # type: ignore[arg-type]
    with pytest.raises(BadInput):
        drift.mmd([1.0], [2.0, 3.0])
