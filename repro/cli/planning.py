"""The command `plan`: how long the missing runs take, and which to run first.

The text is a shell script: every line that is not a command is a comment. So `repro plan | tmux/session.sh 0 1` works.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from repro.cli import launching, looking

if TYPE_CHECKING:
    from repro.claim.paper import Paper
    from repro.launch.estimate import Estimate, Machine, Times
    from repro.launch.goals import Key, Unsettled
    from repro.launch.plan import Step
    from repro.record import Record

FORMAT = 1
MOST_DEVICES = 10_000
SHOWN = 3  # the maximum number of claims in a comment
Row = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """A plan and what it was made from."""

    steps: list[Step]
    unsettled: list[Unsettled]
    estimates: dict[Key, Estimate]
    machine: Machine | None
    devices: int
    hours: float | None

    @property
    def fitting(self) -> list[Step]:
        return [step for step in self.steps if step.end is not None]


def hours(text: str) -> float:
    """A number of hours above 0, for argparse."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r:.40}; expected a number of hours above 0, such as 1.5")
    return found


def devices(text: str) -> int:
    """A number of devices, for argparse."""
    if not (text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MOST_DEVICES):
        raise argparse.ArgumentTypeError(f"{text!r:.40}; expected how many GPUs, from 1 to {MOST_DEVICES:,}")
    return int(text)


def plan(given: argparse.Namespace) -> int:
    papers, configs = launching.named(given.name)
    chosen = launching.by_paper(papers, configs)
    held = looking.readable([*papers, *chosen])
    if held is None:
        return 2
    made = _plan(held, chosen, given.gpus, given.hours)
    if given.json:
        print(json.dumps(as_json(made), indent=1))
    elif not made.steps and not made.unsettled:
        print("repro: nothing to do, every run that a claim or a sweep needs has a record", file=sys.stderr)
    else:
        print("\n".join(text(made)))
    return 0


def _plan(
    held: Sequence[tuple[Paper, list[Record]]], chosen: Mapping[str, set[str]], devices: int, most: float | None
) -> Planned:
    from repro.launch import estimate, goals, plan, sweeps
    from repro.record import of_points
    from repro.record.machine import processor

    every = [(one.name, goals.of_paper(one, records)) for one, records in held]
    found = [goals.only(mine, chosen[name]) if name in chosen else mine for name, mine in every]
    wanted = [goal for mine, _ in found for goal in mine]
    unsettled = [claim for _, mine in found for claim in mine]
    swept = [(one, [*records, *of_points(one.folder)]) for one, records in held]
    wanted += [goal for one, records in swept for goal in goals.of_sweeps(one, sweeps.todo(one, records))]
    times = estimate.Times(record for _, records in swept for record in records)
    where = times.usual(processor())
    papers = {one.name: one for one, _ in held}
    runs = {run for goal in wanted for run in goal.runs}
    estimates = dict(_estimates(papers, runs, times, where))
    jobs = {run: _job(papers, run) for run in runs}
    limit = math.inf if most is None else most * 3600
    steps = plan.steps(wanted, jobs, estimates, devices, limit)
    return Planned(steps, unsettled, estimates, where, devices, most)


def _estimates(
    papers: dict[str, Paper], runs: Iterable[Key], times: Times, where: Machine | None
) -> Iterator[tuple[Key, Estimate]]:
    from repro import config as configs

    points = {(name, config, *overrides) for name, config, _, *overrides in runs}
    found: dict[tuple[str, ...], Estimate] = {}
    for name, config, *overrides in points:
        text = configs.read(papers[name].folder / config, tuple(overrides)).text
        found[name, config, *overrides] = times.of(name, text, where)
    return ((run, found[run[0], run[1], *run[3:]]) for run in runs)


def _job(papers: dict[str, Paper], run: Key) -> Any:
    from repro.errors import where
    from repro.launch import Job

    name, config, seed, *overrides = run
    return Job("", where(papers[name].folder / config), seed, tuple(overrides))


def text(made: Planned) -> Iterator[str]:
    """The lines of the plan."""
    notes = list(dict.fromkeys(found for step in made.steps if (found := step.estimate.converted)))
    yield from _comment([_total(made), *_times_of(made), *(f"[{n}] {note}" for n, note in enumerate(notes, 1))])
    for rows in (_tiers(made.steps), _configs(made.steps, notes), _inconclusive(made)):
        if rows:
            yield from _table(rows)
    yield "#"
    for step in made.steps:
        yield _command(step, made.hours)
    if made.hours is not None:
        yield from _comment([_fits(made)])


def _comment(lines: Iterable[str]) -> Iterator[str]:
    return (f"# {line}".rstrip() for line in lines)


def _table(rows: Sequence[Row]) -> Iterator[str]:
    from repro.cli import listing

    return _comment(["", *listing.table(rows).splitlines()])


def _total(made: Planned) -> str:
    known, unknown = _sum(made.steps)
    left = f"{_count(len(made.steps), 'run')} left: {_duration(known)} of computing"
    more = f", and {_count(unknown, 'run')} of unknown time" if unknown else ""
    ends = [step.end for step in made.fitting if step.end is not None]
    at_once = f"; {_duration(max(ends))} with {made.devices} at the same time" if made.devices > 1 and ends else ""
    return f"{left}{more}{at_once if made.hours is None else ''}"


