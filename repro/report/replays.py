"""The second mark of a claim: another group than the authors' has replayed its records, and the numbers agree."""

from __future__ import annotations

from collections.abc import Iterable

from repro.report.html.markup import Markup, join, link, tag
from repro.report.html.words import day, machine
from repro.report.page import Page
from repro.rerun.counter_record import CounterRecord, name
from repro.verdict import Verdict

MEANING = "another group than the authors' has run a record of each config of this claim again, and the numbers agree"


def groups(verdict: Verdict, found: Iterable[CounterRecord]) -> list[str]:
    """The other groups that have replayed the claim: a record of each config that decided it, with the same numbers."""
    judged = verdict.judged
    if judged is None:
        return []
    sides = [{(one.config, one.seed) for one in side} for side in (judged.records, judged.over) if side]
    runs: dict[str, set[tuple[str, int]]] = {}
    shown: dict[str, str] = {}
    for one in (one for one in found if one.agrees):
        runs.setdefault(name(one.group), set()).add(one.run)
        shown.setdefault(name(one.group), one.group)
    return [shown[group] for group, made in runs.items() if all(made & side for side in sides)]


def mark(page: Page, verdict: Verdict) -> Markup:
    """The mark; empty if no other group has replayed the claim."""
    names = groups(verdict, page.replays)
    if not names:
        return Markup("")
    sign = tag("span", "✓", aria_hidden="true", class_="sign")
    return tag("span", sign, f"replayed by {', '.join(names)}", class_="repro-badge replayed", title=MEANING)


def lines(page: Page, verdict: Verdict) -> Markup:
    """One line for each replay of a record of the claim by another group, also for those that differ."""
    used = {(one.config, one.seed) for found in verdict.evidence for one in (*found.records, *found.over)}
    rows = [_line(page, one) for one in page.replays if one.run in used and not one.fault]
    return tag("p", tag("strong", "Replays: "), join(rows, "; "), ".") if rows else Markup("")


def _line(page: Page, one: CounterRecord) -> Markup:
    address = page.file(*one.path.relative_to(page.paper.folder).parts)
    about = f"{one.who} ({one.group}), {day(one.again.finished)}, {machine(one.again.environment)}: "
    return join([link(one.again.stem, address), f" by {about}{'agrees' if one.agrees else 'differs'}, {one.signature}"])
