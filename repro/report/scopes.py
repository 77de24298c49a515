"""What you need to reproduce a paper, in three scopes: a smoke test, the headline claims, everything.

Times, machines and accelerators are those of the committed records. A run without a record has no time here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from repro.data.catalogue import DataSet
from repro.record import Record
from repro.report import chosen, needed
from repro.report.evidence import loop
from repro.report.html.markup import Markup, entry, join, link, outside, tag, worded
from repro.report.html.words import count, duration, machine, size
from repro.report.page import SMOKE, Page

HEADS = ("What you need", "Runs", "Time", "Machine", "Data")
Run = tuple[str, tuple[str, ...], int]
"""The config (`configs/NAME.gin`), the settings of `--set`, and the seed of a run."""


@dataclass(frozen=True)
class Scope:
    """A part of the work: its runs, the records of those that were made, and the data sets of its configs."""

    name: str
    about: str
    runs: list[Run]
    records: list[Record] = field(default_factory=list)
    data: list[DataSet] = field(default_factory=list)

    @property
    def configs(self) -> list[str]:
        """The configs, each once."""
        return list(dict.fromkeys(config for config, _, _ in self.runs))

    @property
    def seconds(self) -> float:
        """The time that the runs with a record took, in seconds."""
        return sum(found.cost.get("seconds", 0.0) for found in self.records)

    @property
    def memory(self) -> float:
        """The largest memory that a run of these records used, in MiB; 0 if no record has it."""
        return max((found.cost.get("memory_mib", 0.0) for found in self.records), default=0.0)

    @property
    def machines(self) -> list[str]:
        """The machines of the records, in words."""
        return list(dict.fromkeys(machine(found.environment) for found in self.records))


def scopes(page: Page) -> list[Scope]:
    """The scopes of a paper that have runs, the cheapest first."""
    smoke: list[Run] = [(SMOKE, (), 0)] if (page.paper.folder / SMOKE).is_file() else []
    first: list[Run] = [
        (config, (), seed) for claim in chosen.headlines(page.paper) for config, seed in page.runs(claim)
    ]
    asked: list[Run] = [(config, (), seed) for _, config, seed in page.paper.runs]
    made = [_run(found) for found in sorted(page.records, key=page.rank)]
    named = [
        ("Smoke test", "all steps once, with a short training; it judges no claim", smoke),
        ("Headline claims", "the claims at the top of this page", first),
        ("Everything", "all claims and suspected causes", [*asked, *made]),
    ]
    if set(first) == {*asked, *made}:
        del named[1]
    return [_scope(page, name, about, list(dict.fromkeys(runs))) for name, about, runs in named if runs]


def _scope(page: Page, name: str, about: str, runs: list[Run]) -> Scope:
    wanted = set(runs)
    records = [found for found in (*page.smoke, *page.records) if _run(found) in wanted]
    configs = list(dict.fromkeys(config for config, _, _ in runs))
    return Scope(name, about, runs, records, needed.of_configs(page, configs))


def _run(found: Record) -> Run:
    return f"configs/{found.config}.gin", tuple(found.overrides), found.seed


def commands(page: Page, scope: Scope) -> str:
    """The shell commands of the runs: a line for each config and its settings."""
    ways: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for config, overrides, seed in scope.runs:
        ways.setdefault((config, overrides), []).append(seed)
    return "\n".join(_command(page, config, sets, seeds) for (config, sets), seeds in ways.items())


def _command(page: Page, config: str, overrides: Sequence[str], seeds: list[int]) -> str:
    more = "".join(f" --set {shlex.quote(text)}" for text in overrides)
    name = f"{page.name}/{config.removeprefix('configs/').removesuffix('.gin')}"
    return loop(f"repro run {shlex.quote(name)}", sorted(seeds), more)


def table(page: Page, found: Sequence[Scope]) -> Markup:
    """A row per scope: runs, time, machine and data."""
    before: list[Scope | None] = [None, *found][: len(found)]
    rows = [entry(_name(one), HEADS, _cells(one, last)) for one, last in zip(found, before, strict=True)]
    about = "The times are those of the committed records, if one run follows the other. "
    guide = link("Where a run looks for data", f"{page.root}guide/running.html")
    note = tag("p", about, *([guide, "."] if any(one.data for one in found) else []), class_="repro-muted")
    return join([worded("repro-needs", HEADS, rows, label="What you need"), note]) if rows else Markup("")


def _name(one: Scope) -> Markup:
    return join([one.name, tag("span", one.about, class_="repro-muted")])


def _cells(one: Scope, last: Scope | None) -> tuple[Markup | str, ...]:
    """The cells of a scope. A machine or data that the scope before it needs too is not repeated."""
    runs = f"{count(len(one.runs), 'run')} of {count(len(one.configs), 'config')}"
    same = last is not None and last.data == one.data
    return runs, _time(one), _machine(one, last), "the same" if same and one.data else _data(one.data)


def _time(one: Scope) -> Markup:
    """The time of the records, and how many runs have none."""
    missing = len(one.runs) - len(one.records)
    if not one.records:
        return join(["not known: no record yet"])
    note = tag("span", f"without {count(missing, 'run')} that have no record yet", class_="repro-muted")
    return join([tag("span", duration(one.seconds), class_="line"), note if missing else ""])


def _machine(one: Scope, last: Scope | None) -> Markup:
    """The machines of the records, and the largest memory of a training if the records have it."""
    if not one.machines:
        return Markup("–")
    same = last is not None and last.machines == one.machines
    name = "the same" if same else " and ".join(one.machines)
    used = f"memory: {size(round(one.memory * 2**20))}" if one.memory else ""
    return join([tag("span", name), *([tag("span", used, class_="line repro-muted")] if used else [])], " ")


def _data(found: Iterable[DataSet]) -> Markup:
    lines = [tag("div", _data_set(one)) for one in found]
    return join(lines) if lines else join(["none of the catalogue"])


def _data_set(one: DataSet) -> Markup:
    """Name, size and licence of a data set, and how to get it if it cannot be downloaded."""
    way = "downloaded by the run" if one.files else f"by hand: {one.obtain}"
    about = f" {one.name}, {size(one.bytes)}, licence: {one.licence}; {way}"
    return join([link(one.title, outside(one.homepage), rel="external"), tag("span", about, class_="repro-muted")])
