"""`repro new --arxiv`: the citation from arXiv's API. A local server gives the answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repro.claim import paper
from repro.cli import arxiv
from repro.errors import BadInput
from tests.serving import Server

ANSWER = Path(__file__).with_name("1412.6572.atom").read_bytes()
ASKED = "api/query?id_list="
NO_ENTRY = b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>none</title></feed>'


@pytest.fixture
def api(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(arxiv, "API", f"{server.address}/api/query")
    server.files[f"{ASKED}1412.6572"] = ANSWER
    return server


def test_the_citation_is_filled_in(here: Path, api: Server, repro: Callable[..., tuple[int, str, str]]) -> None:
    assert repro("new", "fgsm", "--arxiv", "arXiv:1412.6572", "--group", 'Group "A"')[0] == 0
    one = paper.find("fgsm")
    assert one.title == "Explaining and Harnessing Adversarial Examples"
    assert one.authors == ["Ian J. Goodfellow", "Jonathon Shlens", "Christian Szegedy"]
    assert (one.year, one.url, one.group) == (2014, "https://arxiv.org/abs/1412.6572", 'Group "A"')
    assert one.summary == one.abstract == "", "the template's summary is of another paper"
    assert one.claims


@pytest.mark.parametrize(
    "given", ["1412.6572", "https://arxiv.org/abs/1412.6572", "https://arxiv.org/pdf/1412.6572.pdf"]
)
def test_the_address_of_a_page_is_an_identifier_too(api: Server, given: str) -> None:
    assert arxiv.facts(given)["year"] == 2014


@pytest.mark.parametrize(
    "given", ["", "1412", "1412.65", "../1412.6572", "1412.6572&id_list=1", "https://a.org/1412.6572"]
)
def test_what_is_no_identifier_is_not_asked_for(api: Server, given: str) -> None:
    with pytest.raises(BadInput) as caught:
        arxiv.facts(given)
    assert "1412.6572" in caught.value.expected and api.asked == []


@pytest.mark.parametrize(
    ("answer", "faults"),
    [
        (NO_ENTRY, []),
        (ANSWER, ["400"]),
        (ANSWER, ["500"]),
        (ANSWER, ["close"]),
        (b"<html>", []),
        (ANSWER.replace(b"2014-12-20T01:17:12Z", b""), []),
        (b" " * (arxiv.LARGEST + 1), []),
    ],
)
def test_another_answer_is_one_line_and_no_paper(
    here: Path, api: Server, refused: Callable[..., str], answer: bytes, faults: list[str]
) -> None:
    api.files[f"{ASKED}1412.6572"], api.faults[f"{ASKED}1412.6572"] = answer, faults
    refused("new", "fgsm", "--arxiv", "1412.6572")
    assert list((here / "papers").iterdir()) == []


def test_without_a_network_it_is_one_line(here: Path, api: Server, refused: Callable[..., str]) -> None:
    api.stop()
    refused("new", "fgsm", "--arxiv", "1412.6572")
    assert list((here / "papers").iterdir()) == []
