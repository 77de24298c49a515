"""Suspected causes: for each claim that was not reproduced, what happens to its number if one factor is changed.

A config tests a cause: it changes one factor. The effect is the number of this config minus the number of the claim's
own config. The claim also gets a second verdict, with the changed config. In a comparison, you can change the factor in
both configs; the effect is then the change of the difference.

A number that is better than the paper's (`exceeded`) needs an explanation too. This module reads no files.
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

OPEN = frozenset({"not reproduced", "trend fails", "exceeded"})
"""The outcomes that need an explanation."""
GAPS = OPEN | {"inconclusive", "last digit differs", "same conclusion"}
"""The outcomes whose suspected causes are shown."""


@dataclass(frozen=True)
class Entry:
    """One suspected cause of one claim: the verdict before and after the change of the factor."""

    claim: Claim
    cause: Cause
    base: str  # the config before the change
    other: str  # the other config of the comparison if it is changed too, else ""
    before: Verdict
    after: Verdict
    effect: Evidence | None  # after minus before; None if a config has no record

    @property
    def changes(self) -> list[tuple[str, str]]:
        """(config before the change, config after it) of each config that is changed."""
        pairs = [(self.base, self.cause.config), (self.other, self.cause.over_config)]
        return [(base, changed) for base, changed in pairs if changed and base != changed]

    @property
    def share(self) -> float | None:
        """The share of the difference between the paper's number and our number that the change explains.

        1: all of it. Below 0: the change makes the difference larger. None if a verdict is missing.
        """
        if self.before.judged is None or self.after.judged is None:
            return None
        before, after = (abs(self._gap(found)) for found in (self.before.judged, self.after.judged))
        return 1 - after / before if before else None

    @property
    def crosses(self) -> bool:
        """Whether the change moves our number to the other side of the paper's."""
        if self.before.judged is None or self.after.judged is None:
            return False
        return self._gap(self.before.judged) * self._gap(self.after.judged) < 0

    def _gap(self, found: Evidence) -> float:
        """The paper's number, or the bound, minus our number."""
        return (self.claim.number or 0.0) - found.interval.mean


def ledger(paper: Paper, verdicts: Sequence[Verdict], records: Sequence[Record]) -> list[Entry]:
    """One entry for each suspected cause of each claim that was not reproduced, in the order of the claims."""
    return [
        _entry(verdict, cause, records)
        for verdict in verdicts
        if verdict.outcome in GAPS
        for cause in paper.causes_of(verdict.claim)
    ]


def unexplained(paper: Paper, verdicts: Sequence[Verdict]) -> list[Claim]:
    """The claims that failed or were exceeded, and that have no suspected cause yet."""
    open_ends = [verdict.claim for verdict in verdicts if verdict.outcome in OPEN]
    return [claim for claim in open_ends if not paper.causes_of(claim)]


def _entry(before: Verdict, cause: Cause, records: Sequence[Record]) -> Entry:
    claim, judged = before.claim, before.judged
    base = cause.over or (judged.config if judged else claim.config)
    other = judged.other if judged else claim.over
    changed = replace(claim, config=cause.config, over=cause.over_config or claim.over, identity={}, data="")
    changed = replace(changed, proxy=[], proxy_over=[])
    if judged and judged.proxy:  # a trend of a proxy is compared with the trend of another proxy
        sides = [cause.over_config or judged.other] if judged.other else []
        changed = replace(claim, proxy=[cause.config], proxy_over=sides)
    after = judge(changed, records)
    if cause.over_config:
        found = judge(replace(changed, seeds=1), records).judged
        effect = change(found, judged, claim.test) if found and judged else None
        return Entry(claim, cause, base, other, before, after, effect)
    # the two configs may have different test items, because the factor may be the data
    less = Claim(claim.id, claim.says, claim.where, claim.metric, cause.config, claim.test, claim.item, over=base)
    items: Literal["fixed", "sampled"] = "fixed" if judged and judged.interval.fixed else "sampled"
    less = replace(less, over_test=claim.test, seeds=1, unit=claim.stated_unit, items=items)
    return Entry(claim, cause, base, "", before, after, judge(less, records).judged)
