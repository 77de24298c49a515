"""The blocks of code of a page of the guide: what the tests of the pages run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "guide"
BLOCK = re.compile(r"(?:(?P<before>[^\n]*)\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, kind: str) -> list[str]:
    """The text of each block of the language `kind`, in order."""
    return [hit["text"] for hit in BLOCK.finditer(text(page)) if hit["kind"] == kind]


def files(page: str, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Each block as (file, language, text). The line before it names the file, in `folder`; "" if it names none."""
    for hit in BLOCK.finditer(text(page)):
        before = hit["before"] or ""
        named = re.findall(rf"`({folder}/[\w./]+)`", before)
        yield (named[-1] if named and before.endswith(":") else ""), hit["kind"], hit["text"]


def text(page: str) -> str:
    """The source text of a page, such as `images` or `loop`."""
    return (FOLDER / f"{page}.md").read_text(encoding="utf-8")
