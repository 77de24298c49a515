"""`repro replay`: what agrees, what differs, what is refused; no temporary files are left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import config, record
from repro.record import Record, determinism
from repro.record.determinism import Certificate, Comparison
from repro.rerun import replay

IDENTITY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}  # fmt: skip


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], check=True, capture_output=True, text=True, env=os.environ | IDENTITY)
    return done.stdout.strip()


@pytest.fixture
def kept(paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The record of `smoke.gin`, made from a commit of a repository that contains only the paper."""
    temporary = Path.cwd() / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    Path(".gitignore").write_text("runs/\ntemporary/\n__pycache__/\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "parts and configs")
    code, out, _ = repro("run", f"papers/{paper.name}/configs/smoke.gin")
    assert (code, out) == (0, f"papers/{paper.name}/records/smoke-seed0.json\n")
    return Path(out.strip())


def edit(path: Path, **changed: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def moved(path: Path, by: float) -> None:
    """Add `by` to the value of the first item."""
    rows = json.loads(path.read_text())["measurements"]
    rows[0]["values"][0] += by
    edit(path, measurements=rows)


def certify(paper: Any, path: Path, metrics: float) -> None:
    """Store a certificate of the record's config and machine; all its differences are `metrics`."""
    found = record.read(path)
    comparisons = dict.fromkeys(determinism.COMPARISONS, Comparison(metrics, metrics))
    machine = determinism.machine(found.environment)
    one = Certificate(found.digest, found.code, machine, comparisons, 2, "2026-01-02T03:04:05+00:00")
    determinism.store(one, "smoke", paper.folder)


def test_a_record_agrees_bit_for_bit(paper: Any, kept: Path, repro: Any) -> None:
    (paper.folder / "configs" / "smoke.gin").unlink()
    before = git("status", "--porcelain")
    code, out, err = repro("replay", kept)
    assert code == 0, err
    first, *lines = out.splitlines()
    assert (
        first
        == f"{kept}: agrees; required: bitwise (no certificate; machine, packages and threads are as in the record)"
    )
    assert lines[:3] == ["  config: the same", "  code: the same", "  data: the same"]
    assert lines[3].startswith("  test, SquaredError: bit-identical, mean ") and len(lines) == 4
    assert git("status", "--porcelain") == before and git("worktree", "list").count("\n") == 0
    assert list(Path("temporary").glob("repro-*")) == []


@pytest.mark.slow
def test_the_present_code_runs_unless_that_of_the_commit_is_asked_for(paper: Any, kept: Path, repro: Any) -> None:
    text = (paper.folder / "loss.py").read_text()
    (paper.folder / "loss.py").write_text(text.replace("return ", "return 1.5 * "))
    code, out, _ = repro("replay", kept)
    assert code == 1 and f"code: has changed since the record: papers.{paper.name}.loss" in out, out
    assert repro("replay", kept, "--commit")[0] == 0
    (paper.folder / "loss.py").write_text(text.replace("return ", "x = 0\n        return "))
    code, out, _ = repro("replay", kept)
    assert code == 0 and f"code: has changed since the record: papers.{paper.name}.loss" in out, "same numbers"


@pytest.mark.slow
def test_a_record_with_overrides_is_run_from_its_text(paper: Any, kept: Path, repro: Any) -> None:
    config = f"papers/{paper.name}/configs/smoke.gin"
    out = repro("run", config, "--seed", 3, "--set", "trainers.Supervised.steps=5")[1]
    code, said, _ = repro("replay", out.strip())
    assert code == 0 and "bit-identical" in said, said


@pytest.mark.parametrize(("changed", "line"), [
    ({"digest": "0" * 64}, "config: "),
    ({"data": {"test": "0", "train": "1"}}, "data: has changed since the record: test, train"),
])  # fmt: skip
def test_what_the_numbers_rest_on_must_be_the_same(kept: Path, changed: Any, line: str) -> None:
    again = record.read(kept)
    assert replay.compare(again, again).agrees
    assert any(told.startswith(line) for told in differing(replace(again, **changed), again))


def differing(found: Record, again: Record) -> list[str]:
    """The findings that differ between a record and the record of the new run."""
    one = replay.compare(found, again)
    told = [str(finding) for finding in one.findings if not finding.ok]
    assert one.agrees == (not told)
    return told


def test_what_was_measured_must_be_the_same(kept: Path) -> None:
    again = record.read(kept)
    (one,) = again.measurements
    cases = {
        "test, SquaredError: 500 items; the record has 5": [replace(one, values=one.values[:5])],
        "test, SquaredError: the metric has another unit": [replace(one, identity=one.identity | {"unit": "m"})],
        "test, SquaredError: the record has no such measurement": [],
        "other, SquaredError: the new run has no such measurement": [one, replace(one, test="other")],
    }
    for line, changed in cases.items():
        assert differing(replace(again, measurements=changed), again) == [line]


def test_without_a_certificate_one_machine_must_give_the_same_bits(kept: Path) -> None:
    again = record.read(kept)
    moved(kept, 1e-9)
    (told,) = differing(record.read(kept), again)
    assert told.startswith("test, SquaredError: differs: mean 0.") and "; in the record 0." in told
    assert told.endswith("; largest difference of an item: 1e-09")


def test_the_class_of_the_certificate_of_this_machine_decides(paper: Any, kept: Path) -> None:
    again = record.read(kept)
    moved(kept, 1e-9)
    certify(paper, kept, 3e-6)
    one = replay.compare(record.read(kept), again)
    assert one.agrees and str(one.wanted) == "within 1e-05"
    assert one.because.startswith("from the certificate (seed twice): within 1e-05")
    assert "SquaredError: agrees: mean " in str(one.findings[-1])
    moved(kept, 1.0)
    assert "SquaredError: differs: mean " in differing(record.read(kept), again)[0]
    other = replace(again, code={})
    assert replay.compare(other, other).because.startswith("no certificate for its code and this machine; ")


def test_a_record_of_another_machine_is_compared_as_means(kept: Path) -> None:
    again = record.read(kept)
    there = again.environment | {"processor": "Abacus", "packages": again.environment["packages"] | {"torch": "1.0"}}
    moved(kept, 1e-3)
    one = replay.compare(replace(record.read(kept), environment=there), again)
    here = f"processor Abacus, here {again.environment['processor']}"
    torch = f"torch 1.0, here {again.environment['packages']['torch']}"
    assert one.agrees and str(one.wanted) == "statistical"
    assert one.because == f"the record was made in another environment: {here}, {torch}"


def test_what_two_ranks_do_does_not_excuse_one(paper: Any, kept: Path) -> None:
    """A replay is one process, so the record must agree as two runs of one process do."""
    again = record.read(kept)
    certify(paper, kept, 0.0)
    (one,) = determinism.read("smoke", paper.folder)
    apart = one.comparisons | {"ranks": Comparison(0.1, 0.1)}
    determinism.store(replace(one, comparisons=apart), "smoke", paper.folder)
    moved(kept, 1e-3)
    assert replay.compare(record.read(kept), again).wanted == determinism.BITWISE
    assert not replay.compare(record.read(kept), again).agrees


@pytest.mark.slow
def test_since_replays_what_a_branch_adds(paper: Any, kept: Path, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.claim.paper.folders", lambda: {paper.name: paper.folder})
    git("branch", "base")
    git("add", "-A")
    git("commit", "-qm", "a record")
    assert repro("replay", "--since", "base")[1].startswith(f"{kept}: agrees; ")
    edit(kept, cost={"seconds": 1e6})
    git("commit", "-qam", "a record with a false duration")
    code, out, err = repro("replay", "--since", "base")
    assert code == 0 and out.startswith(f"{kept}: agrees; ") and "says that it took more than" in err, "it is tried"
    moved(kept, 1e-3)
    assert repro("replay", "--since", "base")[0] == 1, "a false number is found despite the false duration"
    monkeypatch.setattr(replay, "LONGEST", 0.2)
    code, out, err = repro("replay", "--since", "base")
    assert (code, out) == (0, "") and f"{kept}: skipped, because it takes more than" in err
    assert "--since nothing" in repro("replay", "--since", "nothing")[2]
    code, out, err = repro("replay", "--since", "HEAD")
    assert (code, out) == (0, "") and "no record differs from HEAD" in err


@pytest.mark.slow
def test_numbers_that_were_tampered_with_differ(kept: Path, repro: Any) -> None:
    moved(kept, 1e-9)
    code, out, _ = repro("replay", kept)
    assert code == 1 and out.startswith(f"{kept}: DIFFERS; required: bitwise ") and "of an item: 1e-09" in out, out


@pytest.mark.parametrize(("changed", "words"), [
    ({"source": {"commit": None, "dirty": None}}, "made outside git, so the commit of its code is unknown"),
    ({"digest": "0" * 64}, "its text does not match its digest"),
    ({"source": {"commit": "0" * 40, "dirty": False}}, "is not in this clone; expected a clone that has it: try git"),
    ({"source": {"commit": "--output=x", "dirty": False}}, "expected 40 hexadecimal digits"),
    ({"format": 99}, "not a record of format 1"),
    ({"text": "experiment.modl = 3\n"}, "its text does not match its digest"),
])  # fmt: skip
def test_what_cannot_be_run_again_is_one_line(kept: Path, refused: Any, changed: Any, words: str) -> None:
    edit(kept, **changed)
    line = refused("replay", kept)
    assert line.startswith(f"{kept}: ") and words in line
    assert list(Path("temporary").glob("repro-*")) == [] and not Path("x").exists()


def test_a_record_of_changes_that_were_never_committed_is_refused(
    paper: Any, kept: Path, repro: Any, refused: Any
) -> None:
    (paper.folder / "loss.py").write_text((paper.folder / "loss.py").read_text() + "X = 1\n")
    repro("run", f"papers/{paper.name}/configs/smoke.gin", "--publish")
    assert "with changes that were not committed" in refused("replay", kept)


def test_a_record_outside_git_is_refused(paper: Any, tmp_path: Path, refused: Any) -> None:
    path = record.write(Record("p", "c", 0, "d", [], source={"commit": "0" * 40, "dirty": False}), tmp_path)
    assert "expected git" in refused("replay", path)
    assert "expected exactly one of these: the path of a record, --smoke" in refused("replay")


@pytest.mark.slow
def test_a_run_that_fails_is_not_one_that_agrees(paper: Any, kept: Path, repro: Any) -> None:
    text = (
        (paper.folder / "loss.py").read_text().replace("return ", "raise RuntimeError('out of luck')\n        return ")
    )
    (paper.folder / "loss.py").write_text(text)
    git("commit", "-qam", "broken")
    edit(kept, source={"commit": git("rev-parse", "HEAD"), "dirty": False})
    code, out, err = repro("replay", kept)
    assert (code, out) == (1, "") and f"repro: {kept}: the run failed: " in err and "out of luck" in err


@pytest.mark.slow
def test_smoke_replays_what_is_there_and_names_the_rest(
    paper: Any, kept: Path, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = paper.folder.with_name("empty")
    shutil.copytree(paper.folder, empty, ignore=shutil.ignore_patterns("records"))
    monkeypatch.setattr("repro.claim.paper.own_folders", lambda: [empty, paper.folder])
    code, out, err = repro("replay", "--smoke")
    assert (
        code == 0 and out.startswith(f"{kept}: agrees; ") and "empty: no record of its smoke config: skipped\n" in err
    )
    moved(kept, 1e-3)
    assert repro("replay", "--smoke")[0] == 1
    edit(kept, source={"commit": "0" * 40, "dirty": False})
    code, out, err = repro("replay", "--smoke")
    assert (code, out) == (2, "") and f"repro: {kept}: its commit {'0' * 40} is not in this clone" in err


@pytest.mark.slow
def test_smoke_skips_a_paper_whose_data_is_not_here(
    paper: Any, kept: Path, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    text = (paper.folder / "dataset.py").read_text()
    lost = "        from repro.data import store\n        store.folder('wsj0-2mix')\n"
    (paper.folder / "dataset.py").write_text(text.replace(" -> None:\n", f" -> None:\n{lost}", 1))
    assert lost in (paper.folder / "dataset.py").read_text()
    monkeypatch.setattr("repro.claim.paper.own_folders", lambda: [paper.folder])
    code, out, err = repro("replay", "--smoke")
    assert (code, out) == (0, ""), err
    assert f"repro: skipped: {kept}: " in err and "wsj0-2mix is not here (" in err
    assert repro("replay", kept)[0] == 66, "a record that you name is not skipped"
    path = paper.folder / "configs" / "smoke.gin"
    path.write_text(path.read_text() + "trainers.Supervised.steps = 7\n")
    assert repro("replay", "--smoke")[0] == 2, "only the committed config is skipped"


@pytest.mark.parametrize(
    "words", ["wsj0-2mix is not here (/data has no wsj0-2mix)", "no data set 'x' in the catalogue"]
)
def test_words_in_a_record_excuse_nothing(
    paper: Any, kept: Path, repro: Any, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """A false record whose config text contains the program's message about missing data."""
    moved(kept, 0.5)
    edit(kept, text=f"# {words}\nexperiment.model = '{words}'\n")
    monkeypatch.setattr("repro.claim.paper.own_folders", lambda: [paper.folder])
    code, out, err = repro("replay", "--smoke")
    assert (code, out) == (2, "") and "skipped: " not in err
    text = f"experiment.test = '{words}'\n"
    edit(kept, text=text, digest=config.digest(text))
    assert repro("replay", "--smoke")[0] == 2
