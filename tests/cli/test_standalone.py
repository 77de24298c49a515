"""`repro new --standalone`: a paper in a repository of its own, on an installed repro."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from repro.cli import new_paper, standalone
from repro.errors import BadInput
from tests.hostile.test_workflows import faults

ROOT = Path(__file__).parents[2]
COMMAND = "import sys; sys.path.pop(0); from repro.cli import main; sys.exit(main())"
"""The installed command `repro`, which does not have the working directory on its path."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_repository_has_a_paper_ci_and_a_site(here: Path) -> None:
    standalone.new("alone", "statistics")
    assert (here / "alone/papers/alone/paper.toml").is_file()
    assert {"requirements.txt", "pyproject.toml", "README.md", ".gitignore", ".github", "docs", "papers"} == {
        path.name for path in (here / "alone").iterdir()
    }
    workflow = (here / "alone/.github/workflows/ci.yml").read_text()
    assert faults(yaml.safe_load(workflow)) == [] and "papers/alone/configs/smoke.gin" in workflow
    assert tomllib.loads((here / "alone/pyproject.toml").read_text())["tool"]["pytest"]
    texts = {path: path.read_text() for path in (here / "alone").rglob("*") if path.is_file()}
    assert [path for path, text in texts.items() if "NAME" in text.split() or "kinds" in text] == []


@pytest.mark.parametrize("name", ["template", "class", "Bad", "../up"])
def test_a_bad_name_is_refused(here: Path, name: str) -> None:
    with pytest.raises(BadInput):
        standalone.new(name)
    assert list(here.iterdir()) == []


def test_what_is_there_is_not_replaced(here: Path) -> None:
    (here / "alone").mkdir()
    (here / "alone" / "notes").write_text("mine")
    with pytest.raises(BadInput, match="'alone'"):
        standalone.new("alone")
    assert [path.name for path in (here / "alone").iterdir()] == ["notes"]


@pytest.mark.parametrize("failing", ["_rename", "_cite"])
def test_what_fails_half_way_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(new_paper, failing, fail)
    with pytest.raises(KeyboardInterrupt):
        standalone.new("alone")
    assert list(here.iterdir()) == []


@pytest.fixture
def installed(here: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python with what the wheel contains and the libraries, but without this checkout."""
    source = here / "source"
    for name in ("repro", "papers"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        "wheels",
        "./source",
    ]
    subprocess.run(build, check=True, capture_output=True)
    zipfile.ZipFile(next(here.glob("wheels/*.whl"))).extractall("site")
    shutil.rmtree(source)

    def call(folder: str, *words: str, others: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(str(here / name) for name in ("site", *others))
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(
            [sys.executable, *words], cwd=here / folder, env=environment, capture_output=True, text=True, check=False
        )

    return call


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_repositories_on_one_site(here: Path, installed: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    for name in ("alpha_paper", "beta_paper"):
        done = installed(".", "-c", COMMAND, "new", name, "--standalone", "--kind", "statistics")
        assert done.returncode == 0, done.stderr
    where = installed("alpha_paper", "-c", "import repro; print(repro.__file__)").stdout
    assert where.startswith(str(here / "site")), "the wheel is imported, and not this checkout"
    done = installed("alpha_paper", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout
    smoke = installed("alpha_paper", "-c", COMMAND, "run", "papers/alpha_paper/configs/smoke.gin")
    assert smoke.returncode == 0, smoke.stderr
    smokes = installed("alpha_paper", "-c", COMMAND, "smoke")
    assert smokes.returncode == 0 and smokes.stderr.count("/configs/smoke.gin, seed") == 1, "the wheel has papers too"
    for option in ("--write", "--check"):
        done = installed("alpha_paper", "-c", COMMAND, "verdict", "alpha_paper", option)
        assert done.returncode == 0, (done.stdout, done.stderr)
    report = installed("alpha_paper", "-c", COMMAND, "report", others=("beta_paper",))
    assert report.returncode == 0 and "WARNING" not in report.stderr, report.stderr
    html = here / "alpha_paper/docs/_build/html"
    assert {path.stem for path in (html / "papers").glob("*.html")} == {"alpha_paper", "beta_paper"}
    index = (html / "index.html").read_text()
    assert "papers/alpha_paper.html" in index and "papers/beta_paper.html" in index
    assert all((html / "_static" / name).is_file() for name in ("repro.css", "repro.js", "files.js", "favicon.svg"))
    for page in ("guide/verdicts.html", "guide/running.html", "guide/uncertainty.html"):
        assert (html / page).is_file(), "the pages link to it"
