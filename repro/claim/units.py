"""Compare the unit of the paper's number with the unit of our metric, and convert our number if possible.

Only percent and shares are converted into each other. Other units that differ are not comparable.
"""

from __future__ import annotations

import difflib

from repro.errors import close

SHARES = ("", "1", "fraction", "share", "ratio", "proportion")
PERCENTS = ("%", "percent", "per cent", "pp", "percentage points")
NAMES = [word for word in (*SHARES, *PERCENTS) if len(word) > 4]
"""The names that are long enough to recognise a typing error in them."""
HUNDRED = (30.0, 300.0)
"""The range of ratios that count as about 100. It is wide, because the two results may differ too."""


def factor(stated: str | None, unit: str) -> float | None:
    """The factor that converts our number from the `unit` of the metric to the `stated` unit; None if impossible.

    If the claim states no unit (None), the factor is 1.

    >>> factor("%", "fraction"), factor("dB", "dB"), factor("s", "ms")
    (100.0, 1.0, None)
    """
    if stated is None or stated.strip() == unit.strip() or {_kind(stated), _kind(unit)} in ({"share"}, {"percent"}):
        return 1.0
    return {("percent", "share"): 100.0, ("share", "percent"): 0.01}.get((_kind(stated), _kind(unit)))


def unlike(stated: str | None, unit: str) -> str:
    """Why a number in the unit `stated` cannot be compared with the metric's `unit`; "" if it can."""
    if factor(stated, unit) is not None:
        return ""
    hint = close(stated or "", (unit, *filter(None, (*SHARES, *PERCENTS))))
    return f"the paper states its number in {named(stated or '')}{hint}, the metric of the records is in {named(unit)}"


def misspelt(stated: str) -> str:
    """`"; did you mean 'percent'?"` for a unit that is a misspelt name of percent or of a share; else ""."""
    name = stated.strip().casefold()
    return close(stated, NAMES) if name not in NAMES and difflib.get_close_matches(name, NAMES, 1, 0.8) else ""


def converted(stated: str | None, unit: str) -> str:
    """How our number was converted, in words; "" if it was not."""
    by = factor(stated, unit)
    return f"ours times {by:g}, from {named(unit)} to {named(stated or '')}" if by not in (None, 1.0) else ""


def sign(unit: str) -> str:
    """A unit as it is printed after a number; "" for a share."""
    return "" if _kind(unit) == "share" else unit.strip()


def named(unit: str) -> str:
    """A unit as a word of a sentence: `percent`, `a share`, or the unit itself."""
    return "percent" if _kind(unit) == "percent" else "a share" if _kind(unit) == "share" else unit.strip()


def hundredfold(ours: float, stated: float, unit: str) -> bool:
    """Whether two numbers differ by a factor of about 100, and the unit is a share or percent.

    Then one of them may be a share and the other in percent.
    """
    if not _kind(unit) or ours * stated <= 0:
        return False
    low, high = HUNDRED
    ratio = abs(ours / stated)
    return low <= ratio <= high or 1 / high <= ratio <= 1 / low


def percent(unit: str | None) -> bool:
    """Whether a unit is a name of percent, such as `%`."""
    return unit is not None and _kind(unit) == "percent"


def _kind(unit: str) -> str:
    name = " ".join(unit.casefold().split())
    return "percent" if name in PERCENTS else "share" if name in SHARES else ""
