"""Which record is the paper's after a run: one that counts is kept, a stale one is replaced, and a line says so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record, run
from repro.record import Measurement, Record
from repro.run import publishing


@pytest.fixture
def smoke(paper: Any, git: Any) -> str:
    """A config in a clean commit, and its record, committed."""
    path = f"papers/{paper.name}/configs/smoke.gin"
    run.run(Path(path))
    git("add", "-A")
    git("commit", "-qm", "a record")
    return path


def kept(paper: Any) -> Path:
    return Path("papers", paper.name, "records", "smoke-seed0.json")


def changed(paper: Any) -> None:
    """Another factor in the loss: other code, other numbers."""
    loss = paper.folder / "loss.py"
    text = loss.read_text()
    assert "return " in text
    loss.write_text(text.replace("return ", "return 1.5 * "))


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_second_run_leaves_the_tree_clean_and_compares(paper: Any, smoke: str, git: Any, repro: Any) -> None:
    before = kept(paper).read_bytes()
    code, out, err = repro("run", smoke)
    assert code == 0 and out.startswith(f"runs/{paper.name}/smoke/") and Path(out.strip()).is_file()
    assert f"{kept(paper)} is kept; the new numbers are bit-identical" in err
    assert kept(paper).read_bytes() == before and git("status", "--porcelain") == ""


def test_what_differs_is_told_in_the_line(paper: Any, smoke: str, git: Any, repro: Any) -> None:
    rows = json.loads(kept(paper).read_text())["measurements"]
    rows[0]["values"][0] += 0.25
    edit(kept(paper), measurements=rows)
    before = kept(paper).read_bytes()
    _, _, err = repro("run", smoke)
    (line,) = [line for line in err.splitlines() if " is kept; " in line]
    assert "the new numbers differ: test, SquaredError: an item by up to 0.25 " in line
    assert kept(paper).read_bytes() == before


def test_publish_replaces_a_record_that_counts(paper: Any, smoke: str, git: Any, repro: Any) -> None:
    edit(kept(paper), finished="2001-01-01T00:00:00+00:00")
    code, out, err = repro("run", smoke, "--publish")
    assert (code, out) == (0, f"{kept(paper)}\n") and "is replaced: --publish" in err
    assert record.read(kept(paper)).finished != "long ago"


def test_a_stale_record_is_replaced_and_the_line_says_how_to_get_it_back(
    paper: Any, smoke: str, git: Any, repro: Any
) -> None:
    before = record.read(kept(paper))
    changed(paper)
    code, out, err = repro("run", smoke)
    assert (code, out) == (0, f"{kept(paper)}\n")
    assert f"is replaced: it is stale (changed since the record: papers.{paper.name}.loss)" in err
    (back,) = [line for line in err.splitlines() if "git checkout" in line]
    assert "from uncommitted changes" in back
    git(*back.partition("git ")[2].split())
    assert record.read(kept(paper)) == before
    git("commit", "-qam", "another loss")
    err = repro("run", smoke)[2]
    assert "it is stale" in err and "git checkout" not in err, "made from a clean commit: nothing to warn of"


def test_a_record_of_a_clean_commit_replaces_one_of_uncommitted_changes(
    paper: Any, smoke: str, git: Any, repro: Any
) -> None:
    edit(kept(paper), source={"commit": "0" * 40, "dirty": True, "diff": "0" * 16})
    git("commit", "-qam", "as if made from changes")
    code, out, err = repro("run", smoke)
    assert (code, out) == (0, f"{kept(paper)}\n") and "it is stale (made from code that was not committed)" in err
    assert record.read(kept(paper)).source["dirty"] is False


def test_a_record_without_a_commit_replaces_one_with_a_word(
    paper: Any, smoke: str, git: Any, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repro.record.as_committed.state", lambda config: {"commit": None, "dirty": None})
    before = kept(paper).read_bytes()
    assert "is kept" in repro("run", smoke)[2] and kept(paper).read_bytes() == before
    err = repro("run", smoke, "--publish")[2]
    assert "the new record was made without a commit; to restore the committed one: git checkout" in err


def test_what_is_no_record_is_replaced(paper: Any, smoke: str, repro: Any) -> None:
    """As after a merge that left its marks."""
    kept(paper).write_text("<<<<<<< ours\n")
    code, out, err = repro("run", smoke)
    assert (code, out) == (0, f"{kept(paper)}\n") and "cannot be read as a record" in err
    assert record.read(kept(paper)).measurements


def test_publish_is_for_a_config_as_it_is_in_its_paper(paper: Any, smoke: str, refused: Any) -> None:
    before = kept(paper).read_bytes()
    assert "--publish cannot be used with --set" in refused(
        "run", smoke, "--publish", "--set", "trainers.Supervised.steps=1"
    )
    (copy,) = Path("runs").glob("*/smoke/*/config.gin")
    assert "expected a config of a paper" in refused("run", copy, "--publish")
    assert kept(paper).read_bytes() == before and len(list(Path("runs").glob("*/*/*/run.json"))) == 1


def test_renewals_that_cannot_be_read_are_told_before_the_run(paper: Any, refused: Any) -> None:
    (paper.folder / "records/renewals.json").write_text("{")
    assert "records/renewals.json" in refused("run", f"papers/{paper.name}/configs/smoke.gin")
    assert not Path("runs").exists()


def found(**values: list[float]) -> Record:
    rows = [Measurement("test", name, {"unit": "dB"}, given) for name, given in values.items()]
    return Record("p", "c", 0, "", rows, environment={"threads": len(values)})


@pytest.mark.parametrize(("before", "now", "said"), [
    (found(a=[1.0, 2.0]), found(a=[1.0, 2.0]), "the new numbers are bit-identical"),
    (found(a=[1.0, 2.0]), found(a=[1.0, 2.5]),
     "the new numbers differ: test, a: an item by up to 0.5 dB (mean 1.75, in the record 1.5)"),
    (found(a=[1.0]), found(a=[1.0, 2.0]), "the new numbers differ: test, a: 2 items, in the record 1"),
    (found(a=[1.0], b=[1.0]), found(a=[1.0]),
     "test, b: not measured now; this is normal on another machine or environment: threads 2, here 1"),
    (found(a=[1.0]), found(a=[1.0], b=[1.0]),
     "test, b: not in the record; this is normal on another machine or environment: threads 1, here 2"),
    (found(**{key: [1.0] for key in "abcde"}), found(**{key: [2.0] for key in "abcde"}), "2 more measurements differ"),
])  # fmt: skip
def test_the_numbers_are_compared_in_one_line(before: Record, now: Record, said: str) -> None:
    line = publishing.compared(before, now)
    assert (line == said or line.endswith(said)) and "\n" not in line
    other = [replace(one, identity={"unit": "dB", "version": 2}) for one in before.measurements]
    assert "another metric of that name" in publishing.compared(before, replace(before, measurements=other))
