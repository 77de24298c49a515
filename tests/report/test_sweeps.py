"""The section of a sweep: its numbers are those of the records, the best point is marked, and nothing is a claim."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from xml.etree import ElementTree

import pytest

from repro import config as configs
from repro import record as records
from repro.claim.sweep import Point
from repro.record import Measurement, code_digest
from repro.report import page, sweeps
from repro.report.page import Page
from tests.conftest import trusted

pytestmark = pytest.mark.xdist_group("site")
SVG = "{http://www.w3.org/2000/svg}"
SWEEP = """
[[sweep]]
id = "rates"
says = 'Which <rate> is "best"?'
config = "configs/rates.gin"
metric = "Length"
seeds = 2
[sweep.values]
rate = [0.01, 0.1, 1.0]
width = ["full", "thin <b>"]
"""
BETTER = {("0.01", "'full'"): 3.0, ("0.1", "'full'"): 5.0, ("1.0", "'full'"): 4.0, ("0.01", "'thin <b>'"): 1.0}


def keep(folder: Path, point: Point, seed: int, mean: float) -> None:
    read = configs.read(folder / point.config, point.overrides)
    measured = [
        Measurement("test", "Length", {"name": "l", "unit": "mm", "better": "higher"}, [mean - 0.5, mean + 0.5])
    ]
    made = records.Record("tiny", read.name, seed, read.digest, measured, read.text, list(point.overrides))
    made = trusted(replace(made, code=code_digest.code(read), cost={"seconds": 3.0}))
    records.write(made, folder / "records" / records.SWEPT / point.name)


@pytest.fixture
def swept(fresh: Path) -> Iterator[Path]:
    (fresh / "configs" / "rates.gin").write_text("import papers.tiny.model\nwidth = 'full'\nrate = 0.5\n")
    text = (fresh / "paper.toml").read_text()
    (fresh / "paper.toml").write_text(text + SWEEP)
    yield fresh
    page.forget()


def read(folder: Path) -> Page:
    page.forget()
    for point in page.read("tiny").paper.sweeps[0].points:
        values = tuple(value for _, value in point.bindings)
        if values in BETTER:
            for seed in (0, 1):
                keep(folder, point, seed, BETTER[values] + 0.1 * seed)
    page.forget()
    return page.read("tiny")


def rows(html: str) -> list[list[str]]:
    """The texts of the cells of each point."""
    found = re.findall(r"<tr[^>]*>(<th scope=\"row\".*?)</tr>", html)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in found]


def test_the_table_has_a_row_for_each_point_the_best_first(swept: Path) -> None:
    shown = read(swept)
    html = sweeps.section(shown)
    told = rows(html)
    assert len(told) == 6 and [row[0].endswith(" best") for row in told] == [True, *[False] * 5]
    means = [re.match(r"([\d.]+) \[", row[3]) for row in told]
    assert [float(hit[1]) for hit in means if hit] == [pytest.approx(mean + 0.05, abs=0.1) for mean in (5, 4, 3, 1)]
    assert [row[4] for row in told] == ["0, 1"] * 4 + ["2 seeds not run"] * 2
    assert "not a claim" in html and "4 runs still to do" in html


def test_the_only_measured_point_is_not_the_best(swept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.BETTER", {("0.1", "'full'"): 5.0})
    html = sweeps.section(read(swept))
    assert " best" not in " ".join(row[0] for row in rows(html)) and "best point" not in html
    assert "seeds, 1 point." in html


def test_the_panels_show_each_point_at_its_values(swept: Path) -> None:
    shown = read(swept)
    pictures = [
        ElementTree.fromstring(one) for one in re.findall(r"<svg[^>]*role=\"img\".*?</svg>", sweeps.section(shown))
    ]
    assert len(pictures) == 2
    for picture, places in zip(pictures, (3, 2), strict=True):
        dots = [one for one in picture.iter(f"{SVG}circle") if one.get("class") == "dot ours"]
        (best,) = (one for one in picture.iter(f"{SVG}circle") if one.get("class") == "dot best")
        assert len(dots) == 4 and len({dot.get("cx") for dot in dots}) == places
        highest = min(dots, key=lambda dot: float(dot.get("cy") or 0))
        assert (best.get("cx"), best.get("cy")) == (highest.get("cx"), highest.get("cy"))
        lines = [one.get("points") or "" for one in picture.iter(f"{SVG}polyline")]
        assert len(lines) == (1 if places == 3 else places), "no line leads from one name to another"
        corners = [tuple(map(float, pair.split(","))) for line in lines for pair in line.split()]
        heights: dict[str, list[float]] = {}
        for dot in dots:
            heights.setdefault(str(dot.get("cx")), []).append(float(dot.get("cy") or 0))
        wanted = [fmean(heights[cx]) for cx in sorted(heights, key=float) for _ in range(1 if places == 3 else 2)]
        assert [y for _, y in corners] == [pytest.approx(y, abs=0.2) for y in wanted]
    steps = [float(dot.get("cx") or 0) for dot in pictures[0].iter(f"{SVG}circle") if dot.get("class") == "dot ours"]
    low, middle, high = sorted(set(steps))
    assert middle - low == pytest.approx(high - middle, abs=0.2), "rates of 0.01, 0.1 and 1 are as far from each other"


def test_the_page_is_built_and_what_a_paper_writes_stays_text(
    swept: Path, build: Callable[..., tuple[int, str]], inert: Callable[..., object], html: Callable[..., object]
) -> None:
    shown = read(swept)
    made = next((swept / "records" / records.SWEPT).glob("*/rates-seed1.json"))
    assert build(swept.parents[1]) == (0, "")
    found = inert(swept.parents[1], "papers/tiny")
    assert "Sweeps" in getattr(found, "text", "") and made.parent.name in getattr(found, "text", "")
    copies = [link for link in found.values("href", "a") if made.parent.name in link]  # type: ignore[attr-defined]
    assert copies and all((swept.parents[1] / "html" / "papers" / link).is_file() for link in copies)
    assert len(shown.points) == 8


def test_a_sweep_without_records_says_so_and_a_paper_without_sweeps_has_no_section(swept: Path) -> None:
    page.forget()
    shown = page.read("tiny")
    assert "No point has a record yet" in sweeps.section(shown)
    assert "## Sweeps" in page.text(shown, swept)
    assert "## Sweeps" not in page.text(replace(shown, paper=replace(shown.paper, sweeps=[])), swept)
