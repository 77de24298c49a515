"""Finds where a paper's code names the paper's own equations, sections, tables, figures and algorithms.

A place in *another* paper is recognised by that paper's year, and is left out: `Le Roux et al. 2019, eq. 4`, or
`eq. 4 of Le Roux et al. 2019`.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from repro.registry import parse, source

KINDS = {
    "sec": "Section",
    "§": "Section",
    "eq": "Equation",
    "alg": "Algorithm",
    "tab": "Table",
    "fig": "Figure",
    "app": "Appendix",
}
NUMBER = r"\(?(?:[A-Z]?\d+(?:\.\d+)*[a-z]?|[IVX]+\b|[A-H](?:\.\d+)*\b)\)?"
PLACE = re.compile(
    r"(?P<kind>\b(?i:equations?|eqs?\.?|sections?|secs?\.?|algorithms?|alg\.|tables?|tab\.|figures?|figs?\.?|appendix|app\.)|§)"
    rf"\s*(?P<number>{NUMBER}(?:(?:\s?[-–]\s?| and | to ){NUMBER})*)(?!\w)"
)
YEAR = r"(?:19|20)\d\d[a-z]?\b"
BEFORE = re.compile(rf"{YEAR}\)?,?\s*$")  # the place is in another paper
AFTER = re.compile(rf"\s+(?:of|in|by)\s+[A-Z][^;:]{{0,40}}?{YEAR}")
ABBREVIATED = "".join(rf"(?<!\b{word}\.)" for word in ("eq", "sec", "fig", "tab", "al", "vs", "cf", "i.e", "e.g"))
END = re.compile(rf"(?i)(?<=[.!?]){ABBREVIATED}\s+(?=[a-z`])")
CODE = re.compile(r"`[^`]*`")
CAVEAT = re.compile(r"\bnumbers of the (?:equations|sections|tables|figures)\b")


@dataclass(frozen=True)
class Mention:
    """A line of code that names a place of the paper.

    `place` is the place (`Equation 1`), `sentence` the sentence that names it, `code` the code in front of a comment,
    and `inside` the class or function (`Net.forward`). `place` is "" for a sentence about the numbering itself: which
    version of the paper it comes from.
    """

    place: str
    line: int
    sentence: str
    code: str
    inside: str


@dataclass(frozen=True)
class Prose:
    """A paragraph of a docstring or comment: its first line number, its lines, and the code in front of a comment."""

    line: int
    lines: list[str]
    code: str = ""


def mentions(path: Path) -> list[Mention]:
    """All mentions in one file, in the order of the paper's places."""
    tree, text = parse(path), source(path)
    prose = [*_docstrings(tree, text.splitlines()), *_comments(text)]
    names = sorted(_names(tree))
    found = [mention for one in prose for mention in _in(one, names)]
    return sorted(found, key=lambda mention: (rank(mention.place), mention.line))


def rank(place: str) -> tuple[int, list[int], str]:
    """The sort key of a place: sections, then equations, then the other kinds, each by number."""
    kinds = list(dict.fromkeys(KINDS.values()))
    kind = place.partition(" ")[0].removesuffix("s")
    return kinds.index(kind) if kind in kinds else -1, [int(digits) for digits in re.findall(r"\d+", place)], place


def _in(prose: Prose, names: list[tuple[int, int, str]]) -> Iterator[Mention]:
    """The mentions of one paragraph, each with its line and its sentence."""
    text = "\n".join(prose.lines)
    start = 0
    for sentence in _sentences(text):
        start = text.index(sentence, start)
        for offset, place in _places(sentence):
            line = prose.line + text.count("\n", 0, start + offset)
            inside = ".".join(name for first, last, name in names if first <= line <= last)
            yield Mention(place, line, " ".join(sentence.split()), prose.code, inside)


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in END.split(text) if sentence.strip()]


def _places(sentence: str) -> Iterator[tuple[int, str]]:
    words = CODE.sub(lambda code: " " * len(code[0]), sentence)
    for hit in PLACE.finditer(words):
        if not BEFORE.search(sentence[: hit.start()]) and not AFTER.match(sentence[hit.end() :]):
            yield hit.start("number"), _said(hit)  # the number may be on the next line
    if caveat := CAVEAT.search(sentence):
        yield caveat.start(), ""


def _said(hit: re.Match[str]) -> str:
    """The full name of a place: `eq. (1)` becomes `Equation 1`, `figs. 2-4` becomes `Figures 2-4`."""
    kind = next(name for start, name in KINDS.items() if hit["kind"].lower().startswith(start))
    number = re.sub(r"[()]", "", " ".join(hit["number"].split()))
    many = re.search(r"[-– ]", number) and kind != "Appendix"
    return f"{kind}s {number}" if many else f"{kind} {number}"


def _docstrings(tree: ast.Module, lines: list[str]) -> Iterator[Prose]:
    """The paragraphs of every docstring. In a block of formulas, each line is a paragraph."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            first, last = node.body[0].lineno, node.body[0].end_lineno or 0
            numbered = [(number, lines[number - 1].replace('"""', "   ").rstrip()) for number in range(first, last + 1)]
            yield from _paragraphs(numbered, node.body[0].col_offset)


def _paragraphs(numbered: list[tuple[int, str]], margin: int) -> Iterator[Prose]:
    for empty, block in groupby(numbered, key=lambda line: not line[1].strip()):
        rows = list(block)
        formula = all(line[margin : margin + 4].isspace() for _, line in rows)
        if formula and not empty:
            yield from (Prose(number, [line]) for number, line in rows)
        elif not empty:
            yield Prose(rows[0][0], [line for _, line in rows])


def _comments(text: str) -> Iterator[Prose]:
    """The comments. Comment lines below each other are one paragraph; a comment after code is its own paragraph."""
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT]
    alone = [(token, not token.line[: token.start[1]].strip()) for token in tokens]
    for key, group in groupby(enumerate(alone), key=lambda row: (row[1][1], row[1][0].start[0] - row[0])):
        rows = [token for _, (token, _) in group]
        if key[0]:
            yield Prose(rows[0].start[0], [token.string.lstrip("#! ") for token in rows])
        else:
            yield from (_beside(token) for token in rows)


def _beside(token: tokenize.TokenInfo) -> Prose:
    return Prose(token.start[0], [token.string.lstrip("# ")], token.line[: token.start[1]].strip())


def _names(tree: ast.Module) -> Iterator[tuple[int, int, str]]:
    """(first line, last line, name) of every class and function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.lineno, node.end_lineno or node.lineno, node.name
