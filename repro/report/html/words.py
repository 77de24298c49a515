"""Numbers, intervals, times and counts as text."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from repro import interval
from repro.interval import Interval

POWER = re.compile(r"(?<![\w.,/-])(?P<digits>[-+−]?(?:\d+\.?\d*|\.\d+))[eE](?P<power>[-+]?\d+)(?!\.?\w)")
ZERO = re.compile(r"(?<![^\s\[(])-(?=0(?:\.0+)?(?![\d.eE]))")  # the sign of a rounded number
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
UNITS = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
NARROW = "\N{NARROW NO-BREAK SPACE}"


def number(value: float, half: float = 0.0) -> str:
    """`value`, rounded to the digits that an uncertainty of ± `half` allows, with a typographic minus sign."""
    return typeset(interval.number(value, half))


def spread(found: Interval, unit: str = "") -> str:
    """A mean with its interval: `5.93 [5.51, 6.35] dB`. Only the mean if all seeds have the same number."""
    return typeset(f"{interval.number(found.mean)} {unit}".rstrip() if exact(found) else found.shown(unit))


def exact(found: Interval) -> bool:
    """Whether an interval has no width but that of rounding errors."""
    return found.high - found.low <= 1e-12 * abs(found.mean)


def typeset(text: str) -> str:
    """Typeset the numbers of a text: `1.5e-09` becomes `1.5 × 10⁻⁹`, `-3` becomes `−3`, `+-` becomes `±`.

    A number that is rounded to zero has no sign: `-0.00` becomes `0.00`.

    Names, addresses and dates do not change.
    """
    return re.sub(r"(?<![^\s\[(])-(?=\.?\d)", "−", POWER.sub(power, ZERO.sub("", text))).replace(" +- ", " ± ")


def power(hit: re.Match[str]) -> str:
    """A match of `POWER`, typeset: `1.5e-09` becomes `1.5 × 10⁻⁹`."""
    digits, raised = hit["digits"].replace("-", "−"), str(int(hit["power"])).translate(RAISED)
    return f"{digits}{NARROW}×{NARROW}10{raised}"


def count(many: int, noun: str) -> str:
    """A number with its noun: `1 seed`, `3 seeds`.

    >>> count(1, "seed"), count(1200, "seed")
    ('1 seed', '1,200 seeds')
    """
    return f"{many:,} {noun}" if many == 1 else f"{many:,} {noun}s"


def percent(part: int, whole: int) -> str:
    """`part` of `whole` in percent. Halves round away from zero.

    >>> percent(66, 80)
    '83%'
    """
    return f"{(Decimal(100 * part) / whole).quantize(Decimal(1), ROUND_HALF_UP)}%"


def duration(seconds: float) -> str:
    """A time in a suitable unit: `2.6 s`, `14 min`, `3.2 h`, `2.1 days`.

    >>> duration(11520)
    '3.2 h'
    """
    for limit, size, unit in ((90, 1, "s"), (5400, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.{0 if seconds >= 10 * size else 1}f} {unit}"
    return f"{seconds / 86400:,.{0 if seconds >= 864000 else 1}f} days"


def size(many: int) -> str:
    """A number of bytes in a suitable unit, with two digits; 0 is an unknown size.

    >>> size(11_594_722), size(430_000_000_000), size(31_570), size(0)
    ('12 MB', '430 GB', '32 kB', 'size not known')
    """
    unit, scale = next(((unit, scale) for unit, scale in UNITS if many >= scale), ("B", 1))
    value = many / scale
    return f"{value:.{0 if value >= 9.95 or scale == 1 else 1}f} {unit}" if many else "size not known"


def day(moment: str) -> str:
    """The date of an ISO 8601 timestamp."""
    return moment[:10]


def machine(environment: dict[str, object]) -> str:
    """A machine in words: `AMD EPYC, 2 of 8 cores, no accelerator`."""
    accelerator = environment.get("accelerator", "none")
    cores = f"{environment.get('threads', '?')} of {environment.get('cores', '?')} cores"
    return f"{environment.get('processor', '?')}, {cores}, " + (
        "no accelerator" if accelerator == "none" else str(accelerator)
    )


def slug(*names: str) -> str:
    """A text that can be the id of an element.

    >>> slug("claim", "not run")
    'claim-not-run'
    """
    return re.sub(r"[^\w.-]+", "-", "-".join(names))
