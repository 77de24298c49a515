"""The names of configs and test sets in the sentences of a page, for readers who do not know the files."""

from __future__ import annotations

import re

from repro.claim.paper import Paper
from repro.report import possible
from repro.report.html.markup import Markup, join, tag
from repro.report.html.words import typeset
from repro.report.page import Page
from repro.verdict import Verdict

CONFIG = re.compile(r"configs/[\w.-]+?\.gin\b")


def reason(page: Page, why: str) -> str:
    """The reason for a verdict, typeset, with the label of each config in place of its path."""
    return typeset(CONFIG.sub(lambda hit: f"“{page.paper.label(hit[0])}”", why))


def why(page: Page, verdict: Verdict) -> str:
    """The reason for a verdict, with the intervals of the tables; the sides of one config are its test sets."""
    claim, text = verdict.claim, verdict.why
    for found in verdict.evidence:
        unit = str(found.identity.get("unit", ""))
        text = text.replace(found.interval.shown(unit), possible.text(claim, found, unit))
        if found.other == found.config:
            sides = f"{test_set(claim.test)} minus {test_set(claim.over_test)}"
            text = text.replace(found.name, f"{sides}, both with {found.config},")
    return reason(page, text)


def config(paper: Paper, name: str) -> Markup:
    """The label of a config; next to it, muted, the name that commands take if it is another one."""
    label = paper.label(name)
    return join([label, *([tag("span", name, class_="repro-muted")] if label != name else [])], " ")


def test_set(name: str) -> str:
    """The name of a test set in a sentence.

    >>> test_set("small_gn")
    'small gn'
    """
    return name.replace("_", " ")
