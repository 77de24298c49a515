"""What the paper says is quoted as paper.toml has it, digit by digit; the range that we accept is apart, and ours."""

from __future__ import annotations

import copy
import csv
import io
import json
import pickle
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.claim import Number, paper, paper_toml
from repro.claim.table import slug
from repro.cli import listing
from repro.errors import BadInput
from repro.report import chosen, cite, claims, figure, outcome, page, papers, possible, quote, spreadsheet
from repro.report.html.words import RAISED
from repro.report.sphinx import directives
from repro.verdict import judge, verdicts_json
from repro.verdict.suspected_causes import ledger
from tests.report.read_once import read_once

pytestmark = pytest.mark.xdist_group("site")  # one process reads the pages for all

PAPERS = sorted(paper.folders())
PLAIN = str.maketrans({raised: chr(plain) for plain, raised in RAISED.items()} | {"−": "-"})
NUMBERS = ("printed", "value", "above", "below")


def plain(html: str) -> str:
    """The text of `html`, without what is folded into attributes."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", str(html))).split())


def typed(shown: str) -> str:
    """A number as it is typed: `1.5 × 10⁻⁹` as `1.5e-9`."""
    return re.sub(r"\s×\s10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda hit: f"e{hit[1]}", shown).translate(PLAIN)


def written(name: str) -> Iterator[tuple[str, str]]:
    """(id of a claim, its number as the page prints it): as in the file, or 100 times that if it is in percent."""
    units = {claim.id: claim.stated_unit for claim in paper.find(name).claims}
    percent = {claim.id for claim in read_once(name).paper.claims if claim.stated_unit != units[claim.id]}
    for claim_id, number in in_file(name):
        yield claim_id, f"{Decimal(number).scaleb(2):f}" if claim_id in percent else number


def in_file(name: str) -> Iterator[tuple[str, str]]:
    """(id of a claim, its number as the file has it), read without the types that the program reads it with."""
    text = (paper.folders()[name] / "paper.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text, parse_float=str)
    for claim in data.get("claim", []):
        yield from ((claim["id"], str(claim[key])) for key in NUMBERS if key in claim)
    for table in data.get("table", []):
        for row, cell in (table.get("printed") or table["value"]).items():
            for column, content in cell.items() if isinstance(cell, dict) else [("", cell)]:
                parts = (slug(part) for part in (row, column) if part)
                yield f"{table['id']}.{'.'.join(parts)}", str(content)


@pytest.mark.parametrize("name", PAPERS)
def test_every_number_is_quoted_letter_by_letter(name: str) -> None:
    shown, known = read_once(name), dict(written(name))
    quoted = {claim.id: claim for claim in shown.paper.claims if claim.transcribed and claim.stated}
    assert known.keys() == quoted.keys()
    for claim in quoted.values():
        said = typed(quote.stated(shown, claim.id).text)
        words = {"above": claim.above, "below": claim.below}
        lead = next((f"{word} " for word, bound in words.items() if bound is not None), "")
        lead = f"our bound: {lead}" if chosen.own(claim) else lead
        unit = "" if claim.printed else shown.unit(claim)
        assert said == f"{lead}{known[claim.id]} {unit}".strip(), claim.id


@pytest.mark.parametrize("name", PAPERS)
def test_no_text_joins_the_tolerance_to_the_number_of_the_paper(name: str) -> None:
    shown = read_once(name)
    entries = ledger(shown.paper, shown.verdicts, shown.records)
    texts = [plain(section(shown)) for section in directives.SECTIONS.values()]
    texts += [plain(papers.papers([shown], "")), spreadsheet.claims(shown), listing.verdicts(shown.verdicts, entries)]
    texts += [cite.report(shown)] if shown.records else []
    texts += [verdicts_json.as_json(shown.paper, shown.verdicts, entries), *(one.why for one in shown.verdicts)]
    texts += [quote.stated(shown, claim.id).text for claim in shown.paper.claims if claim.transcribed]
    for text in texts:
        assert "±" not in text and "+-" not in text and "+/-" not in text
    ranged, table = [claim for claim in shown.paper.claims if claim.accepts], plain(claims.claims(shown))
    for claim in ranged:
        unit = shown.unit(claim)
        between = possible.accepted(claim, unit) or f"{claim.accepts} {unit}".strip()
        accepted = f"Accepted by us: {between}".replace("\N{MINUS SIGN}", "-")
        assert accepted in table.replace("\N{MINUS SIGN}", "-"), claim.id
        assert claim.because in table


@pytest.mark.parametrize("name", PAPERS)
def test_the_accepted_range_is_the_value_and_its_tolerance(name: str) -> None:
    shown = read_once(name)
    (*_, columns), rows = spreadsheet.CLAIMS, list(csv.DictReader(io.StringIO(spreadsheet.claims(shown))))
    known, found = dict(written(name)), json.loads(verdicts_json.as_json(shown.paper, shown.verdicts, []))
    assert columns == "records" and found["format"] == 2
    for claim, row, told in zip(shown.paper.claims, rows, found["verdicts"], strict=True):
        assert row["paper"].lstrip("'") == known.get(claim.id, "") == told["stated"].get("text", "")
        assert "tolerance" not in told["stated"] and bool(told["accepted"]) == (claim.tolerance is not None)
        if claim.tolerance is not None:
            low, high = Decimal(row["accepted from"]), Decimal(row["accepted to"])
            assert (low + high) / 2 == Decimal(known[claim.id]) and high - low == 2 * Decimal(str(claim.tolerance))
            assert told["accepted"]["because"] == row["because"] == claim.because


@pytest.mark.parametrize(
    ("value", "tolerance", "stated", "accepted"),
    [
        ("0.950", "0.37", "0.950", "0.580 to 1.320"),
        ("0.95", "0.37", "0.95", "0.58 to 1.32"),
        ("12.0", "0.97", "12.0", "11.03 to 12.97"),
        ("6", "0.5", "6", "5.5 to 6.5"),
        ("10_000.50", "1", "10000.50", "9999.50 to 10001.50"),
        ("-0.10", "0.20", "-0.10", "-0.30 to 0.10"),
        ("5.0", "0", "5.0", "exactly 5.0"),
        ("1.50e-9", "1e-10", "1.50e-9", "1.40e-9 to 1.60e-9"),
    ],
)
def test_the_digits_of_the_file_reach_the_page(
    value: str, tolerance: str, stated: str, accepted: str, fresh: Path, keep: Callable[..., Any]
) -> None:
    path = fresh / "paper.toml"
    text = path.read_text().replace("value = 5.0\ntolerance = 0.5", f"value = {value}\ntolerance = {tolerance}")
    path.write_text(text)
    shown = page.read("tiny")
    claim, row = shown.paper.claim("mean"), next(one for one in shown.verdicts if one.claim.id == "mean")
    assert (claim.stated, typed(claim.accepts)) == (stated, accepted)
    assert f" {typed(stated)} mm " in typed(plain(claims.claims(shown)))
    assert f"The paper says {stated} mm; accepted by us: {accepted} mm; " in typed(plain(figure.figure(shown)))
    assert f"against {stated} mm (accepted by us: {accepted} mm)" in row.why
    assert f"accept {accepted} mm (by us), because <i>because</i>" in listing.verdicts(shown.verdicts, [])


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 3))
def test_a_number_keeps_its_digits_and_counts_as_it_is(value: float, zeros: int) -> None:
    text = f"{value!r}{'0' * zeros}" if "e" not in repr(value) else repr(value)
    one = Number(text)
    for kept in (one, copy.deepcopy(one), pickle.loads(pickle.dumps(one)), copy.copy(one)):  # nosec B301
        assert (kept, str(kept), f"{kept}", json.dumps(kept)) == (value, text, text, json.dumps(value))


def test_the_two_ways_to_judge_agree(built: Path) -> None:
    """A value with zeros at its end is judged as the same number without them."""
    shown = page.read("tiny")
    claim = shown.paper.claim("mean")
    for text in ("5", "5.0", "5.000"):
        assert judge(replace(claim, value=Number(text)), shown.records).outcome == "reproduced"


def test_what_is_not_transcribed_is_outside_of_every_count(built: Path, html: Callable[..., Any]) -> None:
    shown = page.read("tiny")
    assert outcome.said(shown.verdicts) == "1 reproduced, 1 trend holds"
    assert "Of 2 claims:" in outcome.bar(shown.verdicts) and "later" not in figure.figure(shown)
    note = "1 number is not transcribed from the paper yet, so it has no verdict."
    for name in ("papers/tiny", "index"):
        assert note in html(built, name).text and "unread" not in html(built, name).text
    assert f"2 claims: 1 reproduced, 1 trend holds\n{note}" in listing.verdicts(shown.verdicts, [])
    (row,) = csv.DictReader(io.StringIO(spreadsheet.papers([shown])))
    assert (row["claims"], row["not transcribed"]) == ("2", "1")


def test_nothing_but_numbers_to_transcribe_is_said_and_no_bar_is_drawn(built: Path) -> None:
    shown = page.read("tiny")
    later = [one for one in shown.verdicts if not one.claim.transcribed] * 6
    assert outcome.said(later) == "no claims yet" and "<rect" not in outcome.bar(later)
    assert "6 numbers are not transcribed from the paper yet, so they have no verdict." in outcome.later(later)


@pytest.mark.parametrize(
    ("file", "told"), [("paper.toml", "'transcribed'"), ("records/verdicts.json", "'not transcribed'")]
)
def test_the_name_of_before_is_answered_by_that_of_now(file: str, told: str, fresh: Path) -> None:
    path = fresh / file
    if file == "paper.toml":
        path.write_text(path.read_text().replace("transcribed = false", "unread = true"))
    else:
        path.write_text('{"later": "unread"}')
    with pytest.raises(BadInput, match=rf"unread.*; did you mean {told}\?"):
        paper_toml.read(fresh) if file == "paper.toml" else verdicts_json.read(fresh)
