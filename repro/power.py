"""What a verdict could have seen: the smallest difference that its seeds, items and tolerance tell apart. Pure.

A value is *reproduced* where our 95 % interval lies within the accepted range. That is an equivalence test by two
one-sided tests (TOST; Schuirmann 1987), each at a level of 2.5 %. Like any test it has a power: how large must the true
difference be for 80 % of such studies to find it?
"""

from __future__ import annotations

import math

from repro import units
from repro.claim import Claim
from repro.evidence import Evidence
from repro.interval import Interval

POWER = 0.8


def sees(claim: Claim, found: Evidence) -> float | None:
    """The smallest difference from the paper (of a comparison: from its bound) that 80 % of such studies tell apart.

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


def too_wide(claim: Claim, found: Evidence | None) -> str:
    """Why no result could fail the claim; empty where one could."""
    if claim.accepted is None:
        return _open(claim, found)
    low, high = map(float, claim.accepted)
    if claim.value and (claim.tolerance or 0.0) >= abs(claim.value):
        return f"it accepts everything from nothing to twice the number ({claim.accepts})"
    least, most = _limits(found)
    if low <= least and most <= high:
        return f"it accepts every value that the metric can have, {least:g} to {most:g} ({claim.accepts})"
    return ""


def _open(claim: Claim, found: Evidence | None) -> str:
    """Of a bound for one config: whether it lies beyond what the metric can be."""
    least, most = _limits(found)
    if not claim.over and claim.above is not None and claim.above < least:
        return f"its metric is never below {least:g}, and it asks for more than {claim.above}"
    if not claim.over and claim.below is not None and claim.below > most:
        return f"its metric is never above {most:g}, and it asks for less than {claim.below}"
    return ""


def _limits(found: Evidence | None) -> tuple[float, float]:
    """Between which values the metric lies, where it is a share or in percent and so are the values of all items."""
    values = [value for row in found.rows for value in row] if found and not found.other else []
    most = 100.0 if found and units.percent(str(found.identity.get("unit", ""))) else 1.0
    if values and min(values) >= 0 and max(values) <= most and found and units.factor("1", _unit(found)) is not None:
        return 0.0, most
    return -math.inf, math.inf


def _unit(found: Evidence) -> str:
    return str(found.identity.get("unit", ""))
