"""Numbers in a sentence: what the paper states of a claim, beside what we measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.claim import Claim, Number, paper
from repro.errors import BadInput
from repro.report import page, quote
from repro.report.page import Page
from tests.report.read_once import read_once

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.fixture
def shown(built: Path) -> Page:
    page.forget()
    return page.read("tiny")


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"printed": "1.55e-9"}, "1.55\N{NARROW NO-BREAK SPACE}×\N{NARROW NO-BREAK SPACE}10⁻⁹"),
        ({"printed": ".213"}, ".213"),
        ({"value": Number("6.0"), "tolerance": 0.5}, "6.0 mm"),
        ({"value": Number("0.950"), "tolerance": 0.37}, "0.950 mm"),
        ({"value": 6, "tolerance": 0.5}, "6 mm"),
        ({"above": Number("3.0")}, "above 3.0 mm"),
        ({"over": "configs/proxy.gin"}, "better than “proxy”"),
    ],
)
def test_what_the_paper_states_leads_to_its_claim(keys: dict[str, Any], text: str, shown: Page) -> None:
    claim = Claim("c", "says", "Table 1", "Length", "configs/full.gin", **keys)
    found = quote.stated(replace(shown, paper=replace(shown.paper, claims=[claim])), "c")
    assert found == quote.Quote(text, shown.place(claim))


def test_a_config_is_quoted_by_the_mean_of_its_seeds(shown: Page) -> None:
    first = shown.by_config["configs/proxy.gin"][0]
    other = replace(
        first, seed=7, measurements=[replace(m, values=[2 * v for v in m.values]) for m in first.measurements]
    )
    several = replace(shown, records=[first, other])
    measured = first.measurements[0]
    name = f"{measured.test}:{measured.metric}"
    said = [quote.measured(several, f"{stem}:{name}").text for stem in ("proxy-seed0", "proxy-seed7", "proxy")]
    means = [float(re.match(r"[\d.]+", text)[0]) for text in said]
    assert means == pytest.approx([measured.mean, 2 * measured.mean, 1.5 * measured.mean], rel=0.1)
    assert (
        "older" in quote.measured(replace(shown, records=[first, replace(other, stale="older")]), f"proxy:{name}").fault
    )


@pytest.mark.parametrize("name", sorted(paper.folders()))
def test_a_config_and_its_claim_are_quoted_with_the_same_interval(name: str) -> None:
    shown = read_once(name)
    for verdict in shown.verdicts:
        claim, found = verdict.claim, verdict.judged
        if (
            found is None
            or found.proxy
            or found.interval.seeds < 2
            or claim.value is None
            or claim.over
            or claim.printed
        ):
            continue
        tests = {one.test for one in found.records[0].measurements if one.metric == claim.metric}
        test = claim.test or min(tests)
        said = [
            quote.judged(shown, claim.id),
            quote.measured(shown, f"{found.records[0].config}:{test}:{claim.metric}"),
        ]
        ours, theirs = ([float(one) for one in NUMBER.findall(quoted.text.replace("−", "-"))] for quoted in said)
        assert ours == pytest.approx(theirs, rel=0.005), claim.id


def test_a_mean_alone_has_no_interval_and_a_cost_of_a_config_is_a_mean(shown: Page) -> None:
    first = shown.by_config["configs/proxy.gin"][0]
    measured = first.measurements[0]
    text = quote.measured(shown, f"proxy-seed0:{measured.test}:{measured.metric}:mean").text
    assert [float(one) for one in NUMBER.findall(text)] == pytest.approx([measured.mean], rel=1e-4) and "[" not in text
    runs = [replace(first, seed=seed, cost={"steps": steps}) for seed, steps in ((0, 100.0), (7, 300.0))]
    assert quote.measured(replace(shown, records=runs), "proxy:steps").text == "200"


@pytest.mark.parametrize("name", ["proxi:test:Error", "proxy:tset:Error", "proxy:test:Eror", "proxy:speed"])
def test_a_wrong_name_of_a_record_is_refused(shown: Page, name: str) -> None:
    with pytest.raises(BadInput, match=r"no (?:record|measurement|cost)"):
        quote.measured(shown, name)


def test_a_number_that_is_not_transcribed_cannot_be_quoted(shown: Page) -> None:
    with pytest.raises(BadInput, match="claim 'later' is not transcribed"):
        quote.stated(shown, "later")


def test_a_statement_of_no_claim_fails_and_shows(fresh: Path, build: Callable[..., Any], html: Any) -> None:
    root = fresh.parents[1]
    text = "It says {stated}`tiny/mean`.\n\nAnd {stated}`tiny/men`."
    (root / "docs/index.md").write_text(f"# Home\n\n{text}\n\n```{{toctree}}\npapers/tiny\n```\n")
    code, heard = build(root)
    assert code != 0 and "index.md:5: WARNING: tiny: no claim 'men'; did you mean 'mean'?" in heard
    found = html(root, "index")
    assert "It says 5.0 mm." in found.text and "missing: tiny/men" in found.text
    assert "papers/tiny.html#claim-mean" in found.values("href", "a")
