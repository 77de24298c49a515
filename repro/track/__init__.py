"""Copies of runs and data sets for tools that other people use: experiment trackers, and DVC.

`repro track` reads the records and the run folders, and writes what they contain into a tracker. A run itself calls no
tracker. So a tracker cannot slow a run down or stop it, and you can choose one after the run.
`repro dvc` writes the catalogue and the configs as files of DVC. Nothing in `repro` reads any of these copies.

- `copied`: what a tracker shows of one run. `chosen`: which runs a name means.
- `to_wandb`, `to_mlflow`, `to_tensorboard`, `to_trackio`: one tracker each. `write(one, folder)` writes one run, and
  replaces what an earlier call wrote about the run with this id. No tracker needs the network or an account.
- `dvc_stages`: the runs of a paper as stages of DVC. `dvc_pointers`: the data sets, each with the md5 of its files.
  `dvc_files` puts both together.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from repro.errors import BadInput
from repro.files import disk
from repro.track.copied import RunCopy

TRACKERS = {"wandb": "track-wandb", "mlflow": "track-mlflow", "tensorboard": "", "trackio": "track-trackio"}
"""The trackers, each with the extra of `repro-papers` that installs it; none if `repro` needs it anyway."""

FILE = "copied.json"
"""In the folder of a tracker: the digest of what was written about each run, by its id."""


@dataclass
class Outcome:
    """What a copy did: the names of the runs that were written, and that were there already, and the failures."""

    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def copy(runs: Iterable[RunCopy], tracker: str, folder: Path) -> Outcome:
    """Write `runs` into `folder` in the form of a tracker. A run that is there unchanged is left alone.

    An error of the tracker fails only this run. Raises BadInput if the tracker is unknown or not installed, and
    DiskFull.
    """
    check(tracker)
    write: Callable[[RunCopy, Path], None] = importlib.import_module(f"repro.track.to_{tracker}").write
    outcome = Outcome()
    done = _done(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for one in runs:
        content = hashlib.sha256(json.dumps(asdict(one), sort_keys=True).encode()).hexdigest()
        if done.get(one.id) == content:
            outcome.unchanged.append(one.name)
        elif fault := _fault(write, one, folder):
            outcome.failed.append(f"{one.name}: {_version(tracker)}: {fault}")
        else:
            outcome.written.append(one.name)
            done[one.id] = content
            disk.write(folder / FILE, json.dumps(done, indent=1, sort_keys=True) + "\n")
    return outcome


def check(tracker: str) -> None:
    """Raise BadInput if the tracker is unknown or not installed."""
    if tracker not in TRACKERS:
        raise BadInput(f"no tracker '{tracker:.80}'", given=tracker[:80], known=TRACKERS)
    if importlib.util.find_spec(tracker) is None:
        extra = TRACKERS[tracker]
        package = f"repro-papers[{extra}]" if extra else "repro-papers"
        raise BadInput(f"the package {tracker} is not installed", expected=f"pip install '{package}'")


def _done(folder: Path) -> dict[str, str]:
    """The digests of an earlier copy; empty if there is none, or if its file was damaged: then all is written."""
    try:
        found = json.loads((folder / FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _fault(write: Callable[[RunCopy, Path], None], one: RunCopy, folder: Path) -> str:
    """Write one run; returns the error of the tracker in one line, or ""."""
    try:
        with disk.full(folder):
            write(one, folder)
    except (BadInput, disk.DiskFull):
        raise
    except Exception as error:  # libraries of others raise errors of any kind, and none of them loses a number
        return " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return ""


def _version(tracker: str) -> str:
    name = "mlflow-skinny" if tracker == "mlflow" else tracker
    try:
        return f"{tracker} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return tracker
