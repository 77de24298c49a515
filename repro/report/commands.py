"""The section "Reproduce it": the commands, with the time that each took and on which machine."""

from __future__ import annotations

import re
import shlex

from repro.record import Record
from repro.report import parts
from repro.report.evidence import loop
from repro.report.html.markup import Markup, copyable, fold, join, link, tag
from repro.report.html.words import count, duration, machine
from repro.report.page import Page

OPEN = 8  # visible configs; the others are in a fold


def commands(page: Page) -> Markup:
    """How to start; the runs that have a record, with their cost; the runs still to do; and how to judge the claims."""
    made = _made(page) if page.records else tag("p", "No run has written a record yet.", class_="repro-muted")
    told = [_from_nothing(page), made]
    if page.waiting:
        runs = count(page.waiting, "run")
        text = f"{runs} still to do for these claims. This command prints them, one per line:"
        told += [tag("p", text), copyable(f"repro todo {page.name}")]
    told += _again(page)
    told += [tag("p", "Judge the claims, and build this page:"), copyable(f"repro verdict {page.name}\nrepro report")]
    return join(told)


def _again(page: Page) -> list[Markup]:
    """The command that repeats the fastest record and compares the numbers."""
    if not (page.records or page.smoke):
        return []
    found = min(
        (*page.smoke, *page.records), key=lambda found: (found not in page.smoke, found.cost.get("seconds", 0.0))
    )
    command = f"repro replay {shlex.quote(f'papers/{page.name}/records/{found.stem}.json')}"
    return [tag("p", "Repeat a record with the code of its commit, and compare the numbers:"), copyable(command)]


def _from_nothing(page: Page) -> Markup:
    """What to do before the first command, for a reader who has only this page."""
    newest = max(page.records, key=lambda found: found.finished, default=None)
    commit = str(newest.source.get("commit")) if newest else ""
    at = [f"git checkout {commit}  # of the newest record"] if re.fullmatch("[0-9a-f]+", commit) else []
    lines = ["git clone <this repository> repro", "cd repro", *at, "make venv && source .venv/bin/activate"]
    dirty = "That record was made with uncommitted changes, which are in no commit. "
    rest = dirty if newest and newest.source.get("dirty") else ""
    return fold(
        "Install the project first",
        copyable("\n".join(lines)),
        tag("p", rest, _data(page)) if rest or _data(page) else "",
    )


def _data(page: Page) -> Markup:
    """The datasets that the paper's configs name, each with a link to its entry in the catalogue."""
    found = [part for part in parts.every() if part.kind == "datasets" and any(parts.uses(part, page.paper))]
    names = join([link(part.name, f"{page.root}parts.html#{parts.anchor(part)}") for part in found], ", ")
    guide = link("how data is found", f"{page.root}guide/running.html")
    return join(["The configs use these datasets: ", names, ". See ", guide, "."]) if found else join([])


def _made(page: Page) -> Markup:
    configs: dict[str, list[Record]] = {}
    for found in sorted(page.records, key=page.rank):
        configs.setdefault(found.config, []).append(found)
    made = [_config(page, records) for records in configs.values()]
    rest = [fold(f"{count(len(made) - OPEN, 'more config')}", *made[OPEN:])] if made[OPEN:] else []
    return join([*made[:OPEN], *rest])


def _all(records: list[Record]) -> str:
    """The shell commands that make these records of one config: a line for each set of overrides."""
    ways: dict[str, list[int]] = {}
    for found in records:
        ways.setdefault("".join(f" --set {shlex.quote(text)}" for text in found.overrides), []).append(found.seed)
    once = f"repro run {shlex.quote(f'papers/{records[0].paper}/configs/{records[0].config}.gin')} --seed"
    return "\n".join(loop(once, seeds, more) for more, seeds in ways.items())


def _config(page: Page, records: list[Record]) -> Markup:
    """The commands of one config, and below them the time that they took."""
    took = sum(found.cost.get("seconds", 0.0) for found in records) / len(records)
    machines = " and ".join(dict.fromkeys(machine(found.environment) for found in records))
    links = join([link(found.stem, page.origin(found)) for found in records], ", ")
    cost = f"{duration(took)}{' per run' if len(records) > 1 else ''} on {machines}: "
    return tag(
        "div",
        copyable(_all(records)),
        tag("p", cost, links, class_="repro-muted"),
        class_="repro-commands",
    )
