"""The real site: every verdict can be traced in two clicks, every link leads somewhere, nothing is fetched.

A claim has a place on its paper's page. From its row, or from what a click on its cell shows, links lead to its records
and its configs, and the command that makes them can be copied.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path, PurePath
from urllib.parse import unquote

import pytest

from repro.claim import Claim
from repro.claim import paper as papers
from repro.report import explained, needed
from repro.report.html.words import slug
from tests.report.read_once import read_once

pytestmark = pytest.mark.xdist_group("site")  # one process builds it for all

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
LOADING = {**dict.fromkeys(("script", "img", "audio", "video", "source", "iframe"), "src"), "link": "href"}
COLOUR = re.compile(r'<span class="\w{1,3}">([^<]*)</span>')  # in listings of code: most elements of the site
WEB = re.compile(r"^(?:https?:)?//")


@dataclass(slots=True)
class Node:
    """An element with its children; a piece of text is one without a name."""

    tag: str
    given: dict[str, str]
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def within(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.within()

    def values(self, attribute: str, *tags: str) -> list[str]:
        return [node.given[attribute] for node in self.within() if attribute in node.given and node.tag in tags]

    @property
    def words(self) -> str:
        return " ".join(" ".join(node.text for node in self.within()).split())

    def above(self, *tags: str) -> Node:
        found = self
        while found.parent and found.tag not in tags:
            found = found.parent
        return found


class Tree(HTMLParser):
    """A page as nodes, with the node of each id."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.open = self.top = Node("", {})
        self.ids: dict[str, Node] = {}
        self.twice: list[str] = []
        self.feed(COLOUR.sub(r"\1", path.read_text(encoding="utf-8")))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self.open)
        self.open.children.append(node)
        if name := node.given.get("id"):
            self.twice += [name] if name in self.ids else []
            self.ids[name] = node
        if tag not in VOID:
            self.open = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open = self.open if tag in VOID else self.open.parent or self.top

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open.above(tag).parent or self.top

    def handle_data(self, data: str) -> None:
        self.open.children.append(Node("", {}, self.open, text=data))

    def links(self) -> Iterator[tuple[str, Path, str]]:
        """Each link of the page that stays on the site: as written, the file and the place that it leads to."""
        for link in sorted({*self.top.values("href", "a", "link"), *self.top.values("src", *LOADING)}):
            address, _, place = link.partition("#")
            if not re.match(r"[a-z]+:|//", link):
                file = self.path.parent / unquote(address.partition("?")[0]) if address else self.path
                yield link, file.resolve(), unquote(place)


@pytest.fixture(scope="module")
def site(real: tuple[Path, str]) -> dict[Path, Tree]:
    """Every page of the real site."""
    return {path.resolve(): Tree(path) for path in real[0].rglob("*.html")}


@pytest.fixture(scope="module")
def of_paper(real: tuple[Path, str], site: dict[Path, Tree]) -> Callable[[str], Tree]:
    return lambda name: site[(real[0] / "papers" / f"{name}.html").resolve()]


def _around(tree: Tree, claim: Claim) -> list[Node]:
    """What a reader sees of a claim at its place: its rows, and what its button shows."""
    at = tree.ids[slug("claim", claim.id)]
    shown = [tree.ids[name] for name in at.values("popovertarget", "button")]
    return [at.above("tbody") if at.tag == "tr" else at, *shown]


@pytest.mark.parametrize("name", sorted(papers.folders()))
def test_every_verdict_can_be_traced_in_two_clicks(name: str, of_paper: Callable[[str], Tree]) -> None:
    """To its records where it has some, to its configs, and to what one types to make them."""
    tree, shown = of_paper(name), read_once(name)
    for verdict in shown.verdicts:
        claim, around = verdict.claim, _around(tree, verdict.claim)
        links = {link.partition("#")[0] for node in around for link in node.values("href", "a")}
        said = " ".join(node.words for node in around)
        records = [found for one in verdict.evidence for found in (*one.records, *one.over)]
        wanted = {f"../files/papers/{name}/records/{found.stem}.json" for found in records}
        wanted |= {f"../files/papers/{name}/{config}.html" for config, _ in claim.runs}
        assert wanted <= links, f"{name}: {claim.id} has no link to {wanted - links}"
        for config in dict.fromkeys(config for config, _ in claim.runs):
            assert f"repro run {name}/{PurePath(config).stem} --seed" in said, f"{name}: {claim.id}"
        classes = [(one.words, set(one.given.get("class", "").split())) for node in around for one in node.within()]
        badges = [text for text, names in classes if "repro-badge" in names and "replayed" not in names]
        words = [badge.partition(" ")[2] for badge in badges]
        assert not verdict.claim.transcribed or words == [needed.word(shown, verdict)]
        for record in wanted:
            path = tree.path.parent / record
            assert path.is_file() and (path.suffix == ".html" or json.loads(path.read_text())["paper"] == name)


