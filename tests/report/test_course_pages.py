"""The calendar and the pages of the presentations, as Sphinx builds them from a course."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from repro.course import course_toml, site

EVIL = "<script>alert(1)</script>"
COURSE = f"""
[course]
title = "Papers {EVIL} & *stars*"
weeks = [2026-10-13, 2026-10-20]

[[group]]
id = "waves"
paper = "tiny"
people = ["Ada | {EVIL}"]

[[group]]
id = "digits"
paper = "other"
people = ["Tom"]
"""
TALK = f"""
[[presentation]]
week = 1
what = "paper"
group = "waves"
title = "A [title] {EVIL}"
slides = "slides.md"
notebook = "book.ipynb"
questions = "questions.md"
links = ["https://example.org/a?b=1&c=(2)"]
"""
SLIDES = """# Slides

The network is small.

![A picture](plot.png) and [the web](https://example.org).
"""
HOSTILE = f"""# Slides

{EVIL}

{{download}}`../../../secret.txt`

![x](../../../secret.png)

```{{include}} ../../../secret.txt
```
"""


@pytest.fixture
def school(fresh: Path) -> Path:
    """A site with two papers and a course; the folder of the course."""
    other = fresh.parent / "other"
    shutil.copytree(fresh, other, ignore=shutil.ignore_patterns("records"))
    toml = other / "paper.toml"
    toml.write_text(re.sub(r"(?m)^outcome = .*\n", "", toml.read_text()))  # it has a number that no run measured
    (other / "report.md").write_text("# Report\n\nNo run yet.\n")
    folder = fresh.parents[1] / "docs" / "course"
    (folder / "material").mkdir(parents=True)
    (folder / "course.toml").write_text(COURSE + TALK)
    (folder / "index.md").write_text(
        "---\norphan: true\n---\n# Course\n\n```{toctree}\n:glob:\n\ncalendar\npresentations/*\n```\n"
    )
    texts = {"slides.md": SLIDES, "questions.md": "**Why?** Because.\n", "book.ipynb": json.dumps({"cells": []})}
    for name, text in texts.items():
        (folder / "material" / name).write_text(text)
    (folder / "material" / "plot.png").write_bytes(b"picture")
    return folder


def test_pages_are_written_once_and_removed_with_their_presentation(school: Path) -> None:
    site.write(course_toml.read(school))
    page, calendar = school / "presentations" / "week-01-paper.md", school / "calendar.md"
    before = page.stat().st_mtime_ns, calendar.stat().st_mtime_ns
    site.write(course_toml.read(school))
    assert (page.stat().st_mtime_ns, calendar.stat().st_mtime_ns) == before
    (school / "course.toml").write_text(COURSE)
    assert site.write(course_toml.read(school)) == [page]
    assert not page.exists() and "presentations/week-01" not in calendar.read_text()


@pytest.mark.slow
def test_a_course_without_presentations_and_papers_has_a_site(school: Path, build: Any) -> None:
    """A warning is an error: of the pattern `presentations/*`, and of the link to the paper."""
    (school / "course.toml").write_text(COURSE.replace('"other"', '"later"'))
    said = build(school.parents[1], "-D", "repro_papers=tiny,other")
    assert said == (0, ""), said


@pytest.mark.slow
def test_the_site_has_the_calendar_and_the_files_of_a_presentation(school: Path, build: Any, inert: Any) -> None:
    root = school.parents[1]
    said = build(root, "-D", "repro_papers=tiny,other")
    assert said == (0, ""), said
    page, calendar = (inert(root, f"course/{name}") for name in ("presentations/week-01-paper", "calendar"))
    assert all(text in page.text for text in ("The network is small.", "Because.", "2026-10-13", "waves", EVIL))
    assert {"https://example.org/a?b=1&c=(2)", "https://example.org"} <= set(page.values("href", "a"))
    (picture,) = [source for source in page.values("src", "img") if "plot" in source]
    assert (root / "html" / "course" / "presentations" / picture).read_bytes() == b"picture"
    assert {name.rpartition("/")[2] for name in page.values("href", "a") if "_downloads" in name} == {
        "slides.md",
        "book.ipynb",
    }
    assert "presentations/week-01-paper.html" in calendar.values("href", "a") and "Ada | " in calendar.text
    shown = root / "html" / "course" / "presentations" / "week-01-paper.html"
    assert shown.is_file()
    (school / "course.toml").write_text(COURSE)
    build(root, "-D", "repro_papers=tiny,other")
    assert not shown.exists()


@pytest.mark.slow
def test_a_pdf_next_to_the_slides_is_shown_in_the_page(school: Path, build: Any, elements: Any) -> None:
    root = school.parents[1]
    (school / "material" / "slides.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    assert build(root, "-D", "repro_papers=tiny,other") == (0, "")
    home = root / "html" / "course" / "presentations"
    page = elements((home / "week-01-paper.html").read_text())
    (shown,) = page.values("data", "object")
    linked = [name for name in page.values("href", "a") if name.endswith("slides.pdf")]
    assert {(home / name).read_bytes() for name in [shown, *linked]} == {b"%PDF-1.4\n%%EOF\n"} and len(linked) == 2


@pytest.mark.slow
def test_the_text_of_a_group_is_inert(school: Path, build: Any, inert: Any) -> None:
    root = school.parents[1]
    (root / "secret.txt").write_text("TOPSECRET")
    (root / "secret.png").write_bytes(b"TOPSECRET")
    (school / "material" / "slides.md").write_text(HOSTILE)
    code, said = build(root, "-D", "repro_papers=tiny,other")
    assert code == 1 and all(f"slides.md:{line}: " in said for line in (3, 5, 7, 9)), said
    inert(root, "course/presentations/week-01-paper")
    shown = [path for path in (root / "html").rglob("*") if path.is_file() and b"TOPSECRET" in path.read_bytes()]
    assert not shown


@pytest.mark.slow
def test_a_wrong_course_stops_the_build_with_one_line(school: Path, build: Any, capfd: Any) -> None:
    (school / "material" / "slides.md").unlink()
    code, said = build(school.parents[1])
    assert code == 3 and [line for line in said.splitlines() if "course.toml:" in line and "slides.md" in line]
