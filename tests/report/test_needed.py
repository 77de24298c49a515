"""What you need to reproduce a paper: data sets, scopes with their time, claims whose data cannot be downloaded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.data import catalogue
from repro.report import claims, figure, needed, outcome, page, papers, scopes
from repro.report.page import Page
from tests.report.read_once import read_once

pytestmark = pytest.mark.xdist_group("site")  # one process reads the pages for all

HELD = """
[held]
title = "A <b>corpus</b>"
homepage = "https://example.org/held"
licence = "{licence}"
citation = "Someone: A corpus. 1999"
reader = "papers.tiny.data:Corpus"
size = 2_500_000
layouts = [["a"]]
obtain = "buy it"
[held.variants.all]
items = 3
"""


@pytest.fixture(autouse=True)
def uncached() -> Iterator[None]:
    needed.forget()
    yield
    needed.forget()


@pytest.fixture
def held(fresh: Path) -> Callable[..., Page]:
    """`held(licence)`: a page whose first claim has no record, and whose config reads data that is got by hand."""

    def made(licence: str = "for sale") -> Page:
        (fresh / "data.toml").write_text(HELD.format(licence=licence))
        text = "import papers.tiny.model\nwidth = 'full'\nexperiment.train = @datasets.Wrapped()\n"
        (fresh / "configs/full.gin").write_text(f"{text}datasets.Wrapped.source = @train/datasets.Corpus()\n")
        for path in (fresh / "records").glob("full-*.json"):
            path.unlink()
        needed.forget()
        page.forget()
        return page.read("tiny")

    return made


NAMES = {"wsj0_2mix": ["wsj0-2mix", "wsj0-3mix"], "librispeech_8k": ["librispeech_8k"], "demo": [], "smoke": []}


@pytest.mark.parametrize("name", NAMES)
def test_a_config_reads_the_data_sets_whose_readers_it_builds(name: str) -> None:
    """Two data sets with one reader are distinguished by their arguments."""
    found = needed.of_configs(read_once("deep_clustering"), [f"configs/{name}.gin"])
    assert [one.name for one in found] == NAMES[name]


@pytest.mark.parametrize("name", ["lecun1998", "imdb_ladder", "mnist_quickstart", "raff2019"])
def test_only_data_sets_are_needed_and_no_wrappers(name: str) -> None:
    shown = read_once(name)
    found = needed.of_paper(shown)
    assert len(found) == 1 and found[0] == catalogue.find(found[0].name)
    row = str(scopes.table(shown, scopes.scopes(shown)))
    assert found[0].homepage in row and found[0].licence in row


@pytest.mark.parametrize(("licence", "word"), [("for sale", "licence"), ("CC BY 4.0", "by hand"), ("MIT", "by hand")])
def test_a_claim_without_its_data_says_what_it_needs(held: Any, licence: str, word: str) -> None:
    """In the table, in the legend of the bar, in the figure and on the card; the outcome itself is the same."""
    shown = held(licence)
    chip = f"needs held ({word})"
    assert needed.chips(shown) == {"mean": chip}
    assert next(one.outcome for one in shown.verdicts if one.claim.id == "mean") == "not run"
    for html in (outcome.outcome(shown), claims.claims(shown), figure.figure(shown), papers.papers([shown], "")):
        assert f"{chip}</span>" in html.replace(f"1 {chip}", chip) and ">not run<" not in html
    table = claims.claims(shown)
    assert "buy it" in table and f'data-outcome="{chip}"' in table
    names = re.search(r'data-outcomes="([^"]*)"', table)
    assert names and chip in names[1].split(", ")  # the filter above the table has a button for it


def test_a_claim_with_a_record_or_with_data_to_download_needs_nothing(fresh: Path) -> None:
    page.forget()
    assert needed.chips(page.read("tiny")) == {}
    assert needed.chips(read_once("imdb_ladder")) == {}
    assert [one.outcome for one in read_once("imdb_ladder").verdicts].count("not run") > 0


def test_a_claim_with_too_few_seeds_says_how_many_it_needs(fresh: Path) -> None:
    """Its badge, the legend of the bar and the filter do; a claim without a record is only *not run*."""
    text = (fresh / "paper.toml").read_text()
    found = page.read("tiny")
    claim = found.paper.claims[0]
    seeds = len(found.by_config[claim.config])
    for many, chips in ((seeds + 1, {claim.id: "needs 1 more seed"}), (seeds + 2, {claim.id: "needs 2 more seeds"})):
        (fresh / "paper.toml").write_text(re.sub(r"seeds = \d+", f"seeds = {many}", text, count=1))
        page.forget()
        shown = page.read("tiny")
        assert needed.chips(shown).items() >= chips.items()
        assert f">{chips[claim.id]}<" in re.sub(r"<span[^>]*>[^<]*</span>", "", str(claims.claims(shown)))
        assert f"1 {chips[claim.id]}" in outcome.said(shown.verdicts, needed.chips(shown))
    for path in (fresh / "records").glob(f"{Path(claim.config).stem}-*.json"):
        path.unlink()
    page.forget()
    assert claim.id not in needed.chips(page.read("tiny"))


def test_counts_of_the_legend_add_up(held: Any) -> None:
    shown = held()
    words = [said for _, said in outcome.worded(shown.verdicts, needed.chips(shown))]
    assert sum(int(one.split()[0]) for one in words) == len(outcome.transcribed(shown.verdicts))


def test_data_of_a_proxy_is_other_data_unless_both_configs_read_the_same() -> None:
    shown = read_once("deep_clustering")
    claim = shown.paper.claim("abstract.sdr-improvement")
    assert needed.other_data(shown, claim, ["configs/librispeech_8k.gin"])
    assert not needed.other_data(shown, claim, [claim.config])


def test_scopes_grow_and_their_time_is_that_of_their_records() -> None:
    shown = read_once("lecun1998")
    smoke, first, whole = scopes.scopes(shown)
    assert set(first.runs) < set(whole.runs) and len(smoke.runs) == 1
    assert first.seconds < whole.seconds == pytest.approx(shown.seconds)
    wanted = {run for claim in shown.paper.headlines for run in shown.runs(claim)}
    assert wanted >= {run for claim in shown.paper.headlines for run in claim.runs}
    assert {(config, seed) for config, _, seed in first.runs} == wanted
    assert first.seconds == pytest.approx(
        sum(one.cost["seconds"] for one in shown.records if (f"configs/{one.config}.gin", one.seed) in wanted)
    )


def test_a_run_without_a_record_has_no_time(fresh: Path) -> None:
    page.forget()
    shown = page.read("tiny")
    *_, whole = scopes.scopes(shown)
    missing = len(whole.runs) - len(whole.records)
    assert missing > 0 and f"without {missing} runs" in scopes.table(shown, [whole])
    *_, none = scopes.scopes(replace(shown, records=[]))
    assert not none.records and none.machines == []


def test_a_paper_without_runs_needs_nothing() -> None:
    shown = read_once("template")
    assert scopes.table(shown, []) == ""


def test_an_accelerator_is_named_as_in_the_record(fresh: Path) -> None:
    page.forget()
    shown = page.read("tiny")
    used = [replace(one, environment={**one.environment, "accelerator": "TPU <9>"}) for one in shown.records]
    *_, whole = scopes.scopes(replace(shown, records=used))
    assert whole.machines == ["Abacus, 1 of 2 cores, TPU <9>"] and "TPU &lt;9&gt;" in scopes.table(shown, [whole])


def test_every_command_of_a_scope_runs_each_of_its_runs_once() -> None:
    shown = read_once("mnist_quickstart")
    for one in scopes.scopes(shown):
        lines = scopes.commands(shown, one).splitlines()
        counted = sum(int(line.split("--seeds ")[1].split()[0]) for line in lines if "--seeds " in line)
        counted += sum(len(line.split(" in ")[1].split(";")[0].split()) for line in lines if line.startswith("for "))
        counted += sum(not line.startswith("for ") and "--seed " in line for line in lines)
        assert counted == len(one.runs) and not any("$(" in line for line in lines)


def test_the_records_of_a_smoke_test_are_not_those_of_claims() -> None:
    shown = read_once("template")
    smoke = scopes.scopes(shown)[0]
    assert smoke.records and all(found.config == "smoke" for found in smoke.records)
