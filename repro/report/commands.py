"""What to type, with the time it took and the machine it took it on."""

from __future__ import annotations

from repro.record import Record
from repro.report.evidence import loop
from repro.report.markup import Markup, copyable, fold, join, link, tag
from repro.report.page import Page
from repro.report.words import count, duration, machine

OPEN = 8  # configs shown before the rest is folded


def commands(page: Page) -> Markup:
    """The runs that were made, each with its cost; then those that wait; then how to judge them."""
    parts = [_made(page)] if page.records else [tag("p", "No run has left a record yet.", class_="repro-muted")]
    if page.waiting:
        runs = count(page.waiting, "run")
        text = f"{runs} still to be made for these claims. This prints them, one command per line:"
        parts += [tag("p", text), copyable(f"repro todo {page.name}")]
    parts += [tag("p", "Judge the claims, and build this page:"), copyable(f"repro verdict {page.name}\nrepro report")]
    return join(parts)


def _made(page: Page) -> Markup:
    configs: dict[str, list[Record]] = {}
    for found in sorted(page.records, key=page.rank):
        configs.setdefault(found.config, []).append(found)
    made = [_config(page, records) for records in configs.values()]
    rest = [fold(f"{count(len(made) - OPEN, 'more config')}", *made[OPEN:])] if made[OPEN:] else []
    return join([*made[:OPEN], *rest])


def _all(records: list[Record]) -> str:
    """The command that makes these records of one config: a line for each way it was run."""
    ways: dict[str, list[int]] = {}
    for found in records:
        ways.setdefault("".join(f" --set '{binding}'" for binding in found.overrides), []).append(found.seed)
    once = f"repro run papers/{records[0].paper}/configs/{records[0].config}.gin --seed"
    return "\n".join(loop(once, seeds, more) for more, seeds in ways.items())


def _config(page: Page, records: list[Record]) -> Markup:
    """The commands of one config, and below them what they took."""
    took = sum(found.cost.get("seconds", 0.0) for found in records) / len(records)
    machines = " and ".join(dict.fromkeys(machine(found.environment) for found in records))
    links = join([link(found.stem, page.origin(found)) for found in records], ", ")
    cost = f"{duration(took)}{' a run' if len(records) > 1 else ''} on {machines}: "
    return tag(
        "div",
        copyable(_all(records)),
        tag("p", cost, links, class_="repro-muted"),
        class_="repro-commands",
    )
