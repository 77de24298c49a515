"""HTML and SVG elements. Text and attributes are always escaped, so that a paper's files cannot inject markup."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from textwrap import indent
from typing import Any

from markupsafe import Markup as Markup
from markupsafe import escape as escape

EXAMPLE = re.compile(r"(?m)^>>> .*(?:\n.+)*")  # a doctest, up to the next blank line
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})

Attribute = str | float | bool | None


def tag(name: str, *children: str, **attributes: Attribute) -> Markup:
    """`<name attributes>children</name>`, also valid as XML. A child that is not `Markup` is escaped.

    An attribute `class_` becomes class, and `stroke_width` becomes stroke-width. None or False omits an attribute.

    >>> print(tag("p", "1 < 2", class_="note"))
    <p class="note">1 &lt; 2</p>
    """
    given = "".join([_attribute(key, value) for key, value in attributes.items()])
    if name in VOID:
        return Markup(f"<{name}{given} />")
    return Markup(f"<{name}{given}>{''.join(map(escape, children))}</{name}>")


def row(*cells: str, first: Markup | None = None, **attributes: Attribute) -> Markup:
    """A row of a table: `first`, then the cells. Faster than `tag` per cell, because there may be thousands of rows."""
    inner = "".join([f"<td>{escape(cell)}</td>" for cell in cells])
    return tag("tr", Markup(f"{first or ''}{inner}"), **attributes)


def join(children: Iterable[str], between: str = "") -> Markup:
    """The children, joined by `between`. Each is escaped unless it is `Markup`."""
    return Markup(str.join(escape(between), map(escape, children)))


def link(text: str, href: str, **attributes: Attribute) -> Markup:
    """A link; plain text if `href` is empty."""
    return tag("a", text, href=href, **attributes) if href else escape(text)


def inline(text: str) -> Markup:
    """`text`, with the parts between backticks as code."""
    pieces = re.split(r"`+([^`]+)`+", text)
    return join(tag("code", piece) if number % 2 else piece for number, piece in enumerate(pieces))


def markdown(text: str) -> Markup:
    """A docstring as HTML: paragraphs, lists, indented blocks and examples (`>>>`).

    Headings, pictures and HTML in it remain text.
    """
    return Markup(_reader().render(EXAMPLE.sub(lambda hit: "\n" + indent(hit[0], "    "), text)))


@functools.cache
def _reader() -> Any:
    from markdown_it import MarkdownIt

    rules = ["heading", "lheading", "hr", "image", "autolink", "html_block", "html_inline", "reference"]
    return MarkdownIt("commonmark", {"html": False}).disable(rules)


def unbroken(text: str) -> Markup:
    """A number with its interval. A line may break before a bracket or parenthesis, but not after it.

    >>> print(unbroken("5.9 [5.5, 6.3] dB"))
    5.9 <span class="repro-interval">[5.5, 6.3] dB</span>
    """
    mean, *rest = re.split(r"(?=[\[(])", text, maxsplit=1)
    return join([mean, *(tag("span", one, class_="repro-interval") for one in rest)])


def outside(url: str) -> str:
    """`url` if it is http or https; empty for other schemes such as `javascript:`."""
    return url if url.startswith(("https://", "http://")) else ""


def picture(title: str, words: str, *children: str, **attributes: Attribute) -> Markup:
    """An SVG with a title and a description in words, for screen readers."""
    return tag(
        "svg",
        tag("title", title),
        tag("desc", words),
        *children,
        role="img",
        xmlns="http://www.w3.org/2000/svg",
        **attributes,
    )


def box(*children: str, label: str) -> Markup:
    """A box that scrolls sideways, so that the page does not. The keyboard can focus it."""
    return tag("div", *children, class_="repro-box", tabindex="0", role="region", aria_label=label)


def worded(kind: str, heads: Sequence[str], rows: Iterable[str], label: str) -> Markup:
    """A table that a narrow screen shows as blocks. Each `td` of `rows` has its column head as `data-label`.

    ARIA roles mark it as a table, because browsers drop that meaning if the style sheet shows cells as blocks.
    """
    head = tag("tr", *(tag("th", name, scope="col", role="columnheader") for name in heads), role="row")
    body = [tag("thead", head, role="rowgroup"), tag("tbody", *rows, role="rowgroup")]
    return box(tag("table", *body, class_=f"repro-blocks {kind}", role="table"), label=label)


def entry(name: str, heads: Sequence[str], cells: Sequence[str]) -> Markup:
    """A row of a `worded` table: its name, and one cell for each of `heads[1:]`."""
    pairs = zip(heads[1:], cells, strict=True)
    given = [tag("td", tag("div", cell), data_label=head, role="cell") for head, cell in pairs]
    return tag("tr", tag("th", name, scope="row", role="rowheader"), *given, role="row")


def copyable(text: str) -> Markup:
    """A command with a copy button (`repro.js` adds it). Options such as `--seed` are not broken across lines."""
    return tag("pre", command(text), class_="repro-command")


def command(text: str) -> Markup:
    """A command in one line of code. An option such as `--seeds 3` is not broken across lines."""
    pieces = re.split(r"(?<=\s)(--[\w-]+(?: \d+)?)", text)
    return tag("code", *(tag("span", piece, class_="option") if n % 2 else piece for n, piece in enumerate(pieces)))


def numbered(lines: Iterable[str]) -> Markup:
    """Lines of code with their numbers, each with the id `L<number>`."""
    rows = [f'<span id="L{n}"><a href="#L{n}">{n}</a>{escape(line)}</span>' for n, line in enumerate(lines, 1)]
    return Markup("\n".join(rows))


def fold(summary: str, *children: str, **attributes: Attribute) -> Markup:
    """A fold: the summary is visible, a click shows the children."""
    return tag("details", tag("summary", summary), *children, **attributes)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    return f' {_name(key)}="{"" if value is True else escape(_short(value))}"'


@functools.cache
def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _short(value: str | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
