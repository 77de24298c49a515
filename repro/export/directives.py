"""The directives of `report.md` in print. Those of the site that a page cannot print are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from repro.errors import BadInput
from repro.export import nodes, tables
from repro.export.nodes import Nodes
from repro.report import chosen, cite, entrants, metric_curve, quote, sentence
from repro.report.html.words import count
from repro.report.outcome import said
from repro.report.page import Page

if TYPE_CHECKING:
    from repro.export.myst import Directive, Text

BOXES = (
    "admonition",
    "attention",
    "caution",
    "danger",
    "error",
    "hint",
    "important",
    "note",
    "seealso",
    "tip",
    "warning",
)
SECTIONS: dict[str, Callable[[Page], Nodes]] = {
    "abstract": lambda page: [nodes.para(*nodes.text(page.paper.abstract))],
    "bibtex": lambda page: [nodes.block_of_code(cite.entry(page.paper))],
    "cite": lambda page: [nodes.para(*citation(page))],
    "claims": lambda page: tables.claims(page, page.verdicts),
    "ledger": tables.causes,
    "outcome": lambda page: [nodes.para(*nodes.text(outcome(page)))],
}
ON_SITE = frozenset({
    *("answer", "basis", "behaviours", "commands", "confusion", "curves", "disagreements", "examples", "facts"),
    "figure-claims",
    *("headlines", "implementation", "origin", "people", "reviews", "rot", "sweeps"),
})  # fmt: skip
"""Directives of a paper's page that are not for print."""
PRINTED = (*SECTIONS, *BOXES, "claim", "code-block", "leaderboard", "list-table", "math", "metric-curve", "table")


def outcome(page: Page) -> str:
    """What came out, and the number of claims for each verdict, as sentences."""
    words = f"{sentence.plain(page, page.paper.outcome)} " if page.paper.outcome else ""
    whole = count(len(chosen.theirs(page.verdicts)), "claim")
    return f"{words}Of {whole}: {said(page.verdicts)}."


def citation(page: Page) -> Nodes:
    """The paper's authors, title, venue and address."""
    paper = page.paper
    words = [*nodes.text(f"{', '.join(paper.authors)}. "), {"t": "Emph", "c": nodes.text(paper.title)}]
    words += nodes.text(f". {cite.venue(paper)}.")
    return [*words, {"t": "Space"}, nodes.link(nodes.text(paper.url), paper.url)] if paper.url else words


def printed(text: Text, one: Directive) -> Nodes:
    """A directive as blocks. Raises BadInput with file and line if it cannot be printed."""
    try:
        return _printed(text, one)
    except BadInput as error:
        raise error if error.where else text.fault(error.what, one.line, error.expected) from None


def _printed(text: Text, one: Directive) -> Nodes:
    if one.name in SECTIONS:
        return SECTIONS[one.name](text.whose(one.argument))
    if one.name in BOXES:
        lead = nodes.para(nodes.strong(nodes.text(one.argument or one.name.capitalize())))
        return [nodes.quote([lead, *text.part(one)])]
    if one.name == "code-block":
        return [nodes.block_of_code(one.content)]
    if one.name == "math":
        return [nodes.para({"t": "Math", "c": [{"t": "DisplayMath"}, one.content]})]
    if one.name in GATHERED:
        return GATHERED[one.name](text, one)
    if one.name == "claim":
        paper, _, name = one.argument.rpartition("/")
        page = text.whose(paper)
        return tables.claims(page, [quote.verdict_of(page, name)])
    if one.name == "table":
        return text.part(one)
    if one.name == "list-table":
        return [_list_table(text, one)]
    what = f"the directive '{one.name}' cannot be printed"
    if one.name not in ON_SITE:
        raise text.fault(what, one.line, given=one.name, known=PRINTED)
    raise text.fault(what, one.line, "another one, or the site: repro report")


def _board(text: Text, one: Directive) -> Nodes:
    given = one.options
    configs = given.get("configs", "").split()
    return tables.board(
        entrants.gather(text.whose(one.argument), configs, given.get("metric", ""), given.get("test", "test"))
    )


def _curve(text: Text, one: Directive) -> Nodes:
    given = {"metric": "", "test": "test", **one.options}
    configs = given.pop("configs", "").split()
    return tables.curve(metric_curve.gather(text.whose(one.argument), configs, **given))


GATHERED: dict[str, Callable[[Text, Directive], Nodes]] = {"leaderboard": _board, "metric-curve": _curve}


def _list_table(text: Text, one: Directive) -> nodes.Node:
    """A table written as a list of lists; the first `header-rows` rows are its head."""
    found = text.part(one)
    if len(found) != 1 or found[0]["t"] != "BulletList":
        raise text.fault("the content of the list-table is not one list", one.line)
    rows = [row[0]["c"] for row in found[0]["c"] if len(row) == 1 and row[0]["t"] == "BulletList"]
    if len(rows) != len(found[0]["c"]) or len({len(row) for row in rows}) != 1:
        raise text.fault("the rows of the list-table have different lengths", one.line)
    head = rows.pop(0) if one.options.get("header-rows", "0") != "0" else []
    return nodes.grid(head, rows, nodes.shares([*([head] if head else []), *rows]))
