"""The runs of a sweep: what is missing is queued, planned and shown; what is there is not run again."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from repro import config as configs
from repro import record as records
from repro.claim import paper as papers
from repro.claim.sweep import Point, Sweep
from repro.launch import sweeps, tmux
from repro.launch.status import all_runs
from repro.record import Measurement, Record, code_digest
from repro.run import publishing
from tests.conftest import CopiedPaper, trusted
from tests.guide import blocks

Command = Callable[..., tuple[int, str, str]]
SWEEP = """[paper]
title = "T"
authors = ["A"]
year = 2020
[[sweep]]
id = "lr"
config = "configs/small.gin"
metric = "SquaredError"
seeds = 2
[sweep.values]
torch.optim.SGD.lr = [0.1, 0.3]
trainers.Supervised.batch_size = [10, 20]
"""
HALVING = SWEEP.replace("seeds = 2", 'seeds = 1\nhalving = "trainers.Supervised.steps"').replace(
    "trainers.Supervised.batch_size = [10, 20]",
    "trainers.Supervised.batch_size = [10, 20]\ntrainers.Supervised.steps = [2, 4, 8]",
)
SMALL = "trainers.Supervised.steps = 2\ntrain/datasets.NoisyLine.size = 20\ntest/datasets.NoisyLine.size = 10\n"


@pytest.fixture
def swept(paper: CopiedPaper) -> CopiedPaper:
    paper.config("small", SMALL, "base.gin")
    paper.toml(SWEEP)
    return paper


def keep(paper: CopiedPaper, point: Point, seed: int = 0, error: float = 1.0) -> Record:
    """A record of a point, as a run would write it."""
    read = configs.read(paper.folder / point.config, point.overrides)
    measured = [Measurement("test", "SquaredError", {"name": "e", "better": "lower"}, [error, error])]
    made = Record(paper.name, read.name, seed, read.digest, measured, read.text, list(point.overrides))
    made = trusted(replace(made, code=code_digest.code(read), cost={"seconds": 3.0}))
    records.write(made, paper.records / records.SWEPT / point.name)
    return made


def of(paper: CopiedPaper) -> tuple[papers.Paper, Sweep]:
    one = papers.read(paper.folder)
    return one, one.sweeps[0]


def missing(paper: CopiedPaper) -> set[str]:
    return {job.command for job in sweeps.todo(of(paper)[0], records.of_points(paper.folder))}


def test_a_stale_point_is_shown_and_still_missing(swept: CopiedPaper) -> None:
    """A valid record of the same seed replaces it."""
    paper, one = of(swept)
    point = one.points[0]
    old = replace(keep(swept, point, 0, error=3.0), stale="the code has changed")
    (shown, *_) = sweeps.results(paper, one, [old])[0]
    assert [found.mean for found in shown.measured] == [3.0] and shown.missing == [0, 1]
    for both in ([old, keep(swept, point)], [keep(swept, point), old]):
        (shown, *_) = sweeps.results(paper, one, both)[0]
        assert [found.mean for found in shown.measured] == [1.0] and shown.missing == [1]
    assert len(sweeps.todo(paper, [old])) == 8


def test_only_what_has_no_record_is_queued(swept: CopiedPaper, repro: Command) -> None:
    _, one = of(swept)
    assert len(missing(swept)) == 8 == len(repro("todo", swept.name)[1].splitlines())
    keep(swept, one.points[0], 1)
    left = missing(swept)
    assert len(left) == 7 and all("papers/" in command for command in left)
    swept.toml(SWEEP.replace("[0.1, 0.3]", "[0.3, 0.5, 0.1]"))
    assert len(missing(swept)) == 11 and left < missing(swept), "a new value adds runs, and repeats none"
    swept.toml(SWEEP.replace("[0.1, 0.3]", "[0.3]"))
    assert missing(swept) < left


def test_the_point_of_the_config_itself_is_a_run_of_the_config(swept: CopiedPaper) -> None:
    path = swept.config("small", SMALL + "trainers.Supervised.batch_size = 10\n", "base.gin")
    plain = {f"repro run {path} --seed {seed}" for seed in (0, 1)}
    assert plain < missing(swept) and len(missing(swept)) == 8
    point = next(point for point in of(swept)[1].points if [value for _, value in point.bindings] == ["0.3", "10"])
    made = replace(keep(swept, point), overrides=[])
    records.write(made, swept.records)
    held = records.of_paper(swept.folder)
    assert not held[0].stale and len(sweeps.todo(of(swept)[0], held)) == 7


def test_a_record_of_other_code_or_another_config_is_run_again(swept: CopiedPaper) -> None:
    _, one = of(swept)
    made = keep(swept, one.points[0])
    assert len(missing(swept)) == 7
    records.write(replace(made, code={**made.code, "papers.other": "0"}), swept.records / "sweeps" / one.points[0].name)
    assert len(missing(swept)) == 8 and records.of_points(swept.folder)[0].stale
    keep(swept, one.points[0])
    swept.config("small", SMALL + "models.Line.slope = False\n", "base.gin")
    assert len(missing(swept)) == 8


def test_no_claim_uses_a_record_of_a_sweep(swept: CopiedPaper) -> None:
    keep(swept, of(swept)[1].points[0])
    assert records.of_paper(swept.folder) == []


def test_halving_continues_with_the_best_points_when_a_round_is_done(swept: CopiedPaper) -> None:
    swept.toml(HALVING)
    one, sweep = of(swept)
    errors = {point: error for error, point in enumerate(sweep.points, 1)}  # the lower the better: the first are best
    asked = []
    for length in (2, 4, 8):
        jobs = sweeps.todo(one, records.of_points(swept.folder))
        asked.append(len(jobs))
        assert all(f"trainers.Supervised.steps={length}" in job.overrides for job in jobs)
        for point in sweep.points:
            lasting = sweep.lasting(point, length)
            if lasting.overrides in {job.overrides for job in jobs}:
                assert errors[point] <= len(sweep.points) * 2 / length
                keep(swept, lasting, error=errors[point])
    assert asked == [4, 2, 1] and missing(swept) == set()
    best = sweeps.best(sweeps.results(one, sweep, records.of_points(swept.folder))[-1])
    assert best is not None and best.point == sweep.lasting(sweep.points[0], 8)


def test_halving_waits_for_the_last_run_of_a_round(swept: CopiedPaper) -> None:
    swept.toml(HALVING)
    one, sweep = of(swept)
    for point in sweep.points[:-1]:
        keep(swept, sweep.lasting(point, 2))
    (job,) = sweeps.todo(one, records.of_points(swept.folder))
    assert job.overrides == sweep.lasting(sweep.points[-1], 2).overrides


def test_the_plan_has_the_runs_of_a_sweep_with_a_time(swept: CopiedPaper, repro: Command) -> None:
    keep(swept, of(swept)[1].points[0])
    found = json.loads(repro("plan", swept.name, "--json")[1])
    assert {run["command"] for run in found["runs"]} == missing(swept) and len(found["runs"]) == 7
    assert all(run["seconds"] and not run["settles"] and len(run["overrides"]) == 2 for run in found["runs"])
    told = repro("plan", swept.name)[1].splitlines()
    assert {line.partition("  #")[0] for line in told if line.startswith("repro run")} == missing(swept)


def test_the_states_of_points_are_apart(
    swept: CopiedPaper, repro: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(tmux.VARIABLE, str(tmp_path / "queue"))
    (tmp_path / "queue").mkdir()
    first, *rest = sorted(missing(swept))
    code, _, err = repro(*shlex.split(first)[1:])
    assert code == 0, err
    (tmp_path / "queue" / "todo").write_text("".join(f"{command} --missing\n" for command in rest))
    rows = all_runs()
    assert [row.state for row in rows].count("finished") == 1 and len(rows) == 8
    given = {(*row.overrides, str(row.seed)) for row in rows}
    assert len(given) == 8 and all(len(row.overrides) == 2 for row in rows)
    listed = repro("status")[1]
    assert all(listed.count(text) == 4 - (text in first) * 1 for text in ("lr=0.1", "lr=0.3"))


def test_a_run_of_a_point_writes_the_record_of_the_point_and_is_not_repeated(
    swept: CopiedPaper, git: Callable[..., str], repro: Command
) -> None:
    before = missing(swept)
    command = shlex.split(min(before))[1:]
    code, out, err = repro(*command, "--missing")
    made = Path(out.strip())
    assert code == 0 and made.is_relative_to(swept.records.relative_to(Path.cwd()) / "sweeps"), err
    assert missing(swept) == before - {min(before)}
    written = made.read_bytes()
    assert repro(*command, "--missing")[1] == out and made.read_bytes() == written
    assert Path(repro(*command)[1].strip()).parts[0] == "runs", "a valid record is kept"
    other = repro(*(word.replace("lr=0.1", "lr=0.7") for word in command))
    assert other[0] == 0 and Path(other[1].strip()).parts[0] == "runs", "it is of no point"
    assert len(list(swept.records.rglob("small-*.json"))) == 1


def test_the_record_of_a_point_has_no_examples(swept: CopiedPaper, tmp_path: Path) -> None:
    point = of(swept)[1].points[0]
    kept = keep(swept, point)
    made = replace(kept, examples=[{"test": "test", "item": 0, "panels": [{"text": "line"}]}])
    shutil.rmtree(swept.records)
    (tmp_path / "examples").mkdir()
    written = records.write(made, tmp_path)
    found = publishing.publish_point(made, written, configs.read(swept.folder / point.config, point.overrides))
    assert records.read(found) == kept and [path.name for path in found.parent.iterdir()] == [found.name]


def test_the_guide_is_executed(paper: CopiedPaper, repro: Command) -> None:
    paper.toml("\n".join([(paper.folder / "paper.toml").read_text(encoding="utf-8"), *blocks("sweeps", "toml")]))
    counts = [len(sweep.points) for sweep in papers.read(paper.folder).sweeps]
    assert counts == [6, 20, 4]
    paper.toml((paper.folder / "paper.toml").read_text(encoding="utf-8").partition(blocks("sweeps", "toml")[1])[0])
    (listed, ran) = (block.replace("my_paper", paper.name).splitlines() for block in blocks("sweeps", "console"))
    assert [line for line in repro("todo", paper.name)[1].splitlines() if "--set" in line][:3] == listed[1:]
    code, out, err = repro(*shlex.split(ran[0])[2:])
    assert (code, out.splitlines()) == (0, ran[1:]), err
