"""Acquisition functions: the equations of the paper as loops, known values, bounds, ties, and bad input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats

from repro.errors import BadInput
from repro.labels import acquisition
from repro.labels.acquisition import FUNCTIONS, chosen

SHAPES = [(1, 5, 2), (2, 7, 3), (20, 40, 10), (3, 1, 2)]


def drawn(shape: tuple[int, int, int], seed: int = 0) -> Any:
    """Random probabilities (T, N, K); some are exactly 0."""
    p = np.random.default_rng(seed).dirichlet(np.full(shape[2], 0.3), shape[:2])
    p[p < 0.05] = 0
    return p / p.sum(axis=2, keepdims=True)


def by_hand(name: str, item: Any) -> float:
    """Section 4 for one item (T, K), one number at a time."""
    mean = [math.fsum(column) / len(item) for column in zip(*item, strict=True)]
    entropy = -math.fsum(p * math.log(p) for p in mean if p)
    if name == "entropy":
        return entropy
    if name == "variation":
        return 1 - max(mean)
    if name == "bald":
        return entropy + math.fsum(p * math.log(p) for row in item for p in row if p) / len(item)
    squares = [math.fsum(p * p for p in column) / len(item) for column in zip(*item, strict=True)]
    return math.fsum(math.sqrt(max(s - m * m, 0)) for s, m in zip(squares, mean, strict=True)) / len(mean)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_scores_are_the_equations_of_the_paper(name: str, shape: tuple[int, int, int]) -> None:
    p = drawn(shape)
    expected = [by_hand(name, p[:, at].tolist()) for at in range(shape[1])]
    assert FUNCTIONS[name](p) == pytest.approx(expected, abs=2e-8)  # the root of a rounding error


def test_entropy_is_that_of_scipy() -> None:
    p = drawn((6, 50, 10))
    assert acquisition.entropy(p) == pytest.approx(scipy.stats.entropy(p.mean(axis=0), axis=1), abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_mutual_information_is_between_0_and_the_entropy(seed: int) -> None:
    p = drawn((1 + seed, 30, 5), seed)
    information = acquisition.bald(p)
    assert (information >= 0).all()
    assert (information <= acquisition.entropy(p) + 1e-12).all()
    assert (acquisition.entropy(p) <= math.log(5) + 1e-12).all()


def test_only_the_spread_of_the_samples_counts_for_bald_and_std() -> None:
    one = drawn((1, 30, 4))
    same = np.repeat(one, 8, axis=0)
    for name in acquisition.SPREAD:
        assert FUNCTIONS[name](one) == pytest.approx(0, abs=1e-8)
        assert FUNCTIONS[name](same) == pytest.approx(0, abs=1e-7)
    assert acquisition.entropy(same) == pytest.approx(acquisition.entropy(one))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_order_of_samples_and_classes_does_not_matter(name: str) -> None:
    p = drawn((9, 20, 6))
    mixed = p[::-1][:, :, [3, 1, 5, 0, 2, 4]]
    assert FUNCTIONS[name](mixed) == pytest.approx(FUNCTIONS[name](p))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_items_with_the_highest_scores_are_chosen_in_this_order(name: Any) -> None:
    p = drawn((12, 60, 10))
    found = chosen(p, name, 10, np.random.default_rng(1))
    assert found == np.argsort(-FUNCTIONS[name](p))[:10].tolist()


@pytest.mark.parametrize("by", ["random", "entropy"])
def test_equal_scores_are_chosen_at_random(by: Any) -> None:
    p = np.full((3, 50, 2), 0.5)
    found = {tuple(chosen(p, by, 5, np.random.default_rng(seed))) for seed in range(20)}
    assert len(found) == 20
    assert len({at for one in found for at in one}) > 40
    assert chosen(p, by, 50, np.random.default_rng(0)) == chosen(p, by, 50, np.random.default_rng(0))


@pytest.mark.parametrize(
    "samples",
    [
        [[0.5, 0.5]],
        np.zeros((0, 3, 2)),
        np.zeros((2, 0, 2)),
        [[[1.0]]],
        [[[0.6, 0.6]]],
        [[[1.5, -0.5]]],
        [[[math.nan, 1]]],
    ],
)
def test_samples_that_are_not_probabilities_are_refused(samples: Any) -> None:
    with pytest.raises(BadInput, match="samples"):
        chosen(samples, "bald", 1, np.random.default_rng(0))


@pytest.mark.parametrize(("by", "size"), [("balds", 1), ("bald", 0), ("bald", 8)])
def test_another_name_and_another_size_are_refused(by: Any, size: int) -> None:
    with pytest.raises(BadInput):
        chosen(drawn((2, 7, 3)), by, size, np.random.default_rng(0))
