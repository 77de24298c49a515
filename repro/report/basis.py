"""What the verdicts of a paper depend on: the text that was read, tuning, seeds, test items, departures, reviews."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from repro.record import Record
from repro.report import chosen, needed
from repro.report.evidence import computed
from repro.report.html.markup import Markup, join, link, tag
from repro.report.html.words import count
from repro.report.page import Page
from repro.verdict import BEHAVED, behaviours

READ = {
    "full paper": "the full text",
    "parts": "parts of the text",
    "abstract": "only the abstract",
    "quoted elsewhere": "only numbers that another text gives",
}
TUNED = {
    "nothing": "nothing: no choice was made after seeing a result",
    "validation": "validation data",
    "test": "the test set, so numbers may be too good",
}
COMPUTED = "the published results, so agreement may be by choice"
"""Instead of `TUNED["test"]`, if nothing is trained: a choice can then only make a number agree."""
MADE = "synthetic data"
ORDER = (BEHAVED[1], "not decided", BEHAVED[0])
WORDS = {"holds": "hold", "fails": "fail"}  # of more than one


def line(page: Page) -> Markup:
    """All of it in one line."""
    facts = [join([f"{name.lower()}: ", value]) for name, value in rows(page)]
    return tag("p", join(facts, " · "), class_="repro-basis")


def rows(page: Page) -> list[tuple[str, str]]:
    """(name, value) of what a reader's trust depends on."""
    return [
        ("Text read", READ.get(page.paper.text_read, "not stated")),
        ("Choices made on", _tuned(page)),
        ("Data", data(page)),
        *_sizes(page),
        *_behaviours(page),
        ("Departures", _departures(page)),
        *_changed(page),
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


def data(page: Page) -> str:
    """The data that the records of the claims used, and the data sets that nobody here could get."""
    own = {claim.config: chosen.data(claim) for claim in page.full}
    used = list(own) or [name for name in dict.fromkeys(_named(page)) if name in page.by_config]
    paper = _sets(page, [name for name in used if not own.get(name)])
    ours = [f"{name} (our choice, not the paper's)" for name in _sets(page, used) if name not in paper]
    names = ", ".join([*paper, *ours]) or "none yet"
    missing = dict.fromkeys(one.name for claim in page.paper.claims for one in needed.lacking(page, claim))
    if missing:
        return f"{names} instead of {', '.join(missing)}"
    return names


def _sets(page: Page, configs: Iterable[str]) -> list[str]:
    """The short titles of the data sets of some configs; `MADE` stands for data that is in no catalogue."""
    names = ([needed.short(one) for one in needed.of_configs(page, [config])] or [MADE] for config in configs)
    return list(dict.fromkeys(name for found in names for name in found))


def _tuned(page: Page) -> str:
    """On which items the group made its choices."""
    if page.paper.tuned_on == "test" and _computed(page):
        return COMPUTED
    told = TUNED.get(page.paper.tuned_on, "not stated")
    judged = [verdict for verdict in page.verdicts if verdict.evidence]
    trained = [verdict for verdict in judged if not computed(verdict)]
    some = page.paper.tuned_on == "test" and len(trained) < len(judged)
    return f"{told} (the {count(len(trained), 'claim')} with training; the others are computed)" if some else told


def _computed(page: Page) -> bool:
    """Whether all results are computed without randomness."""
    judged = [verdict for verdict in page.verdicts if verdict.evidence]
    return bool(judged) and all(map(computed, judged))


def _behaviours(page: Page) -> list[tuple[str, str]]:
    """How many behaviour tests hold and how many fail, as a link to them."""
    judged = behaviours.judge_all(page.paper.behaviours, page.records)
    many = Counter(one.outcome if one.outcome in BEHAVED else "not decided" for one in judged)
    said = [f"{many[name]} {WORDS.get(name, name) if many[name] > 1 else name}" for name in ORDER if many[name]]
    return [("Behaviour tests", link(", ".join(said), f"{page.address}#behaviour-tests"))] if said else []


def _sizes(page: Page) -> list[tuple[str, str]]:
    """The numbers of seeds and of test items; of results that are computed without randomness, this instead."""
    judged = [verdict for verdict in page.verdicts if verdict.evidence]
    if _computed(page):
        return [("Randomness", "none: computed, not trained")]
    items = _span(one.interval.items for verdict in judged for one in verdict.evidence)
    return [("Seeds per config", _span(len(records) for records in _judged(page))), ("Test items per number", items)]


def _departures(page: Page) -> str:
    """The number of departures from the paper that the report lists, as a link to them."""
    found = page.departures
    return link(f"{found.many or 'none listed'}", f"{page.address}#{found.anchor}") if found else "not listed"


def _changed(page: Page) -> list[tuple[str, str]]:
    """How many claims were changed after the first record of their configs; each says so in the table of claims."""
    claims = [claim for claim in page.paper.claims if claim.transcribed]
    many = sum(claim.id in page.late for claim in claims)
    return [("Changed after a record", f"{many} of {count(len(claims), 'claim')}")] if many else []


def _judged(page: Page) -> list[list[Record]]:
    """The records of each config that a claim names."""
    return [page.by_config[name] for name in dict.fromkeys(_named(page)) if name in page.by_config]


def _named(page: Page) -> Iterator[str]:
    """The configs that claims name."""
    return (name for claim in page.paper.claims for name in claim.configs)


def _span(numbers: Iterable[int]) -> str:
    """The smallest and the largest number: `1 to 5`."""
    found = sorted(set(numbers))
    if not found:
        return "none"
    return f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,} to {found[-1]:,}"
