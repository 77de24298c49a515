"""The roles that print numbers and verdicts in a sentence.

    {record}`demo-seed0:unseen:SISDRImprovement`    a number of a record
    {claim}`abstract.sdr`                           our number for a claim
    {stated}`abstract.sdr`                          the paper's number
    {verdict}`abstract.sdr`                         the verdict

In a paper's folder and on its page, the role refers to that paper; elsewhere you must name the paper
(`{claim}`PAPER/abstract.sdr``). A stale or missing number is marked on the page and is a warning; with `-W`, the
build fails.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from repro.errors import BadInput
from repro.report import page, quote, sentence
from repro.report.html.markup import Markup
from repro.report.page import Page
from repro.report.sphinx import changes, search
from repro.report.sphinx.changes import note

log = logging.getLogger(__name__)


def add_to(app: Sphinx) -> None:
    """Register the roles."""
    for name, look in quote.LOOKS.items():
        app.add_role(name, Number(look))


def to_root(document: str) -> str:
    """The relative address of the site's root, as seen from a document."""
    return "../" * document.count("/")


def here(source: str, document: str) -> str:
    """The name of the paper that a text belongs to, by its folder or by its page; empty if none."""
    folder = Path(source).parent if source else Path()
    if (folder / "paper.toml").is_file():
        return folder.name
    return document.removeprefix("papers/") if document.startswith("papers/") else ""


def named(text: str, source: str, env: Any, asker: str, root: str) -> tuple[Page, str]:
    """The page and the name that `PAPER/NAME` or `NAME` refers to.

    Without `PAPER`, it is the paper that the text belongs to. Raises BadInput if there is none.
    """
    name, slash, rest = text.partition("/")
    if not slash:
        name, rest = here(source, env.docname), text
    if not name:
        raise BadInput(f"which paper? write {{{asker}}}`PAPER/{text}`")
    note(env, f"paper {name}")
    return page.read(name, root), rest


class Number(SphinxRole):
    """A number in a sentence, with a link to its origin."""

    def __init__(self, look: Callable[[Page, str], quote.Quote]) -> None:
        super().__init__()
        self.look = look

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        try:
            found = self._look()
        except BadInput as error:
            found = sentence.missing(self.text, error)
        if found.fault:
            note(self.env, changes.FAULT)
            log.warning("%s", found.fault, location=self.get_location(), type="repro")
        return [raw(sentence.number(found))], []

    def _look(self) -> quote.Quote:
        source, root = self.get_source_info()[0], to_root(self.env.docname)
        return self.look(*named(self.text, source, self.env, self.name, root))


def raw(html: Markup) -> nodes.raw:
    """A node that Sphinx writes into the page as it is. The search index has its visible words."""
    return search.Html("", str(html), format="html")
