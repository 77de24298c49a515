"""Claims minus records: what is still to be run, and no more."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from repro import config as configs
from repro import launch
from repro import record as records
from repro.claim import paper as papers
from repro.claim.paper import Paper
from repro.record import Measurement, Record, code_digest
from tests.conftest import trusted

TOML = """[paper]
title = "T"
authors = ["A"]
year = 2020
[[claim]]
id = "value"
says = "s"
where = "w"
config = "configs/line.gin"
metric = "SquaredError"
value = 1.0
tolerance = 0.1
because = "so"
seeds = 2
[[claim]]
id = "beats"
says = "s"
where = "w"
config = "configs/line.gin"
over = "configs/mean.gin"
proxy = "configs/smoke.gin"
proxy_over = "configs/mean.gin"
metric = "SquaredError"
seeds = 3
[[claim]]
id = "later"
says = "s"
where = "w"
config = "configs/more.gin"
transcribed = false
"""
MEASURED = Measurement("test", "SquaredError", {"name": "SquaredError"}, [1.0])


@pytest.fixture
def one(paper: Any) -> Paper:
    paper.toml(TOML)
    return papers.read(paper.folder)


def done(one: Paper, config: str, seed: int, **changed: Any) -> None:
    found = configs.read(one.folder / "configs" / f"{config}.gin")
    record = Record(one.name, config, seed, found.digest, [MEASURED], found.text, code=code_digest.code(found))
    records.write(trusted(replace(record, **changed)), one.folder / "records")


def waiting(one: Paper) -> set[tuple[str, int]]:
    jobs = launch.todo(one, records.of_paper(one.folder))
    pairs = {(job.config.rpartition("/")[2].removesuffix(".gin"), job.seed) for job in jobs}
    assert len(pairs) == len(jobs), "no run is asked for twice"
    return pairs


ALL = {(config, seed) for config in ("line", "mean") for seed in range(3)} | {("smoke", seed) for seed in range(3)}


def test_without_records_every_run_of_every_claim_waits_once(one: Paper) -> None:
    assert waiting(one) == ALL


def test_records_answer_and_stale_ones_do_not(one: Paper) -> None:
    done(one, "line", 0)
    done(one, "mean", 2)
    done(one, "smoke", 0, digest="of another text")
    done(one, "line", 1, code={})
    assert waiting(one) == ALL - {("line", 0), ("mean", 2)}


@pytest.mark.parametrize("changed", [{"measurements": []}, {"overrides": ["trainers.Supervised.steps = 1"]}])
def test_todo_and_verdict_agree_about_a_record_that_no_claim_can_use(one: Paper, repro: Any, changed: Any) -> None:
    for seed in (0, 1):
        done(one, "line", seed)
    assert len(repro("todo", one.name)[1].splitlines()) == len(ALL) - 2
    done(one, "line", 1, **changed)
    code, out, err = repro("todo", one.name)
    assert code == 0 and "line.gin --seed 1" in out and "line-seed1.json is ignored" in err
    _, out, err = repro("verdict", one.name)
    assert "NOT RUN  value" in out and err.count("line-seed1.json is ignored") == 1


def test_a_record_that_lacks_the_metric_of_a_claim_is_reported(one: Paper, repro: Any) -> None:
    done(one, "line", 0)
    done(one, "line", 1, measurements=[replace(MEASURED, metric="Another")])
    for words in (("todo", one.name), ("verdict", one.name)):
        code, _, err = repro(*words)
        assert code == 2 and "line-seed1.json" in err


def test_all_done_leaves_nothing(one: Paper) -> None:
    for config, seed in ALL:
        done(one, config, seed)
    assert launch.todo(one, records.of_paper(one.folder)) == []


def test_the_first_seed_of_everything_comes_first(one: Paper) -> None:
    seeds = [job.seed for job in launch.todo(one, records.of_paper(one.folder))]
    assert seeds == sorted(seeds)


def test_a_command_of_todo_runs_and_then_no_longer_waits(paper: Any, one: Paper, git: Any, repro: Any) -> None:
    code, out, _ = repro("todo", one.name)
    lines = out.splitlines()
    assert code == 0 and len(lines) == len(ALL)
    assert all(line.startswith("repro run ") for line in lines)
    smoke = next(line for line in lines if "smoke.gin" in line)
    assert repro(*shlex.split(smoke)[1:])[0] == 0
    assert set(repro("todo", one.name)[1].splitlines()) == set(lines) - {smoke}


def test_todo_without_a_name_lists_every_paper(one: Paper, repro: Any) -> None:
    assert set(repro("todo", one.name)[1].splitlines()) <= set(repro("todo")[1].splitlines())
