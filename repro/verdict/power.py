"""What a verdict could have seen: the smallest difference that its seeds, items and tolerance can show. Pure.

A value is *reproduced* where our 95 % interval lies within the accepted range. That is an equivalence test by two
one-sided tests (TOST; Schuirmann 1987), each at a level of 2.5 %. Like any test it has a power: how large must the true
difference be for 80 % of such studies to find it?
"""

from __future__ import annotations

import math

from repro.claim import Claim, units
from repro.interval import Interval
from repro.verdict.evidence import Evidence

POWER = 0.8


def sees(claim: Claim, found: Evidence) -> float | None:
    """The smallest difference from the paper (of a comparison: from its bound) that 80 % of such studies find.

    In the unit of the claim. Of a printed number it is half a unit of its last digit. None where one seed was run of a
    method with chance in it, so that nobody knows.
    """
    if claim.printed:
        return float(claim.digits[1]) / 2
    if found.interval.seeds < 2 and not claim.deterministic:
        return None
    return (claim.tolerance or 0.0) + reach(found.compared)


def reach(ours: Interval) -> float:
    """How far the truth must lie beyond a border for 80 % of such intervals to lie beyond it wholly.

    >>> from repro.interval import interval
    >>> round(reach(interval([[1.0], [2.0], [3.0]])), 2)  # half the interval is 2.48
    3.26
    """
    from scipy.special import nctdtrinc

    error = math.sqrt(ours.seed_variance / ours.seeds + ours.item_variance)
    half = (ours.high - ours.low) / 2
    return float(nctdtrinc(ours.freedom, 1 - POWER, half / error)) * error if half > 0 and error > 0 else 0.0


def told(claim: Claim, found: Evidence, seen: float) -> str:
    """What such a study could see, in words."""
    unit = units.sign(str(found.identity.get("unit", "")))
    size = f"{seen:.3g} {unit}".rstrip()
    what = "the paper's number" if claim.value is not None else "the bound"
    if not reach(found.compared):
        return f"any difference of more than {size} from {what}"
    return f"a true difference of {size} from {what}, in four of five such studies"


CONTAINS = {
    (True, True): "the chance in the training, on these very test items",
    (True, False): "no chance (one seed, or seeds that agree), on these very test items",
    (False, True): "the chance in the training and in the choice of the test items",
    (False, False): "the chance in the choice of the test items alone (one seed, or seeds that agree)",
}
"""What an interval contains: by whether the items are fixed, and whether the seeds vary."""


def contains(found: Interval) -> str:
    return CONTAINS[found.fixed, found.seed_variance > 0]


def too_wide(claim: Claim, found: Evidence | None) -> str:
    """Why no result, or hardly one, could fail the claim; empty where one could."""
    least, most = _limits(found)
    if claim.accepted is None:
        above, below = claim.above, claim.below
        if not claim.over and ((above is not None and above < least) or (below is not None and below > most)):
            return f"no result could fail it: its metric lies between {least:g} and {most:g}"
        return ""
    low, high = map(float, claim.accepted)
    if low <= least and most <= high:
        return f"no result could fail it: it accepts {claim.accepts}, every value that the metric can have"
    if claim.value and not claim.over and (claim.tolerance or 0.0) >= abs(claim.value):
        return f"its tolerance is as large as its number: it accepts nothing at all and twice as much ({claim.accepts})"
    return ""


def out_of_reach(claim: Claim, found: Evidence) -> str:
    """Why no mean could have been reproduced by such a study, whatever the truth; empty where one could."""
    ours = found.compared
    if claim.accepted is None or ours.high - ours.low <= 2 * (claim.tolerance or 0.0):
        return ""
    return "no mean could have been reproduced: the interval is wider than the accepted range"


def _limits(found: Evidence | None) -> tuple[float, float]:
    """Between which values the metric lies, where every item is right or wrong: 0 and 1, or 0 and 100 percent."""
    values = {value for row in found.rows for value in row} if found and not found.other else set()
    most = 100.0 if found and units.percent(str(found.identity.get("unit", ""))) else 1.0
    return (0.0, most) if values and values <= {0.0, most} else (-math.inf, math.inf)
