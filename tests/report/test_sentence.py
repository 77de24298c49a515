"""A sentence with roles outside a document: the `outcome` of a paper, as plain text and as HTML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.report import page, quote, sentence
from repro.report.page import Page

TEXT = "Ours: {claim}`mean`,\n{stated}`mean` is {verdict}`mean`; {record}`full-seed0:seconds` `as run`."


@pytest.fixture
def shown(built: Path) -> Page:
    page.forget()
    return page.read("tiny")


def test_roles_become_the_numbers_that_they_quote(shown: Page, elements: Callable[..., Any]) -> None:
    found = elements(str(sentence.html(shown, TEXT)))
    for one in (quote.judged(shown, "mean"), quote.stated(shown, "mean"), quote.measured(shown, "full-seed0:seconds")):
        assert one.text in sentence.plain(shown, TEXT) and one.text in found.text
        assert one.href in found.values("href", "a")
    assert found.text.startswith("Ours: ") and "as run" in found.text
    assert not set("{}`\n<") & set(sentence.plain(shown, TEXT))
    assert sentence.faults(shown, TEXT) == []


def test_another_paper_can_be_named(shown: Page) -> None:
    assert sentence.plain(shown, "{claim}`tiny/mean`") == sentence.plain(shown, "{claim}`mean`")


@pytest.mark.parametrize("text", ["{claim}`men`", "{clam}`mean`", "{claim}`nobody/mean`", "{claim}`later`"])
def test_a_number_that_does_not_exist_is_marked_and_listed(
    text: str, shown: Page, elements: Callable[..., Any]
) -> None:
    (fault,) = sentence.faults(shown, f"It is {text}, so.")
    found = elements(str(sentence.html(shown, f"It is {text}, so.")))
    assert fault in found.values("title", "span") and "repro-fault" in found.values("class", "span")
    assert sentence.plain(shown, f"It is {text}, so.").startswith("It is missing: ")


def test_a_sentence_is_no_markup(shown: Page, elements: Callable[..., Any]) -> None:
    found = elements(str(sentence.html(shown, "<script>alert(1)</script> & {stated}`mean`")))
    assert [tag for tag, _ in found.found] == ["a"]
