"""Units: a number of the paper next to a metric in another unit. Ours is converted, or not comparable. Pure."""

from __future__ import annotations

import difflib

from repro.errors import close

SHARES = ("", "1", "fraction", "share", "ratio", "proportion")
PERCENTS = ("%", "percent", "per cent", "pp", "percentage points")
HUNDRED = (30.0, 300.0)
"""What is about a factor of 100: numbers of unlike unit may differ by the result too."""


def factor(stated: str | None, unit: str) -> float | None:
    """What ours, in the `unit` of the metric, is multiplied by to be in the `stated` unit; None where nothing is.

    A claim that states no unit (None) is taken to be in that of the metric.
    """
    if stated is None or stated.strip() == unit.strip() or {_kind(stated), _kind(unit)} in ({"share"}, {"percent"}):
        return 1.0
    return {("percent", "share"): 100.0, ("share", "percent"): 0.01}.get((_kind(stated), _kind(unit)))


def unlike(stated: str | None, unit: str) -> str:
    """Why a number stated in this unit cannot be compared with the metric's; empty where it can."""
    if factor(stated, unit) is not None:
        return ""
    hint = close(stated or "", (unit, *filter(None, (*SHARES, *PERCENTS))))
    return f"the paper states its number in {named(stated or '')}{hint}, the metric of the records is in {named(unit)}"


def misspelt(stated: str) -> str:
    """`"; did you mean 'percent'?"` for a unit that is nearly the name of a share or of percent; else empty."""
    words = [word for word in (*SHARES, *PERCENTS) if len(word) > 4]
    name = stated.strip().casefold()
    return close(stated, words) if name not in words and difflib.get_close_matches(name, words, 1, 0.8) else ""


def converted(stated: str | None, unit: str) -> str:
    """How ours was converted, in words; empty where it was not."""
    by = factor(stated, unit)
    return f"ours times {by:g}, from {named(unit)} to {named(stated or '')}" if by not in (None, 1.0) else ""


def sign(unit: str) -> str:
    """A unit as it is printed after a number: nothing for a share."""
    return "" if _kind(unit) == "share" else unit.strip()


def named(unit: str) -> str:
    """A unit in a sentence."""
    return "percent" if _kind(unit) == "percent" else "a share" if _kind(unit) == "share" else unit.strip()


def hundredfold(ours: float, stated: float, unit: str) -> bool:
    """Whether two numbers differ by about a factor of 100 that a unit may be the reason for: a share, or percent."""
    if not _kind(unit) or ours * stated <= 0:
        return False
    low, high = HUNDRED
    ratio = abs(ours / stated)
    return low <= ratio <= high or 1 / high <= ratio <= 1 / low


def percent(unit: str | None) -> bool:
    return unit is not None and _kind(unit) == "percent"


def _kind(unit: str) -> str:
    name = " ".join(unit.casefold().split())
    return "percent" if name in PERCENTS else "share" if name in SHARES else ""
