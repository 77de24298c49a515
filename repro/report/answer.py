"""The answer of a page: what came out in two sentences, what this rests on, and the headline claims."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from repro.record import Record
from repro.report import evidence, quote, sentence
from repro.report.figure import claimed
from repro.report.html.markup import Markup, entry, join, link, tag, worded
from repro.report.html.words import count, duration
from repro.report.outcome import badge_of
from repro.report.page import Page
from repro.verdict import Verdict

READ = {
    "full paper": "the full paper",
    "parts": "parts of the paper",
    "abstract": "only the abstract",
    "quoted elsewhere": "only a table that another text quotes",
}
TUNED = {"nothing": "no set: nothing was chosen", "validation": "validation data", "test": "the test set"}
HEADS = ("Headline claim", "The paper", "Ours, 95 % interval", "Verdict")


def answer(page: Page) -> Markup:
    """The outcome in bold, and what it rests on."""
    said = page.paper.outcome
    bold = tag("p", tag("strong", sentence.html(page, said)), class_="repro-answer") if said else Markup("")
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in basis(page)]
    title = tag("p", "What this rests on", class_="repro-basis-title")
    return join([bold, title, tag("dl", *rows, class_="repro-facts repro-basis")])


def basis(page: Page) -> list[tuple[str, str]]:
    """(name, value) of what a reader's trust depends on."""
    return [
        ("Text read", READ.get(page.paper.text_read, "not stated")),
        ("Choices made on", TUNED.get(page.paper.tuned_on, "not stated")),
        ("Seeds per config", _span(len(records) for records in _judged(page))),
        ("Test items", _span(one.interval.items for verdict in page.verdicts for one in verdict.evidence)),
        ("Departures", _departures(page)),
        ("Reviewed by", ", ".join(reviewers(page)) or "nobody yet"),
    ]


def reviewers(page: Page) -> list[str]:
    """The groups that have reviewed the paper or replayed a record of it."""
    replayed = [one.group for one in page.replays if not one.fault]
    return list(dict.fromkeys([*(one.group for one in page.reviews), *replayed]))


def _departures(page: Page) -> str:
    """The number of departures from the paper that the report lists, as a link to them."""
    found = page.departures
    return link(f"{found.many}", f"{page.address}#{found.anchor}") if found else "not listed"


def _judged(page: Page) -> list[list[Record]]:
    """The records of each config that a claim names."""
    named = dict.fromkeys(name for claim in page.paper.claims for name in claim.configs)
    return [page.by_config[name] for name in named if name in page.by_config]


def _span(numbers: Iterable[int]) -> str:
    """The smallest and the largest number: `1 to 5`."""
    found = sorted(set(numbers))
    if not found:
        return "none"
    return f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,} to {found[-1]:,}"


def headlines(page: Page) -> Markup:
    """The table of the headline claims; empty if the paper marks none."""
    found = [quote.verdict_of(page, claim.id) for claim in page.paper.headlines]
    rows = [entry(_name(page, one), HEADS, _cells(page, one)) for one in found]
    return worded("repro-headlines", HEADS, rows, label="Headline claims") if rows else Markup("")


def _name(page: Page, verdict: Verdict) -> Markup:
    """The claim, the command that made the numbers or would make them, and how long its records took."""
    claim, found = verdict.claim, verdict.judged
    says = link(claim.says, page.place(claim))
    names = [name for name in ((found.config, found.other) if found else (claim.config, claim.over)) if name]
    if not names:
        return says
    seeds = f" --seeds {claim.seeds}" if claim.seeds > 1 else ""
    commands = [tag("code", f"repro run {page.name}/{Path(name).stem}{seeds}") for name in names]
    took = [found.cost.get("seconds", 0.0) for name in names for found in page.by_config.get(name, ())]
    cost = f"{duration(sum(took))} in {count(len(took), 'run')}" if took else "no run yet"
    return join([says, tag("span", join(commands, ", "), f": {cost}", class_="repro-muted")])


def _cells(page: Page, verdict: Verdict) -> tuple[Markup, ...]:
    stated, ours = claimed(page, verdict.claim), evidence.ours(verdict) or "–"
    return tag("span", stated), tag("span", ours), badge_of(page, verdict)
