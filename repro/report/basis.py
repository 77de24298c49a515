"""What the verdicts of a paper depend on: the text that was read, tuning, seeds, test items, departures, reviews."""

from __future__ import annotations

from collections.abc import Iterable

from repro.record import Record
from repro.report import needed
from repro.report.html.markup import Markup, join, link, tag
from repro.report.page import Page

READ = {
    "full paper": "the full text",
    "parts": "parts of the text",
    "abstract": "only the abstract",
    "quoted elsewhere": "only a table that another text quotes",
}
TUNED = {
    "nothing": "nothing was chosen",
    "validation": "validation data",
    "test": "the test set, so numbers may be too good",
}


def line(page: Page) -> Markup:
    """All of it in one line."""
    facts = [join([f"{name.lower()}: ", value]) for name, value in rows(page)]
    return tag("p", join(facts, " · "), class_="repro-basis")


def rows(page: Page) -> list[tuple[str, str]]:
    """(name, value) of what a reader's trust depends on."""
    return [
        ("Text read", READ.get(page.paper.text_read, "not stated")),
        ("Choices made on", TUNED.get(page.paper.tuned_on, "not stated")),
        ("Data", _data(page)),
        *_sizes(page),
        ("Departures", _departures(page)),
        ("Reviewed by", reviewed(page)),
    ]


def reviewed(page: Page) -> Markup:
    """The groups that have reviewed the paper or replayed a record of it, and when the last review was."""
    replayed = [one.group for one in page.replays if not one.fault]
    groups = ", ".join(dict.fromkeys([*(one.group for one in page.reviews), *replayed]))
    if not page.reviews:
        return join([groups or "nobody yet"])
    newest = tag("time", page.reviews[-1].date, datetime=page.reviews[-1].date)
    return join([link(groups, f"{page.address}#reviews"), ", ", newest])


def _data(page: Page) -> str:
    """The data sets that the records used; and those of claims that nobody here could get."""
    used = [claim.config for claim in page.full] or list(page.by_config)
    names = ", ".join(one.name for one in needed.of_configs(page, used)) or "made by its code"
    missing = dict.fromkeys(one.name for claim in page.paper.claims for one in needed.lacking(page, claim))
    return f"{names} instead of {', '.join(missing)}" if missing else names


def _sizes(page: Page) -> list[tuple[str, str]]:
    """The numbers of seeds and of test items; of results that are computed without randomness, this instead."""
    judged = [verdict for verdict in page.verdicts if verdict.evidence]
    if judged and all(verdict.claim.printed or verdict.claim.deterministic for verdict in judged):
        return [("Randomness", "none: computed, not trained")]
    items = _span(one.interval.items for verdict in judged for one in verdict.evidence)
    return [("Seeds per config", _span(len(records) for records in _judged(page))), ("Test items", items)]


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
