"""The configs that a leaderboard compares. They must have the same metric and test set, measured on the same data.

An `Entrant` is one of these configs, with its records; a `Field` is all of them.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from repro.errors import BadInput, nearest
from repro.record import Measurement, Record
from repro.report import matrix
from repro.report import page as pages
from repro.report.html.words import count
from repro.report.page import Page


@dataclass(frozen=True)
class Entrant:
    """A config with its records, sorted by seed, and their measurements. Both are empty if it has not run.

    `name` is the name of the config; for a config of another paper, that paper's name is in front (`imdb_ladder/cnn`).
    """

    page: Page
    config: str
    name: str
    records: Sequence[Record]
    found: Sequence[Measurement] = ()

    @property
    def label(self) -> str:
        """The name for readers, from `[labels]` of its paper; without one, `name`."""
        label = self.page.paper.label(self.config)
        if label == self.config:
            return self.name
        return label if self.name == self.config else f"{label} ({self.page.name})"

    @property
    def rows(self) -> list[list[float]]:
        """The measured values: one row per seed, one value per test item."""
        return [measured.values for measured in self.found]

    @property
    def stale(self) -> str:
        """Why the first stale record is stale; "" if no record is."""
        return next((record.stale for record in self.records if record.stale), "")


@dataclass(frozen=True)
class Field:
    """All entrants of a leaderboard, and the metric and test set by which they are ranked."""

    entrants: list[Entrant]
    metric: str
    test: str

    @property
    def label(self) -> str:
        """The name of the metric for readers."""
        return self.entrants[0].page.paper.label(self.metric)

    @property
    def ran(self) -> list[Entrant]:
        """The entrants that have a measurement."""
        return [one for one in self.entrants if one.found]

    @functools.cached_property
    def sources(self) -> dict[str, str]:
        """The source of the test data, by fingerprint: the data that a config requires, else the fingerprint itself.

        Two configs may read the same data in different forms. These have different fingerprints but the same source.
        """
        found: dict[str, str] = {}
        for record in (record for one in self.ran for record in one.records):
            data = record.fingerprint(self.test)
            basis = record.basis(self.test)
            found[data] = basis if basis != data else found.get(data, data or "data without a fingerprint")
        return found


def gather(page: Page, configs: Sequence[str], metric: str, test: str) -> Field:
    """The entrants of a leaderboard: the given `configs`, or all configs of the paper that measured this metric.

    Name a config as `cnn`; name one of another paper as `NAME/cnn` or `papers/NAME/configs/cnn.gin`. If `metric` is
    empty, the records must have only one metric. Raises BadInput for an unknown name, with the most similar one, and
    for configs whose metrics or test data differ, with their names.
    """
    named = wanted(page, configs)
    records = [record for one in named for record in one.records]
    if not records:
        raise BadInput(f"no config of {page.name} has a record yet" if not configs else "none of these configs has run")
    tests = {found.test for record in records for found in record.measurements}
    if test not in tests:
        raise BadInput(f"no test set '{test}' in the records{nearest(test, tests)}")
    metric = _metric(metric, test, records)
    field = Field([_measured(one, metric, test) for one in named], metric, test)
    if not configs:
        field = Field(field.ran, metric, test)
    for record in (record for one in field.entrants for record in one.records if not record.measured(test, metric)):
        known = {f"{found.test}: {found.metric}" for found in record.measurements}
        raise BadInput(f"no '{test}: {metric}' in the record {record.stem}{nearest(f'{test}: {metric}', known)}")
    _refuse_unlike(field)
    return field


def wanted(page: Page, configs: Sequence[str]) -> list[Entrant]:
    """The given configs with their records, without measurements; without names, all configs of the paper.

    Raises BadInput for an unknown name.
    """
    named = (_named(page, name) for name in configs or _all(page))
    return list({(one.page.name, one.config): one for one in named}.values())


def _all(page: Page) -> list[str]:
    return [record.config for record in sorted(page.records, key=page.rank) if not record.overrides]


def _named(page: Page, name: str) -> Entrant:
    """The config with this name, and its records."""
    *paper, stem = (
        part for part in PurePosixPath(name.removesuffix(".gin")).parts if part not in ("papers", "configs")
    )
    if len(paper) > 1:
        raise BadInput(f"config '{name}': expected NAME, PAPER/NAME or papers/PAPER/configs/NAME.gin")
    home = pages.read(paper[0], page.root) if paper else page
    records = home.by_config.get(f"configs/{stem}.gin", ())
    known = [path.stem for path in home.paper.configs]
    if stem not in known and not records:
        raise BadInput(f"no config '{stem}' in {home.name}{nearest(stem, known)}")
    return Entrant(
        home,
        stem,
        "/".join((*paper, stem)),
        sorted((r for r in records if not r.overrides), key=lambda record: record.seed),
    )


def _metric(metric: str, test: str, records: Iterable[Record]) -> str:
    measured = [found for record in records for found in record.measurements if found.test == test]
    known = {found.metric for found in measured if not matrix.is_cell(found)}
    if metric and metric not in known:
        raise BadInput(f"no metric '{metric}' on '{test}' in the records{nearest(metric, known)}")
    if not metric and len(known) > 1:
        raise BadInput(f"which metric? write :metric: and one of {', '.join(sorted(known))}")
    return metric or min(known)


def _measured(one: Entrant, metric: str, test: str) -> Entrant:
    found = [measured for record in one.records if (measured := record.measured(test, metric))]
    return replace(one, found=found)


def _refuse_unlike(field: Field) -> None:
    """Raise BadInput if the entrants differ in their metric or in their test data."""
    measured = [
        row for one in field.ran for row in zip([one.name] * len(one.found), one.records, one.found, strict=True)
    ]
    for key in sorted({key for _, _, found in measured for key in found.identity}):
        told = [(name, json.dumps(found.identity.get(key), sort_keys=True)) for name, _, found in measured]
        _refuse(told, f"they differ in the metric's {key}")
    sources = field.sources
    told = [
        (name, f"{sources[record.fingerprint(field.test)]} ({count(len(found.values), 'item')})")
        for name, record, found in measured
    ]
    _refuse(told, "they were measured on different test data")


def _refuse(told: Sequence[tuple[str, str]], why: str) -> None:
    """Raise BadInput unless all rows have the same value. The message groups the names by value."""
    groups: dict[str, list[str]] = {}
    for name, seen in told:
        groups.setdefault(seen, []).append(name)
    if len(groups) > 1:
        rows = sorted(
            ((list(dict.fromkeys(names)), seen) for seen, names in groups.items()), key=lambda row: len(row[0])
        )
        listed = "; ".join(f"{', '.join(names)}: {seen}" for names, seen in rows)
        raise BadInput(f"these configs cannot be ranked together, {why}: {listed}")
