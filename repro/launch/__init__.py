"""The queue of runs: the claims and sweeps need these runs, and no record of them exists yet.

`repro launch` gives them to workers. The modules: tmux (starts the workers), slurm (gives the queue to a cluster), node
(what a job does there), status (the state of every run), names (which run a name means), control (stop a run, show its
window or its log); plan (which run first), estimate (how long a run takes), similarity (which records tell that), goals
(what would settle a claim), sweeps (the points of a sweep and their results).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from repro.claim.paper import Paper
from repro.errors import where
from repro.record import Record

COMMAND = re.compile(
    r"repro run .*papers/(?P<paper>[^/]+)/configs/(?P<config>\S+)\.gin'?.* --seed (?P<seed>\d{1,18})\b"
)


def run_of(command: str) -> str:
    """The name of the run of a command: PAPER/CONFIG-seedN; the command itself if it runs no config of a paper.

    >>> run_of("repro run papers/template/configs/line.gin --seed 3 --missing")
    'template/line-seed3'
    """
    hit = COMMAND.search(command)
    return f"{hit['paper']}/{hit['config']}-seed{hit['seed']}" if hit else command


@dataclass(frozen=True)
class Job:
    """One missing run that a claim or a sweep needs. `overrides`: the values of the point of the sweep."""

    claim: str
    config: str
    seed: int
    overrides: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command of the run, for a shell."""
        given = "".join(f" --set {shlex.quote(one)}" for one in self.overrides)
        return f"repro run {shlex.quote(self.config)}{given} --seed {self.seed}"


def todo(paper: Paper, records: Iterable[Record]) -> list[Job]:
    """The runs that the claims and suspected causes of `paper` need and that have no record, or only a stale one.

    Sorted by seed; for each seed, the proxies of a claim come first.
    """
    done = {(found.config, found.seed) for found in records if not found.stale}
    jobs: dict[tuple[str, int], Job] = {}
    for claim, config, seed in paper.runs:
        if (PurePath(config).stem, seed) not in done:
            jobs.setdefault((config, seed), Job(claim, where(paper.folder / config), seed))
    return sorted(jobs.values(), key=lambda job: job.seed)
