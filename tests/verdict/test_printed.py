"""Printed numbers: ours must round to the print, in every notation the papers use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.claim import NUMBER, Claim
from repro.record import Measurement, Record
from repro.verdict import judge, worse

PRINTED = Claim("c", "says", "where", "M", "configs/own.gin", printed="1.0", seeds=1)


def record(values: Sequence[float], seed: int = 0, unit: str = "") -> Record:
    identity = {"name": "m", "version": 1, "unit": unit, "better": "higher"}
    return Record("p", "own", seed, "d", [Measurement("test", "M", identity, [float(value) for value in values])])


@pytest.mark.parametrize(("printed", "ours", "same"), [
    ("0.037", 0.0374999, True), ("0.037", 0.0365, True), ("0.037", 0.0364999, False), ("0.037", 0.0375, False),
    (".213", 0.2134, True), (".213", 0.2136, False), ("-.213", -0.2130001, True), ("-.213", 0.213, False),
    ("9.68e-25", 9.684e-25, True), ("9.68e-25", 9.686e-25, False), ("9.68e-25", 0.0, False), ("9.68e-25", 1e10, False),
    ("63.5 %", 0.6346, True), ("63.5%", 0.6354, True), ("63.5 %", 0.6356, False), ("63.5 %", 63.5, False),
    ("12", 12.4, True), ("12", 12.6, False), ("1.2e3", 1249.0, True), ("1.2e3", 1251.0, False),
])  # fmt: skip
def test_a_printed_number_must_round_to_its_digits(printed: str, ours: float, same: bool) -> None:
    verdict = judge(replace(PRINTED, printed=printed), [record([ours])])
    assert (verdict.outcome == "reproduced") == same and printed in verdict.why


@pytest.mark.parametrize(("printed", "ours", "level", "outcome"), [
    ("1.55e-9", 1.54496e-9, None, "last digit differs"), ("6.01", 6.0159, None, "last digit differs"),
    ("6.01", 6.025, None, "not reproduced"), ("0.631", 0.502, None, "not reproduced"),
    ("0.631", 0.502, 0.05, "same conclusion"), ("0.049", 0.06, 0.05, "not reproduced"),
    ("0.049", 0.0501, 0.05, "last digit differs"), ("0.001", 0.004, 0.05, "same conclusion"),
    ("0.051", 0.05, 0.05, "last digit differs"), ("0.053", 0.05, 0.05, "same conclusion"),
    ("0.002", 0.0033, None, "not reproduced"), ("0.002", 0.0033, 0.05, "same conclusion"),
    ("0.9", 0.04, 0.05, "not reproduced"), ("0.631", 0.6309, 0.05, "reproduced"),
])  # fmt: skip
def test_a_last_digit_and_a_conclusion_are_told_from_a_contradiction(
    printed: str, ours: float, level: float | None, outcome: str
) -> None:
    verdict = judge(replace(PRINTED, printed=printed, level=level), [record([ours])])
    assert verdict.outcome == outcome
    assert worse(outcome, "reproduced") == (outcome != "reproduced") and not worse(outcome, "not reproduced")


def test_a_printed_number_is_for_results_without_chance() -> None:
    """However many seeds were run besides: the mean of several must not round to what one does not."""
    same, other = [record([1.0], seed=0), record([1.0], seed=1)], [record([0.9], seed=0), record([1.1], seed=1)]
    assert judge(PRINTED, same).outcome == "reproduced"
    assert judge(PRINTED, other).outcome == "not comparable" and "deterministic" in judge(PRINTED, other).why
    assert "rounds to 0.9, printed is 1.0" in judge(PRINTED, other[:1]).why


@pytest.mark.parametrize("printed", ["63.5 %", "63.5%", "63.5"])
def test_a_number_that_is_in_percent_already_is_not_multiplied(printed: str) -> None:
    outcomes = [judge(replace(PRINTED, printed=printed), [record([x], unit="%")]).outcome for x in (63.46, 0.635)]
    assert outcomes == ["reproduced", "not reproduced" if "%" in printed else "not comparable"]


@given(
    st.decimals(-1000, 1000, places=3, allow_nan=False),
    st.integers(0, 6),
    st.integers(-30, 5),
    st.sampled_from("eE. %"),
)
def test_a_printed_number_accepts_exactly_what_rounds_to_it(
    ours: Decimal, places: int, exponent: int, notation: str
) -> None:
    """The reference: ours lies within half a unit of the last digit printed, the end away from zero left out."""
    number = ours.scaleb(exponent)
    nearby = number.quantize(Decimal(1).scaleb(exponent - places + 3), "ROUND_HALF_UP")
    printed = {
        "e": f"{nearby:.{places}e}", "E": f"{nearby:.{places}E}", ".": f"{nearby:f}".replace("0.", ".", 1),
        " ": f"{nearby:f}", "%": f"{nearby:f} %",
    }[notation]  # fmt: skip
    if not NUMBER.fullmatch(printed):
        return
    stated = Fraction(printed.rstrip(" %") if not printed.startswith(".") else "0" + printed.rstrip(" %"))
    digits = printed.rstrip(" %").lower().partition("e")
    unit = Fraction(10) ** (int(digits[2] or 0) - len(digits[0].partition(".")[2]))
    value = float(number)
    off = (Fraction(repr(value)) - stated) * (1 if stated >= 0 else -1)
    outcome = judge(replace(PRINTED, printed=printed), [record([value], unit="%")]).outcome
    if abs(stated) > 0:
        assert (outcome == "reproduced") == (-unit / 2 <= off < unit / 2)
    else:
        assert (outcome == "reproduced") == (abs(off) < unit / 2)


@settings(max_examples=1000)
@given(st.lists(st.integers(0, 99), min_size=2, max_size=16), st.booleans())
def test_a_printed_mean_is_exact(items: list[int], percent: bool) -> None:
    """The reference is the fraction: also where the mean of several items lies halfway between two prints."""
    values = [item / 100 for item in items] if percent else [float(item) for item in items]
    mean = Fraction(sum(items), len(items))
    tenths = int(mean * 10 + Fraction(1, 2))  # halfway goes up
    stated = f"{tenths // 10}.{tenths % 10}" + (" %" if percent else "")
    if mean * 100 == int(mean * 100) or not percent:  # what a float can be halfway of
        assert judge(replace(PRINTED, printed=stated), [record(values)]).outcome == "reproduced"


@pytest.mark.parametrize("unit", ["%", "percent"])
def test_percent_has_two_names(unit: str) -> None:
    assert judge(replace(PRINTED, printed="63.5 %"), [record([63.5], unit=unit)]).outcome == "reproduced"
