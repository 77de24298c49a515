"""What the runs of a paper cost: the time of its records, their machine, and an estimate for the runs still to do.

The estimates are those of `repro plan`, for the machine of the newest record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from repro import launch
from repro.launch.estimate import Times
from repro.report import needed
from repro.report.html.words import count, duration
from repro.report.page import Page


@dataclass(frozen=True)
class Left:
    """The runs that are still to do: how many, the time of those with an estimate in seconds, how many have none."""

    runs: int
    seconds: float
    unknown: int

    def __str__(self) -> str:
        if self.unknown == self.runs:
            return "time not known"
        known = f"about {duration(self.seconds)}"
        return f"{known}, and {count(self.unknown, 'run')} of unknown time" if self.unknown else known


def cost(page: Page) -> str:
    """The time so far, the machine, and what is left.

    For example `39 min in 16 runs on AMD EPYC (CPU), 1 thread; 3 more runs: about 6 h`.
    """
    machines = hardware(page)
    took = f"{duration(page.seconds)} in {count(len(page.records), 'run')}" if page.records else "no run yet"
    done = f"{took} on {machines}" if machines else took
    rest = left(
        page, [(f"configs/{PurePath(job.config).name}", job.seed) for job in launch.todo(page.paper, page.records)]
    )
    more = " more" if page.records else ""
    return f"{done}; {rest.runs}{more} run{'s' if rest.runs > 1 else ''}: {rest}" if rest.runs else done


def of_configs(page: Page, names: Sequence[str], seeds: int) -> str:
    """The time that the records of some configs took, or what `seeds` runs of each will take if there are none."""
    took = [found.cost.get("seconds", 0.0) for name in names for found in page.by_config.get(name, ())]
    if took:
        return f"{duration(sum(took))} in {count(len(took), 'run')}"
    return f"no run yet, {left(page, [(name, seed) for name in names for seed in range(seeds)])}"


def left(page: Page, runs: Iterable[tuple[str, int]]) -> Left:
    """The estimate for some runs, each (`configs/NAME.gin`, seed). The time of one with a rough estimate is unknown."""
    many = Counter(config for config, _ in runs)
    times = Times([*page.records, *page.smoke, *page.points]) if many else Times([])
    found = {config: times.of(page.name, text) for config in many if (text := needed.text(page, config))}
    known = {config: one.seconds for config, one in found.items() if one.seconds is not None and not one.rough}
    unknown = sum(some for config, some in many.items() if config not in known)
    return Left(many.total(), sum(seconds * many[config] for config, seconds in known.items()), unknown)


def hardware(page: Page) -> str:
    """On what the records were made: `AMD EPYC (CPU), 1 thread`, or the names of the accelerators."""
    made = [found.environment for found in page.records]
    used = sorted({str(one.get("accelerator", "none")) for one in made} - {"none"})
    threads = max((many for one in made if isinstance(many := one.get("threads"), int)), default=0)
    named = {str(one.get("processor", "")).partition(",")[0] for one in made} - {"", "?"}
    cpus = f"{' and '.join(sorted(named))} (CPU)" if named else "CPU"
    return ", ".join(used) or (f"{cpus}, {count(threads, 'thread')}" if threads else "")
