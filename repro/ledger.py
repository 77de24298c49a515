"""The ledger of gaps: for each claim that was not reproduced, the suspected causes and what changing each one does.

A cause is tested by a config that changes one factor. Its effect is what the claim's number does when that config
stands in place of the claim's own; and the claim is judged once more, as if it did. Pure: opens no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repro.claim import Cause, Claim
from repro.paper import Paper
from repro.record import Record
from repro.verdict import Evidence, Verdict, bound, judge

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
        """How much of the gap between the paper's number and ours the change closes: 1 is all of it."""
        if self.effect is None or self.effect.unlike or self.before.judged is None:
            return None
        stated = float(self.claim.digits[0]) if self.claim.printed else self.claim.value
        gap = (bound(self.claim) if stated is None else stated) - self.before.judged.interval.mean
        return self.effect.interval.mean / gap if gap else None


def ledger(paper: Paper, verdicts: Sequence[Verdict], records: Sequence[Record]) -> list[Entry]:
    """An entry for each gap and each of its causes, in the order of the claims."""
    return [
        _entry(verdict, cause, records)
        for verdict in verdicts
        if verdict.outcome in GAPS
        for cause in paper.causes_of(verdict.claim)
    ]


def unexplained(paper: Paper, verdicts: Sequence[Verdict]) -> list[Claim]:
    """The claims that failed and of which no cause is suspected yet."""
    failed = [verdict.claim for verdict in verdicts if verdict.outcome in ("not reproduced", "trend fails")]
    return [claim for claim in failed if not paper.causes_of(claim)]


def _entry(before: Verdict, cause: Cause, records: Sequence[Record]) -> Entry:
    claim = before.claim
    base = cause.over or (before.judged.config if before.judged else claim.config)
    changed = replace(claim, config=cause.config, proxy=[], proxy_over=[], identity={}, data="")
    # the two sides may hold other items: the factor may be the data
    less = replace(changed, over=base, over_test=claim.test, value=None, printed="", above=None, below=None)
    return Entry(claim, cause, base, before, judge(changed, records), judge(less, records).judged)
