"""The files in `.github`: valid by GitHub's own schemas, safe by zizmor, and in agreement with the papers."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from repro.claim import paper
from repro.cli import standalone
from repro.errors import BadInput
from repro.report import tips

FOLDER = Path(__file__).parents[1] / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (FOLDER / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "vendor.github-issue-forms": FORMS,
    "vendor.github-issue-config": [FOLDER / "ISSUE_TEMPLATE" / "config.yml"],
}


def tool(name: str) -> str:
    """The path of a command of the extra `dev`, next to this Python or in PATH. The test is skipped without it."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: pip install -e '.[dev]'")
    return found


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workflow of a new repository of its own."""
    monkeypatch.chdir(tmp_path)
    standalone.new("alone", "statistics")
    return tmp_path / "alone" / ".github" / "workflows" / "ci.yml"


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_file_is_valid_by_its_schema(schema: str, generated: Path) -> None:
    files = [*SCHEMAS[schema], *([generated] if schema.endswith("workflows") else [])]
    assert files
    command = [tool("check-jsonschema"), "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing(generated: Path, tmp_path: Path) -> None:
    """It does find a planted fault, so it reads the files."""
    command = [tool("zizmor"), "-q", "--offline"]
    done = subprocess.run([*command, *map(str, WORKFLOWS), str(generated)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    bad = tmp_path / "bad.yml"
    bad.write_text(generated.read_text().replace("run: pytest", "run: echo ${{ github.event.pull_request.title }}"))
    assert subprocess.run([*command, str(bad)], capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_for_something_and_each_field_has_a_name_of_its_own(path: Path) -> None:
    fields = yaml.safe_load(path.read_text())["body"]
    names = [field["id"] for field in fields]
    assert len(set(names)) == len(names)
    assert [field for field in fields if field.get("validations", {}).get("required")]


def test_there_is_a_form_for_each_kind_of_issue() -> None:
    assert {path.stem for path in FORMS} == {"new_paper", "failed_reproduction", "tip", "claim_correction"}


def test_the_form_of_a_tip_has_the_items_of_a_tip() -> None:
    fields = yaml.safe_load((FOLDER / "ISSUE_TEMPLATE" / "tip.yml").read_text())["body"]
    needed = [field["id"].capitalize() for field in fields if field.get("validations", {}).get("required")]
    assert needed == tips.ITEMS
    assert [field["id"].capitalize() for field in fields if field["id"].capitalize() not in needed] == [tips.OPTIONAL]


def codeowners() -> Any:
    spec = importlib.util.spec_from_file_location("codeowners", FOLDER / "codeowners.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_owners_are_the_groups_of_the_papers() -> None:
    """If this fails after a change of a group: `make owners`."""
    text = (FOLDER / "CODEOWNERS").read_text(encoding="utf-8")
    assert codeowners().text(text) == text


@pytest.mark.parametrize(
    ("group", "owners"),
    [
        ("Group A", "@org/group-a"),
        ("A (@ann, @org/b-2)", "@ann @org/b-2"),
        ("", "@org/core"),
        ("Übung 3", "@org/bung-3"),
    ],
)
def test_the_owners_of_a_group(group: str, owners: str) -> None:
    assert codeowners().owners(replace(paper.find("template"), group=group), "org") == owners


@pytest.mark.parametrize(
    "error",
    [
        BadInput("unknown key 'titel'", "papers/my_paper/paper.toml:2", given="titel", known=["title"]),
        BadInput("no metric", "papers/my_paper/configs/a.gin:12"),
    ],
)
@pytest.mark.parametrize("before", ["", "repro: ", "E   AssertionError: ", "E     "])
def test_a_fault_becomes_an_annotation(error: BadInput, before: str) -> None:
    pattern = json.loads((FOLDER / "matcher.json").read_text())["problemMatcher"][0]["pattern"][0]
    hit = re.search(pattern["regexp"], f"{before}{error}")
    assert hit and f"{hit[pattern['file']]}:{hit[pattern['line']]}" == error.where
    assert hit[pattern["message"]].startswith(error.what)


def test_other_lines_are_no_annotation() -> None:
    pattern = json.loads((FOLDER / "matcher.json").read_text())["problemMatcher"][0]["pattern"][0]
    for line in (
        "12 passed in 3.2 s",
        "papers/my_paper/records/a-seed0.json: agrees",
        "see https://a.org/papers/x:80: y",
    ):
        assert not re.search(pattern["regexp"], line)


def test_the_workflow_does_what_a_pull_request_needs() -> None:
    jobs = yaml.safe_load((FOLDER / "workflows" / "ci.yml").read_text())["jobs"]
    runs = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    assert any("repro check" in run for run in runs) and any("repro smoke" in run for run in runs)
    uploads = [step["with"]["path"] for step in jobs["site"]["steps"] if "upload-artifact" in step.get("uses", "")]
    assert uploads == ["docs/_build/html"]
