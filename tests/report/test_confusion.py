"""The confusion matrix on the page: counts, shares and words; and that it is a score nowhere."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.errors import BadInput
from repro.metrics.confusion import ConfusionCell
from repro.record import Measurement
from repro.report import confusion, entrants, item_scores, matrix, metric_curve, origin, page
from tests.report.test_palette import DARK, LIGHT, contrast

METRIC = ConfusionCell(("cat", "<b>dog</b>", "fox"))
PAIRS = [(0, 0), (0, 0), (0, 2), (1, 1), (1, 0), *[(1, 1)] * 45]  # true class, answer; no fox


def measure(folder: Path, stem: str, values: list[float], **identity: Any) -> None:
    found = record.read(folder / "records" / f"{stem}.json")
    one = Measurement("test", "ConfusionCell", dataclasses.asdict(METRIC.identity) | identity, values)
    record.write(replace(found, measurements=[*found.measurements, one]), folder / "records")


@pytest.fixture
def classified(fresh: Path) -> Path:
    """Two seeds of one config and one of another have a confusion matrix."""
    for stem in ("full-seed0", "full-seed1", "proxy-seed0"):
        measure(fresh, stem, [3.0 * truth + answer for truth, answer in PAIRS])
    page.forget()
    return fresh


def rows(html: str) -> list[list[str]]:
    """The texts of the cells of each row of the first table."""
    table = html.partition("</table>")[0]
    found = re.findall(r"<tr>(.*?)</tr>", table)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in found]


def test_the_cells_have_the_answers_of_all_seeds_and_their_shares(classified: Path) -> None:
    html = str(confusion.section(page.read("tiny")))
    dog = "&lt;b&gt;dog&lt;/b&gt;"
    assert rows(html) == [
        ["True class", "Answer", "Answers"],
        ["cat", dog, "fox"],
        ["cat", "4 67%", "0 0%", "2 33%", "6"],
        [dog, "2 2%", "92 98%", "0 0%", "94"],
        ["fox", "0", "0", "0", "0"],
    ]
    assert html.count('class="right"') == 2 * 2 and html.count("<table") == 2 and html.count("<details") == 1
    assert "96% right" in html and "50 test items" in html


def test_the_page_has_the_section_only_if_a_record_has_a_matrix(
    classified: Path, build: Callable[..., Any], html: Callable[..., Any]
) -> None:
    shown = page.read("tiny")
    assert "## Confusion matrix" in page.text(shown, classified)
    other = [replace(one, measurements=one.measurements[:1]) for one in shown.records]
    assert "## Confusion matrix" not in page.text(replace(shown, records=other), classified)
    assert build(classified.parents[1]) == (0, "")
    found = html(classified.parents[1])
    heads = [given.get("scope") for tag, given in found.found if tag == "th"]
    assert {"row", "col", "colgroup"} <= set(heads) and "<b>dog</b>" in found.text


def test_a_cell_is_no_score(classified: Path) -> None:
    shown = page.read("tiny")
    field = entrants.gather(shown, ["full", "proxy"], "", "test")
    assert field.metric == "Length", "the leaderboard ranks by the other metric without being asked"
    with pytest.raises(BadInput):
        entrants.gather(shown, ["full"], "ConfusionCell", "test")
    with pytest.raises(BadInput):
        metric_curve.gather(shown, ["full"], "Confusion*", "test")
    assert len(item_scores.scores(shown, shown.records[0], "test", 0)) == 1
    (row,) = re.findall(r"ConfusionCell.*?</tr>", str(origin.origin(shown)).partition("proxy")[0])[:1]
    assert "see Confusion matrix" in row


@pytest.mark.parametrize(("values", "identity"), [
    ([99.0, *[0.0] * 49], {}), ([0.5, *[0.0] * 49], {}),
    ([0.0] * 50, {"reference": ""}), ([0.0] * 50, {"reference": 7}),
    ([0.0] * 50, {"reference": f"classes: {', '.join(map(str, range(matrix.MOST + 1)))}"}),
])  # fmt: skip
def test_values_that_are_no_cells_are_said_to_be_none(fresh: Path, values: list[float], identity: Any) -> None:
    measure(fresh, "full-seed0", values, **identity)
    page.forget()
    html = str(confusion.section(page.read("tiny")))
    assert "are not the cells of one matrix" in html and "<table" not in html


@pytest.mark.parametrize(
    ("theme", "ground", "text"), [(LIGHT, "#ffffff", "#000000"), (LIGHT | DARK, "#131416", "#cfd0d0")]
)
def test_numbers_are_read_on_every_colour(theme: dict[str, str], ground: str, text: str) -> None:
    """The style sheet mixes up to 40 % of the colour into the ground of the page."""
    for name in ("ours", "not-reproduced"):
        parts = zip(*(bytes.fromhex(colour[1:]) for colour in (theme[name], ground)), strict=True)
        mixed = "#" + "".join(f"{round(0.4 * one + 0.6 * other):02x}" for one, other in parts)
        assert contrast(mixed, text) >= 4.5
