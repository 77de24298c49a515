"""Reads a group's text (`report.md`, `tips.md`) for print: its roles and directives become numbers and tables.

A role or directive that cannot be printed, HTML, and a link that leads nowhere end the export with file and line:
nothing is left out silently. A stale number is printed with the word `stale`, and a message names it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from repro.errors import BadInput, where
from repro.export import nodes
from repro.export.nodes import Node, Nodes
from repro.report import page as pages
from repro.report import prose, quote
from repro.report.html.words import POWER, power
from repro.report.page import Page

log = logging.getLogger("repro")

NUMBERS = {"record": quote.measured, "claim": quote.judged, "stated": quote.stated, "verdict": quote.decided}
NAMED = ("abbr", "doc", "kbd", "ref", "term")  # roles of which the words are printed
ROLES = (*NUMBERS, *NAMED, "math", "sub", "sup")
ROLE = re.compile(r"\{([\w:-]+)\}$")
TITLED = re.compile(r"(.*?)\s*<[^<>]+>", re.DOTALL)  # `words <target>`
FENCE = re.compile(r"(?:`{3,}|~{3,})\s*\{([\w:-]+)\}\s*(.*)")
UNSEEN = re.compile(r"%|\+\+\+|\([\w.:-]+\)=\s*$")  # MyST's comments, breaks between blocks and targets of links
OPTION = re.compile(r":([\w-]+):\s*(.*)")
PICTURES = (".png", ".jpg")
NESTED = {"Emph", "Strong", "Strikeout", "Underline", "Superscript", "Subscript", "SmallCaps"}


@dataclass(frozen=True)
class Directive:
    """A directive in a text. `line` is the line where it begins, `below` the line where its content begins."""

    name: str
    argument: str
    options: dict[str, str]
    content: str
    line: int
    below: int


@dataclass
class Text:
    """A text that is being read. `level` is the level of its top headings; `pictures` are the files that it shows."""

    page: Page
    path: Path
    level: int = 1
    pictures: list[Path] = field(default_factory=list)
    first: int = 0  # the line before the first one, if the text is a part of a file
    lines: list[str] = field(default_factory=list)

    def blocks(self) -> Nodes:
        """The whole text as blocks. Raises BadInput with file and line for what cannot be printed."""
        lines = prose.read(self.path)
        start = next((number for number, line in enumerate(lines) if line.strip()), 0)
        if lines[start:] and lines[start].startswith("# "):
            lines[start] = ""  # the title of the article is another one
        return self.read(lines)

    def read(self, lines: list[str]) -> Nodes:
        """These lines as blocks."""
        shown = zip(lines, prose.told(lines), strict=True)
        self.lines = ["" if plain and UNSEEN.match(line) else line for line, plain in shown]
        found = nodes.parse("\n".join(self.lines))
        levels = [one["c"][0] for one in found if one["t"] == "Header"]
        return list(self._blocks(found, self.level - min(levels, default=self.level)))

    def fault(self, what: str, line: int, expected: str = "", **more: Any) -> BadInput:
        """A fault in this text."""
        return BadInput(what, f"{where(self.path)}:{self.first + line}", expected=expected, **more)

    def _blocks(self, found: Iterable[Node], deeper: int, line: int = 1) -> Iterator[Node]:
        for one in found:
            kind, content = nodes.parts(one)
            line = _line(one, line)
            if kind == "Div":
                yield from self._blocks(content[1], deeper, line)
            elif kind == "Header":
                level = max(content[0] + deeper, 1)
                yield {"t": kind, "c": [level, nodes.PLAIN, self._inlines(content[2], line)]}
            elif kind in ("Para", "Plain"):
                yield {"t": kind, "c": self._paragraph(content, line)}
            elif kind == "Table":
                yield self._table(content, line)
            elif kind == "CodeBlock":
                yield from self._code(content, line)
            elif kind == "HorizontalRule":
                yield one
            else:
                yield self._nested(kind, content, deeper, line)

    def _nested(self, kind: str, content: Any, deeper: int, line: int) -> Node:
        """A block that contains blocks."""

        def read(inner: Nodes) -> Nodes:
            return list(self._blocks(inner, deeper, line))

        if kind == "BulletList":
            return nodes.bullets(map(read, content))
        if kind == "OrderedList":
            return {"t": kind, "c": [content[0], list(map(read, content[1]))]}
        if kind == "DefinitionList":
            return {"t": kind, "c": [[self._inlines(term, line), list(map(read, said))] for term, said in content]}
        if kind == "BlockQuote":
            return nodes.quote(read(content))
        raise self.fault(f"{'HTML' if kind == 'RawBlock' else kind} cannot be printed", line)

    def _paragraph(self, content: Nodes, line: int) -> Nodes:
        found = self._inlines(content, line)
        if nodes.said(found[:1]).startswith(":::"):
            raise self.fault("a directive between colons cannot be printed", line, "a directive between ```")
        return found

    def _table(self, content: Any, line: int) -> Node:
        """A table with its roles resolved, and with widths for its columns."""
        head = [self._cell(cell, line) for row in content[3][1] for cell in row[1]]
        rows = [[self._cell(cell, line) for cell in row[1]] for body in content[4] for row in body[3]]
        made = [[[{"t": "Plain", "c": cell}] for cell in row] for row in rows]
        bold = [[{"t": "Plain", "c": [nodes.strong(cell)] if cell else []}] for cell in head]
        return nodes.grid(bold, made, nodes.shares([head, *rows]))

    def _cell(self, cell: Any, line: int) -> Nodes:
        return [one for block in cell[4] for one in self._inlines(block["c"], line)]

    def _code(self, content: Any, line: int) -> Iterator[Node]:
        hit = FENCE.search(self.lines[line - 1])
        if hit is None:
            yield nodes.block_of_code(content[1])
            return
        yield from self._directive(_directive(hit, content[1], line))

    def _directive(self, one: Directive) -> Nodes:
        from repro.export import directives

        return directives.printed(self, one)

    def _inlines(self, found: Iterable[Node], line: int) -> Nodes:
        """Nodes within a paragraph: roles become numbers, powers are typeset, links to files become text."""
        made: Nodes = []
        for one, at in _flat(found, line):
            kind, content = nodes.parts(one)
            role = ROLE.search(made[-1]["c"]) if kind == "Code" and made and made[-1]["t"] == "Str" else None
            if role:
                made[-1]["c"] = made[-1]["c"][: role.start()]
                made += self._role(role[1], content[1], at)
            elif kind == "Str" and made and made[-1]["t"] == "Str":
                made[-1]["c"] += content
            else:
                made += self._inline(one, at)
        return [piece for one in made for piece in (_typeset(one) if one["t"] == "Str" else [one])]

    def _inline(self, one: Node, line: int) -> Nodes:
        kind, content = nodes.parts(one)
        if kind in NESTED:
            return [{"t": kind, "c": self._inlines(content, line)}]
        if kind == "Quoted":
            return [{"t": kind, "c": [content[0], self._inlines(content[1], line)]}]
        if kind == "Str":
            return [{"t": kind, "c": content}]
        if kind == "Code":
            return [nodes.code(content[1])]
        if kind == "Link":
            return self._link(self._inlines(content[1], line), content[2][0], line)
        if kind == "Note":
            return [{"t": kind, "c": list(self._blocks(content, 0, line))}]
        if kind == "Image":
            return [self._picture(content, line)]
        if kind in ("Space", "SoftBreak", "LineBreak", "Math"):
            return [one]
        raise self.fault(f"{'HTML' if kind == 'RawInline' else kind} cannot be printed", line)

    def _link(self, inner: Nodes, target: str, line: int) -> Nodes:
        """A link to the web; a link to a file becomes its text."""
        if prose.WEB.match(target) and not target.startswith("#"):
            return [nodes.link(inner, target)]
        path = self.path.parent / target.partition("#")[0]
        if prose.SCHEME.match(target) or not path.exists():
            raise self.fault(f"a link to '{target}'", line, "https: or a file of the paper")
        return inner

    def _picture(self, content: Any, line: int) -> Node:
        """A picture of the paper's folder; the export copies it to `figures/`."""
        path = (self.path.parent / content[2][0]).resolve()
        home = self.page.paper.folder.resolve()
        if not path.is_file() or not path.is_relative_to(home) or path.suffix not in PICTURES:
            raise self.fault(f"the picture '{content[2][0]}'", line, f"a file of the paper: {', '.join(PICTURES)}")
        if path not in self.pictures:
            self.pictures.append(path)
        address = f"figures/{copied(self.page, path)}"
        return {"t": "Image", "c": [nodes.PLAIN, self._inlines(content[1], line), [address, ""]]}

    def _role(self, name: str, words: str, line: int) -> Nodes:
        if name in NUMBERS:
            return self._number(name, words, line)
        if name == "math":
            return [{"t": "Math", "c": [{"t": "InlineMath"}, words]}]
        if name in ("sub", "sup"):
            return [{"t": "Subscript" if name == "sub" else "Superscript", "c": nodes.text(words)}]
        if name in NAMED:
            hit = TITLED.fullmatch(words)
            return nodes.text(hit[1] if hit and name != "abbr" else words)
        raise self.fault(f"the role '{name}' cannot be printed", line, given=name, known=ROLES)

    def _number(self, name: str, words: str, line: int) -> Nodes:
        """A number of a record or of `paper.toml`, by the function that makes it for the page."""
        paper, slash, rest = words.partition("/")
        try:
            found = NUMBERS[name](self.whose(paper) if slash else self.page, rest if slash else words)
        except BadInput as error:
            raise error.at(f"{where(self.path)}:{self.first + line}") from None
        if found.fault:
            log.warning("%s:%d: %s", where(self.path), self.first + line, found.fault)
        return nodes.text(f"{found.text} (stale)" if found.fault else found.text)

    def whose(self, name: str) -> Page:
        """The page of the paper with this name; this text's own if the name is empty."""
        return pages.read(name) if name and name != self.page.name else self.page

    def part(self, one: Directive) -> Nodes:
        """The content of a directive as blocks."""
        return replace(self, first=self.first + one.below - 1).read(one.content.splitlines())


