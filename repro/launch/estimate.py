"""Estimate how long a run takes, from the records of earlier runs. This module reads no files.

The evidence, best first:

1. other seeds of the same config: the median of their times;
2. the most similar config of the paper: its time to load and measure, plus its training time in proportion to the
   number of training items (steps times batch size, times the trainings of a run). Similar means: a training of less
   than 20 times the length and more than a twentieth, else of less than 400 times, and so on; then the same model, the
   same data, the same trainer, the same metrics, the closest values. Without a record of the same model, one of another
   model with the same data and trainer is used;
3. with only the data in common: the median of all runs of the paper;
4. without a record of the model or the data: the time is unknown, which is not 0.

A time depends on the machine. Records of another processor are used only if there is nothing as similar from this one,
and records of another accelerator last. Their times are multiplied by the median ratio of the configs that ran on both
machines. If fewer than three configs did, they are not converted, and the estimate says so.

A median of an even number of times is the geometric mean of the two in the middle, because errors are factors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import log
from statistics import geometric_mean, median_high, median_low

from repro import config as configs
from repro.launch.similarity import Parts, parts
from repro.record import Record

FAR = 20.0
"""A training of so many times the length is poor evidence: the first steps of a short run are slower than the rest."""

SHARED = 3
"""The number of configs that must have run on two machines to compare their speed: one run may have been disturbed."""


@dataclass(frozen=True, order=True)
class Machine:
    """The kind of machine of a record: what its time depends on."""

    accelerator: str
    processor: str
    threads: int

    def __str__(self) -> str:
        gpu = "no GPU" if self.accelerator in ("", "none") else self.accelerator
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{self.processor or 'an unknown processor'}, {threads}, {gpu}"

    @property
    def gpu(self) -> bool:
        return self.accelerator not in ("", "none")


def machine(record: Record) -> Machine:
    """The kind of machine on which a record was made."""
    found = record.environment
    return Machine(
        str(found.get("accelerator", "none")), str(found.get("processor", "")), int(found.get("threads") or 1)
    )


@dataclass(frozen=True)
class Estimate:
    """The time of one run, or None if it is unknown, and what it was computed from.

    level: `seeds`, `config`, `paper` or `unknown`. converted: from which other machine, and how; "" if the records are
    from the machine itself. rough: whether the run has a network with other settings, or a training of another order of
    length, so that the true time may be many times as long.
    """

    seconds: float | None
    source: str
    level: str
    converted: str = ""
    rough: bool = False


def middle(values: Iterable[float]) -> float:
    """The median on the scale of logarithms.

    >>> round(middle([10.0, 40.0]), 3), middle([1.0, 2.0, 300.0])
    (20.0, 2.0)
    """
    found = list(values)
    return geometric_mean([median_low(found), median_high(found)])


UNKNOWN = Estimate(None, "no record of these parts", "unknown")


@dataclass(frozen=True, eq=False)
class _Group:
    """The records of one config on one kind of machine, all with a time."""

    paper: str
    digest: str
    machine: Machine
    records: list[Record]

    @property
    def name(self) -> str:
        return self.records[0].config

    @property
    def text(self) -> str:
        return self.records[0].text

    @cached_property
    def parts(self) -> Parts:
        return parts(self.text)

    def scaled(self, work: float = 1.0) -> float:
        """The median time if the training is `work` times as long, and loading and measuring take the same time."""
        return middle(_fixed(record) + _training(record) * work for record in self.records)


def _training(record: Record) -> float:
    return min(record.cost.get("training_seconds", 0.0), record.cost["seconds"])


def _fixed(record: Record) -> float:
    return record.cost["seconds"] - _training(record)


def _listed(kinds: list[str]) -> str:
    """`: same model, data and trainer`; "" if there are none."""
    return f": same {' and '.join(filter(None, [', '.join(kinds[:-1]), kinds[-1]]))}" if kinds else ""


class Times:
    """The times of the runs of one paper or several, from all their records.

    >>> from dataclasses import replace
    >>> text = "experiment.trainer = @trainers.Supervised()\\ntrainers.Supervised.steps = 100"
    >>> done = Record("paper", "a", 0, configs.digest(text), [], text, cost={"seconds": 12.0, "training_seconds": 10.0})
    >>> times = Times([done, replace(done, seed=1)])
    >>> times.of("paper", text)
    Estimate(seconds=12.0, source='2 seeds of this config', level='seeds', converted='', rough=False)
    >>> round(times.of("paper", text.replace("100", "1000")).seconds, 3)
    102.0
    """

    def __init__(self, records: Iterable[Record]) -> None:
        held: dict[tuple[str, str, Machine], list[Record]] = defaultdict(list)
        for record in records:
            if record.cost.get("seconds"):
                held[record.paper, configs.digest(record.text), machine(record)].append(record)
        self.groups = [_Group(*key, found) for key, found in held.items()]

    def usual(self, processor: str = "") -> Machine | None:
        """The machine to estimate for: the newest record from this processor, else the newest record decides."""
        found = [
            (group.machine.processor == processor, record.finished, group.machine)
            for group in self.groups
            for record in group.records
        ]
        return max(found)[2] if found else None

    def of(self, paper: str, text: str, where: Machine | None = None) -> Estimate:
        """The time of a run of a config of `paper` on the machine `where`, which is the usual one by default."""
        where = where or self.usual()
        groups = [group for group in self.groups if group.paper == paper]
        if where is None or not groups:
            return UNKNOWN
        wanted, digest = parts(text), configs.digest(text)
        best = min(groups, key=lambda group: self._rank(group, digest, wanted, where))
        factor, note = self._factor(best.machine, where)
        if best.digest == digest:
            seeds = "1 seed" if len(best.records) == 1 else f"{len(best.records)} seeds"
            return Estimate(best.scaled() * factor, f"{seeds} of this config", "seeds", note)
        shared, work = wanted.shared(best.parts), wanted.times(best.parts)
        if "model" not in shared and not {"data", "trainer"} <= set(shared):
            return self._median(groups, where) if "data" in shared else UNKNOWN
        times = f", {work:.3g} times the training" if abs(work - 1) > 0.01 else ""
        same = _listed([kind for kind in shared if wanted.classes[kind]])
        other = "" if "model" in shared else ", which has another model"
        source = f"like {best.name}.gin{other}{same}{times}"
        rough = wanted.network != best.parts.network or abs(log(work, FAR)) >= 1
        return Estimate(best.scaled(work) * factor, source, "config", note, rough)

    @staticmethod
    def _rank(group: _Group, digest: str, wanted: Parts, where: Machine) -> tuple[object, ...]:
        """How unlike a run the records of `group` are: the smallest is the best evidence."""
        other_accelerator = group.machine.accelerator != where.accelerator
        kinds, values = wanted.distance(group.parts)
        far = int(abs(log(wanted.times(group.parts), FAR)))
        return other_accelerator, group.digest != digest, far, *kinds, group.machine != where, values, group.name

    def _median(self, groups: Iterable[_Group], where: Machine) -> Estimate:
        """The median of a paper's runs, if some were made on a machine with the same accelerator."""
        rows = [
            record.cost["seconds"] * self._factor(group.machine, where)[0]
            for group in groups
            for record in group.records
            if group.machine.accelerator == where.accelerator
        ]
        return Estimate(middle(rows), f"the median of {len(rows)} runs of this paper", "paper") if rows else UNKNOWN

    def _factor(self, found: Machine, where: Machine) -> tuple[float, str]:
        """How many times as long a run takes on `where` as on `found`, and this in words."""
        if found == where:
            return 1.0, ""
        there, here = (
            {(group.paper, group.digest): group.scaled() for group in self.groups if group.machine == one}
            for one in (found, where)
        )
        ratios = [here[config] / there[config] for config in there.keys() & here.keys()]
        if len(ratios) < SHARED:
            return 1.0, f"as on {found}, because fewer than {SHARED} configs ran on both"
        return middle(ratios), f"from {found}, times {middle(ratios):.2g}: {len(ratios)} configs ran on both"
