"""The power of a verdict: the smallest difference that its seeds, items and tolerance can detect.

A value is *reproduced* if our 95 % interval is inside the accepted range. This is an equivalence test by two one-sided
tests (TOST; Schuirmann 1987), each at a level of 2.5 %. Its power is measured here in this way: how large must the true
difference be, so that 80 % of such studies detect it? This module reads no files.
"""

from __future__ import annotations

import math

from repro.claim import Claim, units
from repro.interval import Interval
from repro.verdict.evidence import Evidence

POWER = 0.8


def sees(claim: Claim, found: Evidence) -> float | None:
    """The smallest true difference that 80 % of such studies detect, in the unit of the claim.

    It is the difference from the paper's number or, for a comparison, from its bound. For a printed number, it is half
    a unit of the last digit. None if it is unknown, because a method that is not deterministic was run with one seed.
    """
    if claim.printed:
        return float(claim.digits[1]) / 2
    if found.interval.seeds < 2 and not claim.deterministic:
        return None
    return (claim.tolerance or 0.0) + reach(found.compared)


def reach(ours: Interval) -> float:
    """How far the true mean must be beyond a border, so that 80 % of such intervals are completely beyond it.

    >>> from repro.interval import interval
    >>> round(reach(interval([[1.0], [2.0], [3.0]])), 2)  # half the interval is 2.48
    3.26
    """
    from scipy.special import nctdtrinc

    error = math.sqrt(ours.seed_variance / ours.seeds + ours.item_variance)
    half = (ours.high - ours.low) / 2
    return float(nctdtrinc(ours.freedom, 1 - POWER, half / error)) * error if half > 0 and error > 0 else 0.0


def told(claim: Claim, found: Evidence, seen: float) -> str:
    """The smallest difference that such a study detects, in words. `seen` is the result of `sees`."""
    unit = units.sign(str(found.identity.get("unit", "")))
    size = f"{seen:.3g} {unit}".rstrip()
    what = "the paper's number" if claim.value is not None else "the bound"
    if not reach(found.compared):
        return f"any difference of more than {size} from {what}"
    return f"a true difference of {size} from {what}, in 80 % of such studies"


CONTAINS = {
    (True, True): "the randomness of the training, on exactly these test items",
    (True, False): "no randomness (one seed, or seeds that agree), on exactly these test items",
    (False, True): "the randomness of the training and of the choice of test items",
    (False, False): "only the randomness of the choice of test items (one seed, or seeds that agree)",
}
"""The sources of variation in an interval, by (the items are fixed, the seeds vary)."""


def contains(found: Interval) -> str:
    """The sources of variation in an interval, in words."""
    return CONTAINS[found.fixed, found.seed_variance > 0]


def too_wide(claim: Claim, found: Evidence | None) -> str:
    """Why no result, or almost none, could fail the claim; "" if one could."""
    least, most = _limits(found)
    if claim.accepted is None:
        above, below = claim.above, claim.below
        if not claim.over and ((above is not None and above < least) or (below is not None and below > most)):
            return f"no result could fail it: its metric is always between {least:g} and {most:g}"
        return ""
    low, high = map(float, claim.accepted)
    if low <= least and most <= high:
        return f"no result could fail it: it accepts {claim.accepts}, every value that the metric can have"
    if claim.value and not claim.over and (claim.tolerance or 0.0) >= abs(claim.value):
        return f"its tolerance is as large as its number: it accepts 0 and twice the number ({claim.accepts})"
    return ""


def out_of_reach(claim: Claim, found: Evidence) -> str:
    """Why such a study could not have reproduced the claim with any mean; "" if it could."""
    ours = found.compared
    if claim.accepted is None or ours.high - ours.low <= 2 * (claim.tolerance or 0.0):
        return ""
    return "with so few seeds, no mean would have agreed: the interval is wider than the accepted range"


def _limits(found: Evidence | None) -> tuple[float, float]:
    """The lowest and highest value of the metric: 0 and 1 (or 100 %) if every item is right or wrong, else infinite."""
    values = {value for row in found.rows for value in row} if found and not found.other else set()
    most = 100.0 if found and units.percent(str(found.identity.get("unit", ""))) else 1.0
    return (0.0, most) if values and values <= {0.0, most} else (-math.inf, math.inf)
