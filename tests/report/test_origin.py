"""The section "Where the numbers come from": measurements in their row and column, and what all records share once."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from repro.report import origin
from repro.report.naming import test_set as named
from repro.report.page import Page
from tests.report.read_once import read_once

pytestmark = pytest.mark.xdist_group("site")


def read(shown: Page) -> ElementTree.Element:
    return ElementTree.fromstring(origin.origin(shown))


def words(one: ElementTree.Element) -> str:
    return " ".join(" ".join(one.itertext()).split())


def numbers(table: ElementTree.Element) -> dict[tuple[str, str, str], float]:
    """The mean of each cell, by the metric, the test set, and the head of the column."""
    heads = [words(one).partition(",")[0] for one in table.iter("th") if one.get("scope") == "col"]
    found, metric = dict[tuple[str, str, str], float](), ""
    for row in table.iter("tr"):
        cells = [words(one) for one in row.iter("td")]
        if (head := row.find("th")) is not None and head.get("scope") == "rowgroup":
            metric = str(head.text)
        if metric and len(cells) == len(heads) - 1:
            means = [cell.partition(" (")[0].replace("−", "-").replace(" × 10", "e") for cell in cells[2:]]
            found |= {
                (metric, cells[0], seed): float(mean) for seed, mean in zip(heads[3:], means, strict=True) if mean
            }
    return found


@pytest.mark.parametrize("name", ["template", "deep_clustering"])
def test_each_measurement_is_in_its_row_and_in_the_column_of_its_seed(name: str) -> None:
    shown = read_once(name)
    folds = {one.get("id"): one for one in read(shown).iter("details") if one.get("id")}
    assert len(folds) == len({found.config for found in [*shown.records, *shown.smoke]})
    for found in shown.records:
        (table,) = [
            one for one in folds[f"records-{found.config}"].iter("table") if one.get("class") == "repro-metrics"
        ]
        cells = numbers(table)
        for one in found.measurements:
            cell = cells[one.metric, named(one.test), f"Seed {found.seed}"]
            assert math.isclose(cell, one.mean, rel_tol=0.1, abs_tol=0.01), (found.stem, one.test, one.metric)


def test_packages_are_shown_once_and_another_version_names_its_configs() -> None:
    shown = read_once("template")
    first = shown.records[0]
    packages = {**first.environment["packages"], "torch": "0.0.1"}
    other = replace(first, environment={**first.environment, "packages": packages})
    for records, told in ((shown.records, False), ([other, *shown.records[1:]], True)):
        (fold,) = [one for one in read(replace(shown, records=records)) if "packages" in words(one).lower()][-1:]
        rows = {words(one[0]): words(one[1]) for one in fold.iter("div")}
        assert set(first.code) <= rows.keys() and set(packages) <= rows.keys()
        assert (f"0.0.1 ({first.config})" in rows["torch"]) == told
