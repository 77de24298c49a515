"""Gives each paragraph of a report that explains a claim an id, so that the claim can link to it."""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx

from repro.report import explained, page
from repro.report.sphinx import changes


def mark(app: Sphinx, document: nodes.document) -> None:
    """Add the ids to a paper's page. A claim that no paragraph names has its id at the heading of the section."""
    folder, _, name = app.env.docname.partition("/")
    if folder != "papers" or name not in changes.folders():
        return
    shown = page.read(name)
    missing = set(explained.sentences(shown))
    for section in _sections(document):
        for block in section.findall(nodes.paragraph):
            for claim in missing & set(explained.named(shown, block.astext())):
                block["ids"].append(explained.anchor(claim))
                missing.discard(claim)
        section["ids"] += [explained.anchor(claim) for claim in sorted(missing)]
        return


def _sections(document: nodes.document) -> Iterator[nodes.section]:
    for section in document.findall(nodes.section):
        if explained.WHY.search(section[0].astext()):
            yield section
