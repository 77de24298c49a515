"""The catalogue of parts: what a config may name, where it stands, who uses it. Read from source text alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from repro import listing, paper
from repro.registry import Declared
from repro.report import files
from repro.report.markup import Markup, box, inline, join, link, tag

HEADS = ("In a config", "What it is", "Used by")


def parts(kind: str, root: str) -> Markup:
    """The parts of one kind as a table, as seen from `root`."""
    found = [part for part in listing.parts() if part.kind == kind]
    if not found:
        return tag("p", f"No {kind} yet.", class_="repro-muted")
    configs = _configs()
    head = tag("tr", *(tag("th", name, scope="col") for name in HEADS))
    rows = [_row(part, configs, root) for part in found]
    return box(tag("table", tag("thead", head), tag("tbody", *rows), class_="repro-parts"), label=kind)


def _row(part: Declared, configs: dict[str, str], root: str) -> Markup:
    name = tag(
        "th",
        tag("code", f"@{part.kind}.{part.name}()"),
        tag("span", link(part.module, _source(part, root)), class_="repro-muted"),
        scope="row",
    )
    users = [link(user, f"{root}papers/{user}.html") for user in users_of(part, configs)]
    return tag("tr", name, tag("td", inline(part.summary)), tag("td", join(users, ", ") if users else "–"))


def users_of(part: Declared, configs: dict[str, str]) -> Sequence[str]:
    """The papers whose configs build the part."""
    mention = re.compile(rf"@(?:[\w.-]+/)*(?:{part.kind}\.)?{part.name}\b")
    return [name for name, text in configs.items() if mention.search(text)]


def _configs() -> dict[str, str]:
    """All configs of each paper, as one text."""
    return {
        name: "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("configs/*.gin")))
        for name, folder in sorted(paper.folders().items())
    }


def _source(part: Declared, root: str) -> str:
    stem = part.module.replace(".", "/")
    path = stem if Path(part.path).name != "__init__.py" else f"{stem}/__init__"
    return f"{files.shown(f'{root}files/{path}.py')}#L{part.line}"