def _times_of(made: Planned) -> list[str]:
    return [f"times as on {made.machine}"] if made.machine else []


def _sum(steps: Iterable[Step]) -> tuple[float, int]:
    """The sum of the known times, and the number of runs of unknown time."""
    times = [step.estimate.seconds for step in steps]
    return sum(time for time in times if time is not None), times.count(None)


def _tiers(steps: Sequence[Step]) -> list[Row]:
    """Runs and hours of each tier, of the seeds that the claims do not ask for, and of the sweeps."""
    held: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        what = "more seeds" if step.extra else "sweeps" if step.job.overrides else "missing runs"
        held[step.tier, what].append(step)
    return [_tier_row(tier, what, mine) for (tier, what), mine in sorted(held.items())]


def _tier_row(tier: str, what: str, steps: Sequence[Step]) -> Row:
    known, unknown = _sum(steps)
    return {"tier": tier, "what": what, "runs": len(steps), "hours": f"{known / 3600:.2f}", "of unknown time": unknown}


def _configs(steps: Sequence[Step], notes: Sequence[str]) -> list[Row]:
    held: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        held[" ".join([step.job.config, *step.job.overrides])].append(step)
    return [
        {
            "config": config,
            "seeds": _ranges(step.job.seed for step in mine),
            "each": _each(mine[0].estimate),
            "estimated from": _source(mine[0].estimate, notes),
        }
        for config, mine in held.items()
    ]


def _source(found: Estimate, notes: Sequence[str]) -> str:
    return f"{found.source} [{notes.index(found.converted) + 1}]" if found.converted else found.source


def _each(found: Estimate) -> str:
    return "unknown" if found.seconds is None else _duration(found.seconds)


def _ranges(seeds: Iterable[int]) -> str:
    """`0-2,5` for 0, 1, 2, 5."""
    found: list[list[int]] = []
    for seed in sorted(seeds):
        if found and seed == found[-1][-1] + 1:
            found[-1].append(seed)
        else:
            found.append([seed])
    return ",".join(str(one[0]) if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in found)


def _inconclusive(made: Planned) -> list[Row]:
    return [
        {
            "inconclusive claim": one.name,
            "more seeds": one.seeds or "will not settle it",
            "time": _duration(seconds) if (seconds := _seconds(made, one)) is not None and one.seeds else "-",
            "why": "" if one.seeds else one.why,
        }
        for one in made.unsettled
    ]


def _seconds(made: Planned, claim: Unsettled) -> float | None:
    """The time of the seeds that would settle a claim; None if it is unknown."""
    times = [made.estimates[run].seconds for run in claim.runs]
    return None if None in times else sum(time for time in times if time is not None)


def _command(step: Step, most: float | None) -> str:
    """The command of a run, with a comment. It is a comment itself if it does not fit into the time."""
    when = "unknown time" if step.estimate.seconds is None else _duration(step.estimate.seconds)
    when += f", done after {_duration(step.end)}" if step.end is not None else ""
    names = [PurePath(name).name for name in step.settles]
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    settles = f"; settles {', '.join(names[:SHOWN])}{rest}" if names else ""
    left_out = most is not None and step.end is None
    return f"{'# ' if left_out else ''}{step.job.command}  # {when}{settles}{'; does not fit' if left_out else ''}"


def _fits(made: Planned) -> str:
    claims, all_claims = ({name for step in steps for name in step.settles} for steps in (made.fitting, made.steps))
    devices = "" if made.devices == 1 else f" with {made.devices} runs at the same time"
    what = (
        f"{len(made.fitting)} of {_count(len(made.steps), 'run')}, {len(claims)} of {_count(len(all_claims), 'claim')}"
    )
    return f"{what} fit into {made.hours:g} h{devices}"


def _duration(seconds: float) -> str:
    from repro.report.html import words

    return words.duration(seconds)


def _count(many: int, noun: str) -> str:
    from repro.report.html import words

    return words.count(many, noun)


def as_json(made: Planned) -> Row:
    """The plan for programs; docs/guide/planning.md explains the keys."""
    return {
        "format": FORMAT,
        "machine": asdict(made.machine) if made.machine else None,
        "devices": made.devices,
        "hours": made.hours,
        "runs": [_run_row(step) for step in made.steps],
        "inconclusive": [
            {"claim": one.name, "more_seeds": one.seeds, "seconds": _seconds(made, one), "why": one.why}
            for one in made.unsettled
        ],
    }


def _run_row(step: Step) -> Row:
    found = step.estimate
    return {
        "config": step.job.config,
        "seed": step.job.seed,
        "overrides": list(step.job.overrides),
        "command": step.job.command,
        "tier": step.tier,
        "more_seed": step.extra,
        "seconds": None if found.seconds is None else round(found.seconds, 1),
        "source": found.source,
        "level": found.level,
        "converted": found.converted,
        "settles": list(step.settles),
        "start": None if step.start is None else round(step.start, 1),
        "end": None if step.end is None else round(step.end, 1),
    }
