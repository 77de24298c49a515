"""`report.md` and `tips.md`, written by hand: how they join the page of their paper, and where their links lead."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from repro.errors import BadInput
from repro.report import files
from repro.report.markup import Markup, tag
from repro.report.words import POWER, power

HEADING = re.compile(r"^(#{1,6})\s")
FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
LINK = re.compile(
    r"(?<!`)(?P<ticks>`{1,2})(?!`)[^`]+(?P=ticks)|(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)"
)
TYPED = re.compile(f"{LINK.pattern}|{POWER.pattern}")
WEB = re.compile(r"^(https?:|mailto:|#)")


def include(path: Path, below: Path, level: int = 3) -> str:
    """The directive that puts `path` into a page of the folder `below`, its headings from `level` down.

    A first line `# Title` is left out: the page has a heading for it already.
    """
    if not path.is_file():
        return f"*There is no `{path.name}` yet.*"
    lines = read(path)
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    start += 1 if lines and lines[start].startswith("# ") else 0
    top = min(_levels(lines[start:]), default=level)
    target = Path(os.path.relpath(path, below)).as_posix()
    return f"```{{include}} {target}\n:start-line: {start}\n:heading-offset: {max(level - top, 0)}\n```"


def read(path: Path) -> list[str]:
    """The lines of a text. Raises BadInput with the line where it is not UTF-8."""
    raw = path.read_bytes()
    try:
        return raw.decode().splitlines()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput(f"not a text in UTF-8: the byte {raw[error.start]:#04x}", f"{path}:{line}") from None


def _levels(lines: list[str]) -> Iterator[int]:
    for line, plain in zip(lines, told(lines), strict=True):
        if plain and (hit := HEADING.match(line)):
            yield len(hit[1])


def told(lines: list[str]) -> Iterator[bool]:
    """For each line whether it is prose: not within a block of code. A directive's block is prose."""
    code, directives = "", 0
    for line in lines:
        hit = FENCE.match(line)
        info = hit["info"].strip() if hit else ""
        prose = not code
        if code:
            code = "" if hit and not info and hit["fence"].startswith(code) else code
        elif hit and info.startswith("{"):
            directives += 1
        elif hit and directives and not info:
            directives -= 1
        elif hit:
            code, prose = hit["fence"], False
        yield prose


def relink(text: str, folder: Path, root: str) -> str:
    """`text` with its links to files of the paper's `folder` leading to their copies beside the pages.

    A link that leads nowhere, or out of the folder, loses its address and stays as text; `1.5e-9` becomes
    `1.5 × 10⁻⁹`, as the numbers beside it are printed. Lines stay lines; code stays
    as it is.
    """
    return "\n".join(_relink(block, folder, root) if prose else block for block, prose in _blocks(text))


def dead(text: str, folder: Path) -> Iterator[tuple[int, str]]:
    """The links of `text` to files that are not there, each with its line."""
    first = 1
    for block, prose in _blocks(text):
        for hit in LINK.finditer(block) if prose else ():
            target = hit["target"] or ""
            if target and not WEB.match(target) and not (folder / target.partition("#")[0]).exists():
                yield first + block.count("\n", 0, hit.start()), target
        first += block.count("\n") + 1


def _blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Lines that belong together, and whether they are prose."""
    lines = text.split("\n")
    for prose, block in groupby(zip(lines, told(lines), strict=True), key=itemgetter(1)):
        yield "\n".join(line for line, _ in block), prose


def _relink(text: str, folder: Path, root: str) -> str:
    def turned(hit: re.Match[str]) -> str:
        if hit["power"]:
            return power(hit)
        address = None if hit["ticks"] else _address(hit["target"], folder, root, bool(hit["image"]))
        if address is None:
            return hit[0]
        if hit["image"] and address:
            return tag("img", src=address, alt=hit["text"])
        return tag("a", Markup(hit["text"]), href=address) if address else hit["text"]

    return TYPED.sub(turned, text)


def _address(target: str, folder: Path, root: str, raw: bool) -> str | None:
    """Where `target` leads: None for the web, empty for nowhere. A picture is wanted `raw`."""
    if WEB.match(target):
        return None
    name, _, line = target.partition("#")
    path = (folder / name).resolve()
    if not path.is_file() or not path.is_relative_to(folder.resolve()):
        return ""
    place = f"{root}files/papers/{folder.name}/{path.relative_to(folder.resolve()).as_posix()}"
    return place if raw else files.shown(place) + (f"#{line}" if line else "")
