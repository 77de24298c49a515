"""The rot clock on the pages: which stacks a paper still runs on, how long ago that was tried, and with what."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.report import outcome, papers
from repro.report import rot as shown
from repro.report.sphinx import changes, site
from repro.rerun import rot
from repro.rerun.rot import Trial
from tests.report.read_once import read_once

HOSTILE = '<script>alert(1)</script> & "quotes"'
LOCKED = Trial("locked", "2026-03-01", "2026-01-02", "runs", "3.11.7", {"numpy": "2.4.6", "torch": "2.13.0"})
LATEST = Trial("latest", "2026-03-02", "2026-02-20", "fails", "3.11.7", {"numpy": "2.5.0", "torch": "2.13.0"}, HOSTILE)
TEMPLATE = replace(read_once("template"), trials=[LOCKED, LATEST])


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """`today(n)`: let it be the n-th of March 2026; the 4th at first."""

    def set_day(day: int) -> None:
        monkeypatch.setattr(rot, "today", lambda: datetime.date(2026, 3, day))

    set_day(4)
    return set_day


@pytest.mark.parametrize("place", [outcome.facts, lambda one: papers.papers([one], "")], ids=["paper", "landing"])
def test_each_stack_is_told_with_its_age(place: Callable[..., str], elements: Callable[..., Any]) -> None:
    found = elements(str(place(TEMPLATE)))
    text = " ".join(found.text.split())
    assert "✓runs on the pinned versions tried 3 days ago" in text
    assert "✗fails on the newest releases since 2026-02-20 tried 2 days ago" in text
    assert {"2026-03-01", "2026-03-02"} <= set(found.values("datetime", "time"))
    assert "papers/template.html#rot" in found.values("href", "a")
    assert "script" not in text, "the line stands in its section alone"


def test_the_section_has_the_line_as_text_and_the_versions(elements: Callable[..., Any]) -> None:
    html = str(shown.section(TEMPLATE))
    found = elements(html)
    assert HOSTILE in found.text and not [name for name, _ in found.found if name == "script"]
    assert "repro rot template" in found.text and found.values("id")[0] == "rot"
    assert "1 of 3 differ" in found.text and html.count("<strong>") == 2
    assert "<strong>2.5.0</strong>" in html and "<td>2.13.0</td><td>2.13.0</td>" in html


@pytest.mark.parametrize(("day", "ago", "old"), [
    (1, "tried today", False), (2, "tried 1 day ago", False), (15, "tried 14 days ago", False),
    (16, "tried 15 days ago", True),
])  # fmt: skip
def test_what_was_tried_long_ago_is_marked_as_old(
    day: int, ago: str, old: bool, today: Callable[[int], None], elements: Callable[..., Any]
) -> None:
    today(day)
    one = replace(TEMPLATE, trials=[LOCKED])
    for html in (shown.badges(one), shown.section(one)):
        text = elements(str(html)).text.replace(" old", "old")
        assert f"runs on the pinned versions {ago}{'old' if old else ''}" in text
        assert ("repro-chip stale" in html) == old


def test_a_clock_that_is_ahead_is_no_negative_age(elements: Callable[..., Any]) -> None:
    ahead = replace(LOCKED, date="2026-03-09")
    assert "tried today" in elements(str(shown.badges(replace(TEMPLATE, trials=[ahead])))).text


def test_what_was_not_run_is_no_failure(elements: Callable[..., Any]) -> None:
    away = replace(LOCKED, outcome="not run", said="secret is not here")
    html = str(shown.section(replace(TEMPLATE, trials=[away])))
    assert "–not run on the pinned versions" in elements(html).text and "secret is not here" in html
    assert "not-run" in html and "fails" not in html


def test_nothing_is_claimed_of_what_nobody_tried(elements: Callable[..., Any]) -> None:
    one = replace(TEMPLATE, trials=[])
    assert "It has not been tested yet" in elements(str(shown.section(one))).text
    assert "Still runs?" not in outcome.facts(one) and "repro-rot" not in papers.papers([one], "")


def test_the_built_pages_show_it(fresh: Path, build: Callable[..., Any], html: Callable[..., Any]) -> None:
    rot.write(fresh, LATEST)
    assert build(fresh.parents[1]) == (0, "")
    found = html(fresh.parents[1])
    assert (
        HOSTILE in found.text
        and "files/papers/tiny/records/dependency_checks" not in found.text
        and "rot" in found.values("id")
    )
    assert "fails on the newest releases since 2026-02-20" in html(fresh.parents[1], "index").text


def test_a_file_that_cannot_be_read_ends_the_build_in_one_line(fresh: Path, build: Callable[..., Any]) -> None:
    rot.write(fresh, LATEST).write_text("{}")
    code, said = build(fresh.parents[1])
    assert (
        code == site.TOLD
        and said.count("\n") == 1
        and "tiny/records/dependency_checks/latest.json: " in said
        and "missing key 'date'" in said
    )


def test_the_pages_depend_on_the_tries_and_on_the_day(fresh: Path, today: Callable[[int], None]) -> None:
    def digests() -> list[str]:
        changes.forget()
        return [changes.digest("paper tiny"), changes.digest("today")]

    before = digests()
    path = rot.write(fresh, LOCKED)
    after = digests()
    assert before[0] != after[0] and before[1] == after[1]
    today(5)
    assert after[0] == digests()[0] and after[1] != digests()[1]
    path.unlink()
    assert digests()[0] == before[0]
