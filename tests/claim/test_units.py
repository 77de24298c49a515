"""Units of claims: percent next to shares, other unlike units, and a factor of 100 that nobody explains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from repro.claim import Cause, Claim, units
from repro.claim import paper as papers
from repro.claim.paper import Paper
from repro.record import Measurement, Record
from repro.verdict import Verdict, judge
from repro.verdict.suspected_causes import ledger

VALUE = Claim(
    "c", "says", "where", "M", "configs/own.gin", value=1.3, tolerance=0.2, because="so", seeds=1, deterministic=True
)
ABOVE = replace(VALUE, value=None, tolerance=None, above=1.0)
PRINTED = replace(VALUE, value=None, tolerance=None, printed="1.3")
OVER = replace(VALUE, over="configs/other.gin")
PROXY = replace(ABOVE, config="configs/none.gin", proxy=["configs/own.gin"])
FAILS = ("exceeded", "not reproduced", "trend fails")


def record(value: float, unit: str, config: str = "own", better: str = "lower") -> Record:
    identity = {"name": "M", "unit": unit, "better": better}
    return Record("p", config, 0, "d", [Measurement("test", "M", identity, [value, value])], items={"test": ["a", "b"]})


def judged(claim: Claim, value: float, unit: str, **more: Any) -> Verdict:
    return judge(claim, [record(value, unit, **more), record(0.0, unit, "other", **more)])


@pytest.mark.parametrize("claim", [VALUE, ABOVE, PRINTED, OVER], ids=["value", "bound", "printed", "difference"])
@pytest.mark.parametrize(("stated", "unit", "ours"), [
    ("%", "", 0.013), ("%", "fraction", 0.013), ("percent", "share", 0.013), ("%", "%", 1.3), ("dB", "dB", 1.3),
    ("%", "percent", 1.3), ("1", "", 1.3), ("share", "%", 130.0), ("", "%", 130.0), ("pp", "1", 0.013),
])  # fmt: skip
def test_ours_is_converted_to_the_unit_of_the_claim(claim: Claim, stated: str, unit: str, ours: float) -> None:
    found = judged(replace(claim, unit=stated), ours, unit)
    assert found.outcome == "reproduced", found.why
    assert found.judged is not None and found.judged.interval.mean == 1.3
    by = units.factor(stated, unit)
    assert ("ours times" in found.why) == (by != 1) and bool(found.judged.converted) == (by != 1)


@pytest.mark.parametrize("claim", [VALUE, ABOVE, PRINTED, OVER], ids=["value", "bound", "printed", "difference"])
@pytest.mark.parametrize(("stated", "unit"), [("%", "dB"), ("dB", "%"), ("s", "ms"), ("dB", ""), ("", "dB")])
def test_unlike_units_are_not_compared(claim: Claim, stated: str, unit: str) -> None:
    found = judged(replace(claim, unit=stated), 1.3, unit)
    assert found.outcome == "not comparable"
    assert units.named(stated) in found.why and units.named(unit) in found.why


def test_a_misspelt_unit_has_its_near_miss(paper: Any, refused: Any) -> None:
    assert "did you mean 'percent'?" in judged(replace(VALUE, unit="procent"), 1.3, "%").why
    text = (paper.folder / "paper.toml").read_text()
    paper.toml(text.replace("tolerance = 0.002", 'tolerance = 0.002\nunit = "procent"', 1))
    assert "did you mean 'percent'?" in refused("todo", paper.name), "before any run"
    assert [units.misspelt(unit) for unit in ("percent", "Percent", "dB", "s", "%", "1", "")] == [""] * 7


@pytest.mark.parametrize(("claim", "ours", "unit", "better"), [
    (VALUE, 0.0131, "", "lower"), (VALUE, 0.0131, "", "higher"), (VALUE, 131.0, "%", "lower"),
    (VALUE, 131.0, "", "lower"), (ABOVE, 0.013, "", "higher"), (ABOVE, 99.0, "%", "higher"),
    (replace(ABOVE, above=None, below=0.5), 31.0, "%", "lower"),
    (PRINTED, 0.013, "", "lower"), (OVER, 0.013, "share", "lower"), (PROXY, 0.013, "", "higher"),
    (replace(VALUE, item="b"), 0.0131, "", "lower"), (replace(VALUE, value=-1.3), -0.0131, "", "lower"),
])  # fmt: skip
def test_a_factor_of_100_is_asked_about(claim: Claim, ours: float, unit: str, better: str) -> None:
    found = judged(claim, ours, unit, better=better)
    assert found.outcome == "not comparable"
    assert f"ours is {ours:g}" in found.why and "factor of 100" in found.why and "'unit'" in found.why


@pytest.mark.parametrize(("claim", "ours", "unit"), [
    (VALUE, 0.0131, ""), (VALUE, 130.0, "%"), (PRINTED, 0.013, ""), (OVER, 0.013, ""), (PROXY, 0.013, ""),
])  # fmt: skip
def test_with_its_unit_a_result_that_is_100_times_off_has_its_verdict(claim: Claim, ours: float, unit: str) -> None:
    assert judged(replace(claim, unit=unit or "1"), ours, unit).outcome in FAILS


@pytest.mark.parametrize(("claim", "ours", "unit"), [
    (VALUE, 0.0131, "dB"), (VALUE, 0.7, ""), (VALUE, -0.013, ""), (VALUE, 1e-4, ""),
    (replace(VALUE, value=0.0), 0.5, ""),
    (replace(VALUE, tolerance=2.0, value=0.01), 1.3, ""),
])  # fmt: skip
def test_other_differences_are_judged_as_before(claim: Claim, ours: float, unit: str) -> None:
    assert judged(claim, ours, unit).outcome in (*FAILS, "reproduced")


@given(st.integers(1, 9999), st.integers(1, 999), st.integers(1, 9999))
def test_a_claim_in_percent_is_judged_as_the_same_claim_of_the_share(stated: int, tolerance: int, ours: int) -> None:
    """The reference states the share itself. All are decimal numbers of four places."""
    assume(ours != stated - tolerance and ours != stated + tolerance)
    percent = replace(VALUE, value=stated / 100, tolerance=tolerance / 100, unit="%")
    share = replace(VALUE, value=stated / 10_000, tolerance=tolerance / 10_000, unit="1")
    one, other = judged(percent, ours / 10_000, ""), judged(share, ours / 10_000, "")
    assert one.outcome == other.outcome


def test_a_print_in_percent_is_the_same_as_its_unit() -> None:
    """`63.5 %` and `63.5` with `unit = "%"` are one claim."""
    for ours, outcome in ((0.6351, "reproduced"), (0.6356, "last digit differs"), (0.637, "not reproduced")):
        for claim in (replace(PRINTED, printed="63.5 %"), replace(PRINTED, printed="63.5", unit="%")):
            assert judged(claim, ours, "").outcome == outcome
    assert judged(replace(PRINTED, printed="63.5 %"), 63.5, "dB").outcome == "not comparable"


def test_the_ledger_counts_in_the_unit_of_the_claim() -> None:
    """Ours goes from 0.5 to 0.2; the paper says 10 %: 30 points of a gap of 40."""
    claim = replace(VALUE, value=10.0, tolerance=1.0, unit="%")
    cause = Cause(["c"], "why", "configs/changed.gin")
    rows = [record(0.5, ""), record(0.2, "", "changed")]
    one = Paper("p", None, "t", ["a"], 2020, claims=[claim], causes=[cause])  # type: ignore[arg-type]
    (entry,) = ledger(one, [judge(claim, rows)], rows)
    assert entry.share == pytest.approx(0.75)
    assert entry.effect is not None and entry.effect.interval.mean == pytest.approx(-30)
    assert entry.effect.identity["unit"] == "%"


TOML = """[paper]
title = "T"
authors = ["A"]
year = 2020

