"""The landing page, what can be downloaded and cited, and claims shown away from their paper."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.report import cite, origin, outcome, page, papers
from repro.report.page import Page
from repro.verdict import OUTCOMES


@pytest.fixture
def shown(built: Path) -> Page:
    page.forget()
    return page.read("tiny")


def test_a_claim_and_its_verdict_can_stand_on_any_page(built: Path, html: Callable[..., Any]) -> None:
    found = html(built, "index")
    assert {"repro-row", "repro-claims"} <= {given.get("class") for _, given in found.found}
    assert found.text.count('The mean "is" five') >= 2  # its row of the figure, its row of the table
    links = found.values("href", "a")
    assert "papers/tiny.html#claim-mean" in links and "papers/tiny.html#claim-order" in links
    assert "It is ✓reproduced, and ◇trend holds." in found.text
    assert "claim-mean" not in found.values("id")  # that place is the paper's own


@pytest.mark.parametrize("text", ["{verdict}`tiny/men`", "```{claim} tiny/men\n```"])
def test_a_verdict_on_no_claim_fails_and_shows(text: str, fresh: Path, build: Callable[..., Any], html: Any) -> None:
    root = fresh.parents[1]
    (root / "docs/index.md").write_text(f"# Home\n\n{text}\n\n```{{toctree}}\npapers/tiny\n```\n")
    code, heard = build(root)
    assert code != 0 and "index.md:3: WARNING: tiny: no claim 'men'; did you mean 'mean'?" in heard
    assert "men" in html(root, "index").text


def test_the_downloads_are_linked_and_hold_the_verdicts(built: Path, html: Callable[..., Any]) -> None:
    assert "../files/papers/tiny/claims.csv" in html(built).values("href", "a")
    assert "files/papers.csv" in html(built, "index").values("href", "a")
    with (built / "html/files/papers/tiny/claims.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["claim"], row["verdict"]) for row in rows] == [
        ("mean", "reproduced"),
        ("order", "trend holds"),
        ("later", "not transcribed"),
    ]
    with (built / "html/files/papers.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["paper"], row["runs"], row["reproduced"], row["tier"]) == ("tiny", "3", "1", "T3")


def test_the_report_is_cited_by_its_newest_record(shown: Page) -> None:
    newest = replace(shown.records[0], finished="2031-05-06T00:00:00+00:00", source={"commit": "a1b2c3d4e5f6a7b8"})
    entry = cite.report(replace(shown, records=[*shown.records, newest]))
    assert entry.startswith("@misc{tiny-report,") and "year = {2031}" in entry and "url" not in entry
    assert "Reproducibility report: Twenty" in entry
    assert "1 reproduced, 1 trend holds; newest record made from commit a1b2c3d4e5f6}" in entry


def test_a_record_of_an_uncommitted_tree_is_not_cited_as_of_a_commit(shown: Page) -> None:
    source = {"commit": "a1b2c3d4e5f6a7b8", "dirty": True, "diff": "ffff"}
    newest = replace(shown.records[0], finished="2031-05-06T00:00:00+00:00", source=source)
    dirty = replace(shown, records=[*shown.records, newest])
    assert "from commit a1b2c3d4e5f6 with uncommitted changes}" in cite.report(dirty)
    assert "1 record made with uncommitted changes" in outcome.facts(dirty)
    assert origin.origin(dirty).count("with uncommitted changes") == 2  # its fold, and beside the commit
    assert "uncommitted" not in outcome.facts(shown) + origin.origin(shown)


def test_the_date_of_the_newest_record_can_be_read_by_programs(built: Path, html: Callable[..., Any]) -> None:
    newest = max(record.read(path).finished for path in (built / "papers/tiny/records").glob("*.json"))
    for name in ("index", "papers/tiny"):
        assert newest in html(built, name).values("datetime", "time")


@pytest.mark.parametrize(("many", "filtered"), [(3, False), (100, True)])
def test_many_papers_can_be_filtered(many: int, filtered: bool, shown: Page, elements: Callable[..., Any]) -> None:
    found = elements(str(papers.papers([shown] * many, "")))
    assert ("repro-filter" in found.values("class")) == filtered
    assert found.values("class", "li").count("repro-card repro-entry") == many


def test_a_row_names_its_folder(shown: Page) -> None:
    """A copy of the template that still has its title is told by it."""
    assert "papers/tiny" in papers.papers([shown], "")


def test_every_outcome_has_a_sign_of_its_own_and_a_meaning() -> None:
    assert tuple(outcome.SIGNS) == tuple(outcome.MEANINGS) == OUTCOMES
    assert len(set(outcome.SIGNS.values())) == len(OUTCOMES)


def test_the_meanings_are_those_of_the_guide() -> None:
    """The guide says more; no word that carries meaning is the page's alone."""
    guide = (Path(__file__).parents[2] / "docs/guide/verdicts.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"(?s)\n## ([a-z ]+)\n(.+?\*\*When\*\*.+?\*\*Next\*\*: .+?)(?=\n## |\Z)", guide))
    assert tuple(rows) == OUTCOMES
    assert all(text.startswith(f"\n```{{verdict-picture}} {name}\n```\n") for name, text in rows.items())
    for name, other in (("trend fails", "trend holds"), ("not reproduced", "reproduced")):
        rows[name] += f" {rows[other]}"  # of which it is the contrary
    for name, meaning in outcome.MEANINGS.items():
        strange = set(re.findall(r"[a-z]{4,}", meaning)) - set(re.findall(r"[a-z]+", rows[name]))
        assert strange <= {"another", "ours", "than"}, name


def test_a_verdict_says_what_it_means_and_leads_to_the_guide(built: Path, html: Callable[..., Any]) -> None:
    found = html(built)
    assert {outcome.MEANINGS["reproduced"], outcome.MEANINGS["trend holds"]} <= set(found.values("title", "span"))
    assert "../guide/verdicts.html#reproduced" in found.values("href", "a")
    assert "guide/verdicts.html#trend-holds" in html(built, "index").values("href", "a")


def test_one_claim_of_hundreds_is_seen_in_the_bar(shown: Page, elements: Callable[..., Any]) -> None:
    verdicts = [shown.verdicts[0]] * 400 + [shown.verdicts[1]]
    widths = [float(width.rstrip("%")) for width in elements(str(outcome.bar(verdicts))).values("width", "rect")]
    assert len(widths) == 2 and min(widths) > 1.5 and sum(widths) == pytest.approx(100, abs=0.01)
