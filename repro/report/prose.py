"""`report.md` and `tips.md`: how they are included in the page of their paper, and where their links lead.

`sphinx.guard` decides which directives and roles they may use.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from urllib.parse import quote

from repro.errors import BadInput, not_utf8, where
from repro.files import regular
from repro.report.html import files

HEADING = re.compile(r"^(#{1,6})\s")
FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
LINK = re.compile(
    r"(?<!`)(?P<ticks>`{1,2})(?!`)[^`]+(?P=ticks)|(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)"
)
WEB = re.compile(r"(https?:|mailto:|#)")
SCHEME = re.compile(r"[A-Za-z][\w.+-]*:|//")


def include(path: Path, below: Path, level: int = 3) -> str:
    """The directive that includes `path` in a page of the folder `below`. Its top headings get the level `level`.

    A first line `# Title` is left out, because the page has a heading already.
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
    """The lines of a text file. Raises BadInput if it cannot be read, is no regular file, or is not UTF-8."""
    regular.check(path)
    try:
        return path.read_bytes().decode("utf-8-sig").splitlines()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where(path)) from None
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None


def _levels(lines: list[str]) -> Iterator[int]:
    for line, plain in zip(lines, told(lines), strict=True):
        if plain and (hit := HEADING.match(line)):
            yield len(hit[1])


def told(lines: list[str]) -> Iterator[bool]:
    """For each line, whether it is prose. Lines in a code block are not; lines in a directive's block are."""
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


def dead(text: str, folder: Path) -> Iterator[tuple[int, str]]:
    """(line number, target) of each link in `text` to a file that does not exist."""
    first = 1
    for block, prose in _blocks(text):
        for hit in LINK.finditer(block) if prose else ():
            target = hit["target"] or ""
            if target and not WEB.match(target) and not (folder / target.partition("#")[0]).exists():
                yield first + block.count("\n", 0, hit.start()), target
        first += block.count("\n") + 1


def _blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Split `text` into blocks of prose and of code: (the block, whether it is prose)."""
    lines = text.split("\n")
    for prose, block in groupby(zip(lines, told(lines), strict=True), key=itemgetter(1)):
        yield "\n".join(line for line, _ in block), prose


def address(target: str, folder: Path, root: str, copied: bool = False) -> str:
    """The address on the site of `target`, a file that a text in `folder` links to: of a paper, or of a course.

    `root` is the relative address of the site's root. A text file has a page with numbered lines; with `copied`, the
    address is that of the copied file. Of a course, no text has a page. Empty if `target` is not a file of the folder,
    or is not shown: then the link becomes text.
    """
    name, _, line = target.partition("#")
    path, home = (folder / name).resolve(), folder.resolve()
    if not path.is_file() or not path.is_relative_to(home) or path.suffix not in {*files.TEXTS, *files.COPIES}:
        return ""
    if of_course(folder):
        return f"{root}files/course/{quote(path.name)}" if path.suffix in files.COPIES and path.parent == home else ""
    place = f"{root}files/papers/{folder.name}/{quote(path.relative_to(home).as_posix())}"
    return place if copied else files.shown(place) + (f"#{quote(line)}" if line else "")


def of_course(folder: Path) -> bool:
    """Whether `folder` has the texts of a course's presentations: it is `material/` next to a `course.toml`."""
    return folder.name == "material" and (folder.parent / "course.toml").is_file()
