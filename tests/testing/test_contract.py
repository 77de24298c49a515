"""`repro check`: a good paper has no fault; each broken promise is a fault with its file and line."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from repro.claim import paper as papers
from repro.testing import contract, report_text
from tests.review import conftest as review

TYPED = "The error is 0.01, as the paper says.\n"


def faults(paper: Any) -> list[tuple[str, str, int]]:
    return [(one.check, one.file, one.line) for one in contract.faults(paper.folder)]


def add(path: Path, text: str) -> int:
    """Append lines to a file; the number of the first new one."""
    path.parent.mkdir(exist_ok=True)
    before = path.read_text() if path.exists() else ""
    path.write_text(before + text)
    return before.count("\n") + 1


def test_a_whole_paper_keeps_the_contract(whole: Any, repro: Any) -> None:
    assert faults(whole) == []
    code, out, _ = repro("check", whole.name)
    assert (code, out) == (0, "")


ITEM = "- We used Adam.\n"
BREAKS = [
    ("configs", "configs/new.gin", "include 'line.gin'\ntrainers.Supervised.stepz = 3\n", 1),
    ("configs", "configs/new.gin", "include 'line.gin'\nexperiment.loss = @losses.MeanSquar()\n", 1),
    ("configs", "configs/new.gin", "include 'line.gin'\ntrainers.Supervised.steps = %STEPZ\n", 1),
    ("configs", "configs/new.gin", "import papers.template.modell\ninclude 'line.gin'\n", 0),
    ("configs", "configs/new.gin", "include 'lines.gin'\n", 0),
    ("numbers", "report.md", TYPED, 0),
    ("departures", "report.md", f"## Departures of ours\n\n{ITEM}", 2),
    ("departures", "report.md", "## Departures of ours\n\n| the paper | here |\n|---|---|\n| a | b |\n", 2),
    ("departures", "report.md", "## Departures of ours\n\n| here | why |\n|---|---|\n| a | |\n", 4),
    ("tips", "tips.md", "## It hangs\n\n- **Symptom** a\n- **Cause** b\n- **Fix** c\n- **Test** later\n", 0),
    ("tips", "tips.md", "## It hangs\n\nand hangs\n", 0),
    ("tests", "tests/test_new.py", "def test_nothing() -> None:\n    print(1)\n", 0),
    ("tests", "tests/test_new.py", "def test_nothing() -> None:\n    assert True\n", 0),
    ("files", "notes.md", "\nsee /home/someone/data/x.wav\n", 1),
    ("data", "data.toml", "[mine]\ntitle = 'x'\n", 0),
]


@pytest.mark.parametrize(("check", "file", "text", "offset"), BREAKS)
def test_a_broken_promise_is_a_fault_with_its_place(whole: Any, check: str, file: str, text: str, offset: int) -> None:
    if text.startswith("## Departures"):  # the first section about departures counts
        others = [*report_text.SECTIONS.values()][1:]
        (whole.folder / "report.md").write_text("".join(f"## {name}\n\n" for name in others))
    line = add(whole.folder / file, text) + offset
    assert faults(whole) == [(check, f"papers/{whole.name}/{file}", line)]


@pytest.mark.parametrize("text", [
    "The error is {stated}`fit.error`.\n", "It has 500 points.\n", "`0.01` is code.\n", "```\n0.01\n```\n",
    "Version 10.01 and 0.013.\n", "See Section 0.01.\n", "See Tables 0.02 and 0.01.\n",
])  # fmt: skip
def test_a_role_or_another_number_is_no_fault(whole: Any, text: str) -> None:
    add(whole.folder / "report.md", f"\n{text}")
    assert faults(whole) == []


ROLES = {
    "{claim}`fit.eror`": 1, "{verdict}`template/fit.eror`": 1, "{stated}`templat/fit.error`": 1, "{causes}`x`": 1,
    "a {recod}`line-seed0:test:SquaredError`": 1, "{stated}`fit.error`": 0, "{stated}`template/fit.error`": 0,
    "``{claim}`fit.eror` ``": 0, "`{causes}` `x`": 0, "```\n{causes}`x`\n```": 0, "{sub}`2` and {math}`x`": 0,
}  # fmt: skip


@pytest.mark.parametrize("name", ["report.md", "tips.md"])
@pytest.mark.parametrize("text", ROLES)
def test_an_unknown_role_or_claim_is_a_fault(whole: Any, name: str, text: str) -> None:
    line = add(whole.folder / name, f"\n{text}.\n") + 1
    assert faults(whole) == [("roles", f"papers/{whole.name}/{name}", line)] * ROLES[text]


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_an_empty_smoke_config_is_a_fault(whole: Any, text: str) -> None:
    (whole.folder / "configs" / "smoke.gin").write_text(text)
    assert ("configs", f"papers/{whole.name}/configs/smoke.gin", 1) in faults(whole)


@pytest.mark.parametrize("name", ["report.md", "tips.md"])
@pytest.mark.parametrize("kind", ["UTF-16", "folder", "pipe"])
def test_a_text_that_cannot_be_read_is_a_fault(whole: Any, name: str, kind: str) -> None:
    path = whole.folder / name
    path.unlink()
    if kind == "UTF-16":
        path.write_text("# Tips\n", encoding="utf-16")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    found = list(contract.faults(whole.folder))
    assert found and {fault.file for fault in found} == {f"papers/{whole.name}/{name}"}


@pytest.mark.parametrize("name", ["report.md", "tips.md", "configs/line.gin", "paper.toml"])
def test_a_violation_is_reported_by_one_check(whole: Any, name: str) -> None:
    path = whole.folder / name
    path.write_bytes(path.read_bytes() + b"caf\xe9\n")
    found = [(one.line, one.says) for one in contract.faults(whole.folder) if one.file.endswith(name)]
    assert len(found) == len(set(found)) == 1


@pytest.mark.parametrize("name", ["records/line-seed0.json", "records/verdicts.json"])
def test_a_folder_in_the_place_of_a_record_does_not_hide_other_faults(whole: Any, repro: Any, name: str) -> None:
    (whole.folder / name).unlink(missing_ok=True)
    (whole.folder / name).mkdir()
    line = add(whole.folder / "report.md", TYPED)
    rows = faults(whole)
    assert ("numbers", f"papers/{whole.name}/report.md", line) in rows
    assert ("records", f"papers/{whole.name}/{name}", 0) in rows
    assert repro("check", whole.name)[0] == 1


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_a_config_of_a_claim_sets_something(whole: Any, text: str) -> None:
    (whole.folder / "configs" / "line.gin").write_text(text)
    assert ("configs", f"papers/{whole.name}/configs/line.gin", 1) in faults(whole)
    add(whole.folder / "configs/unused.gin", text)
    assert f"papers/{whole.name}/configs/unused.gin" not in [file for _, file, _ in faults(whole)]


def test_a_paper_with_a_record_has_a_tip(whole: Any) -> None:
    (whole.folder / "tips.md").write_text("# Tips\n")
    assert faults(whole) == []
    made = review.made(papers.read(whole.folder), "smoke", source={"commit": "0" * 40, "dirty": False})
    contract.record.write(made, whole.records)
    assert ("tips", f"papers/{whole.name}/tips.md", 1) in faults(whole)


@pytest.mark.parametrize("key", ["outcome", "text_read", "tuned_on"])
def test_what_the_verdicts_depend_on_is_said(whole: Any, key: str) -> None:
    """As soon as there is a record: a new paper is without a fault."""
    path = whole.folder / "paper.toml"
    text, pattern = path.read_text(), rf'^{key} = ("""(?s:.*?)"""|".*")\n'
    for now, line in ((f'{key} = ""\n', text[: text.index(f"\n{key} =")].count("\n") + 2), ("", 3)):
        path.write_text(re.sub(pattern, now, text, flags=re.MULTILINE))
        shutil.rmtree(whole.records, ignore_errors=True)
        assert faults(whole) == []
        made = review.made(papers.read(whole.folder), "smoke", source={"commit": "0" * 40, "dirty": False})
        contract.record.write(made, whole.records)
        assert ("basis", f"papers/{whole.name}/paper.toml", line) in faults(whole)


def test_a_paper_has_authors(whole: Any) -> None:
    path = whole.folder / "paper.toml"
    path.write_text(text := re.sub(r"(?m)^authors = .*$", "authors = []", path.read_text()))
    assert faults(whole) == [
        ("basis", f"papers/{whole.name}/paper.toml", text[: text.index("authors =")].count("\n") + 1)
    ]


def test_the_outcome_names_claims_of_the_paper(whole: Any) -> None:
    path = whole.folder / "paper.toml"
    path.write_text(text := path.read_text().replace("{claim}`fit.error`", "{claim}`fit.eror`"))
    line = text[: text.index("\noutcome =")].count("\n") + 2
    assert faults(whole) == [("basis", f"papers/{whole.name}/paper.toml", line)]


@pytest.mark.parametrize("heading", [*report_text.SECTIONS.values()])
def test_a_section_that_is_missing_is_a_fault(whole: Any, heading: str) -> None:
    report = whole.folder / "report.md"
    report.write_text(report.read_text().replace(heading, "Other things"))
    assert [check for check, _, _ in faults(whole)] == ["report"]


def test_a_measured_number_is_not_typed(whole: Any, repro: Any) -> None:
    assert repro("run", f"{whole.name}/smoke")[0] == 0
    (found,) = json.loads((whole.records / "smoke-seed0.json").read_text())["measurements"]
    mean = contract.record.read(whole.records / "smoke-seed0.json").measurements[0].mean
    assert found["metric"] == "SquaredError" and faults_without_git(whole) == []
    line = add(whole.folder / "report.md", f"\nAfter two steps it is {mean:.4f}.\n") + 1
    assert faults_without_git(whole) == [("numbers", f"papers/{whole.name}/report.md", line)]


def faults_without_git(paper: Any) -> list[tuple[str, str, int]]:
    """The faults except that a record was made from uncommitted code."""
    return [row for row in faults(paper) if row[0] != "records"]


def test_a_paper_with_records_has_one_of_its_smoke_config(whole: Any, repro: Any) -> None:
    assert repro("run", f"{whole.name}/ten_steps")[0] == 0
    assert ("smoke", f"papers/{whole.name}/configs/smoke.gin", 1) in faults(whole)
    (whole.folder / "configs" / "smoke.gin").unlink()
    assert "smoke" in [check for check, _, _ in faults(whole)]


def test_large_files_and_pickles_are_faults(whole: Any) -> None:
    import pickle

    (whole.folder / "weights.bin").write_bytes(pickle.dumps({"a": 1}))
    (whole.folder / "table.csv").write_bytes(b"1," * 600_000)
    names = [Path(file).name for check, file, _ in faults(whole) if check == "files"]
    assert sorted(names) == ["table.csv", "weights.bin"]


def test_the_paper_s_own_checks_are_called(whole: Any) -> None:
    (whole.folder / "tests" / "test_paper.py").unlink()
    assert [check for check, _, _ in faults(whole)] == ["tests", "tests"]


def test_a_tolerance_that_changed_after_the_record_is_a_fault(whole: Any, git: Any, repro: Any) -> None:
    assert repro("run", f"{whole.name}/smoke")[0] == 0 and repro("run", f"{whole.name}/line")[0] == 0
    git("add", "-A"), git("commit", "-qm", "records")
    assert faults(whole) == []
    toml = whole.folder / "paper.toml"
    toml.write_text(toml.read_text().replace("tolerance = 0.002", "tolerance = 0.02", 1))
    assert [check for check, _, _ in faults(whole)] == ["tolerances"]
    assert repro("verdict", whole.name, "--write")[0] == 0
    assert faults(whole) == [], "the mark in verdicts.json is for the reviewer"


def test_the_command_prints_what_the_function_finds(whole: Any, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    line = add(whole.folder / "report.md", TYPED)
    code, out, _ = repro("check", whole.name, "--json")
    (row,) = json.loads(out)
    assert code == 1 and (row["paper"], row["check"], row["line"]) == (whole.name, "numbers", line)
    code, out, _ = repro("check", whole.name)
    assert code == 1 and out.startswith(f"{row['file']}:{line}: ") and out.count("\n") == 1
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    code, out, _ = repro("check", whole.name)
    assert code == 1 and re.fullmatch(rf"::error file={row['file']},line={line},title=[\w ]+::.+\n", out)


def test_a_broken_paper_is_a_fault_and_does_not_hide_the_others(
    whole: Any, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among three papers, of which another has a fault: to check all of this repository takes seconds."""
    folders = papers.folders()
    other = Path("papers/zother")
    shutil.copytree(whole.folder, other)
    (other / "report.md").unlink()
    few = {whole.name: whole.folder, "template": folders["template"], "zother": other.resolve()}
    monkeypatch.setattr(papers, "folders", lambda: few)
    whole.toml("[paper]\ntitle = 1\n")
    code, out, err = repro("check", "--json")
    rows = [(row["check"], row["paper"], row["line"]) for row in json.loads(out) if row["paper"] == whole.name]
    assert code == 1 and rows == [("claims", whole.name, 2)]
    assert "in 3 papers" in err and {row["paper"] for row in json.loads(out)} >= {whole.name, "zother"}


