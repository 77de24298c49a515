"""Which uncertainty the intervals of a page contain, and what a verdict could have seen."""

from __future__ import annotations

from collections.abc import Sequence

from repro.report.markup import Markup, join, tag
from repro.report.page import Page
from repro.report.words import number
from repro.verdict import Verdict

EXPLAINED = "guide/uncertainty.html"


def contained(verdicts: Sequence[Verdict]) -> str:
    """One sentence: of how many claims the intervals contain what; empty where no claim has records with chance."""
    judged = [one.judged.interval for one in verdicts if one.judged and not one.claim.printed]
    fixed = [one for one in judged if one.fixed]
    sets = (
        (sum(one.seed_variance > 0 for one in fixed), "the chance in the training, on these very test items"),
        (sum(not one.seed_variance > 0 for one in fixed), "no chance (one seed, or seeds that agree)"),
        (len(judged) - len(fixed), "the chance in the training and in the choice of the test items"),
    )
    told = [f"{what}: {many} claim{'' if many == 1 else 's'}" for many, what in sets if many]
    return "; ".join(told)


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
