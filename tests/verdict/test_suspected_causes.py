"""The ledger of causes, on records made for it."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.claim import Cause, Claim, paper_toml
from repro.claim import paper as papers
from repro.claim.paper import Paper
from repro.errors import BadInput
from repro.interval import apart, difference, interval
from repro.record import Measurement, Record
from repro.verdict import judge_all
from repro.verdict.suspected_causes import Entry, ledger, unexplained

IDENTITY = {"name": "m", "version": 1, "unit": "", "better": "higher"}
CLAIM = Claim("c", "says", "where", "M", "configs/own.gin", value=1.0, tolerance=0.1, because="so", seeds=2)
TEMPLATE = papers.find("template")
CAUSE = Cause(["c"], "a suspicion", "configs/changed.gin")


def records(config: str, mean: float, *, data: str = "d", seeds: int = 2, **identity: Any) -> list[Record]:
    spread = [0.001 * (item - 10) for item in range(21)]
    values = [[mean + 0.001 * (seed - 0.5) + more for more in spread] for seed in range(seeds)]
    return [
        Record("p", config, seed, "x", [Measurement("test", "M", IDENTITY | identity, row)], data={"test": data})
        for seed, row in enumerate(values)
    ]


def entries(claim: Claim, found: list[Record], *causes: Cause) -> list[Entry]:
    paper = Paper("p", Path(), "T", ["A"], 2020, claims=[claim], causes=list(causes))
    return ledger(paper, judge_all([claim], found), found)


@pytest.mark.parametrize(
    ("changed", "share"), [(1.0, 1.0), (0.75, 0.5), (0.5, 0.0), (1.25, 0.5), (1.5, 0.0), (0.0, -1.0)]
)
def test_the_share_is_how_much_less_is_left_of_the_gap(changed: float, share: float) -> None:
    """Ours is 0.5 where the paper has 1: too far is no nearer than too short, and away is below zero."""
    (entry,) = entries(CLAIM, records("own", 0.5) + records("changed", changed), CAUSE)
    assert entry.share == pytest.approx(share, abs=0.01)
    assert entry.effect is not None and entry.effect.interval.mean == pytest.approx(changed - 0.5, abs=1e-9)
    assert entry.after.outcome == ("reproduced" if share == 1.0 else entry.after.outcome)
    assert entry.crosses == (changed > 1.0)


def test_a_cause_may_change_another_config_than_the_claims() -> None:
    cause = replace(CAUSE, over="configs/base.gin")
    found = records("own", 0.5) + records("base", 0.3) + records("changed", 0.75)
    (entry,) = entries(CLAIM, found, cause)
    assert entry.base == "configs/base.gin" and entry.effect is not None
    assert entry.effect.interval.mean == pytest.approx(0.45, abs=1e-9), "the effect is that of the one factor"
    assert entry.share == pytest.approx(0.5, abs=0.01), "the gap is that of the claim"


def test_the_factor_may_be_the_data_or_what_the_paper_measures() -> None:
    """The items differ, so nothing is paired; what the claim asks of data and metric does not hold the cause back."""
    claim = replace(CLAIM, data="d", identity={"version": 1})
    (entry,) = entries(claim, records("own", 0.5) + records("changed", 1.0, data="other"), CAUSE)
    assert entry.after.outcome == "reproduced" and entry.effect is not None and not entry.effect.unlike
    (entry,) = entries(claim, records("own", 0.5) + records("changed", 1.0, version=2), CAUSE)
    assert entry.after.outcome == "reproduced" and entry.effect is not None and "version" in entry.effect.unlike
    assert entry.share == pytest.approx(1.0, abs=0.02), "both are compared with the print, not with each other"


def test_a_printed_gap_is_in_the_unit_of_the_print() -> None:
    claim = Claim("c", "says", "where", "M", "configs/own.gin", printed="63.5 %", seeds=1)
    found = [replace(r, seed=0) for r in (records("own", 0.6, seeds=1) + records("changed", 0.635, seeds=1))]
    (entry,) = entries(claim, found, CAUSE)
    assert entry.share == pytest.approx(1.0, abs=0.2) and entry.after.outcome == "reproduced"


def test_a_gap_of_a_trend_is_tested_by_a_trend() -> None:
    claim = Claim("c", "says", "where", "M", "configs/own.gin", above=0.0, proxy=["configs/small.gin"])
    (entry,) = entries(claim, records("small", -1.0, seeds=3) + records("changed", 1.0, seeds=3), CAUSE)
    assert (entry.before.outcome, entry.after.outcome) == ("trend fails", "trend holds")
    assert entry.base == "configs/small.gin" and entry.share == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize(("mean", "listed"), [(0.5, True), (1.5, True), (1.1, True), (1.0, False)])
def test_every_gap_is_listed_and_what_is_reproduced_is_not(mean: float, listed: bool) -> None:
    found = records("own", mean)
    assert bool(entries(CLAIM, found, CAUSE)) == listed
    assert not entries(CLAIM, found, replace(CAUSE, claims=["other"]))


def test_failures_and_what_was_exceeded_must_be_explained() -> None:
    trend = Claim("t", "says", "where", "M", "configs/own.gin", above=0.0, proxy=["configs/small.gin"])
    for claim, found, named in [
        (CLAIM, records("own", 0.5), True), (CLAIM, records("own", 1.5), True), (CLAIM, records("own", 1.0), False),
        (trend, records("small", -1.0, seeds=3), True), (trend, records("small", 1.0, seeds=3), False),
    ]:  # fmt: skip
        paper = Paper("p", Path(), "T", ["A"], 2020, claims=[claim])
        assert bool(unexplained(paper, judge_all([claim], found))) == named


PAIR = Claim(
    "g", "says", "where", "M", "configs/large.gin", over="configs/small.gin", value=0.5, tolerance=0.05, seeds=2
)
BOTH = Cause(["g"], "a suspicion", "configs/large_long.gin", over_config="configs/small_long.gin")


def noisy(config: str, mean: float, luck: int, items: int = 9, seeds: int = 2, data: str = "d") -> list[Record]:
    """Records with a spread of their own: the item and the seed move all configs alike, and each a little apart."""
    rng, own = random.Random(0), random.Random(luck)
    hard = [rng.gauss(0, 1) for _ in range(items)]
    values = [[mean + hard[i] + 0.1 * seed + own.gauss(0, 0.01) for i in range(items)] for seed in range(seeds)]
    return [
        Record("p", config, seed, "x", [Measurement("test", "M", IDENTITY, row)], data={"test": data})
        for seed, row in enumerate(values)
    ]


def four(**more: Any) -> list[Record]:
    means = {"large": 1.2, "small": 1.0, "large_long": 2.0, "small_long": 1.5}
    return [record for n, (name, mean) in enumerate(means.items()) for record in noisy(name, mean, n, **more)]


def test_a_cause_may_change_both_sides_of_a_comparison() -> None:
    """The difference is 0.2 where the paper has 0.5; with the factor changed on both sides it is 0.5."""
    found = four()
    (entry,) = entries(PAIR, found, BOTH)
    assert (entry.before.outcome, entry.after.outcome) == ("not reproduced", "reproduced")
    assert entry.after.judged is not None and entry.after.judged.other == "configs/small_long.gin"
    assert entry.changes == [
        ("configs/large.gin", "configs/large_long.gin"),
        ("configs/small.gin", "configs/small_long.gin"),
    ]
    by_name = {(r.config, r.seed): r.measurements[0].values for r in found}
    rows = [
        [
            large_long - small_long - (large - small)
            for large_long, small_long, large, small in zip(
                *(by_name[name, seed] for name in ("large_long", "small_long", "large", "small")), strict=True
            )
        ]
        for seed in range(2)
    ]
    wanted, ours = interval(rows), entry.effect
    assert ours is not None and not ours.unlike
    for key in ("mean", "low", "high"):
        assert getattr(ours.interval, key) == pytest.approx(getattr(wanted, key), abs=1e-12)
    assert entry.share == pytest.approx(1.0, abs=0.1)


def test_an_effect_of_both_sides_that_does_not_pair_is_wider() -> None:
    (paired,) = entries(PAIR, four(), BOTH)
    found = [replace(r, data={"test": "other"}) if "long" in r.config else r for r in four()]
    (apart_,) = entries(PAIR, found, BOTH)
    assert paired.effect is not None and apart_.effect is not None
    assert apart_.effect.interval.mean == pytest.approx(paired.effect.interval.mean, abs=1e-12)
    width = [one.effect.interval.high - one.effect.interval.low for one in (paired, apart_)]
    assert width[1] > width[0] > 0


@given(st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=2, max_size=4), st.integers(0, 99))
def test_two_means_apart_are_a_difference_that_does_not_pair(rows: list[list[int]], seed: int) -> None:
    rng = random.Random(seed)
    others = [[rng.gauss(0, 1) for _ in range(5)] for _ in range(3)]
    ours, wanted = apart(interval(rows), interval(others)), difference(rows, others, False, False)
    assert ours.mean == pytest.approx(wanted.mean, abs=1e-9)
    assert ours.high - ours.low == pytest.approx(wanted.high - wanted.low, rel=1e-6, abs=1e-9)


def test_without_the_records_of_the_other_side_the_effect_is_not_known() -> None:
    (entry,) = entries(PAIR, [r for r in four() if r.config != "small_long"], BOTH)
    assert entry.effect is None and entry.after.outcome == "not run" and entry.share is None


def test_a_trend_is_tested_on_both_sides_too() -> None:
    claim = replace(PAIR, value=None, tolerance=None, proxy=["configs/a.gin"], proxy_over=["configs/b.gin"])
    means = {"a": 1.0, "b": 1.2, "large_long": 2.0, "small_long": 1.0}
    found = [one for luck, name in enumerate(means, 1) for one in noisy(name, means[name], luck, seeds=3)]
    (entry,) = entries(claim, found, BOTH)
    assert (entry.before.outcome, entry.after.outcome) == ("trend fails", "trend holds")
    assert entry.effect is not None and entry.effect.interval.mean == pytest.approx(1.2, abs=0.05)


def test_the_other_side_may_be_changed_alone() -> None:
    cause = replace(BOTH, config="configs/large.gin")
    found = [r for r in four() if r.config != "large_long"]
    (entry,) = entries(PAIR, found, cause)
    assert entry.changes == [("configs/small.gin", "configs/small_long.gin")]
    assert entry.effect is not None and entry.effect.interval.mean == pytest.approx(-0.5, abs=0.05)


def test_todo_asks_for_the_runs_of_both_sides() -> None:
    paper = Paper("p", Path(), "T", ["A"], 2020, claims=[PAIR], causes=[BOTH])
    wanted = {(f"configs/{name}.gin", seed) for name in ("large_long", "small_long") for seed in range(2)}
    assert wanted <= {(config, seed) for _, config, seed in paper.runs}


@pytest.mark.parametrize(("cause", "line", "words"), [
    ('over_config = "configs/none.gin"', 4, "names configs/none.gin, which does not exist"),
    ('over_config = "configs/mean.gin"\nover = "configs/base.gin"', 4, "both 'over' and 'over_config'"),
    ("over_config = 3", 4, "'over_config' is 3"),
])  # fmt: skip
def test_a_wrong_other_side_is_refused(paper: Any, cause: str, line: int, words: str) -> None:
    written = (paper.folder / "paper.toml").read_text()
    before = len(written.splitlines()) + 2
    paper.toml(f'{written}\n[[cause]]\nclaims = ["CLAIM"]\nsays = "so"\nconfig = "configs/smoke.gin"\n{cause}\n')
    one = next(claim for claim in TEMPLATE.claims if claim.over)
    paper.toml((paper.folder / "paper.toml").read_text().replace("CLAIM", one.id))
    with pytest.raises(BadInput) as caught:
        paper_toml.read(paper.folder)
    assert f"paper.toml:{before + line}: " in str(caught.value) and words in str(caught.value)


def test_a_claim_without_another_side_has_none_to_change(paper: Any) -> None:
    one = next(claim for claim in TEMPLATE.claims if not claim.over)
    text = f'\n[[cause]]\nclaims = ["{one.id}"]\nsays = "so"\nconfig = "configs/smoke.gin"\n'
    paper.toml((paper.folder / "paper.toml").read_text() + text + 'over_config = "configs/mean.gin"\n')
    with pytest.raises(BadInput, match=f"'over_config' needs a claim with 'over', and claim '{one.id}' has none"):
        paper_toml.read(paper.folder)
