"""Which uncertainty the intervals of a page contain, and what a verdict could have seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from repro.report.markup import Markup, join, tag
from repro.report.page import Page
from repro.report.words import count, number
from repro.verdict import Verdict

WHAT = {
    (True, True): "the chance in the training, on these very test items",
    (True, False): "no chance (one seed, or seeds that agree)",
    (False, True): "the chance in the training and in the choice of the test items",
    (False, False): "the chance in the choice of the test items alone (one seed, or seeds that agree)",
}
"""By whether the items are fixed, and whether the seeds vary."""
EXPLAINED = "guide/uncertainty.html"


def contained(verdicts: Sequence[Verdict]) -> str:
    """One sentence: of how many claims the intervals contain what; empty where no claim has records with chance."""
    judged = [one.judged.interval for one in verdicts if one.judged and not one.claim.printed]
    many = Counter((one.fixed, one.seed_variance > 0) for one in judged)
    return "; ".join(f"{what}: {count(many[key], 'claim')}" for key, what in WHAT.items() if many[key])


def seen(page: Page, verdict: Verdict) -> Markup:
    """The smallest difference that would have been told apart, and a warning where nothing could fail the claim."""
    parts = []
    if verdict.sees is not None and not verdict.claim.printed:
        unit = page.unit(verdict.claim)
        told = f"{number(verdict.sees)} {unit}".rstrip()
        parts = [tag("p", tag("strong", "Could have seen: "), f"a difference of {told}, in 80 % of such studies.")]
    if verdict.too_wide:
        parts.append(tag("p", tag("strong", "No result could fail it: "), f"{verdict.too_wide}."))
    return join(parts)
