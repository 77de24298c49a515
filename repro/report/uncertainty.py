"""Which randomness the intervals of a page include, and which difference a verdict could have detected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from repro.report.html.markup import Markup, join, tag
from repro.report.html.words import count, typeset
from repro.verdict import Verdict, power

EXPLAINED = "guide/uncertainty.html"


def contained(verdicts: Sequence[Verdict]) -> str:
    """What the intervals include, with the number of claims; empty if no claim has a random result."""
    judged = [one.judged.interval for one in verdicts if one.judged and not one.claim.printed]
    many = Counter(map(power.contains, judged))
    return "; ".join(f"{what}: {count(many[what], 'claim')}" for what in power.CONTAINS.values() if many[what])


def seen(verdict: Verdict) -> Markup:
    """The smallest difference that could have been detected.

    With a note if no result could fail the claim, or if none could reproduce it.
    """
    parts, found = [], verdict.judged
    if found and verdict.sees is not None and not verdict.claim.printed:
        told = typeset(power.told(verdict.claim, found, verdict.sees))
        parts = [tag("p", tag("strong", "Could have detected: "), f"{told}.")]
    notes = (verdict.too_wide, verdict.out_of_reach)
    parts += [tag("p", tag("strong", "Note: "), f"{typeset(note)}.") for note in notes if note]
    return join(parts)
