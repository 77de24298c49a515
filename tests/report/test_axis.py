"""The axes of the figure: what a row shows is seen, however far away the other rows of its metric lie."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro.report.html import marks
from repro.report.html.axis import Extent, apart, around, logarithmic, wide


def row(*middles: float, width: float) -> Extent:
    ends = [middle + side * width / 2 for middle in middles for side in (-1, 1)]
    return Extent(ends, [width] * len(middles))


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        ([row(0.01, 0.025, width=0.004), row(0.01, width=0.003)], [[0, 1]]),
        ([row(0.01, 0.025, width=0.004), row(1.35, width=0.1), row(0.01, width=0.004)], [[0, 2], [1]]),
        ([row(1.35, width=0.1), row(0.01, 0.025, width=0.004), row(1.2, width=0.2)], [[0, 2], [1]]),
        ([row(0.0, 100.0, width=0.1)], [[0]]),  # its own gap is so wide: no axis helps
        ([Extent([], []), Extent([3.0], []), row(3.1, width=0.1)], [[0, 1, 2]]),
    ],
)
def test_rows_whose_bands_would_be_lines_have_an_axis_apart(rows: list[Extent], groups: list[list[int]]) -> None:
    assert apart(rows) == groups


@given(st.lists(st.floats(1e-30, 1e30), min_size=2, max_size=9))
@example([3.5, 3.5])
def test_a_logarithmic_axis_shows_all_numbers_between_its_ends(values: list[float]) -> None:
    axis = logarithmic(values)
    low, high = axis.ends
    assert all(0 < axis.share(value) < 1 for value in values)
    assert low < min(values) and max(values) < high
    assert 2 <= len(axis.ticks) <= 10 and axis.ticks == sorted(axis.ticks)
    assert all(-1e-6 <= axis.share(tick) <= 1 + 1e-6 for tick in axis.ticks)


@pytest.mark.parametrize(
    ("values", "log"),
    [([1.0, 11.0], True), ([1.0, 9.0], False), ([0.0, 5.0], False), ([-1.0, 50.0], False), ([], False)],
)
def test_positive_numbers_of_more_than_a_factor_of_ten_are_logarithmic(values: list[float], log: bool) -> None:
    assert wide(values) == log


@given(
    st.lists(st.integers(-(10**10), 10**10).map(lambda n: n / 1e6), min_size=2, max_size=9),
    st.sampled_from([16.0, 30.0]),
)
@example([-0.0063, 0.0025], 30.0)
@example([-0.0063, 0.0025], 16.0)
def test_the_numbers_of_a_scale_do_not_touch_and_zero_keeps_its_own(values: list[float], room: float) -> None:
    axis = around(values)
    told = marks.labelled(axis, room)
    assert told and {tick for tick, _ in told} <= set(axis.ticks)
    assert 0.0 not in axis.ticks or 0.0 in {tick for tick, _ in told}
    for (before, left), (after, right) in pairwise(told):
        free = (marks.x(axis, after) - marks.x(axis, before)) / 100 * room
        assert free > (len(left) + len(right)) / 2
