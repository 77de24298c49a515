"""The files of a record's examples: sounds, pictures and signals in the folder of the record."""

from __future__ import annotations

import re
from pathlib import Path

from repro.claim.paper import WRITTEN
from repro.errors import BadInput
from repro.record import Record
from repro.report.page import Page


def path(page: Page, found: Record, name: str) -> Path:
    """The file itself, in the folder of the paper."""
    return page.paper.folder / WRITTEN / found.stem / name


def address(page: Page, found: Record, name: str) -> str:
    """The address of the site's copy of a file. Raises BadInput if the name contains a path."""
    if not re.fullmatch(r"\w[\w.+ -]*", str(name)):
        raise BadInput(f"the example {name!r} of {found.stem} is not the name of a file next to the record")
    return page.file(WRITTEN, found.stem, name)
