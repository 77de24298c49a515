"""What a verdict rests on, as a reader asks for it: our number, the configs and records behind it, what to type."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from repro.claim import units
from repro.claim.paper import Claim
from repro.record import Record
from repro.report.html import files
from repro.report.html.markup import Markup, join, link, tag
from repro.report.html.words import number, spread, typeset
from repro.report.page import Page
from repro.verdict import WIDE, Evidence, Verdict

MORE = range(2, 12)
"""Digits of ours beyond those of the print: two, or as many as it takes to see that it rounds to another number."""

TELLING = 3
"""Digits of a print from which on one may guess how it was rounded."""


def ours(verdict: Verdict) -> str:
    """The number that decided the verdict; empty where there is none."""
    return shown(verdict.claim, verdict.judged) if verdict.judged else ""


def shown(claim: Claim, found: Evidence) -> str:
    """Our number as a reader compares it: beside a print in its unit and form, else with its interval."""
    unit = found.identity.get("unit", "")
    if not claim.printed:
        return spread(found.interval, unit)
    percent = " %" if claim.printed.endswith("%") and units.percent(unit) else ""
    return _beside(claim, Decimal(repr(found.interval.mean))) + percent


def _beside(claim: Claim, value: Decimal) -> str:
    """`value` with the digits of the print and two more, so that one sees whether it rounds to it."""
    printed, digit = claim.digits
    if not math.isfinite(value) or abs(value) < digit:
        return number(float(value))
    if value == value.to_integral_value() and digit == 1:
        return typeset(str(int(value)))
    same = value.quantize(digit, ROUND_HALF_UP, WIDE) == printed
    tried = (value.quantize(digit.scaleb(-more), ROUND_HALF_UP, WIDE) for more in MORE)
    told = next((one for one in tried if (one.quantize(digit, ROUND_HALF_UP, WIDE) == printed) == same), value)
    return typeset(_scientific(told) if "e" in claim.printed.lower() else f"{told:f}")


def slip(claim: Claim, found: Evidence) -> str:
    """How our number could have become the print by a slip of the pen; empty where no such slip leads to it.

    Of few digits, or of a number with chance in it, every tenth would look so.
    """
    alone = found.interval.seeds == found.interval.items == 1 and math.isfinite(found.interval.mean)
    if not (claim.printed and alone and len(claim.digits[0].as_tuple().digits) >= TELLING):
        return ""
    printed, digit = claim.digits
    value = Decimal(repr(found.interval.mean))
    if value.quantize(digit, ROUND_DOWN, WIDE) == printed:
        return "the print looks cut, not ours"
    once = value.quantize(digit.scaleb(-1), ROUND_HALF_UP, WIDE)
    return "the print looks rounded twice, not ours" if once.quantize(digit, ROUND_HALF_UP, WIDE) == printed else ""


def _scientific(value: Decimal) -> str:
    places = value.adjusted() - int(value.as_tuple().exponent)
    return f"{value:.{places}e}"


def links(page: Page, verdict: Verdict) -> Markup:
    """The configs that bear on the claim, and the records they have."""
    names = verdict.claim.configs
    configs = [link(name.removeprefix("configs/"), files.shown(page.file(name))) for name in names]
    records = [_record(page, found) for name in names for found in page.by_config.get(name, ())]
    if not configs:
        return Markup("")
    told = [tag("strong", " Records: "), join(records, ", ")] if records else []
    return tag("p", tag("strong", "Configs: "), join(configs, ", "), *told)


def _record(page: Page, found: Record) -> Markup:
    """The record as it is told on the page, and the file itself."""
    file = link("json", page.file("records", f"{found.stem}.json"), aria_label=f"{found.stem}.json")
    return join([link(found.stem, page.origin(found)), " (", file, ")"])


def read_in(claim: Claim) -> Markup:
    """Where the number was read, if not in the paper itself."""
    head, rest = ("Read", claim.source[4:]) if claim.source.startswith("read ") else ("Read in: ", claim.source)
    return tag("p", tag("strong", head), rest) if claim.source else Markup("")


def ours_accepted(page: Page, claim: Claim) -> Markup:
    """The range that we accept around the paper's number, and why; and whether it was changed after the record."""
    late = page.late.get(claim.id, "")
    changed = tag("p", tag("strong", "Changed after its record: "), f"{late}.") if late else Markup("")
    if not claim.accepts:
        return join([tag("p", tag("strong", "Our reason: "), claim.because) if claim.because else Markup(""), changed])
    between = f"{typeset(claim.accepts)} {page.unit(claim)}".rstrip()
    return join([tag("p", tag("strong", "Accepted by us: "), f"{between}, because {claim.because}."), changed])


def asked(page: Page, claim: Claim) -> list[str]:
    """What to type to make the records of a claim: proxies with one seed, its own configs with all."""
    seeds: dict[str, list[int]] = {}
    for name, seed in claim.runs:
        seeds.setdefault(name, []).append(seed)
    return [loop(f"repro run papers/{page.name}/{name} --seed", many) for name, many in seeds.items()]


def loop(once: str, seeds: Sequence[int], more: str = "") -> str:
    """The command `once` with its seed and what follows it, in one line however many seeds there are."""
    first, last = min(seeds), max(seeds)
    if first == last:
        return f"{once} {first}{more}"
    row = f"$(seq {first} {last})" if list(seeds) == list(range(first, last + 1)) else " ".join(map(str, seeds))
    return f"for seed in {row}; do {once} $seed{more}; done"
