"""The reviewer's summary: what changed since the last review, and what to look at and to replay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from repro import record
from repro.claim.paper import Paper
from repro.errors import BadInput, where
from repro.record import Record, git
from repro.record.git import GitError
from repro.report import page
from repro.report.html.words import duration
from repro.report.page import Page
from repro.rerun import replay
from repro.review import changes, code, coverage, lottery
from repro.run import run_folders
from repro.testing import contract


@dataclass(frozen=True)
class Section:
    """One section: what was found, a line each; and commands for the reviewer."""

    title: str
    lines: list[str]
    commands: list[str] = field(default_factory=list)


def sections(name: str, since: str | None = None, seed: str = "", tested: bool = False) -> Iterator[Section]:
    """The sections of the summary of the paper `name`. tested: run its tests, and say which lines they run.

    since: a branch or commit to compare with (default: the last review). seed: of the lottery (default: the commit).
    """
    shown = page.read(name)
    commit = changes.base(shown.paper, since)
    yield from _changed(shown, commit) if commit else [Section("What changed", ["no earlier review: all is new"])]
    yield _records(shown)
    yield _checked(shown.paper)
    yield _smoke(shown)
    if tested:
        yield Section("Lines that the tests run", list(coverage.lines(shown.paper)))
    yield Section("Parts without equation or shape", list(code.silent(shown.paper)))
    yield _open(shown)
    yield _replays(shown)
    yield _drawn(shown, seed or _head(shown.paper))


def _changed(shown: Page, commit: str) -> Iterator[Section]:
    """What changed since `commit`: files, claims, configs, numbers, verdicts; a section without a line is left out."""
    one, new = shown.paper, shown.paper.folder
    with changes.before(one, commit) as old:
        configs = list(changes.settings(old, one))
        yield Section(f"What changed since {commit:.12}", list(changes.files(old, new)))
        explained = [f"repro explain {one.name}/{config}" for config, _ in configs]
        found = [
            Section("Claims that changed", list(changes.claims(old, one))),
            Section("Configs that bind other values", [f"{config}: {said}" for config, said in configs], explained),
            Section("Numbers that changed, and why", list(changes.numbers(old, new))),
            Section("Verdicts that changed", list(changes.verdicts(old, new))),
        ]
    yield from (section for section in found if section.lines)


def _records(shown: Page) -> Section:
    """The stale records, and those whose code has changed without a change of numbers."""
    told: dict[str, list[str]] = {}
    for found in (*shown.records, *shown.smoke):
        if found.stale or found.renewed:
            told.setdefault(f"stale: {found.stale}" if found.stale else found.renewed, []).append(found.stem)
    lines = [f"{changes.listed(stems, 'record')}: {said}" for said, stems in told.items()]
    return Section("Records of older code", lines, [f"repro verdict {shown.name} --check"])


def _checked(one: Paper) -> Section:
    lines = [
        f"{fault.file}{f':{fault.line}' if fault.line else ''}: {fault.says}" for fault in contract.faults(one.folder)
    ]
    return Section("Faults that `repro check` finds", lines, [f"repro check {one.name}"])


def _smoke(shown: Page) -> Section:
    """How the newest run of the smoke config on this machine compares with the paper's record."""
    commands = [f"repro smoke {shown.name}"]
    runs = sorted(_runs(shown.paper), key=lambda found: found.finished)
    if not runs:
        return Section("Smoke", ["it has not run on this machine"], commands)
    mine = next((found for found in (*shown.smoke, *shown.records) if found.stem == runs[-1].stem), None)
    if mine is None:
        return Section("Smoke", [f"it ran, {runs[-1].finished}; the paper has no record of it"], commands)
    found = replay.compare(mine, runs[-1])
    told = [f"the newest run, {runs[-1].finished}, {'agrees' if found.agrees else 'DIFFERS'} ({found.wanted})"]
    return Section("Smoke", [*told, *(str(one) for one in found.findings if not one.ok)], commands)


def _runs(one: Paper) -> Iterator[Record]:
    for path in run_folders.home(one.folder).glob(f"{one.name}/smoke/*-seed0/smoke-seed0.json"):
        found = record.read(path)
        if not found.overrides:
            yield found


def _open(shown: Page) -> Section:
    """The points of earlier reviews that are not answered."""
    rows = [(one, point) for one in shown.reviews for point in one.open]
    return Section("Open points", [f"{where(one.path)}:{point.line}: {point.text}" for one, point in rows])


def _replays(shown: Page) -> Section:
    lines = []
    for one in shown.replays:
        result = one.fault or ("agrees" if one.agrees else "DIFFERS")
        signed = "" if one.fault == str(one.signature) else f"; {one.signature}"
        lines.append(f"{one.again.stem}, by {one.who} ({one.group}): {result}{signed}")
    return Section("Replays by other groups", lines)


def _drawn(shown: Page, seed: str) -> Section:
    drawn = lottery.draw(shown, seed)
    lines = [f"{one.claim}: {duration(one.seconds)}" for one in drawn]
    names = dict.fromkeys(found.stem for one in drawn for found in one.records)
    commands = [f"repro replay papers/{shown.name}/records/{stem}.json --as GROUP" for stem in names]
    return Section(f"Claims to replay, drawn with the seed {seed}", lines, commands)


def _head(one: Paper) -> str:
    """The commit that is checked out, in short. Raises BadInput if there is none."""
    try:
        return f"{git.head(one.folder):.12}"
    except GitError as error:
        raise BadInput(
            str(error), where(Path(one.folder)), expected="git, a paper that is committed, or --seed"
        ) from None
