"""A sentence with roles, such as the `outcome` of paper.toml, as plain text and as HTML.

    LeNet-5 reproduces: {claim}`table.lenet5` against {stated}`table.lenet5`.

`repro.report.quote` has the roles. A role without `PAPER/` refers to the paper of the page. A number that is missing or
stale is marked, as in a report; `faults` lists these numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repro.errors import BadInput, nearest
from repro.report.html.markup import Markup, inline, join, link, tag
from repro.report.outcome import badge
from repro.report.page import Page, read
from repro.report.quote import LOOKS, Quote

ROLE = re.compile(r"\{(?P<role>[\w-]+)\}`(?P<name>[^`]+)`")


def plain(page: Page, text: str) -> str:
    """`text` without markup: each role is replaced by its number, and `code` by its name."""
    return "".join(_text(piece).replace("`", "") for piece in _pieces(page, text)).strip()


def html(page: Page, text: str) -> Markup:
    """`text` as HTML: each role is a link to the origin of its number."""
    return join(inline(piece) if isinstance(piece, str) else number(piece) for piece in _pieces(page, text))


def faults(page: Page, text: str) -> list[str]:
    """Why numbers of `text` cannot be trusted: a role or a name that does not exist, or a stale record."""
    return [piece.fault for piece in _pieces(page, text) if isinstance(piece, Quote) and piece.fault]


def number(found: Quote) -> Markup:
    """A number or a verdict with its link. What cannot be trusted is marked."""
    if found.outcome:
        return tag("a", badge(found.outcome), href=found.href, title=found.fault or None, class_="repro-number")
    if not found.fault:
        return link(found.text, found.href, class_="repro-number")
    return tag("span", _text(found), class_="repro-fault", title=found.fault)


def missing(name: str, error: BadInput) -> Quote:
    """The quotation of a number that does not exist."""
    return Quote(f"missing: {name}", fault=str(error))


def _text(piece: str | Quote) -> str:
    if isinstance(piece, str):
        return piece
    marked = piece.fault and not piece.outcome and not piece.text.startswith("missing: ")
    return f"stale: {piece.text}" if marked else piece.text


def _pieces(page: Page, text: str) -> Iterator[str | Quote]:
    """The texts between the roles, on one line, and what each role prints."""
    start, text = 0, re.sub(r"\s+", " ", text)
    for hit in ROLE.finditer(text):
        yield text[start : hit.start()]
        yield _look(page, hit["role"], hit["name"])
        start = hit.end()
    yield text[start:].rstrip()


def _look(page: Page, role: str, text: str) -> Quote:
    other, slash, rest = text.partition("/")
    try:
        if role not in LOOKS:
            raise BadInput(f"no role '{role}'{nearest(role, LOOKS)}")
        return LOOKS[role](read(other, page.root) if slash else page, rest if slash else text)
    except BadInput as error:
        return missing(text, error)