def copied(page: Page, path: Path) -> str:
    """The name of a picture's copy; the folders are part of it, because two of them may have the same name."""
    return "-".join(path.relative_to(page.paper.folder.resolve()).parts)


def _line(one: Node, before: int) -> int:
    """The line of an element, from its attributes; `before` if it has none."""
    content = one.get("c")
    attributes = {"Div": 0, "Header": 1, "CodeBlock": 0, "Code": 0, "Table": 0, "Span": 0, "Link": 0}.get(one["t"])
    if attributes is None or not isinstance(content, list):
        return before
    place = dict(content[attributes][2]).get("data-pos", "")
    numbers = [int(hit) for hit in re.findall(r"(?:^|;)(?:[^;@]*@)?(\d+):", place)]
    return min(numbers, default=before)


def _flat(found: Iterable[Node], line: int) -> Iterator[tuple[Node, int]]:
    """Nodes within a paragraph without the spans that only say where they are: (node, line)."""
    for one in found:
        at = _line(one, line)
        if one["t"] == "Span":
            yield from _flat(one["c"][1], at)
        else:
            yield one, at


def _typeset(one: Node) -> Nodes:
    return nodes.text(POWER.sub(power, one["c"]))


def _directive(hit: re.Match[str], content: str, line: int) -> Directive:
    lines, options = content.splitlines(), dict[str, str]()
    while lines and (option := OPTION.fullmatch(lines[0].strip())):
        options[option[1]] = option[2]
        lines.pop(0)
    while lines and not lines[0].strip():
        lines.pop(0)
    below = line + 1 + len(content.splitlines()) - len(lines)
    return Directive(hit[1], hit[2].strip(), options, "\n".join(lines), line, below)
