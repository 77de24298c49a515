"""The axes of the figure of claims: which claims share one, and whether it is logarithmic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from repro.claim.paper import Claim, Paper
from repro.report import possible
from repro.report.html.axis import Axis, Extent, apart, around, logarithmic, wide
from repro.report.page import Page
from repro.verdict import Verdict, bound

ALONE = 3  # metrics of one claim each: from this number on, they share an axis if they have the same unit
ROWS = 10  # of a block: it has the numbers of the axis above and below


MIXED = "Other claims, each with a metric of its own"


@dataclass(frozen=True)
class Group:
    """Claims that share an axis: those of one metric, unless their ranges are too different (`first` is False).

    Metrics that one claim has share an axis too, so that the page is not a list of axes.

    `names` are the names of the rows, by the id of the claim.
    """

    metric: str
    difference: bool
    unit: str
    verdicts: list[Verdict]
    names: dict[str, str]
    first: bool = True

    @property
    def name(self) -> str:
        """What the axis shows."""
        return f"{self.metric}, difference of two configs" if self.difference else self.metric

    @property
    def scale(self) -> str:
        """The unit of the axis, whether it is logarithmic, and whether it is not the first axis of the metric."""
        unit, log = f" in {self.unit}" if self.unit else "", ", log axis" if self.log else ""
        return f"{unit}{log}{'' if self.first else ', on another scale'}"

    @property
    def log(self) -> bool:
        """Whether the axis is logarithmic."""
        return wide(_numbers(self.verdicts))

    @property
    def axis(self) -> Axis:
        """The axis of all blocks of the group."""
        return logarithmic(_numbers(self.verdicts)) if self.log else around(_numbers(self.verdicts))

    @property
    def blocks(self) -> list[list[Verdict]]:
        """The verdicts in blocks of about equal length, at most `ROWS` each."""
        many = -(-len(self.verdicts) // ROWS)
        size = -(-len(self.verdicts) // many)
        return [self.verdicts[first : first + size] for first in range(0, len(self.verdicts), size)]


def grouped(page: Page, verdicts: Sequence[Verdict]) -> list[Group]:
    """The groups of claims that share an axis, in the order of the paper."""
    return [
        Group(page.paper.label(metric) if metric else MIXED, difference, unit, members, names, number == 0)
        for (metric, difference, unit), all_of_it in _by_metric(page, verdicts).items()
        for names in [_names(page.paper, [verdict.claim for verdict in all_of_it], alone=bool(metric))]
        for number, members in enumerate(_apart(all_of_it))
    ]


Key = tuple[str, bool, str]  # a metric, whether it is a difference of two configs, the unit


def _by_metric(page: Page, verdicts: Sequence[Verdict]) -> dict[Key, list[Verdict]]:
    """The claims of each metric. If many metrics have one claim each, these have the metric ""."""
    keys = [(one.claim.metric, bool(one.claim.over), page.unit(one.claim)) for one in verdicts]
    claims = Counter(keys)
    single = Counter(key[1:] for key, many in claims.items() if many == 1)
    groups: dict[Key, list[Verdict]] = {}
    for key, verdict in zip(keys, verdicts, strict=True):
        mixed = claims[key] == 1 and single[key[1:]] >= ALONE
        groups.setdefault(("", *key[1:]) if mixed else key, []).append(verdict)
    return groups


def _names(paper: Paper, claims: Sequence[Claim], alone: bool) -> dict[str, str]:
    """The names of the rows: the config, if `[labels]` has it and no other claim has the same; else the claim.

    Always the claim if the rows are not those of one metric `alone`.
    """
    names = {claim.id: _label(paper, claim) if alone else claim.says for claim in claims}
    many = Counter(names.values())
    return {claim.id: names[claim.id] if many[names[claim.id]] == 1 else claim.says for claim in claims}


def _label(paper: Paper, claim: Claim) -> str:
    """The labels of the claim's configs; its words if one has no label, or if the configs do not tell what it is."""
    labels = [paper.label(name) for name in (claim.config, claim.over) if name]
    stems = {PurePath(name).stem for name in (claim.config, claim.over)}
    if claim.item or claim.config == claim.over or stems & set(labels):
        return claim.says
    return (" better than " if claim.bound is None else " minus ").join(labels) or claim.says


def _apart(verdicts: Sequence[Verdict]) -> list[list[Verdict]]:
    """Split claims so that no band or interval becomes a line on the axis of its group."""
    log = wide(_numbers(verdicts))
    extents = [Extent.of(_bands(verdict), _alone(verdict.claim), log) for verdict in verdicts]
    return [[verdicts[place] for place in places] for places in apart(extents)]


def target(claim: Claim) -> tuple[float, float] | None:
    """The range in which our number should be: the accepted range, or all numbers that round to the printed one."""
    if claim.printed:
        printed, digit = claim.digits
        return float(printed - digit / 2), float(printed + digit / 2)
    return (float(claim.accepted[0]), float(claim.accepted[1])) if claim.accepted else None


def edge(claim: Claim) -> float | None:
    """The bound of a comparison without `value`: our number must be above or below it. None for other claims."""
    return bound(claim) if claim.kind == "comparison" and claim.value is None else None


def _alone(claim: Claim) -> list[float]:
    line = edge(claim)
    return [] if line is None else [line]


def _bands(verdict: Verdict) -> list[tuple[float, float]]:
    """The accepted range and the intervals that a row shows."""
    band = target(verdict.claim)
    seen = (possible.seen(verdict.claim, one) for one in verdict.evidence)
    return [*([band] if band else []), *((one.low, one.high) for one in seen)]


def _numbers(verdicts: Sequence[Verdict]) -> list[float]:
    pairs = [pair for verdict in verdicts for pair in _bands(verdict)]
    return [
        *(line for verdict in verdicts for line in _alone(verdict.claim)),
        *(value for pair in pairs for value in pair),
    ]
