"""The section People, the change log of the verdicts, the badge, and what a reader can cite."""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.report import cite, history, needed, outcome, page, people, reviews
from repro.report.page import Page
from repro.report.repository import Site
from repro.report.sphinx import changes
from tests.report.conftest import SVG
from tests.report.read_once import read_once

SITE = Site("https://github.com/ada/papers", "https://ada.github.io/papers")


@pytest.fixture(autouse=True)
def uncached() -> Iterator[None]:
    history.forget()
    yield
    history.forget()


def test_git_is_asked_once_if_it_knows_nothing(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a site of 100 papers in a folder without a repository starts git 200 times."""
    asked: list[Path] = []

    def call(folder: Path, *words: str, given: bytes = b"") -> bytes:
        asked.append(folder)
        raise history.GitError("no repository")

    monkeypatch.setattr(history.git, "call", call)
    found = [history.of_folder(fresh.parent / name) for name in ("tiny", "other", "tiny")]
    assert len(asked) == 1 and all("no repository" in one.limit and not one.changes for one in found)


def _git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)


def _commit(folder: Path, rows: dict[str, str], date: str) -> None:
    (folder / "records/verdicts.json").write_text(json.dumps(rows))
    _git(folder, "add", str(folder / "records/verdicts.json"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_DATE", f"{date}T12:00:00+00:00")
        _git(folder, "commit", "-q", "-m", "verdicts")


@pytest.fixture
def committed(fresh: Path) -> Path:
    """A paper whose verdicts were committed three times; something else was committed in between."""
    _git(fresh.parents[1], "init", "-q")
    _commit(fresh, {"mean": "not run", "order": "not run"}, "2026-01-01")
    _commit(fresh, {"mean": "inconclusive", "order": "not run"}, "2026-01-02")
    _git(fresh, "add", "paper.toml")
    _git(fresh, "commit", "-q", "-m", "other")
    _commit(fresh, {"mean": "reproduced, changed after its record: seeds 1 -> 2", "gone": "stale"}, "2026-01-03")
    return fresh


def _rows(folder: Path) -> set[tuple[str, str, str, tuple[str, ...]]]:
    return {(one.date, one.before, one.after, tuple(one.claims)) for one in history.of_folder(folder).changes}


def test_the_history_has_each_change_of_an_outcome_with_its_date(committed: Path) -> None:
    assert _rows(committed) == {
        ("2026-01-03", "inconclusive", "reproduced", ("mean",)),
        ("2026-01-03", "", "stale", ("gone",)),
        ("2026-01-03", "not run", "", ("order",)),
        ("2026-01-02", "not run", "inconclusive", ("mean",)),
        ("2026-01-01", "", "not run", ("mean", "order")),
    }
    dates = [one.date for one in history.of_folder(committed).changes]
    assert dates == sorted(dates, reverse=True) and not history.of_folder(committed).limit


def test_a_merged_branch_is_one_change(committed: Path) -> None:
    _git(committed, "branch", "-M", "main")
    _git(committed, "checkout", "-q", "-b", "other")
    _commit(committed, {"mean": "stale", "gone": "stale"}, "2026-01-04")
    _commit(committed, {"mean": "exceeded", "gone": "stale"}, "2026-01-05")
    _git(committed, "checkout", "-q", "main")
    _git(committed, "merge", "-q", "--no-ff", "-m", "merge", "other")
    history.forget()
    newest = history.of_folder(committed).changes[0]
    assert (newest.before, newest.after, newest.claims) == ("reproduced", "exceeded", ["mean"])


def test_a_shallow_clone_says_so_and_takes_nothing_old_for_new(committed: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    source = committed.parents[1].as_uri()
    subprocess.run(["git", "clone", "-q", "--depth", "1", source, str(clone)], check=True, capture_output=True)
    found = history.of_folder(clone / "papers/tiny")
    assert not found.changes and "shallow" in found.limit


def test_without_git_or_without_a_commit_the_page_says_so(fresh: Path) -> None:
    page.forget()
    shown = page.read("tiny")
    assert not history.of_folder(fresh).changes and history.of_folder(fresh).limit in people.log(shown)
    _git(fresh.parents[1], "init", "-q")
    history.forget()
    assert not history.of_folder(fresh).changes and history.of_folder(fresh).limit in people.log(shown)


def test_an_old_version_that_is_no_file_of_outcomes_stops_nothing(committed: Path) -> None:
    (committed / "records/verdicts.json").write_text("[broken")
    _git(committed, "commit", "-q", "-a", "-m", "broken")
    _commit(committed, {"mean": "stale"}, "2026-01-07")
    history.forget()
    assert history.of_folder(committed).changes[0].after == "stale"


def test_git_is_called_a_fixed_number_of_times(committed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        (committed.parent / name / "records").mkdir(parents=True)
        _commit(committed.parent / name, {"x": "stale"}, "2026-01-08")
    history.forget()
    asked: list[tuple[str, ...]] = []
    call = history.git.call
    monkeypatch.setattr(
        history.git, "call", lambda folder, *words, **more: asked.append(words) or call(folder, *words, **more)
    )
    assert all(history.of_folder(committed.parent / name).changes for name in ("tiny", "a", "b", "c"))
    assert len(asked) == 5


def test_a_commit_makes_the_page_old(committed: Path) -> None:
    changes.forget()
    before = changes.digest("history tiny")
    _commit(committed, {"mean": "stale"}, "2026-01-09")
    changes.forget()
    assert changes.digest("history tiny") != before != ""


def test_the_log_links_to_claims_of_the_page_and_names_others(committed: Path) -> None:
    page.forget()
    html = people.log(page.read("tiny", site=SITE))
    assert html.startswith("<details") and html.count("<tr") == 1 + 5
    assert "#claim-mean" in html and "#claim-gone" not in html and "gone" in html
    assert f'href="{SITE.repository}/commit/' in html


@pytest.fixture
def shown(built: Path) -> Page:
    page.forget()
    return page.read("tiny", site=SITE)


def test_people_are_named_and_escaped(shown: Page) -> None:
    given = reviews.Review(Path("2026-01-31-x.md"), "Group <2>", "Grace", "2026-01-31", "0" * 40, {}, [])
    paper = replace(shown.paper, group="Group 1", people=["Ada <b>L</b>", "Alan T"], author_response="Thanks & `x`")
    html = people.section(replace(shown, paper=paper, reviews=[given]))
    assert "Group 1: Ada &lt;b&gt;L&lt;/b&gt;, Alan T" in html
    assert "Grace (Group &lt;2&gt;)" in html and "2026-01-31-x.md" in html
    assert "Thanks &amp; <code>x</code>" in html and "author_response" in html and "issues/new" in html


def test_the_badge_has_the_counts_and_loads_nothing(built: Path, shown: Page) -> None:
    text = (built / "html/files/badges/tiny.svg").read_text(encoding="utf-8")
    badge = ElementTree.fromstring(text)
    words = [one.text for one in badge.iter(f"{SVG}text")]
    assert words[1:] == [f"{many} {name}" for name, many in outcome.tally(shown.verdicts).items()]
    assert {one.tag for one in badge.iter()} == {f"{SVG}{name}" for name in ("svg", "title", "rect", "text")}
    assert "href" not in text and "url(" not in text and "@" not in text
    width = float(badge.attrib["width"])
    assert all(0 <= float(one.attrib["x"]) <= width for one in badge if "x" in one.attrib)
    fills = [one.attrib["fill"] for one in badge.iter(f"{SVG}rect") if "stroke" in one.attrib]
    assert len(set(fills)) == len(words) - 1


def test_the_badge_can_be_put_on_another_page(shown: Page) -> None:
    embed = re.search(r"\[!\[([^\]]*)\]\((\S+)\)\]\((\S+)\)", people.section(shown))
    assert embed and embed[2] == f"{SITE.home}/files/badges/tiny.svg" and embed[3] == f"{SITE.home}/papers/tiny.html"
    assert "1 reproduced" in embed[1]
    without = people.section(replace(shown, site=Site()))
    assert "[![" not in without and "repro-paper-badge" in without


def test_code_and_data_can_be_cited(shown: Page) -> None:
    commit = "a1b2c3d4e5f6a7b8" * 2 + "00000000"
    newest = replace(shown.records[0], finished="2031-05-06T00:00:00+00:00", source={"commit": commit})
    paper = replace(shown.paper, people=["Ada L", "Alan T"])
    entry = cite.code(replace(shown, paper=paper, records=[*shown.records, newest]))
    assert entry.startswith("@misc{tiny-code,") and "author = {Ada L and Alan T}" in entry
    assert f"url = {{{SITE.repository}/tree/{commit}/papers/tiny}}" in entry and "year = {2031}" in entry
    lecun = read_once("lecun1998")
    (data,) = needed.of_paper(lecun)
    assert data.citation in cite.bibtex(lecun)


def test_the_page_ends_with_its_people(built: Path, html: Callable[..., Any]) -> None:
    found = html(built)
    sections = [given["id"] for kind, given in found.found if kind == "section"]
    assert sections[-1] == "people" and "../files/badges/tiny.svg" in found.values("src", "img")
