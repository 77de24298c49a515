"""Verdicts: every outcome, what must not matter, and the interval against scipy and a simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from repro.paper import Claim
from repro.record import Measurement, Record
from repro.verdict import OUTCOMES, interval, judge

IDENTITY = {"name": "m", "version": 1, "unit": "dB", "better": "higher"}
VALUE = Claim("c", "says", "where", "M", "configs/own.gin", value=1.0, tolerance=0.2, because="so", seeds=2)
OVER = Claim("c", "says", "where", "M", "configs/own.gin", over="configs/other.gin", seeds=2)
PRINTED = Claim("c", "says", "where", "M", "configs/own.gin", printed="1.0", seeds=1)


def record(values: Sequence[float], config: str = "own", seed: int = 0, better: str = "higher", **more: Any) -> Record:
    found = Measurement("test", "M", IDENTITY | {"better": better}, [float(value) for value in values])
    return Record("p", config, seed, "d", [found], **more)


def records(mean: float, spread: float = 0.01, config: str = "own", seeds: int = 2, **more: Any) -> list[Record]:
    """Seeds whose items lie evenly around `mean`, the seeds themselves too."""
    items = spread * np.linspace(-1, 1, 21)
    shifts = spread * np.linspace(-1, 1, seeds) if seeds > 1 else [0.0]
    return [record(mean + shift + items, config, seed, **more) for seed, shift in enumerate(shifts)]


@pytest.mark.parametrize(("claim", "found", "outcome"), [
    (VALUE, records(1.05), "reproduced"),
    (VALUE, records(1.5), "exceeded"),
    (VALUE, records(0.5), "not reproduced"),
    (VALUE, records(0.5, better="lower"), "exceeded"),
    (VALUE, records(1.5, better="lower"), "not reproduced"),
    (VALUE, records(1.2, 0.1), "inconclusive"),
    (VALUE, records(1.0, 0.5), "inconclusive"),
    (VALUE, [], "not run"),
    (VALUE, records(1.0, seeds=1), "not run"),
    (VALUE, records(1.0, config="elsewhere"), "not run"),
    (VALUE, [replace(r, overrides=["a.b=1"]) for r in records(1.0)], "not run"),
    (VALUE, [replace(r, stale="model") for r in records(1.0)], "stale"),
    (VALUE, [records(1.0)[0], replace(records(1.0)[1], stale="model")], "stale"),
    (VALUE, [records(1.0)[0], records(1.0, better="lower")[1]], "not comparable"),
    (VALUE, [replace(r, data={"test": str(r.seed)}) for r in records(1.0)], "not comparable"),
    (VALUE, [replace(r, data={"test": "a", "train": str(r.seed)}) for r in records(1.0)], "reproduced"),
    (OVER, records(1.0) + records(0.5, config="other"), "reproduced"),
    (OVER, records(0.5) + records(1.0, config="other"), "not reproduced"),
    (OVER, records(0.5, better="lower") + records(1.0, config="other", better="lower"), "reproduced"),
    (OVER, records(1.0, better="lower") + records(0.5, config="other", better="lower"), "not reproduced"),
    (OVER, records(1.0) + records(0.5, config="other", better="lower"), "not comparable"),
    (OVER, records(1.0), "not run"),
    (OVER, records(0.5, config="other"), "not run"),
    (OVER, records(1.0) + [replace(r, stale="x") for r in records(0.5, config="other")], "stale"),
    (replace(OVER, value=0.5, tolerance=0.1), records(1.0) + records(0.5, config="other"), "reproduced"),
    (replace(OVER, value=0.5, tolerance=0.1), records(2.0) + records(0.5, config="other"), "exceeded"),
    (replace(OVER, value=0.5, tolerance=0.1), records(0.6) + records(0.5, config="other"), "not reproduced"),
    (replace(OVER, over="", above=0.7), records(1.0), "reproduced"),
    (replace(OVER, over="", above=1.3), records(1.0), "not reproduced"),
    (replace(OVER, over="", above=1.0), records(1.0), "inconclusive"),
    (replace(OVER, over="", above=0.7), records(1.0, better="lower"), "reproduced"),
    (replace(VALUE, unread=True), records(1.0), "unread"),
    (replace(VALUE, proxy=["configs/small.gin"]), records(1.0, config="small"), "not run"),
    (replace(OVER, over="", above=0.0, proxy=["configs/small.gin"]), records(1.0, config="small"), "trend holds"),
    (replace(OVER, over="", above=2.0, proxy=["configs/small.gin"]), records(1.0, config="small"), "trend fails"),
    (replace(OVER, over="", above=1.0, proxy=["configs/small.gin"]), records(1.0, config="small"), "inconclusive"),
    (replace(OVER, over="", above=0.0, proxy=["configs/small.gin"]),
     [replace(r, stale="x") for r in records(1.0, config="small")], "stale"),
    (replace(OVER, over="", above=0.0, proxy=["configs/small.gin"]),
     records(1.0, config="small") + records(-1.0, seeds=2), "not reproduced"),
    (PRINTED, records(1.0, seeds=1), "reproduced"),
    (PRINTED, records(1.2, seeds=1), "not reproduced"),
])  # fmt: skip
def test_outcomes(claim: Claim, found: list[Record], outcome: str) -> None:
    verdict = judge(claim, found)
    assert (verdict.outcome, bool(verdict.why)) == (outcome, True), verdict.why
    assert verdict.outcome in OUTCOMES


def test_the_stronger_proxy_is_judged() -> None:
    claim = replace(OVER, over="", above=0.0, proxy=["configs/weak.gin", "configs/strong.gin"])
    verdict = judge(claim, records(1.0, config="weak") + records(-1.0, config="strong"))
    assert verdict.outcome == "trend fails" and verdict.judged is not None
    assert verdict.judged.config == "configs/strong.gin" and len(verdict.evidence) == 2


def test_too_few_seeds_says_how_many() -> None:
    assert "1 of 2 seeds of configs/own.gin" in judge(VALUE, records(1.0, seeds=1)).why


def test_inconclusive_says_what_would_settle_it() -> None:
    items = np.linspace(-0.01, 0.01, 21)
    wide = [record(1.1 + shift + items, seed=seed) for seed, shift in enumerate((-0.1, 0.1, 0.0))]
    more = int(judge(VALUE, wide).why.split("; ")[1].split()[0])
    assert judge(VALUE, wide).outcome == "inconclusive"
    shifts = np.random.default_rng(0).standard_normal(3 + more)
    shifts = (shifts - shifts.mean()) / shifts.std(ddof=1) * 0.1  # as many seeds of the same mean and spread
    settled = [record(1.1 + shift + items, seed=seed) for seed, shift in enumerate(shifts)]
    assert judge(VALUE, settled).outcome == "reproduced"
    assert "second seed" in judge(replace(VALUE, seeds=1), records(1.2, 0.1, seeds=1)).why
    assert "more test items" in judge(VALUE, [record([0.0, 2.2]), record([0.0, 2.2001], seed=1)]).why


NUMBERS = st.floats(-3, 3).map(lambda x: round(x, 3))
ROWS = st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=4)


@given(ROWS, ROWS, st.randoms(), st.sampled_from([VALUE, OVER, replace(VALUE, seeds=1), replace(OVER, seeds=1)]))
def test_the_order_of_records_does_not_matter(rows: Any, others: Any, random: Any, claim: Claim) -> None:
    found = [record(row, seed=seed) for seed, row in enumerate(rows)]
    found += [record(row, "other", seed) for seed, row in enumerate(others)]
    mixed = list(found)
    random.shuffle(mixed)
    assert judge(claim, mixed) == judge(claim, found)


RANK = {"not reproduced": 0, "inconclusive": 1, "exceeded": 1, "reproduced": 2}


@given(ROWS, st.floats(0, 3), st.floats(0, 3), st.sampled_from(["higher", "lower"]))
def test_a_wider_tolerance_never_makes_a_verdict_worse(rows: Any, one: float, two: float, better: str) -> None:
    """From either side the way leads to `reproduced`; `exceeded` may become `inconclusive` on it, but not worse."""
    found = [record(row, seed=seed, better=better) for seed, row in enumerate(rows)]
    narrow, wide = (judge(replace(VALUE, seeds=1, tolerance=width), found).outcome for width in sorted((one, two)))
    assert RANK[wide] >= RANK[narrow]
    assert not (wide == "exceeded" and narrow != "exceeded")


@given(ROWS, ROWS)
def test_a_comparison_and_its_reverse_never_both_hold(rows: Any, others: Any) -> None:
    claim, reverse = replace(OVER, seeds=1), replace(OVER, seeds=1, config="configs/other.gin", over="configs/own.gin")
    found = [record(row, seed=seed) for seed, row in enumerate(rows)]
    found += [record(row, "other", seed) for seed, row in enumerate(others)]
    opposite = {"reproduced": "not reproduced", "not reproduced": "reproduced", "inconclusive": "inconclusive"}
    assert judge(reverse, found).outcome == opposite[judge(claim, found).outcome]


@pytest.mark.parametrize("scale", [1e-200, 1e-24, 1.0, 1e100])
def test_the_interval_scales_with_the_numbers(scale: float) -> None:
    """p values are small: their variance, squared, would be zero."""
    rows = [[1.0, 2.0, 4.0], [2.0, 2.5, 3.0]]
    one, scaled = interval(rows), interval([[scale * value for value in row] for row in rows])
    if scale > 1e-160:  # below, a variance itself is zero
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


@pytest.mark.parametrize("spreads", [(1.0, 1.0, 0.3), (0.3, 1.0, 1.0), (0.0, 1.0, 0.5)])
def test_the_interval_covers_as_often_as_it_says(spreads: tuple[float, float, float]) -> None:
    """300 studies of 5 seeds and 60 items with known spreads of seeds, items and rest."""
    random = np.random.default_rng(7)
    seed, item, rest = spreads
    hits = 0
    for _ in range(300):
        table = (
            seed * random.standard_normal((5, 1))
            + item * random.standard_normal((1, 60))
            + rest * random.standard_normal((5, 60))
        )
        found = interval(table.tolist())
        hits += found.low <= 0.0 <= found.high
    assert 0.92 <= hits / 300 <= 0.99


def test_an_unpaired_difference_covers_as_often_as_it_says() -> None:
    """Both sides' spread counts: each measured on other items."""
    random = np.random.default_rng(8)
    hits = 0
    for _ in range(300):
        found = [
            record(random.standard_normal() * 0.3 + random.standard_normal(60), name, seed, data={"test": name})
            for name in ("own", "other")
            for seed in range(5)
        ]
        judged = judge(OVER, found).judged
        assert judged is not None
        hits += judged.interval.low <= 0.0 <= judged.interval.high
    assert 0.92 <= hits / 300 <= 0.995


