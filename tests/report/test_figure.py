"""The figure of claims: its blocks and scales, the numbers of a row, human names, other data, shares in percent."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import PurePath
from xml.etree import ElementTree

import pytest

from repro.claim import Number, paper
from repro.interval import interval
from repro.launch.sweeps import results
from repro.report import figure, percent, sweeps
from repro.report.groups import ALONE, MIXED, ROWS, grouped
from repro.verdict import judge_all
from tests.report.conftest import SVG
from tests.report.read_once import read_once

PAPERS = sorted(paper.folders())
pytestmark = pytest.mark.xdist_group("site")  # one process reads the pages for all
imdb, template = partial(read_once, "imdb_ladder"), partial(read_once, "template")


def tree(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{html}</div>".replace("&nbsp;", " "))


def of_class(node: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [one for one in node.iter() if name in one.get("class", "").split()]


def text(node: ElementTree.Element) -> str:
    return " ".join("".join(node.itertext()).split())


@pytest.mark.parametrize("name", PAPERS)
def test_a_block_has_few_rows_between_two_equal_scales(name: str) -> None:
    shown = read_once(name)
    drawn = tree(str(figure.figure(shown)))
    claims = 0
    for block in of_class(drawn, "repro-block"):
        first, *rows, last = block
        assert all("scale" in end.get("class", "").split() for end in (first, last))
        numbers = [[text(node) for node in end.iter(f"{SVG}text")] for end in (first, last)]
        assert numbers[0] == numbers[1] or not numbers[0]
        named = [row for row in rows if of_class(row, "repro-row-name")]
        claims += len(named)
        assert 1 <= len(named) <= ROWS
    wanted = [one for one in shown.paper.claims if one.transcribed and one.config and one.kind != "printed"]
    assert claims == len(wanted)


@pytest.mark.parametrize("name", PAPERS)
def test_metrics_of_one_claim_each_share_an_axis(name: str) -> None:
    """Else the figure of a paper with 35 such metrics is 35 axes of one row."""
    shown = read_once(name)
    drawn = [one for one in shown.verdicts if one.claim.transcribed and one.claim.config and not one.claim.printed]
    groups = grouped(shown, drawn)
    assert sorted(one.claim.id for group in groups for one in group.verdicts) == sorted(one.claim.id for one in drawn)
    claims = Counter((one.claim.metric, bool(one.claim.over), shown.unit(one.claim)) for one in drawn)
    single = Counter(key[1:] for key, many in claims.items() if many == 1)
    for group in groups:
        metrics = {one.claim.metric for one in group.verdicts}
        mixed = group.metric == MIXED
        assert mixed or len(metrics) == 1
        assert mixed == (
            len(claims) > 1
            and single[group.difference, group.unit] >= ALONE
            and all(claims[metric, group.difference, group.unit] == 1 for metric in metrics)
        )
        if mixed:
            assert all(group.names[one.claim.id] == one.claim.says for one in group.verdicts)


@pytest.mark.parametrize("name", PAPERS)
def test_an_axis_says_log_if_it_is(name: str) -> None:
    shown = read_once(name)
    drawn = [one for one in shown.verdicts if one.claim.transcribed and one.claim.config and not one.claim.printed]
    groups = of_class(tree(str(figure.rows(shown, drawn))), "repro-group") if drawn else []
    for group, html in zip(grouped(shown, drawn), groups, strict=True):
        said = [text(scale) for scale in of_class(html, "scale")]
        assert all(("(log)" in one) == group.axis.log for one in said)
        lows = [one.interval.low for verdict in group.verdicts for one in verdict.evidence]
        assert not group.axis.log or min(lows, default=1.0) > 0


def test_the_end_of_a_row_is_our_number_and_the_papers() -> None:
    drawn = tree(str(figure.figure(imdb())))
    rows = {row.find(".//a").get("href"): row for row in of_class(drawn, "repro-row") if row.find(".//a") is not None}
    for verdict in (one for one in imdb().verdicts if one.evidence and one.claim.value is not None):
        (end,) = of_class(rows[imdb().place(verdict.claim)], "repro-row-numbers")
        ours, theirs = re.fullmatch(r"([\d.]+) \(([\d.]+)\)", text(end)).groups()
        found = verdict.evidence[0].interval
        assert abs(float(ours) - found.mean) <= (found.high - found.low) / 2
        assert theirs == str(verdict.claim.value)


def test_a_row_has_the_label_of_its_config_and_a_picture_the_words_of_its_claim() -> None:
    drawn = tree(str(figure.figure(imdb())))
    names = [text(one) for one in of_class(drawn, "repro-row-name")]
    assert len(names) == len(set(names)) and "Word embeddings better than Bag of words" in names
    stems = {PurePath(one.config).stem for one in imdb().paper.claims}
    assert not [name for name in names if stems & set(name.split())]
    titles = {one.findtext(f"{SVG}title") for one in drawn.iter(f"{SVG}svg") if one.get("role") == "img"}
    assert titles == {one.says for one in imdb().paper.claims}


def test_results_on_other_data_have_a_row_of_their_own_without_a_band() -> None:
    verdict = next(one for one in template().verdicts if one.claim.value is not None and one.evidence)
    proxy = replace(verdict.evidence[0], proxy=True)
    both = replace(verdict, evidence=[verdict.evidence[0], proxy])
    own, other = of_class(tree(str(figure.rows(template(), [both]))), "repro-row")[1:-1]
    for row, judged in ((own, True), (other, False)):
        marks = {mark for one in row.iter() for mark in one.get("class", "").split()}
        assert {"band", "paper", "ours"} & marks == ({"band", "paper", "ours"} if judged else set())
        assert ("proxy" in marks) != judged
    assert "repro-badge" not in str(ElementTree.tostring(other))


def test_small_values_are_seen_next_to_large_ones() -> None:
    """On one logarithmic axis: each band is wider than a line."""
    verdict = next(one for one in template().verdicts if one.claim.value is not None and one.judged)
    many = []
    for number, value in enumerate((0.1, 1.0, 50.0)):
        found = replace(verdict.judged, interval=interval([[value, 1.1 * value]]))
        claim = replace(verdict.claim, id=f"c{number}", value=value, tolerance=value / 10)
        many.append(replace(verdict, claim=claim, evidence=[found], judged=found))
    drawn = tree(str(figure.rows(template(), many)))
    widths = [float(one.get("width", "").rstrip("%")) for one in of_class(drawn, "band") if one.get("height") == "100%"]
    assert len(of_class(drawn, "repro-block")) == 1 and len(widths) == 3 and min(widths) > 1
    assert max(widths) / min(widths) < 1.05, "equal ratios are equally wide"


def test_a_share_is_in_percent_where_the_paper_prints_percent() -> None:
    own = {claim.id: claim for claim in paper.find("imdb_ladder").claims}
    for claim in imdb().paper.claims:
        assert imdb().unit(claim) == "%"
        if claim.value is not None:
            assert (
                Decimal(str(claim.value)) == 100 * Decimal(str(own[claim.id].value))
                and f"{claim.value} %" in claim.says
            )
    assert percent.factor(imdb().paper, "Accuracy", "") == (100.0, "%")
    assert percent.factor(imdb().paper, "Accuracy", "dB") == (1.0, "dB")


@pytest.mark.parametrize("name", PAPERS)
def test_percent_changes_no_verdict(name: str) -> None:
    fresh = [replace(found, stale="") for found in read_once(name).records]
    as_written, as_shown = (judge_all(one.claims, fresh) for one in (paper.find(name), read_once(name).paper))
    assert [one.outcome for one in as_written] == [one.outcome for one in as_shown]


@pytest.mark.parametrize(("says", "value", "unit", "shown"), [
    ("reads 92 %", "0.92", "", True), ("reads 92.0%", "0.920", "1", True), ("reads 92 %", "0.93", "", False),
    ("reads 0.92", "0.92", "", False), ("reads 92 %", "0.92", "dB", False),
])  # fmt: skip
def test_only_a_number_that_is_printed_in_percent_makes_a_share_percent(
    says: str, value: str, unit: str, shown: bool
) -> None:
    claim = replace(template().paper.claims[0], says=says, value=Number(value), unit=None)
    (measured,) = template().records[0].measurements
    record = replace(template().records[0], measurements=[replace(measured, identity={"unit": unit})])
    read = percent.read(replace(template().paper, claims=[claim]), [record]).claims[0]
    assert (read.unit == "%") == shown and float(read.value) == pytest.approx(float(value) * (100 if shown else 1))


def test_a_sweep_is_in_percent_where_the_claims_are() -> None:
    shown = read_once("mnist_quickstart")
    (sweep,) = shown.paper.sweeps
    records = [*shown.records, *shown.smoke, *shown.points]
    measured = [one for made in results(shown.paper, sweep, records) for one in made if one.interval]
    drawn = re.sub(r"<[^>]+>", " ", str(sweeps.section(shown)))
    means = [float(hit) for hit in re.findall(r"([\d.]+) \[[\d.]+, [\d.]+\] %", drawn)]
    assert sorted(means) == pytest.approx(sorted(100 * one.interval.mean for one in measured), abs=0.5)  # as rounded
