"""The mirror: a folder of data sets on disk, given by the environment variable `REPRO_MIRROR`.

A cluster without internet offers its data this way. Nothing of a mirror is ever committed.
"""

from __future__ import annotations

import os
from pathlib import Path

from repro.errors import BadInput, nearest

VARIABLE = "REPRO_MIRROR"


def folder(name: str) -> Path:
    """The folder `name` of the mirror. Raises BadInput when there is no mirror, or none of that name in it."""
    root = os.environ.get(VARIABLE, "")
    if not root:
        raise BadInput(f"{VARIABLE} is not set; expected the path of a folder that holds {name}/")
    if not Path(root).is_dir():
        raise BadInput(f"{VARIABLE} is {root}, which is no folder; expected one that holds {name}/")
    found = Path(root) / name
    if not found.is_dir():
        known = [entry.name for entry in Path(root).iterdir() if entry.is_dir()]
        raise BadInput(f"no folder {name} in {VARIABLE} ({root}){nearest(name, known)}")
    return found
