"""What a record says of its commit, against what the commit holds; and three forgeries, by the commands of CI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.claim import paper as papers
from repro.record import audit, code_digest, cores, renewal
from repro.record.cores import Core
from repro.record.renewal import Renewal

Git = Callable[..., str]


@pytest.fixture
def recorded(paper: Any, git: Git, repro: Any) -> Path:
    """The record of `smoke.gin`, made from a commit and committed."""
    code, _, err = repro("run", f"papers/{paper.name}/configs/smoke.gin")
    assert code == 0, err
    git("add", "-A")
    git("commit", "-qm", "a record")
    return paper.records / "smoke-seed0.json"


def edit(path: Path, **changed: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def faults(paper: Any) -> list[str]:
    return list(audit.faults(papers.read(paper.folder), record.of_paper(paper.folder)))


def stale(paper: Any) -> str:
    (found,) = record.of_paper(paper.folder)
    return found.stale


def test_an_honest_record_has_no_fault(paper: Any, recorded: Path) -> None:
    assert faults(paper) == [] and stale(paper) == ""


def test_a_commit_that_does_not_exist_refuses_the_record(paper: Any, recorded: Path) -> None:
    edit(recorded, source={"commit": "0" * 40, "dirty": False})
    assert "does not exist in this repository" in stale(paper)


@pytest.mark.parametrize("source", [
    {}, {"commit": None, "dirty": None}, {"commit": "HEAD", "dirty": None}, {"dirty": False},
    {"commit": "", "dirty": False},
])  # fmt: skip
def test_an_unknown_commit_decides_nothing(paper: Any, recorded: Path, source: Any) -> None:
    edit(recorded, source=source)
    assert stale(paper) == "made from an unknown commit"


def test_a_changed_tree_decides_nothing(paper: Any, recorded: Path, git: Git) -> None:
    edit(recorded, source={"commit": git("rev-parse", "HEAD"), "dirty": True})
    assert stale(paper) == "made from code that was not committed"


def test_another_core_decides_nothing_unless_a_row_names_it(
    paper: Any, recorded: Path, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    edit(recorded, core="0123456789abcdef")
    assert "another core" in stale(paper)
    monkeypatch.setattr(cores, "FILE", tmp_path / "cores.json")
    known = ("0123456789abcdef", git("rev-parse", "HEAD"), ["a/b"])
    row = Core(*known, "a processor", "2026-01-02T03:04:05+00:00", code_digest.core())
    cores.store([row])
    (found,) = record.of_paper(paper.folder)
    assert not found.stale and "the core has changed since" in found.renewed
    cores.store([replace(row, commit="0" * 40)])
    assert "another core" in stale(paper), "a row of a commit that does not exist is none"
    cores.store([replace(row, present="f" * 16)])
    assert "another core" in stale(paper), "the core has changed again since the row was measured"


def test_code_that_the_commit_does_not_hold_is_found(paper: Any, recorded: Path) -> None:
    """A record of code that was never committed, with the digests of that code."""
    path = paper.folder / "loss.py"
    path.write_text(path.read_text() + "\nX = 1\n")
    name = f"papers.{paper.name}.loss"
    edit(recorded, code=json.loads(recorded.read_text())["code"] | {name: code_digest._examine(path)[0]})
    assert stale(paper) == ""
    (fault,) = faults(paper)
    assert fault.startswith("records/smoke-seed0.json: its code differs from its commit") and name in fault


def test_a_renewal_by_hand_of_invented_code_is_found(paper: Any, recorded: Path, git: Git, repro: Any) -> None:
    """Forgery: code and numbers are invented, and a row says that they give the same bits."""
    name = f"papers.{paper.name}.loss"
    code = json.loads(recorded.read_text())["code"]
    edit(recorded, code=code | {name: "0" * 16})
    row = Renewal("smoke", {name: ["0" * 16, code[name]]}, git("rev-parse", "HEAD"), 50, "a", "2026-01-02")
    renewal.store([row], paper.folder)
    assert stale(paper) == "", "the row makes it count"
    assert any(fault.startswith("records/renewals.json: the row of smoke: its commit") for fault in faults(paper))
    assert repro("verdict", paper.name, "--check")[0] == 1
    renewal.store([Renewal("smoke", row.changed, "0" * 40, 50, "a", "2026-01-02")], paper.folder)
    assert stale(paper), "a row of a commit that does not exist is none"


def test_a_row_of_cores_must_be_of_its_commit(
    paper: Any, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(code_digest.REPRO, "repro", ignore=shutil.ignore_patterns("__pycache__"))
    git("add", "-A")
    git("commit", "-qm", "a core")
    head = git("rev-parse", "HEAD")
    monkeypatch.setattr(cores, "FILE", tmp_path / "cores.json")
    monkeypatch.setattr(code_digest, "REPRO", Path.cwd() / "repro")
    known, core = papers.read(paper.folder), code_digest.core()
    cores.store([Core(core, head, ["a/b"], "", "", "")])
    assert list(audit.faults(known, [])) == []
    rows = [("0" * 16, head, ["a/b"]), ("1" * 16, "0" * 40, ["a/b"]), (core, head, []), (core, "HEAD", ["a/b"])]
    cores.store([Core(digest, commit, records, "", "", "") for digest, commit, records in rows])
    assert len(list(audit.faults(known, []))) == 4


@pytest.mark.parametrize("commit", ["HEAD", "no-such-commit", "--help", "HEAD:papers", "a\nb", "HEAD missing"])
def test_what_is_not_the_id_of_a_commit_is_none(paper: Any, recorded: Path, commit: str) -> None:
    edit(recorded, source={"commit": commit, "dirty": False})
    assert stale(paper) == "made from an unknown commit"
    (fault,) = faults(paper)
    assert "expected 40 hexadecimal digits" in fault and fault.count("\n") == 0


def test_a_record_of_another_paper_decides_nothing(paper: Any, recorded: Path) -> None:
    edit(recorded, paper="raff2019")
    assert stale(paper) == "it is of the paper 'raff2019'"


def widen(paper: Any) -> None:
    path = paper.folder / "paper.toml"
    text = path.read_text()
    assert "tolerance = 0.002" in text
    path.write_text(text.replace("tolerance = 0.002", "tolerance = 6.0"))


def test_a_tolerance_that_is_widened_after_the_record_is_worse(paper: Any, git: Git, repro: Any) -> None:
    assert repro("run", f"papers/{paper.name}/configs/line.gin")[0] == 0
    git("add", "-A")
    git("commit", "-qm", "a record")
    repro("verdict", paper.name, "--write")
    assert repro("verdict", paper.name, "--check")[0] == 0
    widen(paper)
    git("commit", "-qam", "wider")
    code, out, _ = repro("verdict", paper.name, "--check")
    assert code == 1 and "fit.error: changed after its record: tolerance 0.002 -> 6.0" in out
    path = paper.records / "line-seed0.json"
    path.unlink()
    assert repro("run", f"papers/{paper.name}/configs/line.gin")[0] == 0
    git("commit", "-qam", "made anew")
    assert repro("verdict", paper.name, "--check")[0] == 1, "a record made anew does not hide it"
    repro("verdict", paper.name, "--write")
    assert "changed after its record: tolerance 0.002 -> 6.0" in (paper.folder / "records/verdicts.json").read_text()
    assert repro("verdict", paper.name, "--check")[0] == 0, "a reviewer has seen that line"
    toml = paper.folder / "paper.toml"
    toml.write_text(toml.read_text().replace("tolerance = 6.0", "tolerance = 60.0"))
    assert repro("verdict", paper.name, "--check")[0] == 1, "and not what came after it"


def committed(paper: Any, git: Git, repro: Any, config: str = "line") -> None:
    """A record of `config` that is committed, and the verdicts that follow from it."""
    assert repro("run", f"papers/{paper.name}/configs/{config}.gin")[0] == 0
    git("add", "-A")
    git("commit", "-qm", "a record")


def test_a_copy_of_a_config_hides_no_record(paper: Any, git: Git, repro: Any) -> None:
    committed(paper, git, repro)
    shutil.copy(paper.folder / "configs" / "line.gin", paper.folder / "configs" / "line_b.gin")
    widen(paper)
    toml = paper.folder / "paper.toml"
    toml.write_text(toml.read_text().replace("configs/line.gin", "configs/line_b.gin", 1))
    late = audit.late(papers.read(paper.folder))
    assert late is not None and "tolerance 0.002 -> 6.0" in late["fit.error"]


@pytest.mark.parametrize(("unit", "said"), [("", False), ("1", False), ("%", True)])
def test_a_unit_added_after_the_record_counts_where_it_converts(
    paper: Any, git: Git, repro: Any, unit: str, said: bool
) -> None:
    committed(paper, git, repro)
    toml = paper.folder / "paper.toml"
    toml.write_text(toml.read_text().replace("tolerance = 0.002", f'tolerance = 0.002\nunit = "{unit}"', 1))
    late = audit.late(papers.read(paper.folder))
    assert late is not None and ("unit none" in late.get("fit.error", "")) == said


def test_a_link_among_records_is_refused(paper: Any, git: Git, repro: Any, refused: Any) -> None:
    """git names a link as unchanged when the file that it leads to has changed."""
    committed(paper, git, repro)
    record_of = paper.records / "line-seed0.json"
    record_of.rename(paper.folder / "elsewhere.json")
    record_of.symlink_to("../elsewhere.json")
    for words in (("verdict", paper.name), ("replay", "--since", "HEAD")):
        assert "line-seed0.json: is a link; expected the records themselves" in refused(*words)
    record_of.unlink()
    paper.records.rename(paper.folder / "numbers")
    paper.records.symlink_to("numbers")
    assert "records: is a link" in refused("verdict", paper.name)


def test_without_history_nothing_is_said_of_it(paper: Any, recorded: Path) -> None:
    shutil.rmtree(".git")
    assert faults(paper) == [] and audit.late(papers.read(paper.folder)) is None


@pytest.mark.slow
def test_a_cheat_in_the_core_and_a_revert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgery: a commit cheats in the core, records are made at it, and a revert leaves the records alone."""
    home = tmp_path / "clone"
    skip = shutil.ignore_patterns("__pycache__", "records", "certificates")
    for name in ("repro", "papers/template"):
        shutil.copytree(code_digest.REPRO.parent / name, home / name, ignore=skip)
    (home / ".gitignore").write_text("runs/\n__pycache__/\n")
    identity = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    own = os.environ | identity | {"PYTHONPATH": str(home), "GIT_CONFIG_GLOBAL": os.devnull}

    def call(*words: str) -> tuple[int, str]:
        done = subprocess.run(words, cwd=home, env=own, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def commit(text: str) -> None:
        call("git", "add", "-A")
        assert call("git", "commit", "-qm", text)[0] == 0

    call("git", "init", "-q")
    commit("the project")
    path = home / "repro" / "run" / "execution.py"
    honest = path.read_text()
    line = "    measurements = built.measure(_progress)\n"
    assert line in honest
    path.write_text(
        honest.replace(
            line, line + "    for one in measurements:\n        one.values[:] = [v / 2 for v in one.values]\n"
        )
    )
    commit("faster")
    assert call(sys.executable, "-m", "repro", "run", "papers/template/configs/smoke.gin")[0] == 0
    commit("records")
    path.write_text(honest)
    commit("as before")
    kept = "papers/template/records/smoke-seed0.json"
    assert json.loads((home / kept).read_text())["source"]["dirty"] is False
    code, said = call(sys.executable, "-m", "repro", "replay", kept)
    assert code == 1 and "DIFFERS" in said, said
    assert call(sys.executable, "-m", "repro", "replay", kept, "--commit")[0] == 0, "by its own commit it agrees"
    script = "from repro import record; from repro.claim import paper; "
    script += "print([one.stale for one in record.of_paper(paper.folders()['template'])])"
    assert "another core" in call(sys.executable, "-c", script)[1]
