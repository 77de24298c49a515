"""`repro diff`: what differs between two records, runs or configs, and the exit codes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.record import Record
from repro.rerun import diff, sides
from tests.rerun.test_replay import edit

SECTIONS = ("bindings", "code", "data", "environment", "machine", "result", "history")
Compared = Callable[..., dict[str, Any]]


@pytest.fixture
def compared(repro: Any) -> Compared:
    """The object of `repro diff A B --json`; its exit code agrees with `same`, and the text shows the same sections."""

    def call(one: object, other: object) -> dict[str, Any]:
        code, out, err = repro("diff", one, other, "--json")
        row: dict[str, Any] = json.loads(out)
        assert (code, err) == (int(not row["same"]), "")
        assert row["same"] == (not sections(row))
        code, text, err = repro("diff", one, other)
        heads = [line.split()[0] for line in text.splitlines() if line.split()[1:3] == ["A", "B"]]
        assert (code, err) == (int(not row["same"]), "")
        assert [head for head in heads if head != "time"] == [name for name in SECTIONS if row[name]]
        assert ("the same" in text.splitlines()) == row["same"]
        return row

    return call


def sections(row: dict[str, Any]) -> set[str]:
    return {name for name in SECTIONS if row[name]}


@pytest.fixture
def kept(paper: Any, git: Any, repro: Any) -> Path:
    """The record of `smoke.gin`, made from a clean commit."""
    code, out, _ = repro("run", f"papers/{paper.name}/configs/smoke.gin")
    assert code == 0
    return Path(out.strip())


def only_run(pattern: str = "[!.]*") -> Path:
    (found,) = Path("runs").glob(f"*/*/{pattern}/")
    return found


def test_a_record_and_the_config_that_it_was_made_from(paper: Any, kept: Path, compared: Compared) -> None:
    config = paper.folder / "configs" / "smoke.gin"
    row = compared(kept, config)
    assert row["same"] and row["not_compared"] == ["seed", "data", "environment", "result"]
    config.write_text("# written in another way\nSTEPS = 2\ninclude 'base.gin'\ntrainers.Supervised.steps = %STEPS\n")
    assert compared(kept, config)["same"]
    config.write_text("include 'base.gin'\ntrainers.Supervised.steps = 3\n")
    row = compared(kept, config)
    assert row["bindings"] == [{"name": "trainers.Supervised.steps", "A": "2", "B": "3"}]
    assert sections(row) == {"bindings"}


def test_changed_code_is_named(paper: Any, kept: Path, compared: Compared, git: Any, repro: Any) -> None:
    config = f"papers/{paper.name}/configs/smoke.gin"
    loss = paper.folder / "loss.py"
    loss.write_text(f"# a comment\n{loss.read_text()}")
    assert compared(kept, config)["same"]
    loss.write_text(loss.read_text().replace("return ", "return 1.5 * "))
    row = compared(kept, config)
    assert [one["name"] for one in row["code"]] == [f"papers.{paper.name}.loss"] and sections(row) == {"code"}
    for words in ((kept, config), (config, kept)):
        (command,) = (line for line in repro("diff", *words)[1].splitlines() if "git diff" in line)
        shown = git(*(word.strip("'") for word in command.partition("git ")[2].split()))
        sign = "+" if words[0] == kept else "-"
        assert [line[0] for line in shown.splitlines() if "1.5 * " in line] == [sign]


def test_two_runs_with_two_seeds(paper: Any, kept: Path, compared: Compared, repro: Any) -> None:
    repro("run", f"papers/{paper.name}/configs/smoke.gin", "--seed", 1)
    row = compared("seed0", "smoke/" + only_run("[!.]*-seed1").name)
    assert row["machine"] == [{"name": "seed", "A": 0, "B": 1}] and row["not_compared"] == []
    one, other = (record.read(only_run(f"[!.]*-seed{seed}") / f"smoke-seed{seed}.json") for seed in (0, 1))
    (first,), (second,) = one.measurements, other.measurements
    (result,) = row["result"]
    assert (result["A"], result["B"]) == (first.mean, second.mean)
    assert result["difference"] == second.mean - first.mean
    apart = [abs(a - b) for a, b in zip(first.values, second.values, strict=True)]
    assert (result["items"], result["differing"], result["largest"]) == (500, sum(map(bool, apart)), max(apart))
    assert row["bit_identical"] is False and sections(row) == {"machine", "result", "history"}


def test_a_run_and_its_record_are_the_same(kept: Path, compared: Compared) -> None:
    run = only_run()
    for name in (run, run.name, "seed0", f"{run.parts[-2]}/{run.name[:3]}", kept):
        row = compared(name, kept)
        assert row["same"] and row["bit_identical"] is True


def test_the_time_does_not_count(kept: Path, compared: Compared) -> None:
    run = only_run()
    cost = json.loads(kept.read_text())["cost"]
    edit(kept, cost=cost | {"seconds": 99.0}, finished="2026-01-01T00:00:00+00:00")
    row = compared(run, kept)
    assert row["same"] and [(one["name"], one["B"]) for one in row["time"]] == [("seconds", 99.0)]
    edit(kept, cost=cost | {"steps": 9})
    assert [one["name"] for one in compared(run, kept)["history"]] == ["steps"]


def test_a_run_that_is_not_finished(paper: Any, kept: Path, compared: Compared) -> None:
    run = only_run()
    (run / "smoke-seed0.json").unlink()
    row = compared(run, kept)
    assert row["same"] and row["A"]["kind"] == "unfinished run" and row["bit_identical"] is None
    assert {"result", "processor"} <= set(row["not_compared"]) and "packages" not in row["not_compared"]
    begun = json.loads((run / "run.json").read_text())
    packages = begun["packages"] | {"torch": "0.1"}
    edit(run / "run.json", data=begun["data"] | {"test": "0"}, packages=packages, threads=9, core="0")
    row = compared(run, kept)
    names = {name: [one["name"] for one in row[name]] for name in sections(row)}
    assert names == {"code": ["core"], "data": ["test"], "environment": ["torch"], "machine": ["threads"]}


def changed(found: Record, **fields: Any) -> diff.Diff:
    one = sides.Side("a", "record", found.text, found.code, found.core, found.source, record=found)
    return diff.compare(one, replace(one, record=replace(found, **fields)))


def test_measurements_that_cannot_be_compared_say_why(kept: Path) -> None:
    found = record.read(kept)
    (one,) = found.measurements
    assert changed(found).same and changed(found).bit_identical
    for measurements, difference in [
        ([], None),
        ([replace(one, test="other")], None),
        ([replace(one, identity=one.identity | {"unit": "m"})], None),
        ([replace(one, values=one.values[:5])], sum(one.values[:5]) / 5 - one.mean),
    ]:
        result = changed(found, measurements=measurements).results[0]
        assert result.why and (result.difference, result.differing, result.largest) == (difference, None, None)


def test_curves_and_names_of_items_show_their_first_difference(kept: Path) -> None:
    found = replace(record.read(kept), curves={"train": [[1, 0.5], [2, 0.25]]}, items={"test": ["a", "b"]})
    row = changed(found, curves={"train": [[1, 0.5], [2, 0.75]]})
    assert [(one.one, one.other) for one in row.history] == [("0.25 at step 2", "0.75 at step 2")]
    row = changed(found, curves={"train": [[1, 0.5]]}, items={"test": ["a", "c"]})
    assert [(one.one, one.other) for one in row.history] == [("0.25 at step 2", None)]
    assert [(one.one, one.other) for one in row.data] == [("b", "c")]


def test_what_is_neither_is_one_line(paper: Any, kept: Path, repro: Any, refused: Any) -> None:
    assert f"did you mean '{kept}'?" in refused("diff", str(kept).replace("smoke", "smok"), kept)
    assert f"did you mean '{kept}'?" in refused("diff", kept, kept.with_suffix(""))
    assert "did you mean" in refused("diff", kept, f"papers/{paper.name}/configs/smok.gin")
    assert f"did you mean '{paper.name}/smoke'?" in refused("diff", kept, f"{paper.name}/smoek")
    repro("run", f"papers/{paper.name}/configs/smoke.gin", "--seed", 1)
    assert "2 runs" in refused("diff", paper.name, kept)
    for folder in ("runs", f"papers/{paper.name}", kept.parent, f"runs/{paper.name}/smoke"):
        assert "is not the folder of one run" in refused("diff", folder, kept)
    assert "is not a record, a run or a config" in refused("diff", paper.folder / "paper.toml", kept)
    assert "not a record" in refused("diff", paper.records / "verdicts.json", kept)
    assert "is not a record, a run or a config" in refused("diff", "x" * 5000, kept)


def test_a_text_that_was_changed_by_hand_is_refused(kept: Path, refused: Any) -> None:
    run = only_run()
    copy = kept.with_name("copy")
    shutil.copytree(run, copy)
    edit(kept, text=f"{json.loads(kept.read_text())['text']}a.b = 1\n")
    (copy / "smoke-seed0.json").unlink()
    (copy / "config.gin").write_text(f"{(copy / 'config.gin').read_text()}a.b = 1\n")
    for path in (kept, copy):
        assert "does not match its digest" in refused("diff", path, run)


def test_the_example_of_the_guide(repro: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "guide" / "review.md").read_text(encoding="utf-8")
    command, _, shown = page.partition("$ repro diff ")[2].partition("```")[0].partition("\n")
    assert repro("diff", *command.split())[:2] == (1, shown)
