"""The sections of a paper's page, by the name of the directive that prints each."""

from __future__ import annotations

from collections.abc import Callable

from repro.report import (
    answer,
    behaviours,
    cite,
    claims,
    commands,
    confusion,
    curves,
    disagreements,
    examples,
    figure,
    implementation,
    origin,
    outcome,
    people,
    reviews,
    rot,
    suspected_causes,
    sweeps,
)
from repro.report.html.markup import Markup
from repro.report.page import Page

SECTIONS: dict[str, Callable[[Page], Markup]] = {
    "cite": lambda shown: cite.line(shown),
    "bibtex": cite.bibtex,
    "answer": answer.answer,
    "outcome": outcome.outcome,
    "basis": answer.basis_of,
    "headlines": answer.headlines,
    "facts": outcome.facts,
    "disagreements": disagreements.disagreements,
    "figure-claims": figure.figure,
    "abstract": lambda shown: cite.abstract(shown.paper),
    "claims": claims.claims,
    "ledger": suspected_causes.section,
    "confusion": confusion.section,
    "curves": curves.curves,
    "examples": examples.examples,
    "behaviours": behaviours.section,
    "sweeps": sweeps.section,
    "commands": commands.commands,
    "rot": rot.section,
    "reviews": reviews.section,
    "people": people.section,
    "implementation": implementation.implementation,
    "origin": origin.origin,
}

AGING = frozenset({"facts", "rot"})  # these print how many days ago something was

SEARCHED = frozenset({"abstract", "cite", "claims", "implementation"})  # these are in the search index
