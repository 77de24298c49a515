"""Our number beside a printed one, what a slip of the pen looks like, and the commands that make it again."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.claim import Claim
from repro.interval import interval
from repro.report import commands, disagreements, evidence
from repro.report.html import words
from repro.verdict import WIDE, Evidence
from tests.report.read_once import read_once

TEMPLATE = read_once("template")
PRINTS = ("0.631", "1.55e-9", "22", "5.67", "3.50e4", "63.5 %", ".184", "-0.20")


def claim(printed: str) -> Claim:
    return Claim("some", "Some number", "Table 1", printed=printed, seeds=1)


def found(mean: float) -> Evidence:
    return Evidence("configs/a.gin", interval([[mean]]), {"unit": "%"}, [], False)


def read(text: str) -> Decimal:
    """A number as it is typeset, read back."""
    raised = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    plain = text.removesuffix(" %").replace("−", "-").replace(f"{words.NARROW}×{words.NARROW}10", "e")
    return Decimal(plain.translate(raised))


@given(st.sampled_from(PRINTS), st.floats(-12, 12))
def test_what_is_shown_rounds_to_the_print_if_and_only_if_ours_does(printed: str, moved: float) -> None:
    """So that nobody sees two equal numbers that are said to differ, or the other way round."""
    number, digit = claim(printed).digits
    mean = float(number) + moved * float(digit)
    shown = read(evidence.shown(claim(printed), found(mean)))
    rounds = [value.quantize(digit, ROUND_HALF_UP, WIDE) == number for value in (shown, Decimal(repr(mean)))]
    assert rounds[0] == rounds[1]
    assert abs(shown - Decimal(repr(mean))) <= max(digit / 100, abs(shown) / 10**5)


@pytest.mark.parametrize(
    ("printed", "mean", "shown", "slip"),
    [
        ("1.55e-9", 1.54496074e-09, "1.54496 × 10⁻⁹", "the printed number may be rounded twice"),
        ("6.01e-8", 6.01589976e-08, "6.0159 × 10⁻⁸", "the printed number may be truncated instead of rounded"),
        ("8.75e-5", 8.87459654e-05, "8.8746 × 10⁻⁵", ""),
        ("0.56", 0.5699, "0.5699", ""),  # two digits look cut every tenth time
        ("0.213", 0.1835315, "0.18353", ""),
        ("22", 23.0, "23", ""),
        ("0.004", 1.23456e-6, "1.23456 × 10⁻⁶", ""),
        ("63.5 %", 61.049, "61.049 %", ""),
    ],
)
def test_ours_has_two_digits_more_than_the_print(printed: str, mean: float, shown: str, slip: str) -> None:
    assert evidence.shown(claim(printed), found(mean)).replace(words.NARROW, " ") == shown
    assert evidence.slip(claim(printed), found(mean)) == slip


def test_nothing_is_guessed_of_a_number_with_chance_in_it() -> None:
    kinds = ([[1.2395]], [[1.2395], [1.2395]], [[1.2395, 1.2395]])
    seen = [evidence.slip(claim("1.23"), replace(found(1.0), interval=interval(rows))) for rows in kinds]
    assert seen == ["the printed number may be truncated instead of rounded", "", ""]


@pytest.mark.parametrize(
    ("seeds", "line"),
    [
        ([3], "run --seed 3"),
        ([0, 1, 2], "run --seeds 3"),
        ([4, 5], "for seed in 4 5; do run --seed $seed; done"),
        ([0, 2, 5], "for seed in 0 2 5; do run --seed $seed; done"),
    ],
)
def test_a_config_is_one_line_however_many_its_seeds(seeds: list[int], line: str) -> None:
    assert evidence.loop("run", seeds) == line


def test_each_way_to_run_a_config_has_its_line_and_a_long_block_is_folded() -> None:
    record = TEMPLATE.records[0]
    many = [replace(record, config=f"c{n:02}", seed=seed) for n in range(20) for seed in range(3)]
    many.append(replace(record, config="c00", seed=7, overrides=["a.b = 1"]))
    html = re.sub("</?span[^>]*>", "", commands.commands(replace(TEMPLATE, records=many)))
    shown, long, times = html.split("<details>")
    assert times.count("<tr>") == 1 + 20 and "repro run" not in times
    lines = re.findall(r'<pre class="repro-command"><code>([^<]*)', long)[0].splitlines()
    assert len(lines) > commands.MANY > shown.count("repro run")
    assert {f"repro run template/c{n:02} --seeds 3" for n in range(20)} < set(lines)
    assert "repro run template/c00 --seed 7 --set &#39;a.b = 1&#39;" in lines
    assert len(lines) == len(set(lines))


def test_the_reasons_are_those_of_the_ledger() -> None:
    """The template's failed claim agrees with twice the learning rate; without causes it says so."""
    html = disagreements.disagreements(TEMPLATE)
    cause = next(one.says for one in TEMPLATE.paper.causes if "fast" in one.config)
    assert "it agrees if one factor is changed" in html and cause in html and "#causes-fit.ten-steps" in html
    bare = replace(TEMPLATE, paper=replace(TEMPLATE.paper, causes=[]))
    assert "#why-fit.ten-steps" in disagreements.disagreements(bare), "its report.md names the claim"


def test_a_report_is_preferred_to_a_guess_and_a_guess_to_nothing(tmp_path: Path) -> None:
    paper = replace(TEMPLATE.paper, causes=[], folder=tmp_path)
    (verdict,) = TEMPLATE.failed
    cut = replace(verdict, claim=replace(verdict.claim, printed="1.23", value=None), judged=found(1.2395))
    said_of = [
        ("`fit.ten-steps-fast`", "may be truncated"),
        ("Ten (`fit.ten-steps`) are few. No.", ">Ten are few<"),
    ]
    for text, said in said_of:
        (tmp_path / "report.md").write_text(f"# Why it did not reproduce\n\n{text}\n")
        bare = replace(TEMPLATE, paper=paper, verdicts=[cut])
        assert said in disagreements.disagreements(bare)
    (tmp_path / "report.md").unlink()
    assert "no cause has been tested yet" in disagreements.disagreements(
        replace(TEMPLATE, paper=paper, verdicts=[verdict])
    )
