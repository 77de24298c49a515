"""The directives of the landing page: the papers by kind, in cards, in the sidebar and in one table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst.directives import unchanged_required
from sphinx.application import Sphinx
from sphinx.util import logging

from repro.report import comparison, features, page, repository, sentence
from repro.report import papers as cards
from repro.report.page import Page
from repro.report.sphinx import changes
from repro.report.sphinx.changes import note
from repro.report.sphinx.directives import Printed, names
from repro.report.sphinx.roles import raw

log = logging.getLogger(__name__)


def add_to(app: Sphinx) -> None:
    """Register the directives."""
    for name, directive in known().items():
        app.add_directive(name, directive)


def known() -> dict[str, type[Printed]]:
    """The directives by name."""
    return {"papers": Cards, "comparison": Comparison, "sidebar": Sidebar, "features": Scores, "begin": Begin}


def pages(asked: Printed) -> list[Page]:
    """All papers of the site. With a kind as the argument of the directive, only those of that kind."""
    shown = names(asked.env.app)
    note(asked.env, "papers", *(f"paper {name}" for name in shown))
    found = [page.read(name, asked.root) for name in shown]
    return cards.of_kind(found, asked.arguments[0]) if asked.arguments else found


class Cards(Printed):
    """A card per paper."""

    def made(self) -> Iterator[nodes.Node]:
        shown = pages(self)
        note(self.env, *(["today"] if any(one.trials for one in shown) else []))
        for one in shown:
            for fault in sentence.faults(one, one.paper.outcome):
                note(self.env, changes.FAULT)
                log.warning("outcome of %s: %s", one.name, fault, location=self.get_location(), type="repro")
        yield raw(cards.papers(shown, self.root))


class Begin(Printed):
    """How a newcomer gets and installs the project."""

    optional_arguments = 0

    def made(self) -> Iterator[nodes.Node]:
        yield raw(repository.begin(repository.Site(self.config.repro_repository, self.config.repro_home)))


class Comparison(Printed):
    """The table that compares the papers of one kind."""

    required_arguments, optional_arguments = 1, 0

    def made(self) -> Iterator[nodes.Node]:
        note(self.env, "parts")
        yield raw(comparison.comparison(pages(self), self.root))


class Sidebar(Printed):
    """A part of the sidebar: a hidden toctree of the papers of one kind. Without such papers, there is none."""

    required_arguments, optional_arguments = 1, 0
    option_spec: ClassVar = {"caption": unchanged_required}

    def made(self) -> Iterator[nodes.Node]:
        places = [f"papers/{one.name}" for one in pages(self)]
        caption = self.options.get("caption", self.arguments[0].capitalize())
        head = ["```{toctree}", ":hidden:", f":caption: {caption}", ":maxdepth: 1", ""]
        yield from self.parse_text_to_nodes("\n".join([*head, *places, "```"])) if places else []


class Scores(Printed):
    """The features of a study of reproducibility, and the papers of this site.

    The argument is the paper of that study. Each line of the content, `feature: table`, names one of its tables.
    """

    required_arguments, optional_arguments, has_content = 1, 0, True

    def made(self) -> Iterator[nodes.Node]:
        shown, study = names(self.env.app), self.arguments[0]
        note(self.env, "papers", *(f"paper {name}" for name in (*shown, study)))
        there = features.study(page.read(study, self.root), self.content)
        yield raw(features.features([page.read(name, self.root) for name in shown], there))
