"""`school`: a course in a working directory of its own, as the page of the guide describes it, with its papers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import papers
from repro.claim.paper import WRITTEN

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide" / "course.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", GUIDE, re.DOTALL)
COURSE, PRESENTATION = (text for kind, text in BLOCKS if kind == "toml")
PAPERS = ("my_paper", "other_paper", "third_paper")


class School:
    """A course; what a test needs to change it."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "docs" / "course"
        self.material = self.folder / "material"

    def toml(self, text: str) -> None:
        (self.folder / "course.toml").write_text(text, encoding="utf-8")

    def review(self, paper: str, name: str, *points: str) -> Path:
        """A review of `paper`: the file `name`.md with these lines under a heading in line 3."""
        path = self.root / "papers" / paper / "reviews" / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["# Review", "", "## What must change", "", *points]), encoding="utf-8")
        return path

    def replay(self, paper: str, name: str, text: str) -> Path:
        path = self.root / "papers" / paper / WRITTEN / "replays" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    template = next(path for path in (Path(root) / "template" for root in papers.__path__) if path.is_dir())
    for name in PAPERS:
        folder = tmp_path / "papers" / name
        shutil.copytree(template, folder, ignore=shutil.ignore_patterns(WRITTEN, "__pycache__"))
        (folder / WRITTEN).mkdir()
    one = School(tmp_path)
    one.material.mkdir(parents=True)
    one.toml(COURSE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return one
