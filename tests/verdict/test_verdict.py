"""Verdicts: every outcome, what must not matter, and the interval against scipy and a simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.claim import Claim
from repro.record import Measurement, Record
from repro.verdict import OUTCOMES, judge, worse

IDENTITY = {"name": "m", "version": 1, "unit": "dB", "better": "higher"}
VALUE = Claim("c", "says", "where", "M", "configs/own.gin", value=1.0, tolerance=0.2, because="so", seeds=2)
OVER = Claim("c", "says", "where", "M", "configs/own.gin", over="configs/other.gin", seeds=2)
PRINTED = Claim("c", "says", "where", "M", "configs/own.gin", printed="1.0", seeds=1)


def record(
    values: Sequence[float], config: str = "own", seed: int = 0, better: str = "higher", unit: str = "dB", **more: Any
) -> Record:
    found = Measurement("test", "M", IDENTITY | {"better": better, "unit": unit}, [float(value) for value in values])
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
    (replace(OVER, over="", below=1.3), records(1.0), "reproduced"),
    (replace(OVER, over="", below=0.7), records(1.0), "not reproduced"),
    (replace(OVER, over="", below=1.0), records(1.0), "inconclusive"),
    (replace(OVER, over="", above=0.7), records(1.0, better="lower"), "reproduced"),
    (replace(VALUE, transcribed=False), records(1.0), "not transcribed"),
    (replace(VALUE, proxy=["configs/small.gin"]), records(1.0, config="small"), "not run"),
    (replace(OVER, over="", above=0.0, proxy=["configs/small.gin"]), records(1, 0.01, "small", 3), "trend holds"),
    (replace(OVER, over="", above=2.0, proxy=["configs/small.gin"]), records(1, 0.01, "small", 3), "trend fails"),
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
    verdict = judge(claim, records(1.0, config="weak", seeds=3) + records(-1.0, config="strong", seeds=3))
    assert verdict.outcome == "trend fails" and verdict.judged is not None
    assert verdict.judged.config == "configs/strong.gin" in verdict.why and len(verdict.evidence) == 2


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
    cost = {"seconds": 120.0}
    alone = judge(replace(VALUE, seeds=1), [replace(one, cost=cost) for one in records(1.0, 0.01, seeds=1)])
    assert alone.outcome == "inconclusive" and "1 more seed is needed" in alone.why and "about 2 min" in alone.why
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


@given(ROWS, st.floats(0, 3), st.floats(0, 3), st.sampled_from(["higher", "lower"]))
def test_a_wider_tolerance_never_makes_a_verdict_worse(rows: Any, one: float, two: float, better: str) -> None:
    """From either side the way leads to `reproduced`, over `inconclusive`."""
    found = [record(row, seed=seed, better=better) for seed, row in enumerate(rows)]
    narrow, wide = (judge(replace(VALUE, seeds=1, tolerance=width), found).outcome for width in sorted((one, two)))
    assert not worse(wide, narrow)
    assert not (wide == "exceeded" and narrow != "exceeded")


@given(ROWS, ROWS)
def test_a_comparison_and_its_reverse_never_both_hold(rows: Any, others: Any) -> None:
    claim, reverse = replace(OVER, seeds=1), replace(OVER, seeds=1, config="configs/other.gin", over="configs/own.gin")
    found = [record(row, seed=seed) for seed, row in enumerate(rows)]
    found += [record(row, "other", seed) for seed, row in enumerate(others)]
    opposite = {"reproduced": "not reproduced", "not reproduced": "reproduced", "inconclusive": "inconclusive"}
    assert judge(reverse, found).outcome == opposite[judge(claim, found).outcome]


def test_pairs_tell_more_than_two_means() -> None:
    random = np.random.default_rng(0)
    items = 5 * random.standard_normal(100)  # what makes an item hard makes it hard for both
    ours = [record(items + 0.5 + 0.1 * random.standard_normal(100), seed=seed) for seed in range(2)]
    theirs = [record(items + 0.1 * random.standard_normal(100), "other", seed) for seed in range(2)]
    other_items = [replace(r, data={"test": "other"}) for r in theirs]
    assert judge(OVER, [*ours, *other_items]).outcome == "not comparable"
    claims = (OVER, replace(OVER, over_test="test"))  # the second says that the items may differ
    paired, unpaired = (judge(claim, [*ours, *side]) for claim, side in zip(claims, (theirs, other_items), strict=True))
    assert paired.judged is not None and unpaired.judged is not None
    width, wide = (v.judged.interval.high - v.judged.interval.low for v in (paired, unpaired) if v.judged)
    assert paired.judged.interval.mean == pytest.approx(unpaired.judged.interval.mean)
    assert width < wide / 5
    assert (paired.outcome, unpaired.outcome) == ("reproduced", "inconclusive")


@given(ROWS, st.floats(5, 1e6), st.booleans(), st.sampled_from(["higher", "lower"]), st.floats(0.01, 2))
def test_a_far_seed_never_makes_a_failure_a_success(rows: Any, far: float, up: bool, better: str, width: float) -> None:
    """However its items are spread: the first mean stays in the interval, or near enough not to be reproduced."""
    claim = replace(VALUE, seeds=1, value=0.0, tolerance=width)
    found = [record(row, seed=seed, better=better) for seed, row in enumerate(rows)]
    more = record([(far if up else -far) * (1 + k) for k in range(3)], seed=len(rows), better=better)
    if judge(claim, found).outcome == "not reproduced":
        assert judge(claim, [*found, more]).outcome != "reproduced"


def test_the_claim_may_say_what_it_is_comparable_to() -> None:
    found = [replace(r, data={"test": "abc"}) for r in records(1.0)]
    for more, words in [({"identity": {"version": 2}}, "version is 2, that of the records is 1"),
                        ({"identity": {"rate": 8000}}, "rate is 8000"), ({"data": "xyz"}, "the data xyz")]:  # fmt: skip
        verdict = judge(replace(VALUE, **more), found)
        assert verdict.outcome == "not comparable" and words in verdict.why
    assert judge(replace(VALUE, identity={"version": 1}, data="abc"), found).outcome == "reproduced"


def test_a_claim_about_one_item_is_judged_by_that_item() -> None:
    found = [record([0.1, 1.0, 9.0], items={"test": ["a", "b", "c"]})]
    outcomes = [judge(replace(PRINTED, item=name), found) for name in ("a", "b", "c", "d")]
    assert [verdict.outcome for verdict in outcomes] == ["not reproduced", "reproduced", "not reproduced", "not run"]
    assert "no item 'd'" in outcomes[-1].why and "known: a, b, c" in outcomes[-1].why


def test_a_claim_that_nothing_can_answer_says_why() -> None:
    claim = Claim("c", "says", "where", no_config="the paper quotes another study", printed="26 %", seeds=1)
    assert (judge(claim, []).outcome, judge(claim, []).why) == ("not checkable", "the paper quotes another study")


def test_two_test_sets_of_one_config_are_compared_where_the_claim_says_so() -> None:
    identity = IDENTITY | {"better": "higher"}
    found = [
        Record("p", "own", seed, "d", [
            Measurement("clean", "M", identity, [2.0 + seed, 2.1 + seed, 2.2 + seed]),
            Measurement("noisy", "M", identity, [1.0 + seed, 1.1 + seed]),
        ], data={"clean": "1", "noisy": "2"})
        for seed in range(3)
    ]  # fmt: skip
    claim = replace(OVER, over="configs/own.gin", test="clean", over_test="noisy", seeds=3)
    verdict = judge(claim, found)
    assert verdict.outcome == "reproduced", "the seeds are the same: their spread cancels"
    assert verdict.judged is not None and verdict.judged.interval.mean == pytest.approx(1.05)


def test_two_views_of_the_data_that_both_configs_require_pair_item_by_item() -> None:
    """Items that spread far more than the views differ: told apart where they pair, and not comparable otherwise."""
    require = "experiment.data = {'test': 'digits/test'}\n"
    items = np.random.default_rng(0).normal(0, 10, 50)

    def views(text: str, other: str) -> list[Record]:
        sides = [("own", items + 1, "raw", text), ("other", items, "deskewed", other)]
        return [record(values + 0.01 * seed, config, seed, text=said, data={"test": print_})
                for config, values, print_, said in sides for seed in range(2)]  # fmt: skip

    paired = judge(OVER, views(require, require))
    assert paired.outcome == "reproduced" and paired.judged is not None
    assert paired.judged.interval.high - paired.judged.interval.low < 0.2
    for text, other in [("", ""), (require, ""), (require, require.replace("digits", "letters"))]:
        assert judge(OVER, views(text, other)).outcome == "not comparable"
    assert judge(replace(OVER, over_test="test"), views("", "")).outcome == "inconclusive"


def test_a_verdict_is_worse_only_when_it_is_farther_from_reproduced() -> None:
    assert worse("not run", "not reproduced") and worse("stale", "reproduced") and worse("inconclusive", "trend holds")
    assert not any(worse(outcome, outcome) for outcome in OUTCOMES)
    assert not worse("exceeded", "inconclusive") and not worse("inconclusive", "exceeded")
    assert worse("trend holds", "not reproduced"), "the records that decided are gone"
    assert all(worse(after, before) for before, after in pairwise(OUTCOMES))


def test_a_difference_of_the_claimed_size_must_have_the_claimed_sign() -> None:
    """0.5 +- 0.6 reaches below zero; what lies there is within the tolerance and of the other sign."""
    claim = replace(OVER, value=0.5, tolerance=0.6, because="so")
    for ours, outcome in [(1.0, "reproduced"), (0.45, "not reproduced"), (0.5, "inconclusive")]:
        verdict = judge(claim, records(ours, 0.002) + records(0.5, 0.001, config="other"))
        assert verdict.outcome == outcome, verdict.why
    assert judge(replace(claim, value=0.0), records(0.45, 0.002) + records(0.5, config="other")).outcome == "reproduced"


@pytest.mark.parametrize(("ours", "outcome"), [(0.8, "reproduced"), (0.6, "reproduced"), (0.81, "exceeded")])
def test_a_tolerance_ends_where_it_is_written(ours: float, outcome: str) -> None:
    """0.7 + 0.1 in binary is less than 0.8."""
    claim = replace(VALUE, value=0.7, tolerance=0.1, seeds=1, deterministic=True)
    assert judge(claim, [record([ours])]).outcome == outcome


PROXY = replace(OVER, proxy=["configs/small.gin"], proxy_over=["configs/less.gin"])


@pytest.mark.parametrize("claim", [PROXY, replace(OVER, over="", above=0.0, proxy=["configs/small.gin"])])
def test_a_trend_needs_three_seeds_or_a_method_without_chance(claim: Claim) -> None:
    """One seed says nothing of the chance in the training, however many items there are."""
    side = {
        seeds: records(1.0, config="small", seeds=seeds) + records(0.5, config="less", seeds=seeds)
        for seeds in (1, 2, 3)
    }
    assert [judge(claim, found).outcome for found in side.values()] == ["inconclusive", "inconclusive", "trend holds"]
    assert "2 more seeds are needed" in judge(claim, side[1]).why
    named = replace(claim, deterministic=True, seeds=1)
    assert judge(named, side[1]).outcome == "trend holds"


def test_no_proxy_speaks_where_the_own_config_has_begun_to() -> None:
    claim = replace(OVER, over="", above=0.0, proxy=["configs/small.gin"], seeds=3)
    found = records(1.0, config="small") + records(-5.0, seeds=2)
    assert judge(claim, found).outcome == "not run" and "2 of 3 seeds" in judge(claim, found).why


def test_seeds_in_common_pair_and_the_others_do_not_unpair_them() -> None:
    """Each seed is lucky on both sides: paired, the difference is sure; one seed more takes nothing away."""
    luck, items = {0: -3.0, 1: 0.0, 2: 3.0}, np.linspace(-0.1, 0.1, 21)
    ours = [record(shift + 0.5 + items, seed=seed) for seed, shift in luck.items()]
    theirs = [record(shift + items, "other", seed) for seed, shift in luck.items()]
    extra = record(9.0 + items, "other", 7)
    assert [judge(OVER, [*ours, *theirs, *more]).outcome for more in ([], [extra])] == ["reproduced", "reproduced"]
    apart = [replace(found, seed=found.seed + 10) for found in theirs]
    assert judge(OVER, [*ours, *apart]).outcome == "inconclusive", "without common seeds their luck counts"
    assert "1 of 2 seeds of both" in judge(OVER, [*ours, theirs[0]]).why


def test_odd_records_are_not_comparable_and_no_traceback() -> None:
    for ours, theirs in [([1.0, 2.0, 3.0], [1.0, 2.0]), ([1e200, 2e200], [1e200, 1e200])]:
        found = [record(ours, seed=s) for s in (0, 1)] + [record(theirs, "other", s) for s in (0, 1)]
        assert judge(OVER, found).outcome in ("not comparable", "inconclusive")


def test_of_twins_the_later_counts_whatever_their_order() -> None:
    twins = [record([9.0], finished="2026-01-01"), record([1.0], finished="2026-01-02")]
    assert [judge(PRINTED, found).outcome for found in (twins, twins[::-1])] == ["reproduced", "reproduced"]
