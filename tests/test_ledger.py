"""The ledger of causes, on records made for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.claim import Cause, Claim
from repro.ledger import Entry, ledger, unexplained
from repro.paper import Paper
from repro.record import Measurement, Record
from repro.verdict import judge_all

IDENTITY = {"name": "m", "version": 1, "unit": "", "better": "higher"}
CLAIM = Claim("c", "says", "where", "M", "configs/own.gin", value=1.0, tolerance=0.1, because="so", seeds=2)
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
    (entry,) = entries(claim, records("small", -1.0) + records("changed", 1.0), CAUSE)
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
        (trend, records("small", -1.0), True), (trend, records("small", 1.0), False),
    ]:  # fmt: skip
        paper = Paper("p", Path(), "T", ["A"], 2020, claims=[claim])
        assert bool(unexplained(paper, judge_all([claim], found))) == named
