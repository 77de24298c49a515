"""What the first screen of a page says of its numbers: whose bounds and data, which counts, which failing tests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from repro.report import (
    answer,
    basis,
    chosen,
    claims,
    comparison,
    evidence,
    explained,
    figure,
    needed,
    origin,
    outcome,
    tiers,
)
from repro.report.page import Page
from repro.verdict import judge_all
from tests.report.read_once import read_once

WAITING = ("alternative_objectives", "autoclip", "deep_clustering", "imdb_ladder")  # claims without a run


def of(name: str, **changes: Any) -> Page:
    shown = read_once(name)
    return replace(shown, paper=replace(shown.paper, **changes))


def facts(shown: Page) -> dict[str, str]:
    return {name: re.sub(r"<[^>]*>", "", text) for name, text in basis.rows(shown)}


def test_a_bound_of_our_own_is_not_called_the_papers(elements: Callable[..., Any]) -> None:
    shown = read_once("northcutt2021")
    own = shown.paper.claim("own.imdb.recall")
    paper = replace(shown.paper.claim("own.imdb.precision"), where="Table 1, row IMDB")
    shown = replace(
        shown, verdicts=[replace(one, claim=paper) if one.claim.id == paper.id else one for one in shown.verdicts]
    )
    assert figure.claimed(shown, own) == "our bound: above 50 %" and figure.claimed(shown, paper) == "above 2.9 %"
    assert "our bound: above 50 %" in elements(str(answer.headlines(shown))).text
    drawn = str(figure.figure(shown))
    assert "The paper says above 2.9 %" in drawn and "The paper says our" not in drawn and "Our bound: above" in drawn


def test_before_all_seeds_have_run_the_first_ones_are_shown_with_their_number(elements: Callable[..., Any]) -> None:
    whole = read_once("template")
    first = [one for one in whole.records if one.seed == 0]
    shown = replace(whole, records=first, verdicts=judge_all(whole.paper.claims, first))
    early = [one for claim in whole.paper.headlines for one in shown.verdicts if one.claim == claim and one.evidence]
    assert early and all(one.outcome == "not run" for one in early)
    said = elements(str(answer.headlines(shown))).text
    assert said.count("1 of 3 seeds") == len(early)
    assert all(evidence.shown(one.claim, one.evidence[0]) in said.replace("\xa0", " ") for one in early)
    assert "1 of 3 seeds" not in elements(str(answer.headlines(whole))).text


def test_without_a_record_nothing_is_said_of_intervals() -> None:
    whole = read_once("template")
    bare = replace(whole, records=[], verdicts=judge_all(whole.paper.claims, []))
    assert "What the intervals include" in str(claims.claims(whole))
    assert "What the intervals include" not in str(claims.claims(bare))


def test_data_of_our_own_choice_are_not_the_papers() -> None:
    shown = read_once("northcutt2021")
    assert [claim.id for claim in shown.full if chosen.data(claim)] == ["own.speech.precision"]
    assert tiers.of(shown, shown.paper.claim("own.speech.precision")) == 2
    data = facts(shown)["Data"]
    assert "Free Spoken Digit Dataset (our choice" in data and "Review Dataset v1.0 (our choice" not in data


@pytest.mark.parametrize(("where", "bound", "data"), [
    ("Table 1; the bound is ours", True, False),
    ("Section 2; the data are ours.", False, True),
    ("the method; the data and the bound are ours", True, True),
    ("Table 1: the bound is ours and the paper's", False, False),
    ("Table of hours", False, False),
])  # fmt: skip
def test_the_end_of_where_says_what_is_ours(where: str, bound: bool, data: bool) -> None:
    claim = replace(read_once("template").paper.claims[0], where=where)
    assert (chosen.bound(claim), chosen.data(claim)) == (bound, data)


def test_the_data_are_those_of_the_runs_also_if_code_makes_them() -> None:
    ran, _, missing = facts(read_once("deep_clustering"))["Data"].partition(" instead of ")
    assert ran == f"{basis.MADE}, LibriSpeech at 8 kHz" and "wsj0-2mix" in missing
    table = str(comparison.comparison([read_once("deep_clustering")], ""))
    assert f"{ran} instead of {missing}" in table
    assert facts(read_once("template"))["Data"] == basis.MADE


def test_a_behaviour_test_that_fails_is_on_the_first_screen() -> None:
    kept = read_once("mnist_quickstart")
    shown = replace(kept, records=[replace(one, stale="") for one in kept.records])
    told = dict(basis.rows(shown))["Behaviour tests"]
    assert re.sub(r"<[^>]*>", "", told).startswith("1 fails, ") and "#behaviour-tests" in told
    assert "Behaviour tests" not in facts(read_once("template"))


def test_claims_that_were_changed_after_a_record_are_counted() -> None:
    shown = replace(read_once("template"), late={})
    assert "Changed after a record" not in facts(shown)
    two = {claim.id: "tolerance 1 -> 2" for claim in shown.paper.claims[:2]}
    assert facts(replace(shown, late=two | {"other": "x"}))["Changed after a record"] == "2 of 3 claims"


def test_where_nothing_is_trained_no_number_is_too_good() -> None:
    shown = read_once("raff2019")
    assert shown.paper.tuned_on == "test" and facts(shown)["Choices made on"] == basis.COMPUTED
    assert facts(of("template", tuned_on="test"))["Choices made on"] == basis.TUNED["test"]


@pytest.mark.parametrize("name", WAITING)
def test_top_filters_and_comparison_count_by_one_rule(name: str, elements: Callable[..., Any]) -> None:
    """A claim whose data cannot be downloaded is nowhere counted as "not run"."""
    shown = read_once(name)
    words = Counter(needed.word(shown, one) for one in outcome.transcribed(shown.verdicts))
    assert Counter(elements(str(claims.claims(shown))).values("data-outcome")) == words
    said = outcome.said(shown.verdicts, needed.chips(shown))
    assert sum(int(many) for many in re.findall(r"(?:^|, |: )(\d+) ", said)) == words.total()
    assert said in elements(str(comparison.comparison([shown], ""))).text
    top = elements(str(outcome.outcome(shown))).text
    assert all(part.lower() in top.lower() for part in re.split("[,;] ", said))


@pytest.mark.parametrize(
    "name", ["alternative_objectives", "hendrycks2017", "imdb_ladder", "lecun1998", "northcutt2021"]
)
def test_a_reason_is_of_its_own_claim_and_leads_to_no_other_place(name: str) -> None:
    """It names no number of another claim that failed, unless also one of its own."""
    shown = read_once(name)
    told = explained.sentences(shown)
    failed = [one for one in shown.failed if one.claim.id in told]
    numbers = {one.claim.id: [x for x in (explained_number(one), one.claim.stated) if len(x) > 2] for one in failed}
    for one in failed:
        said = told[one.claim.id]
        assert not re.search(r"\(see|\babove\b|same reason", said), said
        quoted = {other for other, texts in numbers.items() if any(text in said for text in texts)}
        assert not quoted or one.claim.id in quoted, (one.claim.id, said)


def explained_number(one: Any) -> str:
    from repro.report.evidence import ours

    return ours(one)


def test_a_link_to_a_record_downloads_it(elements: Callable[..., Any]) -> None:
    """A browser shows JSON without a title and without a way back."""
    shown = read_once("template")
    for html in (claims.claims(shown), origin.origin(shown)):
        found = [given for tag, given in elements(str(html)).found if given.get("href", "").endswith(".json")]
        assert found and all("download" in given for given in found)


def test_three_trends_that_fail_have_a_reason_each() -> None:
    told = explained.sentences(read_once("alternative_objectives"))
    reasons = {
        told[name] for name in ("abstract.phase", "abstract.best-over-clustering", "quoted.whitened-over-classic")
    }
    assert len(reasons) == 3 and all("because" in one for one in reasons)


def test_a_comparison_that_the_paper_does_not_make_is_called_ours() -> None:
    shown = read_once("howell2019")
    asked = [claim for claim in shown.paper.claims if claim.over]
    assert asked and all(figure.stated(shown, claim) == "our comparison" for claim in asked)
    assert all(figure.claimed(shown, claim).startswith("our comparison: better than ") for claim in asked)
    printed = shown.paper.claim("mitdb100.two_average.tp")
    assert figure.stated(shown, printed) == "1834" and not chosen.comparison(printed)


def test_a_difference_says_which_sign_is_better() -> None:
    judged = {verdict.claim.id: verdict for verdict in read_once("goodfellow2014").verdicts}
    assert evidence.compared(judged["metric.centroids"]) == "difference; higher is better"
    alone = next(verdict for verdict in judged.values() if verdict.evidence and not verdict.claim.over)
    assert evidence.compared(alone) == ""


def test_a_config_that_imports_the_module_of_a_reader_reads_its_data() -> None:
    """Through another class of the module."""
    shown = read_once("pets3")
    assert [one.name for one in needed.of_configs(shown, ["configs/small_cnn.gin"])] == ["pets3"]
