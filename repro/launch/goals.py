"""Goals: which runs are still missing, and which claims they settle. This module opens no file.

A goal of a claim is a set of runs. When all of them are done, the claim gets a verdict or a better one. There are four
kinds: the runs that `repro todo` lists for a config of the claim, more seeds for an inconclusive claim, and the runs of
a suspected cause or of a sweep, which settle no claim.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath

from repro.claim import Claim
from repro.claim.paper import Paper
from repro.launch import Job
from repro.record import Record
from repro.verdict import Verdict, behaviours, judge_all, settling

Key = tuple[str, str, int, *tuple[str, ...]]
"""A run: paper, config as in `paper.toml`, seed, and the values of the point of a sweep."""


@dataclass(frozen=True)
class Goal:
    """The missing runs of one claim and one of its configs. tier: `T2` for a proxy, else `T3` (docs/guide/concepts.md).

    settles: whether the claim has a verdict, or a better one, when they are done. extra: whether they are more seeds
    than the claim asks for.
    """

    paper: str
    claim: str
    tier: str
    runs: frozenset[Key]
    settles: bool = True
    extra: bool = False

    @property
    def name(self) -> str:
        return f"{self.paper}/{self.claim}"


@dataclass(frozen=True)
class Unsettled:
    """An inconclusive claim: how many more seeds would settle it (0: they would not), in words, and the runs."""

    paper: str
    claim: str
    seeds: int
    runs: frozenset[Key]
    why: str

    @property
    def name(self) -> str:
        return f"{self.paper}/{self.claim}"


def of_paper(paper: Paper, records: Iterable[Record]) -> tuple[list[Goal], list[Unsettled]]:
    """The goals of a paper whose runs are missing, and its inconclusive claims."""
    records = list(records)
    done = {(found.config, found.seed) for found in records if not found.stale}
    goals: list[Goal] = []
    unsettled: list[Unsettled] = []
    for verdict in [*judge_all(paper.claims, records), *behaviours.judge_all(paper.behaviours, records)]:
        goals += _asked(paper, verdict, done)
        if (more := verdict.more_seeds) is not None:
            runs = frozenset(_keys(paper, _next_seeds(verdict, more), done))
            why = settling.in_words(verdict.claim, verdict.judged) if verdict.judged else ""
            unsettled.append(Unsettled(paper.name, verdict.claim.id, more, runs, why))
            tier = "T2" if verdict.judged and verdict.judged.proxy else "T3"
            goals.append(Goal(paper.name, verdict.claim.id, tier, runs, extra=True))
        goals += _causes(paper, verdict.claim, done)
    return [goal for goal in goals if goal.runs], unsettled


def only(found: tuple[list[Goal], list[Unsettled]], configs: Collection[str]) -> tuple[list[Goal], list[Unsettled]]:
    """The goals and inconclusive claims of a paper, without the runs of all other configs than `configs`.

    A goal that needs a run of another config settles no claim here.
    """
    mine = [(goal, frozenset(run for run in goal.runs if run[1] in configs)) for goal in found[0]]
    goals = [replace(goal, runs=runs, settles=goal.settles and runs == goal.runs) for goal, runs in mine if runs]
    return goals, [one for one in found[1] if one.runs and all(run[1] in configs for run in one.runs)]


def of_sweeps(paper: Paper, jobs: Iterable[Job]) -> list[Goal]:
    """The goals of the runs that the sweeps of a paper still need."""
    runs: dict[str, set[Key]] = {}
    for job in jobs:
        name = f"configs/{PurePath(job.config).name}"
        runs.setdefault(job.claim, set()).add((paper.name, name, job.seed, *job.overrides))
    return [Goal(paper.name, sweep, "T3", frozenset(mine), settles=False) for sweep, mine in runs.items()]


def _asked(paper: Paper, verdict: Verdict, done: set[tuple[str, int]]) -> Iterator[Goal]:
    """One goal for each config of the claim, or pair of configs.

    A proxy settles only a comparison, and only if neither the paper's own config nor a stronger proxy decides it.
    """
    claim = verdict.claim
    pairs = claim.pairs if claim.transcribed else []
    weaker = _weaker(verdict)
    for config, other, proxy in pairs:
        seeds = range(claim.trend_seeds if proxy else claim.seeds)
        runs = _keys(paper, ((name, seed) for name in (config, other) if name for seed in seeds), done)
        settles = not proxy or (claim.kind == "comparison" and config not in weaker)
        yield Goal(paper.name, claim.id, "T2" if proxy else "T3", frozenset(runs), settles)


def _weaker(verdict: Verdict) -> list[str]:
    """The proxies that cannot change the verdict: those before the proxy that decided, or all if none did."""
    proxies = [config for config, _, proxy in verdict.claim.pairs if proxy]
    judged = verdict.judged
    if judged is None:
        return []
    return proxies[: proxies.index(judged.config)] if judged.proxy else proxies


def _causes(paper: Paper, claim: Claim, done: set[tuple[str, int]]) -> Iterator[Goal]:
    for cause in paper.causes_of(claim):
        sides = [name for name in (cause.over, cause.config, cause.over_config) if name]
        runs = _keys(paper, ((name, seed) for name in sides for seed in range(claim.seeds)), done)
        yield Goal(paper.name, claim.id, "T3", frozenset(runs), settles=False)


def _next_seeds(verdict: Verdict, more: int) -> Iterator[tuple[str, int]]:
    """(config, seed) of `more` seeds, the first ones that the verdict does not use, for both sides of a comparison."""
    found = verdict.judged
    if found is None or not more:
        return
    sides = [found.records, *([found.over] if found.other else [])]
    used = set.intersection(*({record.seed for record in side} for side in sides))
    free = (seed for seed in range(len(used) + more) if seed not in used)
    for _, seed in zip(range(more), free, strict=False):
        yield from ((name, seed) for name in (found.config, found.other) if name)


def _keys(paper: Paper, runs: Iterable[tuple[str, int]], done: set[tuple[str, int]]) -> Iterator[Key]:
    """The runs that have no record, or only a stale one."""
    return ((paper.name, config, seed) for config, seed in runs if (PurePath(config).stem, seed) not in done)
