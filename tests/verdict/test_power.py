"""What a verdict could have seen, claims that nothing could fail, and how often each verdict is given."""

from __future__ import annotations

import csv
import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.claim import Claim
from repro.interval import interval
from repro.record import Measurement, Record
from repro.testing import consistency
from repro.verdict import judge
from repro.verdict.power import reach

ROOT = Path(__file__).parents[2]
VALUE = Claim("c", "says", "where", "M", "configs/own.gin", value=0.5, tolerance=0.1, because="so", items="fixed")
ABOVE = replace(VALUE, value=None, tolerance=None, above=0.0, items="")


def records(*means: float, unit: str = "", spread: float = 0.0, **more: Any) -> list[Record]:
    """Of each seed two items, `spread` below and above its mean."""
    identity = {"name": "m", "version": 1, "unit": unit, "better": "higher"}
    measured = [Measurement("test", "M", identity, [mean - spread, mean + spread]) for mean in means]
    return [Record("p", "own", seed, "d", [one], **more) for seed, one in enumerate(measured)]


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_four_of_five_studies_see_what_it_says(seeds: int) -> None:
    """At the true difference that the design sees, 80 % of such studies lie beyond the border."""
    random = np.random.default_rng(0)
    shape = random.standard_normal(seeds)
    shape = (shape - shape.mean()) / shape.std(ddof=1)  # a study whose spread is the true one
    distance = reach(interval(shape[:, None], fixed=True))
    studies = random.standard_normal((4000, seeds, 1)) + distance
    assert np.mean([interval(study, fixed=True).low > 0 for study in studies]) == pytest.approx(0.8, abs=0.02)


def test_more_seeds_see_more_and_a_wider_tolerance_less() -> None:
    few, many = judge(VALUE, records(0.49, 0.5, 0.51)), judge(VALUE, records(*(0.49, 0.5, 0.51) * 3))
    wide = judge(replace(VALUE, tolerance=0.3), records(0.49, 0.5, 0.51))
    assert few.sees and many.sees and wide.sees and 0.1 < many.sees < few.sees < wide.sees


def test_without_chance_the_tolerance_is_all_and_of_one_seed_nobody_knows() -> None:
    named = replace(VALUE, deterministic=True, seeds=1)
    assert judge(named, records(0.5)).sees == 0.1
    assert judge(replace(VALUE, seeds=1), records(0.5)).sees is None
    assert judge(replace(named, value=None, tolerance=None, printed="0.50"), records(0.5)).sees == pytest.approx(0.005)


def test_a_deterministic_method_whose_seeds_differ_is_none() -> None:
    claim = replace(VALUE, deterministic=True, seeds=1)
    assert [judge(claim, records(*means)).outcome for means in ((0.5,), (0.5, 0.5))] == ["reproduced", "reproduced"]
    found = judge(claim, records(0.5, 0.51))
    assert found.outcome == "not comparable" and "different numbers: 0.5 to 0.51" in found.why and found.sees is None


@pytest.mark.parametrize(("claim", "unit", "wide"), [
    (VALUE, "", False), (replace(VALUE, tolerance=0.49), "", False), (replace(VALUE, tolerance=0.5), "", True),
    (replace(VALUE, value=0.9, tolerance=0.89), "", False), (replace(VALUE, value=0.0, tolerance=0.1), "", False),
    (replace(VALUE, value=50.0, tolerance=49.0), "%", False), (replace(VALUE, value=50.0, tolerance=50.0), "%", True),
    (replace(ABOVE, above=-0.1), "", True), (replace(ABOVE, above=0.0), "", False),
    (replace(ABOVE, above=None, below=1.5), "", True), (replace(ABOVE, above=None, below=0.9), "", False),
    (replace(ABOVE, above=None, below=150.0), "%", True), (replace(ABOVE, above=-0.1), "dB", False),
])  # fmt: skip
def test_a_claim_that_nothing_could_fail_is_pointed_out(claim: Claim, unit: str, wide: bool) -> None:
    """Where each item is right or wrong the metric is a share; other values may be anything."""
    mean, spread = {"%": (50.0, 50.0), "": (0.5, 0.5), "dB": (0.7, 0.5)}[unit]
    assert bool(judge(claim, records(mean, mean, mean, unit=unit, spread=spread)).too_wide) == wide


def test_a_study_that_could_not_have_reproduced_anything_says_so() -> None:
    """Its interval is wider than the accepted range, whatever its mean."""
    sure, unsure = judge(VALUE, records(0.5, 0.5, 0.51)), judge(VALUE, records(0.3, 0.5, 0.7))
    assert sure.outcome == "reproduced" and not sure.out_of_reach
    assert unsure.outcome == "inconclusive" and "wider than the accepted range" in unsure.out_of_reach


