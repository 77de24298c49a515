"""A paper with hundreds of printed numbers: its tables as they are printed, a square each, all of it reachable."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest

from repro import config, record
from repro.record import Measurement, Record, code_digest
from repro.report import cells, claims, evidence, figure, page, spreadsheet
from repro.report.page import Page
from tests.conftest import trusted

ROWS, COLUMNS = [f"Feature {number}" for number in range(50)], ["W", "df", "p"]
HEAD = """[paper]
title = "Many numbers"
authors = ["C. Counter"]
year = 2019
"""
TABLE = """
[[table]]
id = "{name}"
says = "{{row}}: {{column}} of the test"
where = "Table {number}, {{row}}"
config = "configs/all.gin"
metric = "Test {{column}}"
item = "{{row}}"
[table.printed]
{rows}
"""
ALONE = """
[[claim]]
id = "text.years"
says = "The oldest paper is of 1984"
where = "Section 2"
config = "configs/all.gin"
metric = "Year"
printed = "1984"

[[claim]]
id = "gone"
says = "The authors took this column out"
where = "Table 1"
no_config = "the column is not in the data"
printed = "0.342"
"""


def _text() -> str:
    lines = [
        ", ".join(f'{column} = "{place}.{n:02}"' for n, column in enumerate(COLUMNS)) for place in range(len(ROWS))
    ]
    rows = "\n".join(f'"{row}" = {{ {line} }}' for row, line in zip(ROWS, lines, strict=True))
    tables = [TABLE.format(name=name, number=number, rows=rows) for number, name in enumerate(("table1", "table2"), 1)]
    return HEAD + "".join(tables).replace('W = "7.00"', 'W = "7.50"', 1) + ALONE


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A paper of 302 printed numbers, all but two of which come out."""
    root = tmp_path_factory.mktemp("many")
    folder = root / "papers" / "many"
    (folder / "configs").mkdir(parents=True)
    path = folder / "configs/all.gin"
    path.write_text("size = 1\n")
    (folder / "paper.toml").write_text(_text())
    read = config.read(path)
    found = [
        Measurement("test", f"Test {column}", {"name": column}, [place + n / 100 + 0.001 for place in range(50)])
        for n, column in enumerate(COLUMNS)
    ]
    code = code_digest.code(read)
    made = Record("many", "all", 0, read.digest, found, text=read.text, items={"test": ROWS}, code=code)
    record.write(trusted(made), folder / "records")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        page.forget()
        return page.read("many")


def test_every_number_has_a_place_a_square_and_a_way_on(many: Page, elements: Callable[..., Any]) -> None:
    shown, drawn = elements(str(claims.claims(many))), elements(str(figure.figure(many)))
    places = {name for name in shown.values("id") if name.startswith("claim-")}
    assert len(places) == len(many.verdicts) == 302
    targets = {link.partition("#")[2] for link in drawn.values("href", "a")}
    assert {target for target in targets if target.startswith("claim-")} == places
    assert targets - places == {name for name in shown.values("id") if name.startswith("table-")}
    assert set(shown.values("popovertarget")) == {name for name in shown.values("id") if name.startswith("about-")}
    links = [link for link in shown.values("href", "a") if link.endswith(("records/all-seed0.json", "all.gin.html"))]
    assert len(links) >= 2 * 300  # from each cell to its record and to its config, one click after the cell


def test_what_came_out_is_said_in_words_and_signs(many: Page, elements: Callable[..., Any]) -> None:
    drawn = elements(str(figure.figure(many)))
    for words in ("Printed numbers: 302 squares", "299 reproduced", "1 not reproduced", "1 not run∅1 not checkable"):
        assert words in drawn.text
    labels = drawn.values("aria-label", "a")
    assert len(labels) == 302 and labels.count("Feature 7: W of the test: not reproduced") == 1
    assert drawn.text.count("✗") == 2  # its square, and the key
    told = [label for label in elements(str(claims.claims(many))).values("aria-label", "button") if "ours" in label]
    assert told == ["Feature 7: W of the test: the paper prints 7.50, ours 7.0010, not reproduced"]


def test_a_table_is_laid_out_as_printed_and_open_where_something_is_wrong(many: Page) -> None:
    table1, table2 = (group for name, group in figure.tables(many.verdicts).items() if name)
    assert [verdict.claim.table for verdict in (table1[0], table2[0])] == ["table1", "table2"]
    first, second = (str(cells.table(many, group)) for group in (table1, table2))
    assert re.match(r"<details open=\"\"", first) and re.match(r"<details class", second)
    heads = re.findall(r"<th scope=\"(?:col|row)\">([^<]*)</th>", second)
    assert heads == [*COLUMNS, *ROWS]
    cells_of_a_row = re.search(r"<tr><th scope=\"row\">Feature 3</th>(.*?)</tr>", second)
    assert cells_of_a_row and re.findall(r"<span>([^<]*)</span>", cells_of_a_row[1]) == ["3.00", "3.01", "3.02"]


def test_a_claim_that_no_config_answers_says_why(many: Page) -> None:
    found = str(claims.claims(many))
    assert "the column is not in the data" in found and "for seed in" not in found


def test_the_table_for_download_holds_what_the_page_shows(many: Page) -> None:
    rows = list(csv.DictReader(io.StringIO(spreadsheet.claims(many))))
    assert [row["claim"] for row in rows] == [verdict.claim.id for verdict in many.verdicts]
    by_name = {row["claim"]: row for row in rows}
    wrong, right = by_name["table1.feature-7.w"], by_name["table2.feature-7.w"]
    assert (wrong["paper"], float(wrong["ours"]), wrong["verdict"]) == ("7.50", 7.001, "not reproduced")
    assert (right["paper"], right["item"], right["records"]) == ("7.00", "Feature 7", "all-seed0")
    assert by_name["gone"]["why"] == "the column is not in the data" and by_name["gone"]["ours"] == ""
    counted = next(csv.DictReader(io.StringIO(spreadsheet.papers([many]))))
    assert (counted["reproduced"], counted["not reproduced"], counted["claims"]) == ("299", "1", "302")


@pytest.mark.parametrize(("cell", "written"), [("=1+1", "'=1+1"), ("@x", "'@x"), ("-0.5", "-0.5"), ("-3 %", "-3 %")])
def test_no_text_is_a_formula(cell: str, written: str) -> None:
    assert next(csv.reader(io.StringIO(spreadsheet.as_csv(["a"], [[cell]]).splitlines()[1]))) == [written]


def test_a_number_is_shown_in_the_unit_of_the_print(many: Page) -> None:
    verdict = next(verdict for verdict in many.verdicts if verdict.claim.id == "table1.feature-7.p")
    assert evidence.ours(verdict) == "7.0210"


def test_many_tables_that_agree_are_in_one_fold_after_the_others(many: Page) -> None:
    right = next(one for one in many.verdicts if one.outcome == "reproduced" and one.claim.table)
    wrong = next(one for one in many.verdicts if one.outcome == "not reproduced")
    few = cells.tables(many, [[right]] * cells.MOST)
    assert few == [cells.table(many, [right])] * cells.MOST
    first, rest = cells.tables(many, [[right], [wrong], *[[right]] * cells.MOST])
    assert first == cells.table(many, [wrong])
    assert rest.count('class="repro-printed"') == cells.MOST + 1 and f"{cells.MOST + 1} more tables" in rest
