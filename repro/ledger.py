"""The ledger of gaps: for each claim that came out otherwise, the suspected causes and what changing each one does.

Better than the paper is otherwise too: a number that was exceeded is to be explained as one that was missed.

A cause is tested by a config that changes one factor. Its effect is what the claim's number does when that config
stands in place of the claim's own; and the claim is judged once more, as if it did. Pure: opens no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repro.claim import Cause, Claim
from repro.paper import Paper
from repro.record import Record
from repro.verdict import Evidence, Verdict, judge

GAPS = frozenset({"not reproduced", "trend fails", "exceeded", "inconclusive"})


@dataclass(frozen=True)
class Entry:
    """One suspicion about one claim: the verdict as it is, and with the factor changed."""

    claim: Claim
    cause: Cause
    base: str  # the config whose factor is changed
    before: Verdict
    after: Verdict
    effect: Evidence | None  # after less before; None where a side has no record

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
    claim = before.claim
    base = cause.over or (before.judged.config if before.judged else claim.config)
    changed = replace(claim, config=cause.config, proxy=[], proxy_over=[], identity={}, data="")
    if before.judged and before.judged.proxy:  # a trend is tested by a trend
        other = [before.judged.other] if before.judged.other else []
        changed = replace(claim, proxy=[cause.config], proxy_over=other)
    # the two sides may hold other items: the factor may be the data
    less = Claim(claim.id, claim.says, claim.where, claim.metric, cause.config, claim.test, claim.item, over=base)
    less = replace(less, over_test=claim.test, seeds=1, unit=claim.stated)
    return Entry(claim, cause, base, before, judge(changed, records), judge(less, records).judged)
