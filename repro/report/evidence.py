"""The evidence for a verdict, as Markup: our number, the configs and records that it comes from, and the commands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import PurePath

from repro.claim import units
from repro.claim.paper import Claim
from repro.record import Record
from repro.report import possible, repository
from repro.report.html import files
from repro.report.html.markup import Markup, join, link, tag
from repro.report.html.words import exact, number, typeset
from repro.report.page import Page
from repro.verdict import WIDE, Evidence, Verdict, verdicts_json

MORE = range(2, 12)
"""How many digits more than the printed number we show: two, or more if that is needed to see how ours rounds."""

TELLING = 3
"""The fewest printed digits from which `slip` guesses how the number was rounded."""


def ours(verdict: Verdict) -> str:
    """Our number that decided the verdict; empty if there is none."""
    return shown(verdict.claim, verdict.judged) if verdict.judged else ""


def shown(claim: Claim, found: Evidence) -> str:
    """Our number as text.

    For a claim with `printed`: in the paper's notation and unit. For any other claim: with its 95 % interval.
    """
    unit = found.identity.get("unit", "")
    if not claim.printed:
        return possible.text(claim, found, unit)
    percent = " %" if claim.printed.endswith("%") and units.percent(unit) else ""
    return _beside(claim, Decimal(repr(found.interval.mean))) + percent


def computed(verdict: Verdict) -> bool:
    """Whether our number is computed without randomness, so that it has no interval."""
    return bool(verdict.claim.printed or verdict.claim.deterministic)


def compared(verdict: Verdict) -> str:
    """What our number is, if it is a difference of two configs, and which sign is better, or has no interval."""
    if not verdict.evidence:
        return ""
    if not verdict.claim.over:
        return _exact(verdict)
    better = verdict.evidence[0].identity.get("better")
    return f"difference; {better} is better" if better else "difference"


def _exact(verdict: Verdict) -> str:
    """Why our number has no interval; empty if it has one."""
    found = verdict.evidence[0].interval
    if not exact(found):
        return ""
    if computed(verdict):
        return "no interval: computed"
    return "one seed" if found.seeds == 1 else "the same in all seeds"


def source(page: Page) -> str:
    """Who states the claims, as the head of a column."""
    return "The course" if page.paper.kind == "course" else "The paper"


def _beside(claim: Claim, value: Decimal) -> str:
    """`value` with two digits more than the printed number, so that a reader sees whether it rounds to that."""
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
    """The rounding mistake that would turn our number into the printed one; empty if there is none.

    Numbers with few digits and numbers that vary with the seed are left out: one in ten would match by chance.
    """
    alone = found.interval.seeds == found.interval.items == 1 and math.isfinite(found.interval.mean)
    if not (claim.printed and alone and len(claim.digits[0].as_tuple().digits) >= TELLING):
        return ""
    printed, digit = claim.digits
    value = Decimal(repr(found.interval.mean))
    if value.quantize(digit, ROUND_DOWN, WIDE) == printed:
        return "the printed number may be truncated instead of rounded"
    once = value.quantize(digit.scaleb(-1), ROUND_HALF_UP, WIDE)
    twice = once.quantize(digit, ROUND_HALF_UP, WIDE) == printed
    return "the printed number may be rounded twice" if twice else ""


def _scientific(value: Decimal) -> str:
    places = value.adjusted() - int(value.as_tuple().exponent)
    return f"{value:.{places}e}"


def links(page: Page, verdict: Verdict) -> Markup:
    """Links to the configs that test the claim, and to their records."""
    names = verdict.claim.configs
    configs = [link(name.removeprefix("configs/"), files.shown(page.file(name))) for name in names]
    records = [_record(page, found) for name in names for found in page.by_config.get(name, ())]
    if not configs:
        return Markup("")
    told = [tag("strong", " Records: "), join(records, ", ")] if records else []
    return tag("p", tag("strong", "Configs: "), join(configs, ", "), *told)


def _record(page: Page, found: Record) -> Markup:
    """A link to the record's place on the page, and one that downloads its JSON file."""
    file = link("download", page.file("records", f"{found.stem}.json"), download=True, aria_label=f"{found.stem}.json")
    return join([link(found.stem, page.origin(found)), " (", file, ")"])


def read_in(claim: Claim) -> Markup:
    """The place where the number was read, if that is not the paper itself."""
    head, rest = ("Read", claim.source[4:]) if claim.source.startswith("read ") else ("Read in: ", claim.source)
    return tag("p", tag("strong", head), rest) if claim.source else Markup("")


def ours_accepted(page: Page, claim: Claim) -> Markup:
    """The accepted range with its reason, and whether it was changed after the first record."""
    late = page.late.get(claim.id, "")
    changed = (
        tag("p", tag("strong", "Changed after its record: "), f"{verdicts_json.shown(late)}.") if late else Markup("")
    )
    if not claim.accepts:
        return join([tag("p", tag("strong", "Our reason: "), claim.because) if claim.because else Markup(""), changed])
    unit = page.unit(claim)
    between = possible.accepted(claim, unit) or f"{typeset(claim.accepts)} {unit}".rstrip()
    return join([tag("p", tag("strong", "Accepted by us: "), f"{between}, because {claim.because}."), changed])


def asked(page: Page, claim: Claim) -> list[str]:
    """The commands that make the records of a claim: the seeds that it asks for, and those that have run."""
    seeds: dict[str, list[int]] = {}
    for name, seed in page.runs(claim):
        seeds.setdefault(name, []).append(seed)
    return [loop(f"repro run {page.name}/{PurePath(name).stem}", sorted(many)) for name, many in seeds.items()]


def mistake(page: Page, verdict: Verdict) -> Markup:
    """The link that reports a mistake in a claim: a new issue with what is known. Empty without a repository."""
    claim = verdict.claim
    body = f"""\
Claim: {page.name}/{claim.id}
Paper: {page.paper.title}
Place in the paper: {claim.where}
The claim: {claim.says}
The paper prints, according to the page: {" ".join(filter(None, (claim.stated or "no number", page.unit(claim))))}
Our number: {ours(verdict) or "none"}

What is wrong, and in which version of the paper did you read it?
"""
    address = repository.issue(page.site, f"Claim: {page.name}/{claim.id}", body)
    return tag("p", link("Report a mistake in this claim", address, rel="external")) if address else Markup("")


def loop(once: str, seeds: Sequence[int], more: str = "") -> str:
    """One line that runs the command `once` with each of `seeds`; `more` is appended to the command.

    >>> loop("repro run a.gin", [0, 1, 2]), loop("repro run a.gin", [2])
    ('repro run a.gin --seeds 3', 'repro run a.gin --seed 2')
    """
    if len(seeds) == 1:
        return f"{once} --seed {seeds[0]}{more}"
    if list(seeds) == list(range(len(seeds))):
        return f"{once} --seeds {len(seeds)}{more}"
    return f"for seed in {' '.join(map(str, seeds))}; do {once} --seed $seed{more}; done"
