"""The ledger of gaps: for each claim that came out otherwise, the suspected causes and what changing each one does.

Better than the paper is otherwise too: a number that was exceeded is to be explained as one that was missed.

A cause is tested by a config that changes one factor. Its effect is what the claim's number does when that config
is used in place of the claim's own; and the claim is judged once more, as if it did. Of a comparison, a factor may be
changed on both sides: the effect is the change of the difference. Pure: opens no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from repro.claim import Cause, Claim
from repro.claim.paper import Paper
from repro.record import Record
from repro.verdict import Evidence, Verdict, judge
from repro.verdict.evidence import change

GAPS = frozenset({"not reproduced", "trend fails", "exceeded", "inconclusive"})


@dataclass(frozen=True)
class Entry:
    """One suspicion about one claim: the verdict as it is, and with the factor changed."""

    claim: Claim
    cause: Cause
    base: str  # the config whose factor is changed
    other: str  # the other side of the comparison, where the factor is changed there too; else ""
    before: Verdict
    after: Verdict
    effect: Evidence | None  # after less before; None where a side has no record

    @property
    def changes(self) -> list[tuple[str, str]]:
        """(the config that is changed, the config with the change), of each side where they differ."""
        pairs = [(self.base, self.cause.config), (self.other, self.cause.over_config)]
        return [(base, changed) for base, changed in pairs if changed and base != changed]

    @property
    def share(self) -> float | None:
        """How much of the gap between the paper's number and ours the change closes: 1 is all, below 0 it widens."""
        if self.before.judged is None or self.after.judged is None:
            return None
        before, after = (abs(self._gap(found)) for found in (self.before.judged, self.after.judged))
        return 1 - after / before if before else None

    def _gap(self, found: Evidence) -> float:
        """What lies between the paper's number, or the bound, and ours."""
        return (self.claim.number or 0.0) - found.interval.mean


def ledger(paper: Paper, verdicts: Sequence[Verdict], records: Sequence[Record]) -> list[Entry]:
    """An entry for each gap and each of its causes, in the order of the claims."""
    return [
        _entry(verdict, cause, records)
        for verdict in verdicts
        if verdict.outcome in GAPS
        for cause in paper.causes_of(verdict.claim)
    ]


def unexplained(paper: Paper, verdicts: Sequence[Verdict]) -> list[Claim]:
    """The claims that failed, or were exceeded, and of which no cause is suspected yet."""
    open_ends = [verdict.claim for verdict in verdicts if verdict.outcome in GAPS - {"inconclusive"}]
    return [claim for claim in open_ends if not paper.causes_of(claim)]


def _entry(before: Verdict, cause: Cause, records: Sequence[Record]) -> Entry:
    claim, judged = before.claim, before.judged
    base = cause.over or (judged.config if judged else claim.config)
    other = judged.other if judged else claim.over
    changed = replace(claim, config=cause.config, over=cause.over_config or claim.over, identity={}, data="")
    changed = replace(changed, proxy=[], proxy_over=[])
    if judged and judged.proxy:  # a trend is tested by a trend
        sides = [cause.over_config or judged.other] if judged.other else []
        changed = replace(claim, proxy=[cause.config], proxy_over=sides)
    after = judge(changed, records)
    if cause.over_config:
        found = judge(replace(changed, seeds=1), records).judged
        effect = change(found, judged, claim.test) if found and judged else None
        return Entry(claim, cause, base, other, before, after, effect)
    # the two sides may hold other items: the factor may be the data
    less = Claim(claim.id, claim.says, claim.where, claim.metric, cause.config, claim.test, claim.item, over=base)
    items: Literal["fixed", "sampled"] = "fixed" if judged and judged.interval.fixed else "sampled"
    less = replace(less, over_test=claim.test, seeds=1, unit=claim.stated_unit, items=items)
    return Entry(claim, cause, base, "", before, after, judge(less, records).judged)
