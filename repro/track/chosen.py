"""Which runs a name means for `repro track`: a paper, a run or a record."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from repro import record
from repro.claim import paper
from repro.errors import BadInput
from repro.record import stale
from repro.run import resume, run_folders
from repro.track import copied
from repro.track.copied import RunCopy

EXPECTED = "PAPER, PAPER/CONFIG-seedN, or the path of a run folder or of a record"
log = logging.getLogger("repro")


def named(names: Iterable[str]) -> list[RunCopy]:
    """The runs that `names` mean, each once.

    A run folder has more points than a record, so PAPER/CONFIG-seedN is a run on this machine if there is one, else
    the record of the paper. A paper is all its records, and the runs on this machine that have no record.
    Raises BadInput, with the nearest name, for an unknown name and for a run without metrics.
    """
    found = (one for name in names for one in _named(name))
    return list({one.id: one for one in found}.values())


def _named(name: str) -> list[RunCopy]:
    path = Path(name)
    if path.is_dir() and (path / resume.FILE).is_file():
        return [copied.of_run(path)]
    if path.is_file() and path.suffix == ".json":
        return [_of_file(path)]
    if name in paper.folders():
        return _of_paper(name)
    if runs := [run for run in _runs() if name in run_folders.names(run)]:
        return [copied.of_run(run) for run in runs]
    files = _files()
    if name in files:
        return [_of_file(files[name])]
    known = [*paper.folders(), *files, *(run_folders.names(run)[0] for run in _runs())]
    raise BadInput(f"no paper, run or record '{name:.200}'", expected=EXPECTED, given=name, known=known)


def _runs() -> Iterator[Path]:
    """The folders of runs, without those that were restarted since."""
    return (run for run in run_folders.every() if "." not in run.name)


def _files() -> dict[str, Path]:
    """The records of all papers by name, such as `template/line-seed0`; no file is opened."""
    every = ((name, path) for name, folder in paper.folders().items() for path in record.paths(folder))
    return {f"{name}/{path.stem}": path for name, path in every}


def _of_file(path: Path) -> RunCopy:
    """The run of one record, marked if the record is stale."""
    found = record.read(path)
    folder = paper.folders().get(found.paper)
    marked = next(iter(stale.mark([found], folder, swept=bool(found.overrides))), found) if folder else found
    return copied.of_record(marked)


def _of_paper(name: str) -> list[RunCopy]:
    """The records of a paper, those of its sweeps, and its runs that have no record."""
    folder = paper.folder_of(name)
    records = [*record.of_paper(folder), *record.of_points(folder)]
    found = {one.id: one for one in map(copied.of_record, records)}
    for run in _runs():
        if run.parts[-3] == name and (one := _of_run(run)):
            found.setdefault(one.id, one)
    if not found:
        raise BadInput(f"{name} has no record, and no run on this machine", expected=f"repro run {name}/smoke first")
    return list(found.values())


def _of_run(run: Path) -> RunCopy | None:
    """One run of many; None, with a message, if it has no metrics or cannot be read."""
    try:
        return copied.of_run(run)
    except BadInput as error:
        log.warning("left out: %s", error)
        return None