@pytest.mark.parametrize(("claim", "words"), [
    (replace(VALUE, tolerance=0.09, value_seeds=1), "a hundred seeds would not settle it"),
    (replace(VALUE, value_spread=0.5, value_seeds=3), "the paper's own number is too uncertain"),
])  # fmt: skip
def test_more_seeds_of_ours_do_not_lessen_the_chance_in_the_papers_number(claim: Claim, words: str) -> None:
    found = judge(claim, records(0.54, 0.57, 0.6))
    assert found.outcome == "inconclusive" and words in found.why


def test_it_is_said_by_the_command_and_by_the_checks(paper: Any, repro: Any) -> None:
    text = (paper.folder / "paper.toml").read_text()
    paper.toml(text.replace("tolerance = 0.002", "tolerance = 0.02", 1))
    code, out, _ = repro("verdict", paper.name)
    assert code == 0 and "its tolerance is as large as its number" in out
    assert [line for line in consistency.faults(paper.folder) if "claim 'fit.error' accepts too much" in line]


def test_the_papers_own_spread_takes_the_place_of_a_guess() -> None:
    """Ours is sure; whether the paper's number is the same depends on the chance in it."""
    bare = replace(VALUE, tolerance=0.055)
    claims = (bare, replace(bare, value_spread=0.02, value_seeds=3), replace(bare, value_seeds=1))
    found = [judge(one, records(0.55, 0.551, 0.552)) for one in claims]
    assert [one.outcome for one in found] == ["reproduced", "inconclusive", "inconclusive"]
    assert "with the uncertainty of the paper's own number" in found[1].why


@pytest.mark.parametrize(("keys", "words"), [
    ("value_spread = 0.1", "expected 'value_seeds' too"), ("value_spread = -1.0\nvalue_seeds = 3", "a number from 0"),
    ("value_spread = 0.1\nvalue_seeds = 1", "from 2 to 1000"), ("value_seeds = 0", "from 1 to 1000"),
    ("value_spread = 1e308\nvalue_seeds = 3", "from 0 to 1e+150"),
    ("deterministic = true\nvalue_seeds = 3", "is deterministic and has 'value_seeds'"),
    ("deterministic = true\nseeds = 3", "asks for 3 seeds"), ('items = "fixd"', "items"),
])  # fmt: skip
def test_wrong_keys_are_one_line(paper: Any, refused: Any, keys: str, words: str) -> None:
    text = (paper.folder / "paper.toml").read_text()
    paper.toml(text.replace("tolerance = 0.002", f"tolerance = 0.002\n{keys}", 1))
    assert words in refused("verdict", paper.name)


PINNED = "experiment.data = {'test': 'mnist/test'}\n"


@pytest.mark.parametrize(("claim", "text", "fixed"), [
    (replace(VALUE, items=""), PINNED, True), (replace(VALUE, items=""), "", False),
    (replace(VALUE, items="", data="d"), "", True), (replace(VALUE, items="sampled"), PINNED, False),
    (VALUE, "", True), (ABOVE, PINNED, False), (replace(ABOVE, items="fixed"), "", True),
])  # fmt: skip
def test_a_number_on_the_papers_own_data_is_about_these_items(claim: Claim, text: str, fixed: bool) -> None:
    found = judge(claim, records(0.5, 0.5, 0.51, text=text, data={"test": "d"}))
    assert found.judged is not None and found.judged.interval.fixed == fixed


@pytest.fixture(scope="module")
def program() -> Any:
    spec = importlib.util.spec_from_file_location("characteristics", ROOT / "docs" / "characteristics.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(program: Any) -> list[list[str]]:
    with program.FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_table_of_the_guide_holds_what_is_promised(program: Any) -> None:
    """2,000 studies per cell: a share of 2.5 % is measured to 0.35, so that 3.5 is allowed."""
    head, *rows = table(program)
    assert tuple(head) == program.HEAD
    assert [(items, spread, int(seeds)) for items, spread, seeds, *_ in rows] == program.kinds()
    for items, spread, seeds, *cells in rows:
        same, _, border, beyond = ([float(share) for share in cell.split(" / ")] for cell in cells)
        assert border[0] <= (3.5 if spread == "normal" else 5.0) and beyond[0] == 0
        if seeds == "1":
            assert same[1] == 100
        elif (items, spread) == ("fixed", "normal"):
            assert same[0] >= 95


def test_a_row_of_it_comes_out_again(program: Any) -> None:
    assert program.row(("fixed", "normal", 3)) in table(program)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_row_of_it_comes_out_again(program: Any) -> None:
    assert [program.row(kind) for kind in program.kinds()] == table(program)[1:]
