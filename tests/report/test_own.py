"""Our own claims are counted apart from the paper's, and what a reader sees of ranges and of the time left."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from repro.claim import Claim
from repro.interval import Interval, interval
from repro.launch import todo
from repro.report import (
    answer,
    chosen,
    comparison,
    effort,
    entrants,
    leaderboard,
    needed,
    outcome,
    people,
    possible,
    quote,
    spreadsheet,
    tiers,
)
from repro.report.page import Page
from repro.verdict import OUTCOMES, Evidence, Verdict, judge_all
from tests.report.read_once import read_once

OWN = ("goodfellow2014", "howell2019", "northcutt2021", "pets3", "rabanser2019", "imdb_ladder")


def claim(where: str = "Table 1", **changes: Any) -> Claim:
    return replace(Claim("a", "b", where, "Accuracy", "configs/a.gin"), **changes)


def verdict(of: Claim, name: str) -> Verdict:
    return Verdict(of, name, "because")


def found(low: float, mean: float, high: float, unit: str, values: list[float], better: str = "higher") -> Evidence:
    ours = Interval(mean, low, high, 3, len(values))
    return Evidence("configs/a.gin", ours, {"unit": unit, "better": better}, [], False, rows=[values])


@pytest.mark.parametrize(
    ("where", "source", "own"),
    [
        ("Table 1; the bound is ours", "", True),
        ("Table 1; the data and the bound are ours", "", True),
        ("our own comparison, on record 100", "", True),
        ("Section 2; the comparison is ours, after another paper", "", True),
        ("Table 1", "our own question; the course does not ask it", True),
        ("Table 1; the data are ours", "", False),
        ("Section 5.1; the measure is ours", "", False),
        ("Table 1", "read in a public text", False),
    ],
)
def test_a_claim_is_our_own_if_the_paper_has_neither_its_bound_nor_its_comparison(
    where: str, source: str, own: bool
) -> None:
    assert chosen.own(claim(where, source=source, above=1.0)) is own


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_own_claim_is_never_called_reproduced(name: str) -> None:
    mine, theirs = verdict(claim("our own comparison", over="configs/b.gin"), name), verdict(claim(), name)
    said = chosen.outcome(mine)
    assert said == {True: "holds"}.get(name in chosen.AGREES, "does not hold" if name in chosen.DIFFERS else name)
    assert chosen.outcome(theirs) == name and "reproduced" not in said
    assert outcome.tally([mine]) == {} and "reproduced" not in outcome.said([mine])


@pytest.mark.parametrize("paper", OWN)
def test_the_bar_counts_the_claims_of_the_paper_alone(paper: str, elements: Callable[..., Any]) -> None:
    shown = read_once(paper)
    theirs, mine = chosen.theirs(shown.verdicts), chosen.ours(shown.verdicts)
    assert mine and sum(outcome.tally(shown.verdicts).values()) == len(theirs)
    said = elements(str(outcome.outcome(shown))).text
    if not theirs:
        assert outcome.own_said(shown.verdicts) in said and "do not agree" not in said
        return
    agree, differ, left = chosen.sums(theirs)
    assert agree + differ + left == len(theirs)
    for many, word in ((agree, "agrees?"), (differ, "do(?:es)? not agree"), (left, "open")):
        assert re.search(rf"(?<!\d){many} {word}", said)
    numbers = [int(one) for one in re.findall(r"\d+", outcome.own_said(shown.verdicts))]
    assert sum(numbers) == len(mine) and "Our own claims" in said
    assert sum(int(re.match(r"\d+", words)[0]) for _, words in people.counts(shown)[:-1]) == len(theirs)  # type: ignore[index]


@pytest.mark.parametrize("paper", OWN)
def test_the_rows_of_the_paper_come_before_our_own_in_the_headline_table(paper: str) -> None:
    order = [chosen.own(one) for one in chosen.headlines(read_once(paper).paper)]
    assert order == sorted(order)


@pytest.mark.parametrize("paper", ["howell2019", "northcutt2021"])
def test_a_number_of_a_table_is_a_headline_if_the_outcome_quotes_it(paper: str) -> None:
    shown = read_once(paper)
    first = chosen.headlines(shown.paper)[0]
    assert first.table and not first.headline
    bare = replace(shown, paper=replace(shown.paper, outcome="Nothing."))
    assert all(one.headline for one in chosen.headlines(bare.paper))


@pytest.mark.parametrize("paper", OWN)
def test_the_headline_table_has_the_order_of_the_outcome(paper: str) -> None:
    shown = read_once(paper)
    rows = [one.id for one in chosen.headlines(shown.paper) if not chosen.own(one)]
    places = [at for row in rows if (at := shown.paper.outcome.find(f"`{row}`")) >= 0]
    assert places == sorted(places)


def test_own_claims_have_a_word_a_badge_and_a_chip_of_their_own(elements: Callable[..., Any]) -> None:
    shown = read_once("northcutt2021")
    mine = chosen.ours(shown.verdicts)
    assert {needed.word(shown, one) for one in mine} == {"own: holds"}
    assert 'class="repro-badge holds"' in outcome.badge_of(shown, mine[0])
    rows = spreadsheet.claims(shown).splitlines()
    assert sum(",own," in row for row in rows) >= len(mine)


def test_the_accepted_range_is_below_the_papers_number(elements: Callable[..., Any]) -> None:
    shown = read_once("imdb_ladder")
    table = elements(str(answer.headlines(shown)))
    one = next(one for one in chosen.headlines(shown.paper) if one.value is not None)
    assert f"accepted {possible.accepted(one, shown.unit(one))}" in table.text.replace("\xa0", " ")


@pytest.mark.parametrize(
    ("unit", "values", "better", "ends"),
    [
        ("%", [0.0, 100.0], "lower", (0.0, 100.0)),
        ("%", [-20.0, 100.0], "higher", (-20.0, 100.0)),  # not a share: a value is below 0
        ("%", [0.0, 130.0], "lower", (0.0, 120.0)),  # nor if one is above 100
        ("labels of 100", [80.0, 95.0], "higher", (0.0, 100.0)),
        ("beats", [80.0, 95.0], "higher", (0.0, 120.0)),
        ("nats", [80.5, 95.2], "higher", (-20.0, 120.0)),  # not a count: a log-likelihood may be negative
        ("dB", [80.0, 95.0], "higher", (-20.0, 120.0)),
        ("", [0.0, 1.0], "lower", (-20.0, 120.0)),  # an error without a unit may be above 1
    ],
)
def test_an_interval_ends_at_what_is_possible(
    unit: str, values: list[float], better: str, ends: tuple[float, float]
) -> None:
    ours = possible.seen(claim(above=90.0), found(-20.0, 90.0, 120.0, unit, values, better))
    assert (ours.low, ours.high) == ends


@pytest.mark.parametrize("end", [136.282, 136.1, 135.8, 136.04, 140.0])
def test_an_end_is_printed_on_its_side_of_a_limit(end: float) -> None:
    ours = found(end, 148.0, 160.0, "nats", [147.3, 148.9])
    said = possible.text(claim(value=132.0, tolerance=4.1, because="so"), ours, "nats")
    low = float(re.search(r"\[([\d.]+),", said)[1])  # type: ignore[index]
    assert (low > 136.1) == (end > 136.1) and (low < 136.1) == (end < 136.1)


def test_a_difference_and_an_interval_around_zero_are_not_cut() -> None:
    share = found(-0.5, 0.7, 1.9, "", [0.5, 1.0])
    assert possible.seen(claim(above=0.2), share).high == 1.0
    assert possible.seen(claim(over="configs/b.gin"), share) == share.interval
    assert possible.seen(claim(above=0), share) == share.interval


def test_an_end_is_not_rounded_to_the_bound() -> None:
    near = found(70.46, 82.5, 94.6, "%", [0.0, 100.0])
    assert possible.text(claim(below=95.0), near, "%") == "82.5 [70.5, 94.6] %"
    assert possible.text(claim(below=90.0), near, "%") == near.interval.shown("%")


def test_no_share_above_100_percent_is_accepted() -> None:
    one = claim(value=98.35, tolerance=4.405, unit="%")
    assert possible.accepted(one, "%") == "93.945 to 100 %"
    assert possible.accepted(claim(value=6.0, tolerance=1.0), "dB") == "5.0 to 7.0 dB"
    assert possible.accepted(claim(above=5.0), "%") == ""


def bare(paper: str) -> Page:
    """A paper without records."""
    whole = read_once(paper)
    return replace(whole, records=[], smoke=[], points=[], verdicts=judge_all(whole.paper.claims, []))


def test_the_time_left_is_that_of_the_runs_still_to_do() -> None:
    whole = read_once("template")
    first = [one for one in whole.records if one.seed == 0]
    shown = replace(whole, records=first, verdicts=judge_all(whole.paper.claims, first))
    many = len(todo(shown.paper, first))
    assert many and f"; {many} more runs: about " in effort.cost(shown)
    assert "more run" not in effort.cost(whole) and "(CPU), 1 thread" in effort.cost(whole)
    assert effort.cost(bare("template")).endswith("runs: time not known")


def test_an_estimate_is_the_time_of_the_same_config() -> None:
    whole = read_once("template")
    took = [one.cost["seconds"] for one in whole.records if one.config == "line"]
    left = effort.left(whole, [("configs/line.gin", 7), ("configs/line.gin", 8)])
    assert left.runs == 2 and not left.unknown and 2 * min(took) <= left.seconds <= 2 * max(took)


@pytest.mark.parametrize("paper", ["template", "rabanser2019", "isola2017", "deep_clustering"])
def test_each_claim_of_the_paper_is_in_one_tier(paper: str, elements: Callable[..., Any]) -> None:
    shown = read_once(paper)
    claims = [one.claim for one in chosen.theirs(shown.verdicts)]
    said = re.sub("<[^>]*>", "", tiers.tier(shown))
    many = {number: sum(tiers.of(shown, one) == number for one in claims) for number in (2, 3)}
    for number, some in many.items():
        assert (f"T{number} for {'all ' if some == len(claims) else ''}{some}" in said) is (some > 0)
    assert shown.tier == max(number for number in (1, 2, 3) if number == 1 or many[number])


def test_a_proxy_says_what_it_changes() -> None:
    shown = read_once("deep_clustering")
    said = {what for one in chosen.theirs(shown.verdicts) for what in tiers.changes(shown, one.claim)}
    assert chosen.DATA in said and said <= {chosen.DATA, *tiers.CHANGED.values()}


def test_a_claim_tested_with_another_training_is_no_experiment_of_the_paper(elements: Callable[..., Any]) -> None:
    """It is T2, and its badge says what is other; the outcome is the same."""
    shown = read_once("goodfellow2015")
    other = [one for one in shown.verdicts if "training" in one.claim.where]
    assert other and {tiers.of(shown, one.claim) for one in other} == {2}
    for one in shown.verdicts:
        said = elements(str(outcome.badge_of(shown, one))).text
        assert said.endswith("with a shorter training") == (one in other and one.claim.config in shown.answered)
    assert f"T2 for {len(other)} of" in re.sub("<[^>]*>", "", tiers.tier(shown))


def test_numbers_in_sentences_and_rankings_end_at_what_is_possible() -> None:
    shown = read_once("howell2019")
    field = entrants.gather(shown, ["held_out_christov", "held_out_engzee"], "F1Within50ms", "test")
    _, found, unit, _ = leaderboard.ranks(field)
    assert unit == "%" and max(one.high for one in found.intervals) == 100.0
    (kept,) = shown.by_config["configs/held_out_christov.gin"]
    values = kept.measured("test", "F1Within50ms").values
    assert interval([values]).high > 100.0 and quote.measured(
        shown, "held_out_christov-seed0:test:F1Within50ms"
    ).text.endswith(", 100.000] %")


def test_the_share_of_agreement_that_sorts_the_papers_leaves_out_our_own() -> None:
    shown = read_once("rabanser2019")
    theirs = chosen.theirs(shown.verdicts)
    assert math.isclose(comparison._agreeing(shown), chosen.sums(theirs)[0] / len(theirs))
