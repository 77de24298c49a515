"""`repro check` finds what `repro new` has left for the group to write, and a failure that nobody explains."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.claim import paper as papers
from repro.cli import new_paper
from repro.testing import contract
from tests.review.conftest import made

KINDS = [
    ("training", ""),
    ("training", "mnist"),
    ("training", "imdb"),
    ("training", "fsdd"),
    ("statistics", ""),
    ("benchmark", ""),
]
SOURCE = {"commit": "0" * 40, "dirty": False}


def fresh(kind: str = "training", on: str = "", ran: bool = True) -> Path:
    """The folder of a new paper. ran: it has a record."""
    new_paper.new("a_new_one", kind, on)
    one = papers.find("a_new_one")
    if ran:
        record.write(made(one, "smoke", source=SOURCE), one.folder / "records")
    return one.folder


def places(folder: Path, check: str = "placeholders") -> set[str]:
    """The files with such a fault."""
    return {Path(fault.file).name for fault in contract.faults(folder) if fault.check == check}


def lines(folder: Path, file: str) -> set[str]:
    """The lines of paper.toml or report.md at which a placeholder is."""
    text = (folder / file).read_text().split("\n")
    return {text[fault.line - 1] for fault in contract.faults(folder)
            if fault.check == "placeholders" and Path(fault.file).name == file}  # fmt: skip


@pytest.mark.parametrize(("kind", "on"), KINDS)
def test_what_a_new_paper_has_from_its_template_is_left_to_replace(here: Path, kind: str, on: str) -> None:
    folder = fresh(kind, on)
    found = {line.partition(" = ")[0] for line in lines(folder, "paper.toml")}
    assert {"title", "authors", "group", "outcome", "[[claim]]"} <= found
    heads = [line for line in (folder / "report.md").read_text().split("\n") if line.startswith("## ")]
    written = {head for head in heads if "Which model" not in head}  # that section is made from records alone
    assert lines(folder, "report.md") == written and len(written) >= 3
    tips = [line for line in (folder / "tips.md").read_text().split("\n") if line.startswith("## ")]
    assert lines(folder, "tips.md") == set(tips)
    assert len(places(folder)) > 3, "and the headers of configs"


@pytest.mark.parametrize(("kind", "on"), KINDS)
def test_before_the_first_record_nothing_is_left_over(here: Path, kind: str, on: str) -> None:
    assert places(fresh(kind, on, ran=False)) == set()


def test_a_text_that_is_replaced_is_no_fault_and_the_others_still_are(here: Path) -> None:
    folder = fresh("training", "mnist")
    report = folder / "report.md"
    report.write_text(report.read_text().replace("Nothing yet.", "Adam, because it is faster."))
    assert "## What we did differently from the paper" in lines(folder, "report.md"), "the advice is still there"
    said = "We trained for less time, because of our budget."
    report.write_text(re.sub(r"(?m)^(?!## |$).*$", said, report.read_text()))
    assert "report.md" not in places(folder) and "tips.md" in places(folder)
    toml = folder / "paper.toml"
    toml.write_text(re.sub(r'(?m)^outcome = ".*"$', 'outcome = "All three claims hold."', toml.read_text()))
    found = {line.partition(" = ")[0] for line in lines(folder, "paper.toml")}
    assert "outcome" not in found and "title" in found


def test_the_templates_may_have_their_own_words(here: Path) -> None:
    assert places(papers.find("template").folder) == set()


def test_a_place_in_the_code_is_that_of_the_template_until_it_is_replaced(here: Path) -> None:
    folder = fresh("training", "mnist")
    module = folder / "trainer.py"
    assert {"model.py", "loss.py", "dataset.py", "trainer.py"} <= places(folder)
    module.write_text(module.read_text().replace("Section 3", "Section 5"))
    assert "trainer.py" not in places(folder) and "dataset.py" in places(folder)
    (folder / "dataset.py").write_text("random = 1  # Section 4\n")
    assert "dataset.py" not in places(folder), "the place of another line"


@pytest.fixture
def failing(paper: Any) -> Any:
    """A copy with records that fail the claim fit.ten-steps, without a cause for it, and a report without its id."""
    one = papers.read(paper.folder)
    for seed in range(3):
        record.write(made(one, "ten_steps", seed, 9.0 + seed / 10, source=SOURCE), paper.records)
    toml = paper.folder / "paper.toml"
    toml.write_text(toml.read_text().partition("[[cause]]")[0])
    report = paper.folder / "report.md"
    report.write_text(report.read_text().replace("fit.ten-steps", "fit.error"))
    return paper


def test_a_claim_that_failed_needs_a_cause_or_a_paragraph(failing: Any) -> None:
    (fault,) = (one for one in contract.faults(failing.folder) if one.check == "explained")
    assert fault.line == papers.read(failing.folder).claim("fit.ten-steps").line
    report = failing.folder / "report.md"
    whole = report.read_text()
    report.write_text(f"{whole}\nWhy fit.ten-steps-more fails is known.\n")
    assert places(failing.folder, "explained") == {"paper.toml"}, "the id of another claim"
    report.write_text(f"{whole}\nThe rate is too low for `fit.ten-steps`.\n")
    assert places(failing.folder, "explained") == set()


def test_a_cause_explains_a_claim_too(failing: Any) -> None:
    toml = failing.folder / "paper.toml"
    cause = '[[cause]]\nclaims = ["fit.ten-steps"]\nsays = "The rate"\nconfig = "configs/ten_steps_fast.gin"\n'
    toml.write_text(toml.read_text() + cause)
    assert places(failing.folder, "explained") == set()
