"""Where a data set is: in the data folder (`REPRO_DATA`), in a mirror (`REPRO_MIRROR`), or still to be downloaded."""

from __future__ import annotations

import os
from pathlib import Path

import pooch

from repro.errors import BadInput

DATA, MIRROR = "REPRO_DATA", "REPRO_MIRROR"


def root() -> Path:
    """The data folder: that named by `REPRO_DATA`, or the platform's own cache."""
    return Path(os.environ.get(DATA) or pooch.os_cache("repro"))


def folder(name: str) -> Path:
    """The folder that holds the data set `name`: below the data folder, or below the mirror, which is only read.

    Raises BadInput where it is in neither.
    """
    places = [root(), *([Path(os.environ[MIRROR])] if os.environ.get(MIRROR) else [])]
    found = next((place / name for place in places if (place / name).is_dir()), None)
    if found is None:
        raise BadInput(f"no data set {name} in {' or '.join(map(str, places))}; {DATA} and {MIRROR} name folders of data")
    return found
