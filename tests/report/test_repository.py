"""The addresses of the repository and of the site: what links to them, and what a page says without them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from repro.errors import BadInput
from repro.report import claims, commands, evidence, page, people, repository
from repro.report.page import Page
from repro.report.repository import Site

REPOSITORY = "https://github.com/ada/papers"
HOME = "https://ada.github.io/papers"


def _site(name: str = "template", repository: str = REPOSITORY) -> Page:
    return page.read(name, site=Site(repository, HOME))


@pytest.mark.parametrize("given", [REPOSITORY, f"{REPOSITORY}/", f"{REPOSITORY}.git", f" {REPOSITORY}.git/ "])
def test_an_address_is_written_in_one_way(given: str) -> None:
    assert repository.site(given, f"{HOME}/") == Site(REPOSITORY, HOME)


@pytest.mark.parametrize(
    "given", ["javascript:alert(1)", "git@github.com:ada/papers", "https://x.org/a b", "https://x.org"]
)
def test_another_address_is_refused(given: str) -> None:
    with pytest.raises(BadInput) as caught:
        repository.site(given, "")
    assert "repro_repository" in str(caught.value) and len(str(caught.value).splitlines()) == 1


def _issues(html: str) -> list[str]:
    return [found.replace("&amp;", "&") for found in re.findall(r'href="([^"]*issues/new[^"]*)"', html)]


def test_each_claim_has_a_link_that_reports_a_mistake_in_it() -> None:
    """Title and text of the issue have the id, the paper, the printed number and ours."""
    shown = _site()
    found = _issues(claims.claims(shown))
    assert len(found) == len(shown.verdicts)
    for address, verdict in zip(found, shown.verdicts, strict=True):
        asked = parse_qs(urlsplit(address).query)
        name = f"template/{verdict.claim.id}"
        assert name in asked["title"][0] and name in asked["body"][0]
        assert shown.paper.title in asked["body"][0] and verdict.claim.stated in asked["body"][0]
        assert evidence.ours(verdict) in asked["body"][0] and evidence.ours(verdict)


def test_the_text_of_an_issue_cannot_leave_its_place() -> None:
    address = repository.issue(Site(REPOSITORY), "a&body=b#c", "x\n&title=\"'<>")
    asked = parse_qs(urlsplit(address).query)
    assert asked == {"title": ["a&body=b#c"], "body": ["x\n&title=\"'<>"]} and not urlsplit(address).fragment


def test_an_issue_of_another_host_has_its_own_keys() -> None:
    asked = urlsplit(repository.issue(Site("https://gitlab.example.org/ada/papers"), "a", "b"))
    assert asked.path == "/ada/papers/-/issues/new" and set(parse_qs(asked.query)) == {
        "issue[title]",
        "issue[description]",
    }


def test_the_clone_command_has_the_address_or_is_left_out() -> None:
    assert f"git clone {REPOSITORY} repro\ncd repro" in commands.commands(_site())
    without = commands.commands(page.read("template"))
    assert "git clone" not in without and "cd repro" not in without and "open its folder" in without


def test_without_an_address_no_link_needs_it() -> None:
    shown = replace(page.read("template"), site=repository.NOWHERE)
    html = f"{claims.claims(shown)}{people.section(shown)}{commands.commands(shown)}"
    assert "issues/new" not in html and "Report a mistake" not in html and 'href=""' not in html


def test_a_site_with_its_addresses(fresh: Path, build: Callable[..., Any], html: Callable[..., Any]) -> None:
    """View source leads to the text of a page, or to the folder of a paper. The build takes nothing from there."""
    root = fresh.parents[1]
    project = f'[project]\n[project.urls]\nRepository = "{REPOSITORY}.git"\nDocumentation = "{HOME}/"\n'
    (root / "pyproject.toml").write_text(project)
    assert build(root) == (0, "")
    links = html(root).values("href", "a")
    assert f"{REPOSITORY}/tree/HEAD/papers/tiny" in links and len(_issues("".join(f'href="{x}"' for x in links))) > 1
    assert f"{REPOSITORY}/blob/HEAD/docs/guide/claims.md" in html(root, "guide/claims").values("href", "a")
    assert f"({HOME}/files/badges/tiny.svg)" in html(root).text


def test_a_site_with_a_wrong_address_is_not_built(fresh: Path, build: Callable[..., Any]) -> None:
    code, heard = build(fresh.parents[1], "-D", "repro_repository=git@host:ada")
    assert code != 0 and "repro_repository" in heard and len(heard.strip().splitlines()) == 1
