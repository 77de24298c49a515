"""Files in the places where commands wrote them in earlier versions. Such files are ignored.

All these files are below `records/` now.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from repro.errors import where

MOVED = {
    "verdicts.json": "records/verdicts.json",
    "renewals.json": "records/renewals.json",
    "certificates": "records/certificates",
    "rot": "records/dependency_checks",
    "records/rot": "records/dependency_checks",
}
"""The old place in a paper's folder, and the present one."""


def lines(folder: Path) -> Iterator[str]:
    """One line for each file or folder in an old place, with the command to move it."""
    for old, new in MOVED.items():
        if not ((folder / old).is_file() or any((folder / old).glob("*.json"))):
            continue
        before, now = (shlex.quote(where(folder / name)) for name in (old, new))
        if (folder / new).exists():
            yield f"{before} is ignored, because its place is now {now}, which exists; delete it: git rm -r {before}"
        else:
            make = "" if (folder / new).parent.exists() else f"mkdir {shlex.quote(where((folder / new).parent))} && "
            yield f"{before} is ignored, because its place is now {now}; move it: {make}git mv {before} {now}"
