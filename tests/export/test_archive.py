"""`repro export --as zip`: the archive is the same twice, its manifest is right, and it works in an empty folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from repro.errors import BadInput
from repro.export import project
from tests.cli.test_standalone import installed as installed

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
    assert "python -m repro verdict template" in text and "-e ." in text
    assert {path.name for path in (unpacked / "papers").iterdir()} == {"template"}
    assert not [path for path in unpacked.rglob("*") if "__pycache__" in path.parts or path.name.startswith(".")]


def test_an_installed_repro_has_what_an_archive_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a checkout, the versions are those of the installed libraries, as PyPI names them."""
    monkeypatch.setattr(project, "HOME", tmp_path / "repro")
    monkeypatch.setattr(metadata, "version", lambda name: {"torch": "2.9.0+cpu"}.get(name, "1.2"))
    found = project.files()
    lines = found["constraints.txt"].decode().splitlines()
    assert {"torch==2.9.0", "numpy==1.2"} <= set(lines) and lines[0].startswith("repro-papers==")
    assert not [line for line in lines if line.startswith(("sphinx", "pytest"))], "extras are not needed"
    monkeypatch.setattr(project, "NAME", "no-such-distribution")
    with pytest.raises(BadInput, match="expected a checkout of repro, or: pip install no-such-distribution"):
        project.files()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("made_by", ["checkout", "wheel"])
def test_the_archive_runs_with_an_installed_repro(
    unpacked: Path, here: Path, installed: Callable[..., subprocess.CompletedProcess[str]], made_by: str
) -> None:
    """The wheel gives the libraries, the archive the code. Nothing is downloaded."""
    top = str(unpacked)
    if made_by == "wheel":
        done = installed(".", "-m", "repro", "export", "template", "--as", "zip", "--to", "again")
        assert done.returncode == 0, done.stderr
        zipfile.ZipFile(here / "again/template.zip").extractall(here / "again")
        top = str(here / "again/template-report")
        assert not Path(top, "pyproject.toml").exists()
        assert "pip install -c constraints.txt repro-papers" in Path(top, "README.md").read_text()
    where = installed(top, "-c", "import repro; print(repro.__file__)").stdout
    assert where.startswith(top), "the code of the archive"
    for command in ("smoke", "verdict"):
        done = installed(top, "-m", "repro", command, "template")
        assert done.returncode == 0, (done.stdout, done.stderr)
    (made,) = Path(top).glob("runs/template/smoke/*/smoke-seed0.json")
    done = installed(top, "-m", "repro", "diff", "papers/template/records/smoke-seed0.json", str(made))
    assert done.returncode in (0, 1), done.stderr
