"""`report.md` in an article: numbers are those of the records, and what cannot be printed is refused by its line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from repro.export import directives, myst

pytest.importorskip("pypandoc")
pytest.importorskip("typst")


def last(paper: Any, text: str) -> int:
    """Add a text to the end of `report.md`; returns the line of its first line."""
    report = paper.folder / "report.md"
    above = report.read_text()
    report.write_text(f"{above}\n{text}\n")
    return above.count("\n") + 2


def mean(path: Path) -> float:
    """The mean of the first measurement, from the file alone."""
    return fmean(json.loads(path.read_text())["measurements"][0]["values"])


def test_a_role_prints_the_number_of_the_record(measured: Any, printed: Callable[[], str], repro: Any) -> None:
    last(measured, "Here: {record}`mean-seed2:test:SquaredError`. Stated: {stated}`fit.error`, {verdict}`fit.error`.")
    found = re.search(r"Here: (\S+) .*Stated: (\S+), ([\w ]+)\.", printed())
    assert found
    assert float(found[1]) == pytest.approx(mean(measured.records / "mean-seed2.json"), rel=0.02)
    judged = json.loads(repro("verdict", measured.name, "--json")[1])["verdicts"]
    assert (found[2], found[3]) == ("0.01", next(one["outcome"] for one in judged if one["claim"] == "fit.error"))


def test_a_changed_record_changes_the_article(measured: Any, printed: Callable[[], str]) -> None:
    path = measured.records / "mean-seed2.json"
    last(measured, "Here: {record}`mean-seed2:test:SquaredError`.")
    rows = json.loads(path.read_text())
    rows["measurements"][0]["values"] = [0.5, 0.7]
    path.write_text(json.dumps(rows))
    found = re.search(r"Here: (\S+)", printed())
    assert found and float(found[1]) == pytest.approx(0.6)


def test_a_role_in_code_is_code_and_a_power_is_typeset(measured: Any, printed: Callable[[], str]) -> None:
    last(measured, "Write `` {claim}`fit.error` `` and `1e-9`; the rate is 1e-9.")
    assert "Write {claim}`fit.error` and 1e-9; the rate is 1 × 10−9." in printed().replace("\N{NO-BREAK SPACE}", " ")


def test_a_stale_number_says_so(measured: Any, printed: Callable[[], str]) -> None:
    base = measured.folder / "configs" / "base.gin"
    last(measured, "Here: {record}`line-seed0:test:SquaredError`.")
    assert "(stale)" not in printed()
    base.write_text(re.sub(r"(?m)^(trainers\.Supervised\.steps = )\d+", r"\g<1>123", base.read_text()))
    assert re.search(r"Here: .*\d.* \(stale\)\.", printed())


@pytest.mark.parametrize(
    ("text", "below"),
    [
        ("A {number}`fit.error`.", 0),
        ("A line,\nand {claim}`fit.eror`.", 1),
        ("```{toctree}\nx\n```", 0),
        ("```{sweeps}\n```", 0),
        ("```{leaderboard}\n:metric: Eror\n```", 0),
        ("```{note}\n:class: x\n\nOne.\n\nA {record}`gone-seed0:seconds`.\n```", 5),
        ("- one\n- {record}`gone-seed0:seconds`", 1),
        ("| a |\n|---|\n| {stated}`gone` |", 2),
        (":::{note}\nA note.\n:::", 0),
        ("A <b>bold</b> word.", 0),
        ("<div>\nA box.\n</div>", 0),
        ("A [link](gone.py).", 0),
        ("A [link](javascript:alert).", 0),
        ("![A picture](../../secret.png)", 0),
        ("```{list-table}\n* - a\n  - b\n* - c\n```", 0),
    ],
)
def test_what_cannot_be_printed_is_refused_by_its_line(
    measured: Any, refused: Callable[..., str], text: str, below: int
) -> None:
    line = last(measured, text) + below
    said = refused("export", measured.name, "--as", "pdf", "--to", "out")
    assert said.startswith(f"papers/{measured.name}/report.md:{line}: "), said
    assert not list(Path("out").rglob("*.pdf"))


def test_the_directives_that_can_be_printed(measured: Any, printed: Callable[[], str]) -> None:
    for text in ("```{outcome}\n```", "```{claim} fit.error\n```", "```{leaderboard}\n```", "```{math}\nx^2\n```"):
        last(measured, text)
    last(measured, "```{admonition} Look\nA {stated}`fit.error`.\n```")
    last(measured, "```{list-table}\n:header-rows: 1\n\n* - head\n* - {stated}`fit.error` cell\n```")
    last(measured, "A term\n: its meaning.[^1]\n\n[^1]: A footnote.\n\n% a comment\n")
    found = printed()
    for words in ("Of 3 claims: ", "Ranked by Squared error", "x^2", "LookA 0.01.", "0.01 cell", "A footnote."):
        assert words in found
    assert "a comment" not in found


def test_what_the_site_allows_is_printed_or_refused_by_name() -> None:
    guard = pytest.importorskip("repro.report.sphinx.guard")
    assert set(myst.ROLES) == set(guard.ROLES)
    assert {*directives.PRINTED, *directives.ON_SITE} == set(guard.DIRECTIVES)
