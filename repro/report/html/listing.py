"""The page of one text file: numbered lines in colour, links to what a config names, and the way back.

`files.css` and `files.js` have its style, the theme that the reader chose on the site, and the copy button.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from repro.report.html.markup import Markup, escape, join, link, numbered, tag

TEXTS = {".py": "python", ".gin": "gin", ".toml": "toml", ".md": "text"}
SIMPLE = re.compile(r"""("[^"\n]*"|'[^'\n]*'|\#.*)""")
GIN = re.compile(r"""("[^"\n]*"|'[^'\n]*'|\#.*|@[\w./-]+)""")
INCLUDE = re.compile(r"include\s")


@dataclass(frozen=True)
class Place:
    """Where a page is: its path from the root of the site, and what a reader can go to.

    `title` is the path of the file in the repository. `back` is the name and the address of the page that it belongs
    to; `parts` has the address of each part by its name in a config, `includes` that of each config in the same
    folder. All addresses are relative to this page.
    """

    title: str
    root: str
    back: tuple[str, str]
    parts: Mapping[str, str] = field(default_factory=dict)
    includes: Mapping[str, str] = field(default_factory=dict)


def listing(text: str, suffix: str, place: Place) -> str:
    """An HTML page of numbered lines, each with the id `L<number>`."""
    name = place.title.rpartition("/")[2]
    home, (told, back) = f"{place.root}index.html", place.back
    way = [link("Home", home), link(told, back), tag("span", name, aria_current="page")]
    nav = tag("nav", join(way, " / "), aria_label="The way back")
    uses = [link("the records of the configs", f"{back}#where-the-numbers-come-from")] if suffix == ".gin" else []
    tools = tag("p", *uses, link("download", name, download=True), class_="tools")
    code = tag("pre", numbered(coloured(text, TEXTS[suffix], place).splitlines()), tabindex="0")
    body = tag("body", tag("header", nav, tools), tag("main", tag("h1", place.title), code))
    return f'<!doctype html>\n<html lang="en">{_head(place)}\n{body}</html>\n'


def _head(place: Place) -> Markup:
    static = f"{place.root}_static"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width"),
        tag("title", place.title),
        tag("link", rel="icon", href=f"{static}/favicon.svg"),
        tag("link", rel="stylesheet", href=f"{static}/files.css"),
        tag("script", src=f"{static}/files.js"),  # it sets the theme, so it comes before the text
    )


def coloured(text: str, language: str, place: Place) -> Markup:
    """The text with colours; of a config also with links."""
    if language == "python":
        return _python(text)
    if language == "gin":
        return join((join(_config(line, place)) for line in text.splitlines()), "\n")
    return escape(text) if language == "text" else _plain(text)


def _config(line: str, place: Place) -> Iterator[str]:
    """The pieces of a line of a config: an include and a part are links."""
    for number, piece in enumerate(GIN.split(line)):
        if number % 2 == 0:
            yield piece
        elif piece[0] == "@":
            yield link(piece, place.parts.get(piece[1:].rpartition("/")[2], ""))
        else:
            href = place.includes.get(piece[1:-1], "") if INCLUDE.match(line) else ""
            yield link(tag("span", piece, class_="c" if piece[0] == "#" else "s"), href)


def _python(text: str) -> Markup:
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
    from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

    return Markup(highlight(text, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)))


def _plain(text: str) -> Markup:
    """Colour strings and comments of a TOML file. A regex is faster than pygments for thousands of files."""
    pieces = SIMPLE.split(text)
    return join(
        tag("span", piece, class_="c" if piece[0] == "#" else "s") if n % 2 else piece for n, piece in enumerate(pieces)
    )