def test_pairs_tell_more_than_two_means() -> None:
    random = np.random.default_rng(0)
    items = 5 * random.standard_normal(100)  # what makes an item hard makes it hard for both
    ours = [record(items + 0.5 + 0.1 * random.standard_normal(100), seed=seed) for seed in range(2)]
    theirs = [record(items + 0.1 * random.standard_normal(100), "other", seed) for seed in range(2)]
    other_items = [replace(r, data={"test": "other"}) for r in theirs]
    paired, unpaired = (judge(OVER, [*ours, *side]) for side in (theirs, other_items))
    assert paired.judged is not None and unpaired.judged is not None
    width, wide = (v.judged.interval.high - v.judged.interval.low for v in (paired, unpaired) if v.judged)
    assert paired.judged.interval.mean == pytest.approx(unpaired.judged.interval.mean)
    assert width < wide / 5
    assert (paired.outcome, unpaired.outcome) == ("reproduced", "inconclusive")


@pytest.mark.parametrize(("printed", "ours", "same"), [
    ("0.037", 0.0374999, True), ("0.037", 0.0365, True), ("0.037", 0.0364999, False), ("0.037", 0.0375, False),
    (".213", 0.2134, True), (".213", 0.2136, False), ("-.213", -0.2130001, True), ("-.213", 0.213, False),
    ("9.68e-25", 9.684e-25, True), ("9.68e-25", 9.686e-25, False), ("9.68e-25", 0.0, False), ("9.68e-25", 1e10, False),
    ("63.5 %", 63.46, True), ("63.5%", 63.54, True), ("63.5 %", 63.56, False), ("63.5 %", 0.635, False),
    ("12", 12.4, True), ("12", 12.6, False), ("1.2e3", 1249.0, True), ("1.2e3", 1251.0, False),
    ("0.037", float("nan"), False), ("0.037", float("inf"), False),
])  # fmt: skip
def test_a_printed_number_must_round_to_its_digits(printed: str, ours: float, same: bool) -> None:
    verdict = judge(replace(PRINTED, printed=printed), [record([ours])])
    assert verdict.outcome == ("reproduced" if same else "not reproduced")
    assert printed in verdict.why
