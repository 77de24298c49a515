"""The results of a sweep, and the runs that it still needs.

Successive halving is a rule about records: when all runs of a round have a record, the best points are in the next
round. So the next runs depend only on records, not on which process ended first, and every machine names the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from repro import config as configs
from repro.claim.paper import Paper
from repro.claim.sweep import Point, Sweep
from repro.config import points
from repro.errors import where
from repro.interval import Interval, interval
from repro.launch import Job
from repro.record import Measurement, Record


@dataclass(frozen=True)
class Result:
    """One point: its records, one for each seed, and the seeds that have no valid one.

    A stale record is shown until a valid one replaces it, but its seed is missing. length: of the round of successive
    halving; None without it. measured: the metric of the sweep in each record.
    """

    point: Point
    length: float | None
    records: list[Record]
    missing: list[int]
    measured: list[Measurement]

    @property
    def interval(self) -> Interval | None:
        """The mean and its interval over the seeds; None without a measurement. The test items are the same for all."""
        return interval([[found.mean] for found in self.measured], fixed=True) if self.measured else None

    @property
    def score(self) -> float:
        """The mean, with the sign that makes a higher number better."""
        found = self.interval
        if found is None:
            return float("-inf")
        return -found.mean if self.measured[0].identity.get("better") == "lower" else found.mean


def results(paper: Paper, sweep: Sweep, records: Iterable[Record]) -> list[list[Result]]:
    """The points of each round that has begun; one round without successive halving.

    records: those of the paper and of its sweeps. A record of the paper counts for the point with the same values.
    """
    digests = points.digests(sweep, paper.folder)
    held: dict[str, dict[int, Record]] = {}
    for found in sorted(records, key=lambda one: not one.stale):  # a valid record replaces a stale one
        held.setdefault(configs.digest(found.text), {})[found.seed] = found
    rounds: list[list[Result]] = []
    going = sweep.points
    for number, length in enumerate(sweep.rounds):
        made = [_result(sweep, point, length, held, digests) for point in going]
        rounds.append(made)
        if length is None or length == sweep.rounds[-1] or not all(one.measured and not one.missing for one in made):
            break
        best = sorted(range(len(made)), key=lambda place: -made[place].score)[: sweep.kept(len(made), number)]
        going = [going[place] for place in sorted(best)]
    return rounds


def _result(
    sweep: Sweep,
    point: Point,
    length: float | None,
    held: Mapping[str, Mapping[int, Record]],
    digests: Mapping[Point, str],
) -> Result:
    lasting = sweep.lasting(point, length)
    mine = held.get(digests[lasting], {})
    found = [mine[seed] for seed in range(sweep.seeds) if seed in mine]
    measured = [one for one in (record.measured(sweep.test, sweep.metric) for record in found) if one]
    valid = {one.seed for one in found if not one.stale}
    return Result(lasting, length, found, [seed for seed in range(sweep.seeds) if seed not in valid], measured)


def best(results: Sequence[Result]) -> Result | None:
    """The result with the best mean of all points with all seeds; None if there is none. Of equal ones, the first."""
    return max((one for one in results if one.measured and not one.missing), key=lambda one: one.score, default=None)


def todo(paper: Paper, records: Iterable[Record]) -> list[Job]:
    """The runs that the sweeps of `paper` need and that have no valid record, sorted by seed.

    The point whose values are those of the config itself is a run of the config without `--set`.
    """
    records = list(records)
    jobs: dict[tuple[str, int], Job] = {}
    for sweep in paper.sweeps:
        path = paper.folder / sweep.config
        own, digests = configs.read(path).digest, points.digests(sweep, paper.folder)
        for result in (result for made in results(paper, sweep, records) for result in made):
            overrides = () if digests[result.point] == own else result.point.overrides
            for seed in result.missing:
                jobs.setdefault((digests[result.point], seed), Job(sweep.id, where(path), seed, overrides))
    return sorted(jobs.values(), key=lambda job: job.seed)
