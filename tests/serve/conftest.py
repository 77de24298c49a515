"""What the tests of the service share: a run on digits whose record is valid. It is trained once for all tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import gin
import pytest

from repro import cli
from tests.conftest import CopiedPaper, _forget
from tests.labels import study

GIT = {
    f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in (("NAME", "a"), ("EMAIL", "a@b.c"))
}
CORE = "repro.record.as_committed._core_top"
"""What asks for the repository of the core, which may have changes."""


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a paper on digits, and a finished run of it."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        patch.setattr(CORE, lambda top: None)
        for name, value in {**GIT, "GIT_CONFIG_GLOBAL": os.devnull}.items():
            patch.setenv(name, value)
        paper = CopiedPaper(folder / "papers" / "served")
        (paper.folder / "configs").mkdir(parents=True)
        path = study.digits(paper)
        Path(".gitignore").write_text("runs/\n__pycache__/\n")
        for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "a paper")):
            subprocess.run(["git", *words], check=True)
        assert cli.main(["run", str(path)]) == 0
    gin.clear_config()
    _forget("papers.served")
    return folder


@pytest.fixture
def ran(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: Callable[[str], None]
) -> Iterator[Path]:
    """The config of the run, in a copy of the project that is the working directory."""
    folder = shutil.copytree(project, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(CORE, lambda top: None)
    for name, value in {**GIT, "GIT_CONFIG_GLOBAL": os.devnull}.items():
        monkeypatch.setenv(name, value)
    without("papers.served")
    yield Path("papers/served/configs/digits.gin")
    gin.clear_config()
