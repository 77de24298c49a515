"""How far a verification went: the paper's data and metric, with as many departures as the report lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.claim import paper
from repro.report import answer
from repro.report.departures import departures, said
from tests.report.read_once import read_once

TABLE = ["| | the paper | here |", "|---|:--|--:|"]


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3), st.sampled_from(["-", "*", "+", "1.", "2)"]))
def test_rows_and_items_of_the_section_count(rows: int, items: int, alike: int, sign: str) -> None:
    lines = ["# Report", "", "- an item before", "", "## Departures", "", "Some words."]
    if rows + alike:
        lines += [*TABLE, *["| loss | a | b |"] * rows, *["| data | MNIST | The same. |"] * alike, ""]
    lines += [*[f"{sign} the loss", "  - a remark on it"] * items, "", "```python", "- no item", "| a | b |", "```"]
    lines += ["", "### Why", "", "## Results", "", "- an item after", *TABLE, "| a | b | c |"]
    found = departures(lines)
    assert found is not None and (found.many, found.anchor) == (rows + items, "departures")


@pytest.mark.parametrize(
    ("text", "many"),
    [
        ("# Report\n\n## What came out\n\n- all\n", None),
        ("", None),
        ("```md\n## Departures\n- one\n```\n", None),
        ("## What we did differently from the paper\n\nNothing.\n", 0),
        ("## Departures: none\n", 0),
        ("## One departure\n\n1. the loss\n", 1),
        ("## Departures\n\n| | paper | here | why |\n|---|---|---|---|\n| loss | a | b | the same |\n", 1),
        (
            "## Departures\n\n| | paper | full | short | why |\n|---|---|---|---|---|\n| a | b | the same | c | d |",
            1,
        ),
        (
            "## Departures\n\n| | paper | one | two | why |\n|---|---|---|---|---|\n| a | b | the same | The same. | |",
            0,
        ),
        ("## Departures\n\n```{list-table}\n:header-rows: 1\n\n* - what\n  - why\n* - loss\n  - time\n```\n", 1),
        ("## Departures\n\n### Loss\n\n- one\n\n### Data\n\n- two\n", 2),
    ],
)
def test_what_is_not_listed_is_not_counted(text: str, many: int | None) -> None:
    found = departures(text.splitlines())
    assert (found and found.many) == many
    known = {None: "its departures are not listed", 0: "no departures listed", 1: "with 1 departure"}
    assert said(found) == known.get(many, f"with {many} departures")


@pytest.mark.parametrize("name", sorted(paper.folders()))
def test_every_paper_here_lists_its_departures(name: str) -> None:
    shown = read_once(name)
    assert shown.departures is not None
    told = answer.basis_of(shown)
    assert f'#{shown.departures.anchor}">{shown.departures.many or "none listed"}<' in told


def test_the_tier_says_and_links_the_departures(fresh: Path, build: Callable[..., Any], html: Any) -> None:
    root = fresh.parents[1]
    (fresh / "report.md").write_text("# Report\n\n## What we did differently, and why\n\n- the loss\n- the data\n")
    assert build(root) == (0, "")
    found, home = html(root), html(root, "index")
    assert "T3 for 1 of 2 claims: the paper's data and metric" in " ".join(found.text.split())
    assert "../papers/tiny.html#what-we-did-differently-and-why" in found.values("href", "a")
    assert "departures: 2" in " ".join(home.text.split())
    anchor = "what-we-did-differently-and-why"
    assert anchor in found.values("id") and f"papers/tiny.html#{anchor}" in home.values("href", "a")


def test_a_report_without_the_list_says_so(built: Path, html: Callable[..., Any]) -> None:
    assert "not listed" in html(built).text and "not listed" in html(built, "index").text
