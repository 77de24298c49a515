"""A sweep: its points depend only on its values, and a wrong one is named with its line."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.claim import paper as papers
from repro.claim.sweep import MOST, Point, Sweep, literal
from tests.conftest import CopiedPaper

SCALARS = st.integers(-5, 100) | st.floats(0.001, 10) | st.booleans() | st.text("abc", max_size=3)
LISTS = st.lists(SCALARS, min_size=1, max_size=4, unique_by=literal)
VALUES = st.dictionaries(st.sampled_from(["a.b", "c", "d.e.f", "s/g.h"]), LISTS, min_size=1)
RANGES: dict[str, Any] = {"lr": {"from": 0.001, "to": 1.0, "scale": "log"}, "size": {"from": 1, "to": 4}}


def sweep(values: dict[str, Any], budget: int | None = None, **more: Any) -> Sweep:
    return Sweep("s", "configs/a.gin", "Accuracy", values, budget=budget, **more)


def names(one: Sweep) -> list[str]:
    return [point.name for point in one.points]


def turned(values: dict[str, Any]) -> dict[str, Any]:
    return {name: given[::-1] if isinstance(given, list) else given for name, given in reversed(values.items())}


@settings(max_examples=60)
@given(VALUES)
def test_a_grid_has_every_combination_once_with_a_name_that_no_order_changes(values: dict[str, Any]) -> None:
    made = sweep(values).points
    wanted = {tuple(sorted(zip(values, map(literal, row), strict=True))) for row in itertools.product(*values.values())}
    assert {point.bindings for point in made} == wanted and len(made) == len(wanted)
    assert len(set(names(sweep(values)))) == len(made)
    assert set(names(sweep(turned(values)))) == set(names(sweep(values)))


@settings(max_examples=60)
@given(VALUES, SCALARS)
def test_a_new_value_keeps_all_other_names(values: dict[str, Any], new: Any) -> None:
    first = next(iter(values))
    more = values | {first: [new, *(one for one in values[first] if literal(one) != literal(new))]}
    assert set(names(sweep(values))) <= set(names(sweep(more)))


@settings(max_examples=60)
@given(VALUES.map(lambda values: values | RANGES), st.integers(1, 20), st.integers(0, 20))
def test_a_larger_budget_keeps_the_first_points(values: dict[str, Any], budget: int, more: int) -> None:
    made = names(sweep(values, budget + more))
    assert made[:budget] == names(sweep(values, budget)) == names(sweep(turned(values), budget))
    for point in sweep(values, budget).points:
        found = dict(point.bindings)
        assert 0.001 <= float(found["lr"]) <= 1.0 and found["size"] in ("1", "2", "3", "4")


def test_a_value_that_is_added_takes_its_share_of_the_draws_and_changes_no_other() -> None:
    before = sweep({"a": [1, 2, 3], **RANGES}, 300).points
    after = sweep({"a": [1, 2, 3, 4], **RANGES}, 300).points
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert all(dict(new.bindings)["a"] == "4" for new in changed)
    assert 0.15 * 300 < len(changed) < 0.35 * 300


def test_draws_are_spread_over_a_range_and_over_a_list() -> None:
    found = [dict(point.bindings) for point in sweep({"a": [1, 2], **RANGES}, 400).points]
    for low, high in ((0.001, 0.01), (0.01, 0.1), (0.1, 1.0)):  # a decade each, on a logarithmic scale
        assert 90 < sum(low <= float(one["lr"]) < high for one in found) < 180
    for name, of in (("a", 2), ("size", 4)):
        assert all(300 / of < sum(one[name] == str(value) for one in found) < 500 / of for value in range(1, of + 1))


def test_a_budget_of_the_whole_grid_is_the_grid() -> None:
    values = {"a": list(range(20)), "b": [True, False]}
    assert set(names(sweep(values, 40))) == set(names(sweep(values)))


def test_the_rounds_of_halving_cost_about_the_same() -> None:
    one = sweep({"lr": list(range(27)), "steps": [10, 30, 90]}, halving="steps")
    left, sizes = len(one.points), []
    for number, length in enumerate(one.rounds):
        sizes.append(left * int(length or 0))
        left = one.kept(left, number) if number < 2 else left
    assert sizes == [270, 270, 270]
    assert one.lasting(one.points[0], 30) == Point("configs/a.gin", (("lr", "0"), ("steps", "30")))


GOOD = """
[[sweep]]
id = "lr"
config = "configs/ten_steps.gin"
metric = "SquaredError"
seeds = 2
[sweep.values]
"torch.optim.SGD.lr" = [0.1, 0.3]
trainers.Supervised.batch_size = [50, 200]
"""
BAD = [
    ('id = "lr"', 'id = "a b"', "id = "),
    ('id = "lr"', 'id = "lr"\nbugdet = 3', "bugdet"),
    ("seeds = 2", "seeds = -1", "seeds = "),
    ("seeds = 2", "seeds = 2.5", "seeds = "),
    ("configs/ten_steps.gin", "configs/ten_step.gin", "config = "),
    ("[0.1, 0.3]", "[]", "SGD.lr"),
    ("[0.1, 0.3]", "0.1", "SGD.lr"),
    ("[0.1, 0.3]", "[0.1, 0.1]", "SGD.lr"),
    ("[0.1, 0.3]", "[0.1, inf]", "SGD.lr"),
    ("[0.1, 0.3]", "[0.1, 2020-01-01]", "SGD.lr"),
    ("[0.1, 0.3]", "{ from = 1.0, to = 0.1 }", "SGD.lr"),
    ("[0.1, 0.3]", "{ from = 0.0, to = 0.1, scale = 'log' }", "SGD.lr"),
    ("[0.1, 0.3]", "{ from = 0.1, to = 1.0, scales = 'log' }", "SGD.lr"),
    ("[0.1, 0.3]", "{ from = 0.1, to = 1.0 }", "[sweep.values]"),
    ("[50, 200]", f"{list(range(1, MOST))}", "[sweep.values]"),
    ("seeds = 2", "budget = 5", "budget"),
    ("seeds = 2", "budget = 0", "budget"),
    ("seeds = 2", 'halving = "steps"', "halving"),
    ("seeds = 2\n[sweep.values]\n", 'halving = "torch.optim.SGD.lr"\n[sweep.values]\n"x" = [1]\n', ""),
    ("[50, 200]", "[50, 200]\n" + GOOD, 'id = "lr"'),
]


@pytest.mark.parametrize(("right", "wrong", "where"), BAD)
def test_a_wrong_sweep_is_refused_with_its_line(
    paper: CopiedPaper, right: str, wrong: str, where: str, refused: Callable[..., str]
) -> None:
    text = (paper.folder / "paper.toml").read_text(encoding="utf-8") + GOOD.replace(right, wrong)
    paper.toml(text)
    if not where:
        assert [one.halving for one in papers.read(paper.folder).sweeps] == ["torch.optim.SGD.lr"]
        return
    line = refused("todo", paper.name)
    hit = re.match(rf"papers/{paper.name}/paper.toml:(\d+): ", line)
    assert hit, line
    near = text.splitlines()[int(hit[1]) - 1 :][:2]  # a repeated id is named at the head of its sweep
    assert any(where in one for one in near), (line, near)


def test_dotted_keys_need_no_quotes(paper: CopiedPaper) -> None:
    paper.toml((paper.folder / "paper.toml").read_text(encoding="utf-8") + GOOD)
    (one,) = papers.read(paper.folder).sweeps
    assert set(one.values) == {"torch.optim.SGD.lr", "trainers.Supervised.batch_size"}
    assert one.lines["trainers.Supervised.batch_size"] == one.lines["torch.optim.SGD.lr"] + 1 == one.line + 7


WRONG = [
    ("SGD.lr", "SGD.lrr", "torch.optim.SGD.lr"),
    ("[0.1, 0.3]", "[0.1, 'high']", ""),
    ("[50, 200]", "[50, 0.5]", ""),
    ("[50, 200]", "[50, '%STEP']", ""),
    ("[50, 200]", "[50, '@losses.']", ""),
    ('"SquaredError"', '"SquareError"', "SquaredError"),
    ("seeds = 2", 'test = "tset"', "test"),
]


@pytest.mark.parametrize(("right", "wrong", "offered"), WRONG)
def test_what_the_config_does_not_have_is_named_before_any_run(
    paper: CopiedPaper, right: str, wrong: str, offered: str, refused: Callable[..., str]
) -> None:
    paper.toml((paper.folder / "paper.toml").read_text(encoding="utf-8") + GOOD.replace(right, wrong))
    for command in (("todo", paper.name), ("plan", paper.name), ("launch", paper.name)):
        line = refused(*command)
        assert re.match(rf"papers/{paper.name}/paper.toml:\d+: ", line) and f"'{offered}'" in f"{line}''"
