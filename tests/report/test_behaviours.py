"""The section of behaviour tests: every share is that of the records, and an outcome has its badge."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

from repro.claim import paper as papers
from repro.claim.behaviour import Behaviour
from repro.record import Measurement, Record
from repro.report import behaviours
from repro.report.page import Page, text

PASSED = {"noise": [[1, 1, 1, 0], [1, 1, 1, 0]], "typos": [[1, 0, 0, 0], [1, 0, 0, 0]]}
TESTS = [
    Behaviour("same.noise", "Noise & <such>", "invariance", "configs/line.gin", "noise", 0.7, seeds=2),
    Behaviour("same.typos", "Typing errors", "invariance", "configs/line.gin", "typos", 0.5, seeds=2),
    Behaviour("less.far", "Farther away", "directionality", "configs/line.gin", "far", 0.075, seeds=2),
]


def page() -> Page:
    measured = [
        [
            Measurement(test, "Passed", {"better": "higher"}, list(map(float, rows[seed])))
            for test, rows in PASSED.items()
        ]
        for seed in (0, 1)
    ]
    records = [Record("template", "line", seed, "digest", found) for seed, found in enumerate(measured)]
    return Page(replace(papers.find("template"), behaviours=TESTS), records, [])


def test_each_row_has_the_share_of_the_records_and_the_outcome() -> None:
    shown = ElementTree.fromstring(f"<div>{behaviours.section(page())}</div>")
    rows = [["".join(cell.itertext()) for cell in row] for row in shown.iter("tr")][1:]
    assert [row[0] for row in rows] == [one.says for one in TESTS]
    assert [row[3] for row in rows] == ["70 %", "50 %", "7.5 %"]
    assert [re.match(r"[\d.]+ %|not measured", row[4])[0] for row in rows] == ["75 %", "25 %", "not measured"]  # type: ignore[index]
    badges = [node for node in shown.iter("span") if "repro-badge" in node.get("class", "")]
    assert [node.get("class") for node in badges] == [
        "repro-badge reproduced", "repro-badge not-reproduced", "repro-badge not-run"]  # fmt: skip
    assert [words for row in rows for words in ("holds", "fails", "not run") if words in row[5]] == [
        "holds", "fails", "not run"]  # fmt: skip
    assert shown.find("p").text.startswith("1 of 3 behaviours holds")  # type: ignore[union-attr]
    assert {node.get("id") for node in shown.iter("span")} >= {f"behaviour-{one.id}" for one in TESTS}


def test_a_page_without_behaviours_has_no_such_section() -> None:
    whole = page()
    folder = whole.paper.folder
    assert "```{behaviours} template" in text(whole, folder)
    assert "behaviours" not in text(replace(whole, paper=replace(whole.paper, behaviours=[])), folder)
