"""`[[table]]` and `[[cause]]` in paper.toml, and where each key stands."""

from __future__ import annotations

import contextlib
import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.claim import paper as papers
from repro.errors import BadInput
from repro.files.toml_lines import blocks

HEAD = """[paper]
title = "T"
authors = ["A"]
year = 2020

"""
TABLE = """[[table]]
id = "table1"
says = "The p value of {row}, {column}"
where = "Table 1, {row}"
config = "configs/line.gin"
metric = "P{column}"
item = "{row}"
[table.printed]
"Year Published" = { No = "0.964", Yes = ".1" }
Pages = "0.4"
"""  # its first line is line 6 of HEAD + TABLE
CAUSE = """[[cause]]
claims = ["table1"]
says = "s"
config = "configs/mean.gin"
"""


def test_a_table_is_a_claim_for_each_of_its_cells(paper: Any) -> None:
    paper.toml(HEAD + TABLE)
    read = papers.read(paper.folder)
    assert [claim.id for claim in read.claims] == [
        "table1.year-published.no", "table1.year-published.yes", "table1.pages"]  # fmt: skip
    first = read.claims[0]
    assert (first.says, first.where) == ("The p value of Year Published, No", "Table 1, Year Published")
    assert (first.metric, first.item, first.printed, first.seeds) == ("PNo", "Year Published", "0.964", 1)
    assert (first.table, first.row, first.column, first.line) == ("table1", "Year Published", "No", 14)
    assert (read.claims[2].column, read.claims[2].line, read.claims[2].kind) == ("", 15, "printed")


def test_a_table_of_values_shares_its_tolerance(paper: Any) -> None:
    more = "tolerance = 0.5\nbecause = 'so'\nseeds = 2\n[table.value]\n'a b' = 1\nc = 2.5\n"
    paper.toml(HEAD + TABLE.partition("[table.printed]")[0] + more)
    first, second = papers.read(paper.folder).claims
    assert (first.kind, first.value, first.tolerance, first.seeds) == ("value", 1, 0.5, 2)
    assert (second.id, second.value) == ("table1.c", 2.5)


ROWS = """config = "configs/{row}.gin"
[table.value]
"Mean" = { No = 1.0, Yes = 2.0 }
line = 3.0
[table.tolerance]
Mean = { No = 0.1, Yes = 0.2 }
line = 0.3
[table.because]
Mean = "of {row}"
line = "so"
[table.seeds]
line = 5
"""


def test_each_row_of_a_table_has_its_config_tolerance_reason_and_seeds(paper: Any) -> None:
    paper.toml(HEAD + TABLE.partition("[table.printed]")[0].replace('config = "configs/line.gin"\n', "") + ROWS)
    rows = papers.read(paper.folder).claims
    assert [row.config for row in rows] == ["configs/mean.gin", "configs/mean.gin", "configs/line.gin"]
    assert [row.tolerance for row in rows] == [0.1, 0.2, 0.3] and [row.seeds for row in rows] == [3, 3, 5]
    assert [row.because for row in rows] == ["of Mean", "of Mean", "so"]


@pytest.mark.parametrize(("change", "words"), [
    (("[table.tolerance]\nMean", "[table.tolerance]\nMeen"), ["no row 'Meen'; did you mean 'Mean'?"]),
    (("line = 0.3\n", ""), [":15: ", "claim 'table1.line' has a value and no 'tolerance'"]),
    (("line = 0.3", "line = '0.3'"), [":18: ", "'tolerance.line' is '0.3'"]),
    (("Yes = 0.2", "Yes = '0.2'"), [":17: ", "'tolerance.Mean.Yes' is '0.2'"]),
    (("Yes = 0.2", "Yse = 0.2"), [":17: ", "no column 'Yse'", "did you mean 'Yes'?"]),
    (("line = 0.3", "line = { No = 0.3 }"), [":18: ", "no column 'No'"]),
    (("line = 0.3", "line = -0.3"), [":18: ", "'tolerance' is -0.3"]),
    (("line = 5", "line = 0"), [":23: ", "'seeds' is 0"]),
    (("line = 5", "line = 5000"), [":23: ", "'seeds' is 5000"]),
])  # fmt: skip
def test_a_row_that_is_wrong_is_found(paper: Any, change: tuple[str, str], words: list[str]) -> None:
    assert change[0] in ROWS
    text = TABLE.partition("[table.printed]")[0].replace('config = "configs/line.gin"\n', "") + ROWS.replace(*change)
    paper.toml(HEAD + text)
    with pytest.raises(BadInput) as refused:
        papers.read(paper.folder)
    assert all(word in str(refused.value) for word in words), refused.value


