"""Sentences name configs and claims by their labels, not by paths and ids."""

from __future__ import annotations

import re

import pytest

from repro.report import behaviours, cells, claims, disagreements, naming, people, suspected_causes
from tests.report.read_once import read_once

CODE = re.compile(r"<(code|pre|script)\b.*?</\1>", re.DOTALL)


def prose(html: str) -> str:
    """The text of a piece of a page, without code."""
    return re.sub(r"<[^>]+>", " ", CODE.sub(" ", html))


@pytest.mark.parametrize("name", ["autoclip", "gal2017", "goodfellow2015", "rabanser2019", "template"])
def test_no_sentence_names_the_path_of_a_config(name: str) -> None:
    page = read_once(name)
    printed = [one for one in page.verdicts if one.claim.kind == "printed" and one.claim.transcribed]
    parts = [claims.claims(page), disagreements.disagreements(page), suspected_causes.section(page)]
    parts += [cells.table(page, printed)] if printed else []
    parts += [behaviours.section(page)] if page.paper.behaviours else []
    assert any("configs/" in one.why for one in page.verdicts), "the reasons of the verdicts have paths"
    assert re.findall(r"configs/\S+", prose("".join(parts))) == []


def test_a_reason_has_the_label_of_each_config() -> None:
    page = read_once("rabanser2019")
    first, second = (page.paper.label(name) for name in ("bbsds", "tae"))
    why = "the difference configs/bbsds.gin minus configs/tae.gin is -0.5"
    assert naming.reason(page, why) == f"the difference “{first}” minus “{second}” is −0.5"
    assert {first, second}.isdisjoint({"bbsds", "tae"})


def test_a_config_without_a_label_keeps_its_name() -> None:
    paper = read_once("rabanser2019").paper
    assert naming.config(paper, "not_labelled") == "not_labelled"
    assert "bbsds" in naming.config(paper, "bbsds") and "BBSDs" in naming.config(paper, "bbsds")


@pytest.mark.parametrize("name", ["autoclip", "rabanser2019"])
def test_lists_of_claims_have_their_words_and_not_their_ids(name: str) -> None:
    page = read_once(name)
    told = prose(suspected_causes.section(page) + people.log(page))
    ids = [one.id for one in page.paper.claims if "." in one.id and one.id not in one.says]
    assert [one for one in ids if re.search(rf"(?<![\w.-]){re.escape(one)}(?![\w.-])", told)] == []