def test_a_test_that_imports_a_deleted_part_is_a_fault(whole: Any) -> None:
    """A module that exists and one of `repro` are not."""
    here = f"papers.{whole.name}"
    lines = ("import repro.no", f"import {here}.gone", f"from {here}.losss import A", f"from {here}.loss import B")
    add(whole.folder / "tests/test_new.py", "".join(f"{line}\n" for line in (*lines, f"import {here}.tests")))
    found = [one for one in contract.faults(whole.folder) if one.check == "tests"]
    assert [(one.line, "loss'" in one.says) for one in found] == [(2, False), (3, True)]


def test_papers_that_are_installed_with_repro_are_of_another_project(
    whole: Any, repro: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a repository of one paper, all papers are those of the repository; of an archive, those next to `repro`."""
    installed = tmp_path / "site-packages"
    few = {whole.name: whole.folder, "theirs": installed / "papers" / "theirs"}
    monkeypatch.setattr(papers, "HOME", installed / "repro")
    monkeypatch.setattr(papers, "folders", lambda: few)
    assert repro("check")[2].endswith("in 1 paper\n")
    few = {whole.name: whole.folder}
    monkeypatch.setattr(papers, "HOME", whole.folder.parents[1] / "repro")
    assert repro("check")[2].endswith("in 1 paper\n")


def test_an_unknown_paper_offers_the_nearest(refused: Any) -> None:
    assert "did you mean 'template'" in refused("check", "templat")
