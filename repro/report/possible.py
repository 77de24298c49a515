"""Intervals that end at what is possible: a share is between 0 and 1, a count is not below 0.

Only the page shows them so; the verdict uses the whole interval. A metric does not state its range, so it is taken from
its unit, and only if all values of the test items are within it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from typing import Any

from repro.claim import Claim, units
from repro.interval import Interval, number
from repro.report.html.words import typeset
from repro.verdict import Evidence

OF = re.compile(r"\bof (?P<whole>\d+)\Z")  # as in `labels of 100`
WHOLE = ("the whole test set", "the test set")
"""How the aggregation of a metric begins that has no value for an item, such as the area under a curve."""
COUNTED = re.compile(r"[a-z]{4,}")  # `beats`, `pages`: a unit that is a noun


def seen(claim: Claim, found: Evidence) -> Interval:
    """Our interval, cut at the ends of the possible numbers. That of a difference is not cut."""
    if claim.over or claim.bound == 0:
        return found.interval
    return within(found.interval, found.identity, chain.from_iterable(found.rows))


def within(found: Interval, identity: Mapping[str, Any], values: Iterable[float]) -> Interval:
    """An interval, cut at the ends of the possible numbers.

    identity: of the metric; values: those of the test items, in its unit. Those of a metric of the whole test set are
    contributions, which may be beyond the ends.

    >>> ours = Interval(99.9, 99.8, 100.1, 3, 61)
    >>> within(ours, {"unit": "%"}, [99.0, 100.0]).high
    100.0
    """
    values = list(values)
    whole = _whole(str(identity.get("unit", "")), str(identity.get("better", "")), values)
    if whole is None or (found.low >= 0 and found.high <= whole):
        return found
    known = [found.mean] if str(identity.get("aggregation", "")).startswith(WHOLE) else values
    low = 0.0 if min(known, default=-1.0) >= 0 else -math.inf
    high = whole if max(known, default=math.inf) <= whole else math.inf
    return replace(found, low=max(found.low, low), high=min(found.high, high)) if low <= found.mean <= high else found


def _whole(unit: str, better: str, values: Sequence[float]) -> float | None:
    """The largest possible number of a share or a count; infinite for a count without end, None for other numbers.

    Not every noun counts something: a log-likelihood in nats can be negative. The values of a count are whole.
    """
    if units.percent(unit):
        return 100.0
    if hit := OF.search(unit):
        return float(hit["whole"])
    if unit:
        return math.inf if COUNTED.fullmatch(unit) and all(float(value).is_integer() for value in values) else None
    return 1.0 if better == "higher" else None


def text(claim: Claim, found: Evidence, unit: str) -> str:
    """Our number with its interval. An end that would look like a limit of the claim gets more digits."""
    ours = seen(claim, found)
    half = (ours.high - ours.low) / 2
    plain = typeset(ours.shown(unit))
    for more in range(3):
        texts = [number(value, half / 10**more) for value in (ours.mean, ours.low, ours.high)]
        if not half or not any(
            _hides(claim, end, said) for end, said in zip((ours.low, ours.high), texts[1:], strict=True)
        ):
            return typeset(f"{texts[0]} [{texts[1]}, {texts[2]}] {unit}".rstrip()) if half and more else plain
    return plain


def _hides(claim: Claim, end: float, said: str) -> bool:
    """Whether an end of the interval, as it is printed, is on another side of a limit of the claim, or at the limit."""
    limits = [Decimal(str(claim.bound))] if claim.bound is not None else list(claim.accepted or ())
    return any(Decimal(said).compare(limit) != Decimal(repr(end)).compare(limit) for limit in limits)


def accepted(claim: Claim, unit: str) -> str:
    """The accepted range in words, without what no share can be: `93.9 to 100 %`. Empty if there is none."""
    if claim.accepted is None:
        return ""
    low, high = claim.accepted
    if claim.over or not units.percent(unit) or not (0 <= (claim.value or 0.0) <= 100) or (low >= 0 and high <= 100):
        return f"{typeset(claim.accepts)} {unit}".rstrip()
    first, last = claim.accepts.split(" to ")
    return f"{typeset(first if low >= 0 else '0')} to {typeset(last if high <= 100 else '100')} {unit}"
