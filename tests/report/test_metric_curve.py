"""A metric over a number in its name: points and bands are those of the intervals; what does not fit is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro import record
from repro.errors import BadInput
from repro.export import tables
from repro.interval import Interval, interval
from repro.record import Measurement, Record
from repro.report import metric_curve, page
from repro.report.families import MOST
from repro.report.html import panel
from tests.report.read_once import read_once

SVG = "{http://www.w3.org/2000/svg}"
TOLERANCES = (0, 50, 150)


def measure(folder: Path, stem: str, names: Sequence[tuple[str, str]], unit: str = "%", seed: int = 0) -> Record:
    """Give a record the metrics `(name, test set)`, with 20 items each."""
    draw, found = np.random.default_rng(seed), record.read(folder / "records" / f"{stem}.json")
    rows = [
        Measurement(test, name, {"name": name, "unit": unit, "better": "higher"}, draw.normal(50, 9, 20).tolist())
        for name, test in names
    ]
    kept = replace(found, measurements=rows)
    record.write(kept, folder / "records")
    return kept


@pytest.fixture
def family(fresh: Path) -> Path:
    """F1 within three tolerances, in three records of two configs, with another metric."""
    names = [*((f"F1Within{at}ms", "test") for at in TOLERANCES), ("F1Within50ms", "other"), ("Length", "test")]
    for seed, stem in enumerate(("full-seed0", "full-seed1", "proxy-seed0")):
        measure(fresh, stem, names, seed=seed)
    page.forget()
    return fresh


def gather(*configs: str, metric: str = "F1Within*ms", test: str = "test", **names: str) -> metric_curve.Curve:
    return metric_curve.gather(page.read("tiny"), configs, metric, test, **names)


def by_hand(folder: Path, config: str, metric: str) -> Interval:
    paths = sorted((folder / "records").glob(f"{config}-seed*.json"))
    found = [record.read(path).measured("test", metric) for path in paths]
    return interval([one.values for one in found if one])


def test_the_points_are_the_intervals_of_the_records(family: Path) -> None:
    curve = gather("full", "proxy", "never")
    assert curve.places == list(TOLERANCES) and curve.unit == "%" and curve.waiting == ["never"]
    for line in curve.lines:
        wanted = [by_hand(family, line.entrant.config, f"F1Within{at}ms") for at in TOLERANCES]
        assert list(line.points.values()) == wanted
    assert [line.entrant.config for line in gather().lines] == ["full", "proxy"]
    measure(family, "proxy-seed0", [("F1Within0ms", "test")])
    page.forget()
    assert [line.entrant.config for line in gather().lines] == ["full"], "the other one lacks two points"


def test_the_figure_draws_means_and_bands_at_their_places(family: Path) -> None:
    curve = gather("full", "proxy", across="tolerance, ms", upward="F1")
    html = metric_curve.figure(curve)
    (text,) = re.findall(r"<svg[^>]*role=\"img\".*?</svg>", html)
    picture = ElementTree.fromstring(text)
    groups = [one for one in picture.iter(f"{SVG}g") if "line" in (one.get("class") or "")]
    assert len(groups) == 2
    for group, line in zip(groups, curve.lines, strict=True):
        dots = [(float(dot.get("cx") or 0), float(dot.get("cy") or 0)) for dot in group.iter(f"{SVG}circle")]
        x, y = np.array(dots).T
        assert x[0] > panel.LEFT and x[2] < panel.WIDTH - panel.RIGHT
        assert x[1] - x[0] == pytest.approx((x[2] - x[0]) / 3, abs=0.1)
        means = np.array([one.mean for one in line.points.values()])
        slope, offset = np.polyfit(means, y, 1)
        assert slope < 0 and y == pytest.approx(offset + slope * means, abs=0.2)
        (band,) = [one.get("d") or "" for one in group.iter(f"{SVG}path") if one.get("class") == "shade"]
        corners = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", band), dtype=float)
        ends = np.array([[one.high, one.low] for one in line.points.values()])
        wanted = offset + slope * np.concatenate([ends[:, 0], ends[::-1, 1]])
        assert corners[:, 1] == pytest.approx(wanted, abs=0.5)
    titles = [one.text or "" for one in picture.iter(f"{SVG}text")]
    assert {"0", "50", "150", "tolerance, ms", "F1, %"} <= set(titles)
    assert html.count("<tr") == 3 and html.count("<td") == 6, "all numbers are in a table too"


@given(st.lists(st.floats(panel.TOP, panel.HEIGHT - panel.BOTTOM), min_size=1, max_size=MOST))
def test_the_numbers_of_lines_do_not_overlap_and_stay_in_the_panel(heights: list[float]) -> None:
    found = metric_curve.spaced(heights)
    ordered = sorted(found)
    assert all(below - above >= metric_curve.GAP - 1e-9 for above, below in pairwise(ordered))
    assert ordered[0] >= panel.TOP - 1e-9 and ordered[-1] <= panel.HEIGHT - panel.BOTTOM + 1e-9
    far = all(gap >= metric_curve.GAP for gap in np.diff(sorted(heights)))
    assert found == heights or not far, "numbers that are far enough apart are not moved"


def test_the_number_may_be_in_the_name_of_the_test_set(fresh: Path) -> None:
    measure(fresh, "proxy-seed0", [("Error", f"{at} dB") for at in (-6, 0, 12.5)] + [("Error", "clean")])
    page.forget()
    assert gather("proxy", metric="Error", test="* dB").places == [-6.0, 0.0, 12.5]
    measure(fresh, "proxy-seed0", [("Error", f"epsilon_{at}") for at in (0.1, 0.05)] + [("Error", "test")])
    page.forget()
    curve = gather("proxy", metric="Error", test="epsilon_*", zero="test")
    assert curve.places == [0.0, 0.05, 0.1]
    clean = page.read("tiny").by_config["configs/proxy.gin"][0].measured("test", "Error")
    assert clean and curve.lines[0].points[0.0].mean == pytest.approx(clean.mean)
    with pytest.raises(BadInput, match="no 'tset' in the records; did you mean 'test'"):
        gather("proxy", metric="Error", test="epsilon_*", zero="tset")


@pytest.mark.parametrize(("metric", "test", "said"), [
    ("Length", "test", r"one \*"), ("F1*Within*ms", "test", r"one \*"), ("F1Within*ms", "*", r"one \*"),
    ("F1Within*ms", "other", "a curve needs two"), ("F1Witin*ms", "test", "did you mean 'F1Within"),
    ("", "", r"one \*"), ("F1.ithin*ms", "test", "0 of the measured"),
])  # fmt: skip
def test_a_family_that_is_not_there_is_refused(family: Path, metric: str, test: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as error:
        gather("full", metric=metric, test=test)
    assert len(str(error.value).splitlines()) == 1


def test_what_cannot_be_compared_is_refused(family: Path) -> None:
    with pytest.raises(BadInput, match="no config 'fulll'"):
        gather("fulll")
    measure(family, "proxy-seed0", [(f"F1Within{at}ms", "test") for at in TOLERANCES], unit="dB")
    page.forget()
    with pytest.raises(BadInput, match="unit"):
        gather("full", "proxy")
    measure(family, "proxy-seed0", [(f"F1Within{at}ms", "test") for at in TOLERANCES[:2]])
    page.forget()
    with pytest.raises(BadInput, match=r"no 'test: F1Within150ms' in the record proxy-seed0"):
        gather("full", "proxy")


def test_more_lines_than_colours_have_several_panels_with_the_same_axes(
    fresh: Path, keep: Callable[..., Record]
) -> None:
    for number in range(MOST + 1):
        (fresh / "configs" / f"c{number}.gin").write_text("import papers.tiny.model\nwidth = 'x'\n")
        keep(fresh, f"c{number}", 0, 5.0)
        measure(fresh, f"c{number}-seed0", [("A1", "test"), ("A2", "test")], seed=number)
    page.forget()
    html = metric_curve.figure(gather(*(f"c{number}" for number in range(MOST + 1)), metric="A*"))
    shapes = re.findall(r"<svg[^>]*role=\"img\".*?</svg>", html)
    assert len(shapes) == 2 and html.count('type="checkbox"') == MOST + 1
    assert len({tuple(re.findall(r"<line[^>]*>", shape)) for shape in shapes}) == 1


def test_the_page_and_the_article_have_the_curve(family: Path, build: Callable[..., Any], html: Any) -> None:
    report = family / "report.md"
    text = "```{metric-curve}\n:configs: full proxy\n:metric: F1Within*ms\n:across: tolerance <ms>\n```\n"
    report.write_text(f"{report.read_text().partition('We measured')[0]}\n{text}")
    assert build(family.parents[1], "-D", "suppress_warnings=myst") == (0, "")
    found = html(family.parents[1])
    assert "tolerance <ms>" in found.text and "All numbers" in found.text
    nodes = tables.curve(gather("full", "proxy"))
    said = str(nodes)
    assert all(f"'{one.mean:.0f}" in said for line in gather("full").lines for one in line.points.values())


def test_howell_shows_f1_by_tolerance() -> None:
    shown = read_once("howell2019")
    curve = metric_curve.gather(shown, ["gru", "held_out_engzee"], "F1Within*ms", "test")
    assert curve.places == [0, 50, 100, 150] and [len(line.points) for line in curve.lines] == [4, 4]
    noise = metric_curve.gather(shown, ["transfer_gru"], "F1Within50ms", "* dB")
    assert noise.places == [-6, 0, 6, 12]
