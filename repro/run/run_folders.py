"""Where run folders are: `<repository>/runs`, or the folder in the environment variable REPRO_RUNS.

The repository of a paper is the folder above `papers/`. The working directory does not matter, so two processes of one
run always use the same lock.
"""

from __future__ import annotations

import os
from pathlib import Path

from repro.claim import paper
from repro.errors import BadInput, where

VARIABLE = "REPRO_RUNS"


def home(folder: Path) -> Path:
    """The folder of the runs of the paper in `folder`; relative if it is below the working directory."""
    return _named() or _typed(_repository(folder.resolve()) / "runs")


def listed() -> list[Path]:
    """The folders of runs to list: those of the repository of the working directory, else those of every paper."""
    if named := _named():
        return [named]
    here = Path.cwd()
    for parent in (here, *here.parents):
        if next(parent.glob("papers/*/paper.toml"), None):
            return [_typed(parent / "runs")]
    return list(dict.fromkeys(home(folder) for folder in paper.folders().values()))


def _named() -> Path | None:
    """The folder in REPRO_RUNS, or None. Raises BadInput if it cannot be a folder; it need not exist yet."""
    given = os.environ.get(VARIABLE)
    if not given:
        return None
    folder = Path(os.path.expanduser(given))
    if str(folder).startswith("~"):
        raise BadInput(f"{VARIABLE} is {given!r}, but that home folder does not exist", expected="a folder")
    there = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), folder)
    if os.path.lexists(there) and not os.path.isdir(there):
        raise BadInput(f"{VARIABLE} is {given!r}, but {where(there)} is not a folder", expected="a folder")
    return _typed(folder)


def _repository(folder: Path) -> Path:
    """The folder above `papers/`, also if the paper's folder is linked into it; else the parent of the folder."""
    if folder.parent.name == "papers":
        return folder.parents[1]
    linked = (known.absolute().parents[1] for known in paper.folders().values() if known.resolve() == folder)
    return next(linked, folder.parent)


def _typed(path: Path) -> Path:
    return Path(where(path))
