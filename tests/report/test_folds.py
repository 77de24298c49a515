"""What is folded on a long page, and the links of the first screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.report import cite, claims, outcome, people
from repro.report.repository import Site
from tests.report.read_once import read_once

pytestmark = pytest.mark.xdist_group("site")  # one process reads the pages for all


def test_the_table_is_in_a_fold_if_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The buttons that choose claims, and so open the fold, are outside."""
    shown = read_once("template")
    monkeypatch.setattr(claims, "MANY", 0)
    long = str(claims.claims(shown))
    assert long.index("repro-chips") < long.index('<details class="repro-all">') < long.index("<table")
    monkeypatch.setattr(claims, "MANY", len(shown.verdicts))
    assert "repro-all" not in claims.claims(shown)


def test_the_first_screen_has_one_link_to_what_failed_and_none_if_nothing_did() -> None:
    goal, (first, *_) = "#what-does-not-agree", read_once("template").verdicts
    right, wrong = (replace(first, outcome=one) for one in ("reproduced", "not reproduced"))
    for verdict, many in ((right, 0), (wrong, 1)):
        assert str(outcome.outcome(replace(read_once("template"), verdicts=[verdict]))).count(goal) == many


def test_a_mistake_becomes_an_issue_or_is_told_to_the_group() -> None:
    shown = read_once("template")
    public = replace(shown, site=Site("https://github.com/ada/papers"))
    for part in (cite.line, people.section):
        assert "https://github.com/ada/papers/issues/new?title=Mistake%3A+template" in part(public)
        assert "issues/new" not in part(shown)
    assert f"{shown.address}#people" in cite.line(shown) and f"{shown.address}#cite" in cite.line(shown)
    assert f"tell {shown.paper.group}" in people.section(replace(shown, paper=replace(shown.paper, people=())))
