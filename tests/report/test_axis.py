"""The axes of the figure: what a row shows is seen, however far away the other rows of its metric lie."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from repro.interval import interval
from repro.report import figure, page
from repro.report.html.axis import THIN, Extent, apart

TEMPLATE = page.read("template")


def row(*middles: float, width: float) -> Extent:
    ends = [middle + side * width / 2 for middle in middles for side in (-1, 1)]
    return Extent(ends, [width] * len(middles))


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        ([row(0.01, 0.025, width=0.004), row(0.01, width=0.003)], [[0, 1]]),
        ([row(0.01, 0.025, width=0.004), row(1.35, width=0.1), row(0.01, width=0.004)], [[0, 2], [1]]),
        ([row(1.35, width=0.1), row(0.01, 0.025, width=0.004), row(1.2, width=0.2)], [[0, 2], [1]]),
        ([row(0.0, 100.0, width=0.1)], [[0]]),  # its own gap is so wide: no axis helps
        ([Extent([], []), Extent([3.0], []), row(3.1, width=0.1)], [[0, 1, 2]]),
    ],
)
def test_rows_whose_bands_would_be_lines_have_an_axis_apart(rows: list[Extent], groups: list[list[int]]) -> None:
    assert apart(rows) == groups


def test_a_claim_far_away_leaves_the_gap_of_another_to_be_seen() -> None:
    """The error after ten steps, 0.025 against 0.01, beside an error of 1.35."""
    missed = next(verdict for verdict in TEMPLATE.verdicts if verdict.claim.id == "fit.ten-steps")
    there = replace(missed.judged, interval=interval([[1.3, 1.4], [1.35, 1.3]]))
    claim = replace(missed.claim, id="far", value=1.35, tolerance=0.1)
    far = replace(missed, claim=claim, judged=there, evidence=[there])
    together, apart_ = (str(figure.rows(TEMPLATE, verdicts)) for verdicts in ([missed], [far, missed]))
    assert apart_.count("repro-figure-head") == 2 and apart_.count("on another scale") == 1

    def bands(html: str) -> list[str]:
        return re.findall(r'width="([\d.]+)%" height="100%" class="band"', html)

    assert bands(apart_)[1] == bands(together)[0], "as wide as on an axis of its own"
    assert all(float(width) > 100 * THIN / 2 for width in bands(apart_))
