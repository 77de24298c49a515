"""Claims minus records: the runs that are still to be made, as commands for `tmux/session.sh` or a shell."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import PurePath

from repro import record
from repro.paper import Paper, where


@dataclass(frozen=True)
class Job:
    """One run that a claim waits for."""

    claim: str
    config: str
    seed: int

    @property
    def command(self) -> str:
        return f"repro run {shlex.quote(self.config)} --seed {self.seed}"


def todo(paper: Paper) -> list[Job]:
    """The runs that the claims and causes of `paper` name and that no fresh record answers, by seed, proxies first."""
    done = {(r.config, r.seed) for r in record.of_paper(paper.folder) if not r.stale}
    jobs: dict[tuple[str, int], Job] = {}
    for claim, config, seed in paper.runs:
        if (PurePath(config).stem, seed) not in done:
            jobs.setdefault((config, seed), Job(claim, where(paper.folder / config), seed))
    return sorted(jobs.values(), key=lambda job: job.seed)
