"""Elements of a document, as pandoc reads them from JSON. A `Node` is a dictionary with type and content.

`text`, `code`, `link` and the like are within a paragraph; `para`, `table` and the like are blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from repro.errors import BadInput
from repro.export import INSTALL, needed
from repro.report.html.words import NARROW

Node = dict[str, Any]
Nodes = list[Node]

READ = "commonmark+pipe_tables+tex_math_dollars+definition_lists+footnotes+strikeout+smart+sourcepos"
PLAIN: tuple[str, list[Any], list[Any]] = ("", [], [])  # no id, no classes, no attributes
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "−0123456789")
LINE, GAP = 122, 3  # characters of a line of a table; between two columns
WHOLE = 24  # a cell with at most so many characters is not broken into lines


def convert(blocks: Sequence[Node], form: str) -> str:
    """The blocks in a format of pandoc, such as `typst` or `latex`."""
    document = {"pandoc-api-version": [1, 23, 1], "meta": {}, "blocks": list(blocks)}
    return _pandoc(json.dumps(document), form, "json")


def parse(text: str) -> Nodes:
    """Read Markdown. Each element has an attribute `data-pos` with its line."""
    return list(json.loads(_pandoc(text, "json", READ))["blocks"])


def _pandoc(text: str, form: str, source: str) -> str:
    """Convert a text. pandoc opens no file and starts no program. Raises BadInput if it is not installed."""
    pypandoc = needed("pypandoc")
    try:
        return str(pypandoc.convert_text(text, form, source, ["--wrap=preserve", "--sandbox"]))
    except OSError:
        raise BadInput("pandoc is not installed", expected=INSTALL) from None


def parts(one: Node) -> tuple[str, Any]:
    """The type of an element and its content, which is None if it has none, such as a space."""
    return one["t"], one.get("c")


def text(words: str) -> Nodes:
    """A text. Superscript digits become superscripts, because many fonts do not have them; apostrophes are curved."""
    curved = re.sub(r"(?<=\w)'", "’", words.replace(NARROW, "\N{NO-BREAK SPACE}"))
    pieces = re.split(r"([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", curved)
    found: Nodes = []
    for number, piece in enumerate(pieces):
        found += [_node("Superscript", [_node("Str", piece.translate(RAISED))])] if number % 2 else _words(piece)
    return found


def _words(piece: str) -> Iterator[Node]:
    for word in re.split(r"([ \n\t]+)", piece):
        if word:
            yield {"t": "Space"} if word.isspace() and "\N{NO-BREAK SPACE}" not in word else _node("Str", word)


def _node(kind: str, content: Any) -> Node:
    return {"t": kind, "c": content}


def code(words: str) -> Node:
    """Code within a line."""
    return _node("Code", [PLAIN, words])


def strong(inner: Nodes) -> Node:
    """Bold text."""
    return _node("Strong", inner)


def link(inner: Nodes, address: str) -> Node:
    """A link to a web address."""
    return _node("Link", [PLAIN, inner, [address, ""]])


def para(*inner: Node) -> Node:
    """A paragraph."""
    return _node("Para", list(inner))


def heading(level: int, words: str) -> Node:
    """A heading; level 1 is a section."""
    return _node("Header", [level, PLAIN, text(words)])


def block_of_code(words: str) -> Node:
    """A block of code."""
    return _node("CodeBlock", [PLAIN, words])


def bullets(items: Iterable[Nodes]) -> Node:
    """A list; each item is blocks."""
    return _node("BulletList", list(items))


def quote(blocks: Nodes) -> Node:
    """A block that is set apart."""
    return _node("BlockQuote", blocks)


def figure(address: str, caption: str) -> Node:
    """A picture with its caption. `address`: the file, as seen from the document."""
    image = _node("Image", [PLAIN, text(caption), [address, ""]])
    return _node("Figure", [PLAIN, [None, [_node("Plain", text(caption))]], [_node("Plain", [image])]])


def table(heads: Sequence[str], rows: Iterable[Sequence[Nodes]], caption: Nodes | None = None) -> Node:
    """A table; each cell is a part of a line."""
    cells = [list(row) for row in rows]
    made = [[[_node("Plain", cell)] for cell in row] for row in cells]
    head = [[_node("Plain", [strong(text(name))])] for name in heads]
    return grid(head, made, shares([[text(name) for name in heads], *cells]), caption)


def grid(
    head: Sequence[Nodes], rows: Sequence[Sequence[Nodes]], widths: Sequence[float], caption: Nodes | None = None
) -> Node:
    """A table whose cells are blocks."""
    columns = [[{"t": "AlignLeft"}, _node("ColWidth", width)] for width in widths]
    bodies = [[PLAIN, 0, [], [_row(row) for row in rows]]]
    above = [None, [_node("Plain", caption)] if caption else []]
    return _node("Table", [PLAIN, above, columns, [PLAIN, [_row(head)] if head else []], bodies, [PLAIN, []]])


def _row(cells: Sequence[Nodes]) -> list[Any]:
    return [PLAIN, [[PLAIN, {"t": "AlignDefault"}, 1, 1, blocks] for blocks in cells]]


def shares(rows: Sequence[Sequence[Nodes]]) -> list[float]:
    """The widths of the columns. Each has space for short cells and long words; the rest goes to long cells."""
    columns = [[said(_wide(cell)) for cell in column] for column in zip(*rows, strict=True)]
    words = [max((size for cell in column for size in _whole(cell)), default=0) + GAP for column in columns]
    longest = [max(map(len, column), default=0) + GAP for column in columns]
    rest = max(LINE - sum(words), 0)
    more = [max(cell - word, 0) ** 0.6 + 0.1 for cell, word in zip(longest, words, strict=True)]
    wanted = [word + rest * one / sum(more) for word, one in zip(words, more, strict=True)]
    return [round(one / sum(wanted), 4) for one in wanted]


def _wide(cell: Nodes) -> Nodes:
    """The cell with longer code: letters of code are a quarter wider than those of text."""
    return [code(re.sub(r"\S{4}", r"\g<0>m", one["c"][1])) if one["t"] == "Code" else one for one in cell]


def _whole(cell: str) -> list[int]:
    """The lengths of what should stay in one line: a short cell, or the words of a long one."""
    return [len(cell)] if len(cell) <= WHOLE else [len(word) for word in cell.split()]


def said(found: Any) -> str:
    """The text of nodes, without their markup."""
    if isinstance(found, dict):
        kind, content = parts(found)
        if kind in ("Str", "RawInline"):
            return str(content if kind == "Str" else content[1])
        if kind in ("Code", "Math", "CodeBlock"):
            return str(content[1])
        if kind in ("Space", "SoftBreak", "LineBreak"):
            return " "
        return said(content[1:] if kind in ("Link", "Image", "Span") else content)
    return "".join(map(said, found)) if isinstance(found, list) else ""
