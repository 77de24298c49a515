"""The section "Reproduce it": what you need, then the commands from an empty machine on."""

from __future__ import annotations

import re
import shlex
from itertools import groupby

from repro.record import Record
from repro.report import layers, naming, repository, scopes
from repro.report.html.markup import Markup, box, copyable, fold, join, link, row, tag
from repro.report.html.words import count, duration, machine
from repro.report.page import Page

MANY = 12  # lines: more commands are folded
HEADS = ("Config", "Runs", "Time per run", "Machine", "Records")


def commands(page: Page) -> Markup:
    """What you need, and the commands: install, the runs of each scope, the runs still to do, repeat, judge."""
    found = scopes.scopes(page)
    told = [scopes.table(page, found), layers.layers(page), *_install(page)]
    for one in found:
        text = scopes.commands(page, one)
        head = join([tag("strong", one.name), f": {one.about}."])
        many = text.count("\n") >= MANY
        told += [fold(head, copyable(text))] if many else [tag("p", head), copyable(text)]
    if page.waiting:
        runs = count(page.waiting, "run")
        text = f"{runs} still to do for these claims. This command prints them, one per line:"
        told += [tag("p", text), copyable(f"repro todo {page.name}")]
    told += _again(page)
    told += [tag("p", "Judge the claims, and build this page:"), copyable(f"repro verdict {page.name}\nrepro report")]
    return join([*told, _times(page)])


def _again(page: Page) -> list[Markup]:
    """The command that repeats the fastest record and compares the numbers."""
    if not (page.records or page.smoke):
        return []
    found = min(
        (*page.smoke, *page.records), key=lambda found: (found not in page.smoke, found.cost.get("seconds", 0.0))
    )
    command = f"repro replay {shlex.quote(f'papers/{page.name}/records/{found.stem}.json')}"
    return [tag("p", "Repeat a record with the code of its commit, and compare the numbers:"), copyable(command)]


def _install(page: Page) -> list[Markup]:
    """What to do before the first command, for a reader who has only this page."""
    newest = max(page.records, key=lambda found: found.finished, default=None)
    commit = str(newest.source.get("commit")) if newest else ""
    at = [f"git checkout {commit}  # of the newest record"] if re.fullmatch("[0-9a-f]+", commit) else []
    lines = [*repository.clone(page.site), *at, repository.INSTALL]
    dirty = "The newest record was made with uncommitted changes, which are in no commit."
    return [
        tag("p", tag("strong", "Install"), f". {repository.NEEDED}", *repository.way(page.site)),
        copyable("\n".join(lines)),
        *([tag("p", dirty, class_="repro-muted")] if newest and newest.source.get("dirty") else []),
    ]


def _times(page: Page) -> Markup:
    """A fold with a row for each config that has records: how long its runs took, and on which machine."""
    ranked = groupby(sorted(page.records, key=page.rank), key=lambda found: found.config)
    rows = [_config(page, config, list(records)) for config, records in ranked]
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in HEADS)))
    table = tag("table", head, tag("tbody", *rows))
    return fold("The time of each config", box(table, label="The time of each config")) if rows else Markup("")


def _config(page: Page, config: str, records: list[Record]) -> Markup:
    took = sum(found.cost.get("seconds", 0.0) for found in records) / len(records)
    machines = " and ".join(dict.fromkeys(machine(found.environment) for found in records))
    links = join([link(f"seed {found.seed}", page.origin(found)) for found in records], ", ")
    return row(
        str(len(records)),
        duration(took),
        machines,
        links,
        first=tag("th", naming.config(page.paper, config), scope="row"),
    )