@pytest.mark.parametrize(("change", "words"), [
    (("\"0.964\"", "0.964"), [":14: ", "'printed' is 0.964", "a string"]),
    (("\"0.964\"", "\"about 1\""), [":14: ", "'printed' is 'about 1'", "'63.5 %'"]),
    (("Pages = \"0.4\"", "Pages = \"0,4\""), [":15: ", "'printed' is '0,4'"]),
    (("[table.printed]", "[table.print]"), [":6: ", "needs either [table.printed]"]),
    (("line.gin", "lime.gin"), [":", "configs/lime.gin", "did you mean 'configs/line.gin'"]),
    (("item =", "itm ="), [":12: ", "unknown key 'itm'"]),
    (("metric = \"P{column}\"\n", ""), [":", "has no 'metric'"]),
    (("[table.printed]\n", "[table.value]\nx = 1\n[table.printed]\n"), [":6: ", "[table.printed] or [table.value]"]),
    (("\"Year Published\" = { No = \"0.964\", Yes = \".1\" }\nPages = \"0.4\"\n", ""),
     [":13: ", "[table.printed] is empty"]),
    (("{ No = \"0.964\", Yes = \".1\" }", "{}"), [":14: ", "[table.printed] is empty"]),
    (("metric = \"P{column}\"", "metric = \"P{col}\""), [":11: ", "'{col}' in 'metric'; expected {row} or {column}"]),
    (("Pages =", "'%%' ="), [":15: ", "'%%'"]),
    (("Pages =", "'' ="), [":15: ", "''"]),
    (("No =", "'-' ="), [":14: ", "'-'"]),
    (("id = \"table1\"", "id = \"\""), [":7: ", "'id' is"]),
    (("year = 2020", "year = 2020\nurl = 'javascript:alert(1)'"), [":5: ", "'url' is"]),
    (("year = 2020", "year = 2020\nurl = 'https://'"), [":5: ", "'url' is"]),
    (("[\"table1\"]", "[]"), [":19: ", "this cause tests nothing; expected a claim"]),
    (("mean.gin", "line.gin"), [":19: ", "a config other than the one it changes"]),
    (("[[table]]", "[table]"), ["each table under its own [[table]]"]),
    (("claims = [\"table1\"]", "claims = [\"table2\"]"), [":17: ", "no claim or table 'table2'", "'table1'"]),
    (("configs/mean.gin", "configs/men.gin"), [":19: ", "this cause names configs/men.gin", "'configs/mean.gin'"]),
    (("says = \"s\"", "say = \"s\""), [":18: ", "unknown key 'say'", "'says'"]),
])  # fmt: skip
def test_wrong_input_is_one_line_with_its_place(paper: Any, change: tuple[str, str], words: list[str]) -> None:
    paper.toml((HEAD + TABLE + CAUSE).replace(*change, 1))
    with pytest.raises(BadInput) as caught:
        papers.read(paper.folder)
    assert str(caught.value).startswith(f"papers/{paper.name}/paper.toml:")
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_a_byte_order_mark_is_no_fault(paper: Any) -> None:
    paper.toml("\ufeff" + HEAD + TABLE)
    assert len(papers.read(paper.folder).claims) == 3


def test_a_cause_of_a_table_is_one_of_each_of_its_claims(paper: Any) -> None:
    paper.toml(HEAD + TABLE + CAUSE)
    read = papers.read(paper.folder)
    assert [read.causes_of(claim) for claim in read.claims] == [read.causes] * 3
    assert ("table1.pages", "configs/mean.gin", 0) in read.runs


KEYS = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="_- ."), min_size=1, max_size=9)


SETTINGS = ["1", "1  # the marks ''' begin a text", "'a = 1'", "[\n1,\n2]", "'''\nb = 2\n'''"]


@given(st.lists(st.dictionaries(KEYS, st.sampled_from(SETTINGS), max_size=4)))
def test_every_key_is_found_in_its_line(tables: list[dict[str, str]]) -> None:
    """Whatever the keys are called, and though a text of several lines may look like one."""
    text, expected = "", []
    for table in tables:
        text += "\n# a comment\n[[claim]]  # here\n"
        lines = {}
        for key, value in table.items():
            lines[key] = text.count("\n") + 1
            text += f'"{key}" = {value}\n'
        expected.append(lines)
    assert len(tomllib.loads(text).get("claim", [])) == len(tables)
    assert [block.lines for block in blocks(text, "p")["claim"]] == expected


TEMPLATE = (papers.find("template").folder / "paper.toml").read_text(encoding="utf-8")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_whatever_is_typed_there_is_one_line_and_no_traceback(paper: Any, data: st.DataObject) -> None:
    """Lines of the template and of a table, dropped, doubled, moved and mistyped."""
    lines = (TEMPLATE + TABLE).splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "double", "move", "type"]))
        line = lines.pop(at)
        if change == "double":
            lines[at:at] = [line, line]
        if change == "move":
            lines.insert(data.draw(st.integers(0, len(lines))), line)
        if change == "type":
            start = data.draw(st.integers(0, len(line)))
            lines.insert(
                at,
                line[:start]
                + data.draw(st.sampled_from(['"', "=", "[", "]", ".", "0", "x", "{", " ", "'''"]))
                + line[start + 1 :],
            )
    paper.toml("\n".join(lines))
    with contextlib.suppress(BadInput):  # whose text is one line by itself; anything else is a fault of ours
        papers.read(paper.folder)


def test_claims_stand_in_the_order_of_the_file(paper: Any) -> None:
    last = '\n[[claim]]\nid = "z"\nsays = "s"\nwhere = "w"\ntranscribed = false\n'
    first = last.replace('"z"', '"a"')
    paper.toml(HEAD + first + TABLE + last)
    ids = [claim.id for claim in papers.read(paper.folder).claims]
    assert ids == ["a", "table1.year-published.no", "table1.year-published.yes", "table1.pages", "z"]


def test_a_cause_asks_for_as_many_seeds_as_its_claim_on_both_sides(paper: Any) -> None:
    text = (paper.folder / "paper.toml").read_text()
    paper.toml(text.replace('configs/ten_steps_fast.gin"', 'configs/ten_steps_fast.gin"\nover = "configs/mean.gin"'))
    runs = papers.read(paper.folder).runs
    for name in ("ten_steps_fast", "mean"):
        assert {seed for claim, config, seed in runs if claim == "fit.ten-steps" and name in config} >= {0, 1, 2}
