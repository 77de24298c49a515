"""The plan: every missing run once, the most claims per hour first, and only what fits."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro import config as configs
from repro import record as records
from repro.claim import paper as papers
from repro.claim.paper import Paper
from repro.launch import goals as launch_goals
from repro.launch.goals import Goal, Key
from repro.launch.plan import Batch, order
from repro.record import Measurement, Record, code_digest
from tests.conftest import trusted

RUNS = [("p", f"configs/c{number}.gin", 0) for number in range(6)]
TIMES = st.lists(st.floats(1, 1000) | st.just(math.inf), min_size=len(RUNS), max_size=len(RUNS))
GOALS = st.lists(
    st.builds(
        lambda number, runs, settles: Goal("p", f"claim{number}", "T3", runs, settles),
        st.integers(0, 4),
        st.frozensets(st.sampled_from(RUNS), min_size=1),
        st.booleans(),
    ),
    max_size=6,
)


def planned(batches: list[Batch]) -> list[Key]:
    return [run for batch in batches for run in batch.runs]


@settings(max_examples=60)
@given(GOALS, TIMES, st.integers(1, 3), st.floats(1, 3000))
def test_every_run_is_planned_once_and_what_fits_fits(
    goals: list[Goal], times: list[float], slots: int, limit: float
) -> None:
    seconds = dict(zip(RUNS, times, strict=True))
    batches = order(goals, seconds, slots, limit)
    assert sorted(planned(batches)) == sorted({run for goal in goals for run in goal.runs})
    spans = {run: span for batch in batches for run, span in batch.spans.items()}
    for run, (start, end) in spans.items():
        assert end - start == pytest.approx(seconds[run]) and end <= limit
        at_once = sum(other[0] <= start < other[1] for other in spans.values())
        assert at_once <= slots
    done: set[Key] = set()
    for batch in batches:
        done |= set(batch.runs)
        for goal in goals:
            assert goal.name not in batch.settles or any(
                other.name == goal.name and other.settles and other.runs <= done for other in goals
            )


@settings(max_examples=60)
@given(GOALS, TIMES)
def test_no_other_set_of_runs_settles_more_claims_per_hour_than_the_first(
    goals: list[Goal], times: list[float]
) -> None:
    seconds = dict(zip(RUNS, times, strict=True))
    settling = [goal for goal in goals if goal.settles]
    if not settling or any(math.isinf(time) for time in times):
        return

    def rate(runs: frozenset[Key]) -> float:
        return sum(goal.runs <= runs for goal in settling) / sum(seconds[run] for run in runs)

    unions = {goal.runs for goal in settling}
    assert rate(frozenset(order(goals, seconds)[0].runs)) == pytest.approx(max(map(rate, unions)))


def test_a_run_that_two_claims_share_counts_once() -> None:
    shared, mine, other, alone = RUNS[:4]
    goals = [Goal("p", "a", "T3", frozenset([shared, mine])), Goal("p", "b", "T3", frozenset([shared, other]))]
    goals.append(Goal("p", "c", "T3", frozenset([alone])))
    seconds = {shared: 100.0, mine: 1.0, other: 1.0, alone: 50.0}
    assert [batch.settles for batch in order(goals, seconds)] == [("p/c",), ("p/a",), ("p/b",)]
    assert order(goals, seconds)[2].runs == (other,)


def test_a_batch_that_does_not_fit_makes_room_for_a_smaller_one() -> None:
    goals = [Goal("p", "a", "T3", frozenset(RUNS[:2])), Goal("p", "b", "T3", frozenset([RUNS[2]]))]
    seconds = {RUNS[0]: 10.0, RUNS[1]: 10.0, RUNS[2]: 15.0}
    batches = order([*goals, replace(goals[0], claim="c")], seconds, limit=19)
    assert [(batch.settles, bool(batch.spans)) for batch in batches] == [(("p/b",), True), (("p/a", "p/c"), False)]
    wide = order([*goals, replace(goals[0], claim="c")], seconds, slots=2, limit=19)
    assert [bool(batch.spans) for batch in wide] == [True, False], "on two devices the pair takes 10 seconds"


# the command, on a copy of the template

TOML = """[paper]
title = "T"
authors = ["A"]
year = 2020
[[claim]]
id = "below"
says = "s"
where = "w"
config = "configs/line.gin"
metric = "SquaredError"
below = 1.0
items = "fixed"
[[claim]]
id = "beats"
says = "s"
where = "w"
config = "configs/line.gin"
over = "configs/mean.gin"
proxy = "configs/smoke.gin"
proxy_over = "configs/mean.gin"
metric = "SquaredError"
items = "fixed"
"""


@pytest.fixture
def one(paper: Any) -> Paper:
    paper.toml(TOML)
    return papers.read(paper.folder)


def done(one: Paper, config: str, seed: int, value: float, seconds: float = 10.0) -> None:
    found = configs.read(one.folder / "configs" / f"{config}.gin")
    measured = Measurement("test", "SquaredError", {"name": "SquaredError", "better": "lower"}, [value, value + 0.1])
    record = Record(one.name, config, seed, found.digest, [measured], found.text, code=code_digest.code(found))
    cost = {"seconds": seconds, "training_seconds": seconds}
    records.write(trusted(replace(record, cost=cost)), one.folder / "records")


def goals(one: Paper) -> list[Goal]:
    return launch_goals.of_paper(one, records.of_paper(one.folder))[0]


def stems(runs: Any) -> set[tuple[str, int]]:
    return {(config.removeprefix("configs/").removesuffix(".gin"), seed) for _, config, seed in runs}


def commands(text: str) -> list[str]:
    return [line.partition("  #")[0] for line in text.splitlines() if not line.startswith("#")]


def test_the_plan_has_the_runs_of_todo(one: Paper, repro: Any) -> None:
    done(one, "line", 1, 0.5)
    code, out, _ = repro("plan", one.name)
    assert code == 0 and sorted(commands(out)) == sorted(repro("todo", one.name)[1].splitlines())


def test_all_done_is_nothing_to_do(one: Paper, repro: Any) -> None:
    for seed in range(3):
        done(one, "line", seed, 0.5 + seed / 1000)
        done(one, "mean", seed, 0.9 + seed / 1000)
        done(one, "smoke", seed, 0.9)
    code, out, err = repro("plan", one.name)
    assert (code, out) == (0, "") and err.count("\n") == 1


def test_more_seeds_of_both_sides_settle_an_inconclusive_comparison(one: Paper) -> None:
    for seed, value in enumerate((0.5, 0.7, 0.9)):
        done(one, "line", seed, value)
        done(one, "mean", seed, 0.8)
    done(one, "mean", 3, 0.8)
    mine = [goal for goal in goals(one) if goal.claim == "beats" and goal.extra]
    _, unsettled = launch_goals.of_paper(one, records.of_paper(one.folder))
    more = next(claim.seeds for claim in unsettled if claim.claim == "beats")
    assert more and len(mine) == 1
    wanted = {(name, seed) for name in ("line", "mean") for seed in range(3, 3 + more)} - {("mean", 3)}
    assert stems(mine[0].runs) == wanted
    assert not any(goal.tier == "T2" and goal.settles for goal in goals(one)), "the paper's own config has decided"


def test_where_more_seeds_settle_nothing_no_run_is_planned(one: Paper, repro: Any) -> None:
    for seed in range(3):
        done(one, "line", seed, 0.95)  # the mean of its items is the bound, for every seed
    row = next(row for row in json_of(repro, one)["inconclusive"] if row["claim"].endswith("/below"))
    assert row["more_seeds"] == 0 and not any(goal.extra for goal in goals(one))


def json_of(repro: Any, one: Paper, *words: object) -> dict[str, Any]:
    code, out, _ = repro("plan", one.name, "--json", *words)
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_hours_and_gpus_cut_the_plan(one: Paper, repro: Any) -> None:
    for seed in range(2):
        done(one, "line", seed, 0.5, seconds=1000)
        done(one, "mean", seed, 0.5, seconds=1000)
    whole = json_of(repro, one)["runs"]
    fit = [row for row in json_of(repro, one, "--hours", 0.3)["runs"] if row["end"] is not None]
    wide = [row for row in json_of(repro, one, "--hours", 0.3, "--gpus", 2)["runs"] if row["end"] is not None]
    assert len(fit) < len(wide) <= len(whole) and all(row["end"] <= 0.3 * 3600 for row in wide)
    known = {row["config"].rpartition("/")[2]: row["seconds"] for row in whole}
    assert known["line.gin"] == known["mean.gin"] == 1000 and known["smoke.gin"] < 1000
    out = repro("plan", one.name, "--hours", 0.3)[1]
    assert len(commands(out)) == len(fit)


def test_without_records_the_time_is_unknown_and_nothing_fits(one: Paper, repro: Any) -> None:
    assert {row["seconds"] for row in json_of(repro, one)["runs"]} == {None}
    assert commands(repro("plan", one.name, "--hours", 100)[1]) == []


@pytest.mark.parametrize("words", [("--hours", "0"), ("--hours", "nan"), ("--hours", "inf"), ("--hours", "x"),
                                   ("--gpus", "0"), ("--gpus", "0,1"), ("nobody",), ("--hour",)])  # fmt: skip
def test_a_wrong_argument_is_one_line(refused: Any, words: tuple[str, ...]) -> None:
    assert words[0].lstrip("-") in refused("plan", "template", *words)
