"""Which claims a reviewer replays, drawn by a seed: the authors cannot choose them, and everyone can draw again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from repro.record import Record
from repro.report import replays
from repro.report.page import Page
from repro.verdict import Verdict

CLAIMS = 2  # drawn for one review


@dataclass(frozen=True)
class Drawn:
    """A claim, and the fastest record of each config that its verdict depends on."""

    claim: str
    records: list[Record]

    @property
    def seconds(self) -> float:
        """The time that its records took."""
        return float(sum(found.cost.get("seconds", 0.0) for found in self.records))


def draw(shown: Page, seed: str) -> list[Drawn]:
    """Draw `CLAIMS` claims that have records. Those that another group has replayed are drawn only if no other is left.

    The order is that of the SHA-256 of the seed and the id of the claim.
    """
    rows = [found for verdict in shown.verdicts if (found := _drawn(verdict))]
    done = {one.claim.id for one in shown.verdicts if replays.groups(one, shown.replays)}
    return sorted(rows, key=lambda row: (row.claim in done, _ticket(seed, row.claim)))[:CLAIMS]


def _ticket(seed: str, claim: str) -> str:
    return hashlib.sha256(f"{seed} {claim}".encode()).hexdigest()


def _drawn(verdict: Verdict) -> Drawn | None:
    found = verdict.judged or next(iter(verdict.evidence), None)
    sides = [side for side in (found.records, found.over) if side] if found else []
    fastest = [min(side, key=lambda one: (one.cost.get("seconds", 0.0), one.seed)) for side in sides]
    return Drawn(verdict.claim.id, fastest) if fastest else None
