"""A picture of each verdict, for the guide: the accepted range, the paper's number, and our interval.

They are drawn with the marks of the figure of claims, so they look like it in both themes. Further right is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repro.errors import BadInput, nearest
from repro.interval import Interval
from repro.report.html import marks
from repro.report.html.axis import Axis
from repro.report.html.markup import Markup, picture, tag
from repro.report.outcome import MEANINGS, badge

AXIS = Axis(0.0, 10.0, 1.0)


@dataclass(frozen=True)
class Example:
    """What a picture shows: the band, the paper's number or bound, and our interval (low, mean, high), if there is one.

    `edges` are other lines: the next roundings, or the level that decides a conclusion.
    """

    band: tuple[float, float]
    paper: float
    ours: tuple[float, float, float] | None = None
    proxy: bool = False
    stale: bool = False
    edges: tuple[float, ...] = ()


EXAMPLES: Mapping[str, Example] = {
    "reproduced": Example((4.0, 6.0), 5.0, (4.4, 4.9, 5.4)),
    "exceeded": Example((4.0, 6.0), 5.0, (6.7, 7.2, 7.7)),
    "trend holds": Example((5.0, 10.0), 5.0, (6.2, 6.9, 7.6), proxy=True),
    "last digit differs": Example((4.5, 5.5), 5.0, (5.8, 5.8, 5.8), edges=(3.5, 6.5)),
    "same conclusion": Example((2.5, 3.5), 3.0, (5.2, 5.2, 5.2), edges=(8.0,)),
    "inconclusive": Example((4.0, 6.0), 5.0, (5.3, 6.0, 6.7)),
    "trend fails": Example((5.0, 10.0), 5.0, (2.4, 3.1, 3.8), proxy=True),
    "not reproduced": Example((4.0, 6.0), 5.0, (2.3, 2.8, 3.3)),
    "stale": Example((4.0, 6.0), 5.0, (4.4, 4.9, 5.4), stale=True),
    "not run": Example((4.0, 6.0), 5.0),
}
"""The verdicts that a picture can show. The others are about a claim that cannot be compared."""


def shown(outcome: str) -> Markup:
    """The badge of a verdict with its picture. Raises BadInput for an unknown verdict."""
    if outcome not in MEANINGS:
        raise BadInput(f"no verdict '{outcome}'{nearest(outcome, MEANINGS)}")
    drawn = [_picture(outcome, EXAMPLES[outcome])] if outcome in EXAMPLES else []
    return tag("div", badge(outcome), *drawn, class_="repro-verdict")


def _picture(outcome: str, one: Example) -> Markup:
    parts = [marks.upright(AXIS, edge, "grid") for edge in one.edges]
    parts += [marks.band(AXIS, *one.band), marks.upright(AXIS, one.paper, "paper")]
    if one.ours:
        low, mean, high = one.ours
        parts.append(marks.interval(AXIS, Interval(mean, low, high, 3, 100), outcome, 0.5, one.proxy, one.stale))
    return picture(outcome, MEANINGS[outcome], *parts, class_="repro-strip", width="100%", height=28)
