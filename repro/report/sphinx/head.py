"""The head of each page: its title and description, for search engines and previews of links."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from repro.report import page, sentence
from repro.report.html.markup import tag
from repro.report.sphinx.directives import names
from repro.report.sphinx.search import words

END = re.compile(r"(?<=[.?!])(?<!e\.g\.)(?<!i\.e\.)\s+")
ENOUGH = 60  # characters: a shorter sentence says too little alone
LONG = 300  # characters: search engines and previews show fewer


def add_to(app: Sphinx) -> None:
    """Connect the function that adds to each page's head."""
    app.connect("html-page-context", describe)


def describe(app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Add the description and what previews show. Pages that Sphinx makes, such as the search, have none."""
    if doctree is None:
        return
    title = words(str(context.get("title", "")))
    about = description(app, name, doctree) or title
    told = {"og:title": title, "og:type": "article", "og:site_name": app.config.html_title, "og:description": about}
    pieces = [tag("meta", name_="description", content=about)]
    pieces += [tag("meta", property=key, content=text) for key, text in told.items()]
    context["metatags"] += "".join(pieces)


def description(app: Sphinx, name: str, doctree: nodes.document) -> str:
    """For a paper, what came out; for another page, its first sentence; "" if it has none."""
    folder, _, paper = name.partition("/")
    if folder == "papers" and paper in names(app):
        shown = page.read(paper)
        return sentence.plain(shown, shown.paper.outcome) or shown.paper.summary
    texts = (one.astext().strip() for one in doctree.findall(nodes.paragraph) if not _within(one))
    return opening(next((text for text in texts if not text.endswith(":")), ""))


def opening(text: str) -> str:
    """The first sentence, on one line; with the next one if it is short.

    >>> opening("A record is JSON. It contains the numbers, and all that is\\nneeded to repeat the run. It is small.")
    'A record is JSON. It contains the numbers, and all that is needed to repeat the run.'
    """
    short = ""
    for piece in END.split(" ".join(text.split())):
        if len(short) < ENOUGH:
            short = f"{short} {piece}".strip()
    return short if len(short) <= LONG else short[:LONG].rpartition(" ")[0] + " …"


def _within(node: nodes.Element) -> bool:
    """Whether a paragraph is part of something else: a list, a table or a note."""
    return not isinstance(node.parent, nodes.document | nodes.section)
