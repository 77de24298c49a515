"""Where run folders are: `<repository>/runs`, or the folder in the environment variable REPRO_RUNS.

The repository of a paper is the folder above `papers/`. The working directory does not matter, so two processes of one
run always use the same lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
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


def every() -> Iterator[Path]:
    """The folder of each run, `<folder of runs>/PAPER/CONFIG/RUN`."""
    for folder in listed():
        for name in _inner(folder):
            for config in _inner(name):
                yield from (run for run in _inner(config) if "-seed" in run.name)


def called(name: str) -> list[Path]:
    """The folders of the runs called `name`: PAPER/CONFIG-seedN, or PAPER/CONFIG/RUN, or a part of one of these."""
    known = [(run, names(run)) for run in every()]
    exact = [run for run, found in known if name.rstrip("/") in found]
    return exact or [run for run, found in known if any(name.rstrip("/") in one for one in found)]


def names(run: Path) -> list[str]:
    """The names of the run in the folder `run`: PAPER/CONFIG-seedN, CONFIG-seedN, PAPER/CONFIG/RUN."""
    paper, config, last = run.parts[-3:]
    stem = f"{config}-{last.partition('-')[2]}"
    return [f"{paper}/{stem}", stem, f"{paper}/{config}/{last}"]


def _inner(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError:
        return []


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
