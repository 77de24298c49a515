"""Numbers, intervals, times and counts as one says them."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from repro import interval
from repro.interval import Interval

POWER = re.compile(r"(?<![\w.,/-])(?P<digits>[-+−]?(?:\d+\.?\d*|\.\d+))[eE](?P<power>[-+]?\d+)(?!\.?\w)")
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NARROW = "\N{NARROW NO-BREAK SPACE}"


def number(value: float, half: float = 0.0) -> str:
    """`value` with the digits that an uncertainty of `half` leaves, and a minus sign as printed."""
    return typeset(interval.number(value, half))


def spread(found: Interval, unit: str = "") -> str:
    """`5.93 [5.51, 6.35] dB`."""
    return typeset(found.shown(unit))


def typeset(text: str) -> str:
    """`1.5e-09` as `1.5 × 10⁻⁹`, `-3` as `−3`, `+-` as `±`; names, addresses and dates stay as they are."""
    return re.sub(r"(?<![^\s\[(])-(?=\.?\d)", "−", POWER.sub(power, text)).replace(" +- ", " ± ")


def power(hit: re.Match[str]) -> str:
    """A power of ten that `POWER` has found, as it is printed."""
    digits, raised = hit["digits"].replace("-", "−"), str(int(hit["power"])).translate(RAISED)
    return f"{digits}{NARROW}×{NARROW}10{raised}"


def count(many: int, noun: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{many:,} {noun}" if many == 1 else f"{many:,} {noun}s"


def percent(part: int, whole: int) -> str:
    """`83%` of 66 of 80: what lies halfway rounds away from zero."""
    return f"{(Decimal(100 * part) / whole).quantize(Decimal(1), ROUND_HALF_UP)}%"


def duration(seconds: float) -> str:
    """`2.6 s`, `14 min`, `3.2 h`, `2.1 days`: two or three digits, in the unit that fits."""
    for limit, size, unit in ((90, 1, "s"), (5400, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.{0 if seconds >= 10 * size else 1}f} {unit}"
    return f"{seconds / 86400:.1f} days"


def day(moment: str) -> str:
    """The date of an ISO moment."""
    return moment[:10]


def machine(environment: dict[str, object]) -> str:
    """`AMD EPYC, 2 of 8 cores, no accelerator`."""
    accelerator = environment.get("accelerator", "none")
    cores = f"{environment.get('threads', '?')} of {environment.get('cores', '?')} cores"
    return f"{environment.get('processor', '?')}, {cores}, " + (
        "no accelerator" if accelerator == "none" else str(accelerator)
    )


def slug(*names: str) -> str:
    """A text that can be the id of an element."""
    return re.sub(r"[^\w.-]+", "-", "-".join(names))
