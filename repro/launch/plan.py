"""The plan: the missing runs with their times, in the order that settles most claims per hour.

The order is greedy. Each step takes the set of runs that settles the most claims per hour; a run that several claims
need counts once. Then come the runs that settle no claim, such as those of suspected causes. At the end are the runs
that do not fit into the time, and the runs whose time is unknown, in the same order.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from repro.launch import Job
from repro.launch.estimate import UNKNOWN, Estimate
from repro.launch.goals import Goal, Key

Runs = frozenset[Key]
Span = tuple[float, float]


@dataclass(frozen=True)
class Step:
    """One run of the plan, and the claims that are settled when it is done.

    start, end: in seconds from now; None if the run does not fit into the time, or its time is unknown. extra: whether
    its seed is one more than the claims ask for.
    """

    job: Job
    tier: str
    extra: bool
    estimate: Estimate
    settles: tuple[str, ...] = ()
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Batch:
    """Runs that together settle claims, in their order. spans: start and end of each run that fits into the time."""

    runs: tuple[Key, ...]
    settles: tuple[str, ...]
    spans: Mapping[Key, Span]


def steps(
    goals: Sequence[Goal], jobs: dict[Key, Job], estimates: dict[Key, Estimate], slots: int = 1, limit: float = math.inf
) -> list[Step]:
    """The plan for `slots` devices and `limit` seconds. `jobs`, `estimates`: the command and the time of each run."""
    times = {run: estimates.get(run, UNKNOWN) for run in jobs}
    tiers = {run: goal.tier for goal in sorted(goals, key=lambda goal: goal.tier) for run in goal.runs}
    asked = {run for goal in goals if not goal.extra for run in goal.runs}
    seconds = {run: one.seconds if one.seconds is not None else math.inf for run, one in times.items()}
    return [
        Step(
            jobs[run],
            tiers[run],
            run not in asked,
            times[run],
            batch.settles if run == batch.runs[-1] else (),
            *batch.spans.get(run, (None, None)),
        )
        for batch in order(goals, seconds, slots, limit)
        for run in batch.runs
    ]


def order(goals: Iterable[Goal], seconds: Mapping[Key, float], slots: int = 1, limit: float = math.inf) -> list[Batch]:
    """All runs of the goals, each once. `seconds`: the time of each run, infinite if it is unknown.

    >>> run, other = ("p", "configs/a.gin", 0), ("p", "configs/b.gin", 0)
    >>> goals = [Goal("p", "slow", "T3", frozenset([other])), Goal("p", "fast", "T3", frozenset([run]))]
    >>> [batch.settles for batch in order(goals, {run: 60.0, other: 3600.0})]
    [('p/fast',), ('p/slow',)]
    >>> [list(batch.spans.values()) for batch in order(goals, {run: 60.0, other: 3600.0}, limit=600)]
    [[(0.0, 60.0)], []]
    """
    goals, done = list(goals), set[Key]()
    devices = _Devices(seconds, slots, limit)
    return [*_greedy(goals, done, seconds, devices), *_greedy(goals, done, seconds)]


def _greedy(
    goals: Sequence[Goal], done: set[Key], seconds: Mapping[Key, float], devices: _Devices | None = None
) -> Iterator[Batch]:
    """Take the best runs again and again, and add them to `done`. With `devices`, only runs that fit there."""
    refused: set[Runs] = set()
    while open_runs := Counter(runs for goal in goals if goal.settles and (runs := goal.runs - done)):
        if not (candidates := open_runs.keys() - refused):
            break
        best = min(candidates, key=lambda runs: _worth(runs, open_runs, seconds))
        ordered = tuple(
            sorted(best, key=lambda run: (run[2], run))
        )  # by seed, so that an error in a config shows early
        spans = devices.place(ordered) if devices else {}
        if devices and not spans:
            refused.add(best)
            continue
        settled = {goal.name for goal in goals if goal.settles and not goal.runs <= done and goal.runs <= done | best}
        done |= best
        yield Batch(ordered, tuple(sorted(settled)), spans)
    needed = {run for goal in goals if goal.settles for run in goal.runs}
    rest = {run for goal in goals for run in goal.runs} - done - needed
    for run in sorted(rest, key=lambda run: (seconds[run], run[2], run)):
        spans = devices.place([run]) if devices else {}
        if spans or not devices:
            done.add(run)
            yield Batch((run,), (), spans)


def _worth(runs: Runs, open_runs: Mapping[Runs, int], seconds: Mapping[Key, float]) -> tuple[float, int, list[Key]]:
    """The hours per claim that `runs` settles: the smallest is the best. At the same number, the most claims."""
    settled = sum(many for other, many in open_runs.items() if other <= runs)
    return sum(seconds[run] for run in runs) / settled, -settled, sorted(runs)


class _Devices:
    """When each device is free."""

    def __init__(self, seconds: Mapping[Key, float], slots: int, limit: float) -> None:
        self.seconds, self.limit, self.free = seconds, limit, [0.0] * slots

    def place(self, runs: Iterable[Key]) -> dict[Key, Span]:
        """Start and end of each run, on the device that is free first; empty, and no change, if not all runs fit."""
        free, spans = list(self.free), {}
        for run in runs:
            start = heapq.heappop(free)
            spans[run] = start, start + self.seconds[run]
            heapq.heappush(free, spans[run][1])
        if not all(end <= self.limit and end < math.inf for _, end in spans.values()):
            return {}
        self.free = free
        return spans