def test_the_tests_of_a_group_are_run_by_one_process(request: pytest.FixtureRequest) -> None:
    """Otherwise each process builds the site. Some versions of pytest-xdist ignore groups."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        assert request.node.nodeid.endswith("@site")


def test_every_link_of_every_page_leads_somewhere(site: dict[Path, Tree]) -> None:
    broken = []
    for tree in site.values():
        for link, file, place in tree.links():
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file() or (place and file in site and place not in site[file].ids):
                broken.append(f"{tree.path.name}: {link}")
    assert not broken


def test_no_page_loads_anything_from_elsewhere(real: tuple[Path, str], site: dict[Path, Tree]) -> None:
    for tree in site.values():
        found = [link for tag, name in LOADING.items() for link in tree.top.values(name, tag) if WEB.match(link)]
        styles = [*tree.top.values("style", *{node.tag for node in tree.top.within()})]
        styles += [node.words for node in tree.top.within() if node.tag == "style"]
        assert not found and not [text for text in styles if "//" in text], tree.path
    for path in real[0].rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", path.read_text(encoding="utf-8")), path


def test_every_page_is_in_order(site: dict[Path, Tree]) -> None:
    """Headings go down one at a time, no id stands twice, pictures have words, tables of ours have heads."""
    for tree in site.values():
        nodes = list(tree.top.within())
        levels = [int(node.tag[1]) for node in nodes if re.fullmatch(r"h[1-6]", node.tag)]
        levels = levels or [1]  # the search makes its page by script
        assert levels[0] == 1 and all(after <= before + 1 for before, after in pairwise(levels)), tree.path
        assert not tree.twice, tree.path
        images = [node.given for node in nodes if node.tag == "img"]
        assert all("alt" in given for given in images), (
            tree.path
        )  # empty for the picture below a layer, which has words
        assert not images or any(given["alt"] for given in images), tree.path
        for node in nodes:
            if node.tag == "svg" and node.given.get("role") == "img":
                assert {"title", "desc"} <= {child.tag for child in node.children}, tree.path
            if node.tag == "table" and node.given.get("class", "").startswith("repro-"):
                assert node.values("scope", "th"), tree.path


def test_what_a_click_shows_can_be_closed(of_paper: Callable[[str], Tree]) -> None:
    shown = [node for node in of_paper("raff2019").top.within() if "popover" in node.given]
    assert shown
    for node in shown:
        (button,) = [child for child in node.within() if child.given.get("popovertargetaction") == "hide"]
        assert button.given["popovertarget"] == node.given["id"] and button.words == "close"
        assert node.given["aria-label"]


def test_what_does_not_agree_comes_first(of_paper: Callable[[str], Tree]) -> None:
    """Below the bar and above the figure, each failed claim with the print, ours and a way to the reasons."""
    tree, shown = of_paper("lecun1998"), read_once("lecun1998")
    heads = [node.words.rstrip("#¶").strip() for node in tree.top.within() if node.tag == "h2"]
    assert heads[:2] == ["What does not agree", "Claims"]
    tables = [node for node in tree.top.within() if "repro-gaps" in node.given.get("class", "").split()]
    rows = [row for table in tables for row in [node for node in table.within() if node.tag == "tr"][1:]]
    failed = sorted(shown.failed, key=lambda one: one.outcome == "exceeded")
    assert len(failed) == len(rows) >= 10
    for verdict, row in zip(failed, rows, strict=True):
        place, reason = (link.partition("#")[2] for link in row.values("href", "a"))
        assert place == slug("claim", verdict.claim.id) and reason in tree.ids
    said = explained.sentences(shown)
    told = [(said[one.claim.id], row) for one, row in zip(failed, rows, strict=True) if one.claim.id in said]
    open_ = [(text, row.words) for text, row in told if "it agrees if one factor is changed" not in row.words]
    assert len(open_) >= 10 and all(text in words or "the same reason" in words for text, words in open_)
    assert all(any(text in words for other, words in open_ if other == text) for text, _ in open_)
