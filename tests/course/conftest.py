"""`school`: a course in a working directory of its own, as the page of the guide describes it, with its papers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import papers as package
from repro import record
from repro.claim import paper as papers
from repro.claim.paper import WRITTEN
from repro.report import reviews
from repro.rerun import counter_record
from tests.review.conftest import made

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

    def review(self, paper: str, group: str, *points: str, day: str = "2026-10-13") -> Path:
        """A review of `paper` by `group`, with these lines under its last heading."""
        path = self.root / "papers" / paper / reviews.FOLDER / f"{day}-{group}.md"
        path.parent.mkdir(exist_ok=True)
        values = (group, "Ada", day, "0" * 40)
        head = [f"- **{name}** {value}" for name, value in zip(reviews.ITEMS, values, strict=True)]
        lines = ["# Review", "", *head, "", *(f"## {name}" for name in reviews.SECTIONS), "", *points]
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    def replay(self, paper: str, by: str, **changed: Any) -> Path:
        """A record of `paper`, and its replay by the group `by` with these changes in its source."""
        one = papers.read(self.root / "papers" / paper)
        source: dict[str, Any] = {"commit": "0" * 40, "dirty": False}
        record.write(made(one, "line", source=source), one.folder / WRITTEN)
        source |= {"group": by, "who": "Ada"} | changed
        again = made(one, "line", source=source, finished="2026-02-02T00:00:00+00:00")
        return record.write(again, one.folder / counter_record.FOLDER / by)


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    template = next(path for path in (Path(root) / "template" for root in package.__path__) if path.is_dir())
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
