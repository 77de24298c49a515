"""The interval of a mean over seeds and items: against scipy where one of the two is alone, and by simulation."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from repro.interval import beside, difference, interval, number
from repro.interval.layout import Rows

NUMBERS = st.floats(-3, 3).map(lambda x: round(x, 3))
STUDIES = 2000
SHARES = {  # of the variance of the grand mean: seeds, items, rest
    "seeds": (1.0, 0.0, 0.0),
    "items": (0.0, 1.0, 0.0),
    "rest": (0.0, 0.0, 1.0),
    "seeds and items": (0.5, 0.5, 0.0),
    "mostly seeds": (0.9, 0.1, 0.0),
    "mostly items": (0.1, 0.8, 0.1),
    "all three": (0.4, 0.3, 0.3),
}


@pytest.mark.parametrize("scale", [1e-200, 1e-24, 1.0, 1e100])
def test_the_interval_scales_with_the_numbers(scale: float) -> None:
    """p values are small: their variance, squared, would be zero."""
    rows = [[1.0, 2.0, 4.0], [2.0, 2.5, 3.0]]
    one, scaled = interval(rows), interval([[scale * value for value in row] for row in rows])
    assert (scaled.low / scale, scaled.high / scale) == pytest.approx((one.low, one.high))


@given(st.lists(NUMBERS, min_size=2, max_size=30))
def test_one_seed_is_student_t_over_the_items(values: list[float]) -> None:
    found = interval([values])
    if np.ptp(values) == 0:
        assert found.low == found.mean == found.high
        return
    error = scipy.stats.sem(values)
    low, high = scipy.stats.t.interval(0.95, len(values) - 1, np.mean(values), error)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-9)


@given(st.lists(NUMBERS, min_size=2, max_size=6))
def test_one_item_is_student_t_over_the_seeds(values: list[float]) -> None:
    found = interval([[value] for value in values])
    if np.ptp(values) > 0:
        low, high = scipy.stats.t.interval(0.95, len(values) - 1, np.mean(values), scipy.stats.sem(values))
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-9)


def studies(random: Any, shares: tuple[float, float, float], seeds: int, items: int) -> Any:
    """(STUDIES, seeds, items) values of mean zero whose grand mean has variance one, in these `shares`."""
    scales = np.sqrt(np.array(shares) * [seeds, items, seeds * items])
    shapes = [(STUDIES, seeds, 1), (STUDIES, 1, items), (STUDIES, seeds, items)]
    return sum(scale * random.standard_normal(shape) for scale, shape in zip(scales, shapes, strict=True))


def coverage(found: Any) -> float:
    return float(np.mean([one.low <= 0.0 <= one.high for one in found]))


@pytest.mark.parametrize("what", SHARES)
@pytest.mark.parametrize(
    ("seeds", "items"),
    [
        (3, 10),
        (3, 300),
        (10, 10),
        *(pytest.param(*size, marks=pytest.mark.slow) for size in [(5, 10), (5, 300), (10, 300)]),
    ],
)
def test_the_interval_covers_as_often_as_it_says(what: str, seeds: int, items: int) -> None:
    """Each of 2,000 studies knows its truth, zero; whatever makes the numbers vary, 93 to 97 % find it."""
    tables = studies(np.random.default_rng(0), SHARES[what], seeds, items)
    covered = coverage(interval(table) for table in tables)
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize(("seeds", "items"), list(product((3, 5, 10), (1, 10, 300))))
def test_of_fixed_items_it_covers_their_own_mean(seeds: int, items: int) -> None:
    """The truth is the mean over these very items: how they were drawn does not count."""
    random = np.random.default_rng(1)
    shapes = [(STUDIES, seeds, 1), (STUDIES, 1, items), (STUDIES, seeds, items)]
    of_seeds, of_items, rest = (random.standard_normal(shape) for shape in shapes)
    truths = 3 * of_items.mean(axis=(1, 2))
    found = [interval(table, fixed=True) for table in of_seeds + 3 * of_items + rest]
    covered = float(np.mean([one.low <= truth <= one.high for one, truth in zip(found, truths, strict=True)]))
    assert 0.93 <= covered <= 0.97


@given(st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=2, max_size=5))
def test_of_fixed_items_it_is_student_t_over_the_seeds(rows: Rows) -> None:
    means, found = np.mean(rows, axis=1), interval(rows, fixed=True)
    if np.ptp(means) > 1e-9:
        low, high = scipy.stats.t.interval(0.95, len(rows) - 1, np.mean(means), scipy.stats.sem(means))
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-9)
    assert found.item_variance == 0 and interval(rows[:1], fixed=True).low == interval(rows[:1], fixed=True).high


def test_the_chance_in_the_papers_number_is_added_as_welch_does() -> None:
    ours, theirs = np.array([1.0, 1.2, 1.5, 1.1]), np.array([0.9, 1.4, 1.2])
    found, welch = (
        beside(interval(ours[:, None], fixed=True), 3, float(theirs.std(ddof=1))),
        scipy.stats.ttest_ind(ours, theirs, equal_var=False),
    )
    low, high = welch.confidence_interval(0.95)
    assert found.freedom == pytest.approx(welch.df)
    assert high - low < found.high - found.low < 1.1 * (high - low), "Welch's own covers a little less than it says"


@pytest.mark.parametrize(("seeds", "theirs", "known"), [
    (3, 1, False), (10, 1, False), (3, 3, False), (3, 3, True), (3, 10, True), (10, 3, True), (10, 10, False),
])  # fmt: skip
def test_with_the_chance_in_both_it_covers_the_difference(seeds: int, theirs: int, known: bool) -> None:
    """Both are means over trainings of one method, whose true difference is zero."""
    random = np.random.default_rng(4)
    tables, papers = random.standard_normal((STUDIES, seeds, 1)), random.standard_normal((STUDIES, theirs))
    spreads = [float(paper.std(ddof=1)) if known else None for paper in papers]
    found = [beside(interval(t, fixed=True), theirs, s) for t, s in zip(tables, spreads, strict=True)]
    covered = float(np.mean([one.low <= d <= one.high for one, d in zip(found, papers.mean(axis=1), strict=True)]))
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize(("same_seeds", "same_items"), list(product((True, False), repeat=2)))
@pytest.mark.parametrize(("seeds", "items"), [(3, 10), pytest.param(5, 100, marks=pytest.mark.slow)])
def test_a_difference_covers_as_often_as_it_says(same_seeds: bool, same_items: bool, seeds: int, items: int) -> None:
    """Seeds and items that both sides share move both alike, and cancel."""
    random = np.random.default_rng(2)
    shared = 3 * random.standard_normal((STUDIES, seeds, 1)) * same_seeds
    shared = shared + 3 * random.standard_normal((STUDIES, 1, items)) * same_items
    ours, theirs = (shared + studies(random, SHARES["all three"], seeds, items) for _ in range(2))
    pairs = zip(ours, theirs, strict=True)
    covered = coverage(difference(a, b, same_seeds, same_items) for a, b in pairs)
    assert 0.93 <= covered <= 0.97


@given(st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=3, max_size=3))
def test_what_both_sides_share_cancels(rows: Rows) -> None:
    moved = [[value + 100 * seed + 10 * item for item, value in enumerate(row)] for seed, row in enumerate(rows)]
    shift = [[100.0 * seed + 10 * item for item in range(4)] for seed in range(3)]
    found, plain = difference(moved, shift, True, True), interval(rows)
    assert (found.mean, found.low, found.high) == pytest.approx((plain.mean, plain.low, plain.high), abs=1e-6)


def test_a_difference_of_unlike_many_seeds_uses_them_all() -> None:
    ours, theirs = [[1.0, 2.0], [1.1, 2.1], [1.2, 2.2]], [[0.0, 1.0], [0.1, 1.1]]
    assert difference(ours, theirs, False, True).mean == pytest.approx(1.6 - 0.55)


@pytest.mark.parametrize("seeds", [3, 5])
def test_so_many_more_seeds_settle_it(seeds: int) -> None:
    """As many seeds more, of the same mean and spread, take the edge out of the interval; one less would not."""
    shifts = np.linspace(-1, 1, seeds)
    found = interval([[0.5 + shift, 0.5 + shift] for shift in shifts])
    more = found.seeds_to_settle(0.0)
    sizes = {count: scipy.stats.t.ppf(0.975, count - 1) * shifts.std(ddof=1) / count**0.5 for count in range(2, 80)}
    assert found.low < 0.0 and more == min(count for count, half in sizes.items() if half < 0.5) - seeds


@pytest.mark.parametrize(("value", "half", "shown"), [
    (1.2345, 0.0, "1.2345"), (1.2345, 0.02, "1.234"), (12.345, 3.0, "12.3"), (1234.5, 40.0, "1234"),
    (3.217e-12, 1.4e-13, "3.22e-12"), (-0.05, 1e-19, "-0.05"), (0.0, 2e-15, "0.0e+00"),
    (-0.0004, 0.02, "0.000"), (-0.0, 0.0, "0"), (-0.0, 2e-15, "0.0e+00"), (-0.006, 0.02, "-0.006"),
])  # fmt: skip
def test_two_uncertain_digits(value: float, half: float, shown: str) -> None:
    assert number(value, half) == shown
