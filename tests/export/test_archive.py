"""`repro export --as zip`: the archive is the same twice, its manifest is right, and it works in an empty folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def unpacked(repro: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive of papers/template in an empty folder; its top folder."""
    monkeypatch.chdir(ROOT)
    made = []
    for name in ("one", "two"):
        code, out, err = repro("export", "template", "--as", "zip", "--to", tmp_path / name)
        assert code == 0, err
        made.append(Path(out.strip()))
    assert made[0].read_bytes() == made[1].read_bytes()
    folder = tmp_path / "empty"
    zipfile.ZipFile(made[0]).extractall(folder)
    (top,) = folder.iterdir()
    return top


def test_the_archive_judges_its_paper_alone(unpacked: Path, repro: Any) -> None:
    rows = [line.split("  ", 1) for line in (unpacked / "MANIFEST.sha256").read_text().splitlines()]
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert {name for _, name in rows} == files - {"MANIFEST.sha256"}
    for digest, name in rows:
        assert hashlib.sha256((unpacked / name).read_bytes()).hexdigest() == digest, name
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--quiet", "MANIFEST.sha256"], cwd=unpacked, check=True)
    here = outcomes(repro("verdict", "template", "--json")[1])
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    asked = [sys.executable, "-m", "repro", "verdict", "template", "--json"]
    done = subprocess.run(asked, cwd=unpacked, env=env, capture_output=True, text=True, check=True)
    assert outcomes(done.stdout) == here and len(here) == 3
    asked = [sys.executable, "-c", "import repro, papers; print(repro.__file__, *papers.__path__)"]
    done = subprocess.run(asked, cwd=unpacked, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{unpacked}{os.sep}")


def outcomes(text: str) -> list[tuple[str, str]]:
    return [(row["claim"], row["outcome"]) for row in json.loads(text)["verdicts"]]


def test_it_has_what_the_readme_installs(unpacked: Path) -> None:
    text = (unpacked / "README.md").read_text()
    assert {"pyproject.toml", "constraints.txt", "LICENSE", "README.md"} <= {path.name for path in unpacked.iterdir()}
    assert "repro verdict template" in text
    assert {path.name for path in (unpacked / "papers").iterdir()} == {"template"}
    assert not [path for path in unpacked.rglob("*") if "__pycache__" in path.parts or path.name.startswith(".")]