[[claim]]
id = "error"
says = "An error of 1.3 %"
where = "Table 1"
config = "configs/line.gin"
metric = "SquaredError"
{keys}
"""


@pytest.mark.parametrize(("keys", "line", "said"), [
    ('above = 1.0\nunit = 3', 13, "'unit' is 3; expected a string"),
    ('over = "configs/mean.gin"\nunit = "%"', 13, "has a unit and no number"),
    ('printed = "1.3 %"\nunit = "dB"', 13, "'unit' is 'dB', but 'printed' is '1.3 %'"),
    ('above = 1.0\nunti = "%"', 13, "unknown key 'unti'; did you mean 'unit'?"),
])  # fmt: skip
def test_a_wrong_unit_is_refused(paper: Any, refused: Callable[..., str], keys: str, line: int, said: str) -> None:
    paper.toml(TOML.format(keys=keys))
    told = refused("verdict", paper.name)
    assert said in told and f"paper.toml:{line}" in told


def test_a_table_has_a_unit(paper: Any) -> None:
    table = TOML.replace("[[claim]]", "[[table]]").format(keys='unit = "%"\n[table.printed]\n"a" = "1.3"')
    paper.toml(table)
    (claim,) = papers.read(paper.folder).claims
    assert claim.stated_unit == "%"
