"""Which parts of a paper name no equation, section or shape. The code is read as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from repro import registry
from repro.claim.paper import Paper
from repro.errors import where
from repro.registry import Declared
from repro.report import prose
from repro.report.mentions import PLACE, Mention, mentions

SHAPED = ("datasets", "models", "losses", "metrics")
SHAPE = re.compile(r"(?i:\bshapes?\b)|\((?:[A-Z]\w*|\d+|\.\.\.)(?:, ?(?:[A-Z]\w*|\d+|\.\.\.))*,?\)")


def silent(one: Paper) -> Iterator[str]:
    """One line for each part without a shape, or without a place of the paper if other parts name some.

    Then one for each equation that `report.md` names and no line of code does.
    """
    named = {path: mentions(path) for path in sorted(one.folder.glob("[!.]*.py"))}
    some = any(found.place for rows in named.values() for found in rows)
    for part in registry.declared(one.folder, f"papers.{one.name}"):
        rows = named.get(part.path, [])
        lacks = [*(["equation or section"] if some and not _placed(part, rows) else []), *_shapeless(part)]
        if lacks:
            yield f"{where(part.path)}:{part.line}: {part.kind}.{part.name} names no {' and no '.join(lacks)}"
    yield from _uncoded(one.folder / "report.md", named)


def _placed(part: Declared, rows: list[Mention]) -> bool:
    """Whether the class of a part, or the text of its module outside of classes, names a place of the paper."""
    return any(found.place and found.inside.partition(".")[0] in ("", part.name) for found in rows)


def _shapeless(part: Declared) -> list[str]:
    text = _text(part)
    return ["shape"] if part.kind in SHAPED and not SHAPE.search(text) else []


def _text(part: Declared) -> str:
    """The docstrings and comments of a part, and the docstring of its module."""
    lines = registry.source(part.path).splitlines()
    node = next(node for node in registry.parse(part.path).body if getattr(node, "name", "") == part.name)
    inside = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    texts = re.findall(r'"""(.*?)"""', inside, re.DOTALL) + re.findall(r"#(.*)", inside)
    return "\n".join([*texts, *re.findall(r'\A\s*"""(.*?)"""', "\n".join(lines), re.DOTALL)])


def _uncoded(report: Path, named: dict[Path, list[Mention]]) -> Iterator[str]:
    known = {found.place for rows in named.values() for found in rows}
    for number, line in enumerate(prose.read(report) if report.is_file() else [], 1):
        for hit in PLACE.finditer(line):
            place = f"Equation {hit['number'].strip('()')}"
            if hit["kind"].lower().startswith("eq") and place not in known:
                yield f"{where(report)}:{number}: {place}: no line of the code names it"
