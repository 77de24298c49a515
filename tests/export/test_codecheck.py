"""`codecheck.yml` has the keys of the CODECHECK specification 1.0, and its codecheckers have run records again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.export import home
from repro.rerun import counter_record

yaml = pytest.importorskip("yaml")

MANDATORY = {"manifest": list, "codechecker": list, "report": str}
RECOMMENDED = {"version": str, "paper": dict}
OPTIONAL = {"source": str, "summary": str, "repository": str, "check_time": str, "certificate": str}


def content(measured: Any, repro: Any, folder: str = "out") -> dict[str, Any]:
    code, out, err = repro("export", measured.name, "--as", "codecheck", "--to", folder)
    assert (code, out.strip()) == (0, f"{folder}/codecheck.yml"), err
    found: dict[str, Any] = yaml.safe_load(Path(out.strip()).read_text())
    return found


def test_a_file_that_is_not_committed_is_named(measured: Any, repro: Any) -> None:
    assert repro("export", measured.name, "--as", "codecheck")[2] == ""
    (measured.folder / "model.py").write_text((measured.folder / "model.py").read_text() + "\n# a comment\n")
    code, out, err = repro("export", measured.name, "--as", "codecheck")
    assert code == 0 and out and f"papers/{measured.name}/model.py" in err and err.count("\n") == 1


def test_the_keys_are_those_of_the_specification(measured: Any, repro: Any) -> None:
    found = content(measured, repro)
    assert set(found) >= {*MANDATORY, *RECOMMENDED}
    assert not set(found) - {*MANDATORY, *RECOMMENDED, *OPTIONAL}
    for key, kind in (MANDATORY | RECOMMENDED | OPTIONAL).items():
        assert key not in found or isinstance(found[key], kind), key
    assert set(found["paper"]) == {"title", "authors", "reference"}
    assert all(author["name"] for author in found["paper"]["authors"])
    assert found["version"] == "https://codecheck.org.uk/spec/config/1.0/"


def test_the_manifest_names_every_record(measured: Any, repro: Any) -> None:
    rows = content(measured, repro)["manifest"]
    assert all(Path(row["file"]).is_file() and row["comment"] for row in rows)
    named = {Path(row["file"]).name for row in rows}
    assert named == {path.name for path in measured.records.glob("*.json")}
    comment = next(row["comment"] for row in rows if row["file"].endswith("mean-seed0.json"))
    assert "fit.beats-mean" in comment and "fit.ten-steps" not in comment


def test_a_codechecker_is_who_has_run_a_record_again(measured: Any, repro: Any) -> None:
    before = content(measured, repro)
    assert before["codechecker"] == [] and "check_time" not in before
    folder = measured.folder / counter_record.FOLDER / "group-2"
    found = record.read(measured.records / "line-seed0.json")
    source = {**found.source, "group": "Group 2", "who": "Ada Reviewer"}
    record.write(replace(found, source=source, finished="2026-02-03T04:05:06+00:00", cost={"seconds": 9.0}), folder)
    after = content(measured, repro, "again")
    assert [row["name"] for row in after["codechecker"]] == ["Ada Reviewer (Group 2)"]
    assert after["check_time"] == "2026-02-03 04:05:06"


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://host.org/group/repro.git", "https://host.org/group/repro"),
        ("https://me:secret@host.org/group/repro", "https://host.org/group/repro"),
        ("git@host.org:group/repro.git", "https://host.org/group/repro"),
        ("ssh://git@host.org:2222/group/repro", "https://host.org/group/repro"),
        ("/srv/repro", ""),
        ("file:///srv/repro", ""),
        ("", ""),
    ],
)
def test_the_address_has_no_password_and_no_folder(remote: str, address: str) -> None:
    assert home.address(remote) == address
