"""The search: claims and tips are results, the index has the words that a reader sees; and the head of each page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.report import page, quote, sentence
from repro.report.page import Page
from repro.report.sphinx import head, search
from repro.report.sphinx.search import words


@pytest.fixture
def shown(built: Path) -> Page:
    page.forget()
    return page.read("tiny")


@pytest.fixture(scope="module")
def index(built: Path) -> Any:
    text = (built / "html/searchindex.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))


def results(index: Any) -> dict[str, tuple[str, str]]:
    """The name of each result: its document and anchor."""
    return {
        f"{prefix}.{row[4]}" if prefix else row[4]: (index["docnames"][row[0]], row[3])
        for prefix, rows in index["objects"].items()
        for row in rows
    }


def test_each_claim_is_a_result_that_leads_to_its_row(index: Any, shown: Page, built: Path, html: Any) -> None:
    found = {name: place for name, place in results(index).items() if place[1].startswith("claim-")}
    assert len(found) == len(shown.verdicts) and {document for document, _ in found.values()} == {"papers/tiny"}
    for verdict in shown.verdicts:
        (name,) = [name for name, (_, anchor) in found.items() if anchor == f"claim-{verdict.claim.id}"]
        assert name.endswith(f": {verdict.outcome}")
        assert not set("<>&'\"") & set(name), "the results would show an escape"
        assert f"claim-{verdict.claim.id}" in html(built).values("id")
    (mean,) = [name for name, (_, anchor) in found.items() if anchor == "claim-mean"]
    assert quote.stated(shown, "mean").text in mean
    assert {name for _, kind, name in index["objnames"].values()} == {"claim", "record"}


def test_each_record_is_a_result_that_leads_to_its_origin(index: Any, shown: Page, built: Path, html: Any) -> None:
    found = results(index)
    for record in shown.records:
        document, anchor = found[record.stem]
        assert document == "papers/tiny" and anchor in html(built).values("id")


def test_a_tip_is_a_result(fresh: Path, build: Callable[..., Any], html: Callable[..., Any]) -> None:
    root = fresh.parents[1]
    (fresh / "tips.md").write_text(
        "# Tips\n\n## The loss is `NaN`\n\n- **Symptom** NaN.\n- **Cause** It divides by 0.\n"
        "- **Fix** Add 1.\n- **Test** `test_it`\n"
    )
    (root / "docs/tips.md").write_text("---\norphan: true\n---\n# Tips\n\n```{tips}\n```\n")
    build(root)
    text = (root / "html/searchindex.js").read_text(encoding="utf-8")
    found = results(json.loads(text.removeprefix("Search.setIndex(").removesuffix(")")))
    document, anchor = found["The loss is NaN"]
    assert document == "tips" and anchor in html(root, "tips").values("id")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<td>10,000 items</td><td>exceeded</td>", "10,000 items exceeded"),
        ("<p>LeNet<b>-5</b> is</p><p>best</p>", "LeNet-5 is best"),
        ('<svg role="img"><title>Outcome</title><rect /></svg><li>one</li>', "one"),
        ('<span aria-hidden="true" class="sign">x</span>reproduced', "reproduced"),
        ('<span class="sign" aria-hidden="true">x</span>1 &lt; 2', "1 < 2"),
        ("<script>var a = 1</script><style>p {}</style>two", "two"),
    ],
)
def test_the_words_are_what_a_reader_sees(html: str, text: str) -> None:
    assert words(html) == text


def test_the_index_has_no_words_that_run_together(index: Any, shown: Page) -> None:
    table = words(str(search.Html("", "<td>five</td><td>reproduced</td>", format="html").astext()))
    assert table == "five reproduced"
    assert not [word for word in index["terms"] if "reproducedthe" in word or "fivereproduced" in word]
    assert "reproduc" in index["terms"]


def test_a_page_has_a_title_and_a_description(built: Path, shown: Page, html: Callable[..., Any]) -> None:
    for name, about in (
        ("papers/tiny", sentence.plain(shown, shown.paper.outcome)),
        ("guide/claims", "This is one. And two."),
    ):
        told = {
            given.get("name") or given.get("property"): given for tag, given in html(built, name).found if tag == "meta"
        }
        assert told["description"]["content"] == told["og:description"]["content"] == about
        assert told["og:title"]["content"]
    assert quote.judged(shown, "mean").text in sentence.plain(shown, shown.paper.outcome)


def test_a_description_is_a_sentence_that_says_enough_and_is_not_long() -> None:
    long = "Use e.g. this one, which is said in a sentence of more than sixty characters."
    assert head.opening(f"{long}\nThen that.") == long
    assert head.opening(f"Short. {long} Then that.") == f"Short. {long}"
    assert len(head.opening("word " * 200)) <= head.LONG + 2


def test_every_page_has_an_icon_that_exists(built: Path, html: Callable[..., Any]) -> None:
    for name in ("index", "papers/tiny"):
        (icon,) = [given["href"] for _, given in html(built, name).found if "icon" in given.get("rel", "").split()]
        assert (built / "html" / name).parent.joinpath(icon.partition("?")[0]).is_file()


def test_a_link_to_a_claim_does_not_animate(built: Path, html: Callable[..., Any]) -> None:
    """The theme's `scroll-behavior: smooth` is before ours, so that ours counts; motion can be switched off too."""
    sheets = [one.partition("?")[0] for one in html(built).values("href", "link") if ".css" in one]
    texts = [(built / "html/papers" / sheet).read_text(encoding="utf-8") for sheet in sheets]
    rules = [re.findall(r"html\s*\{[^}]*scroll-behavior:\s*(\w+)", text) for text in texts]
    assert [value for found in rules for value in found][-1] == "auto"
    assert any("prefers-reduced-motion: reduce" in text for text in texts)
