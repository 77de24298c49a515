"""All files of DVC for one paper: `FOLDER/PAPER/dvc.yaml`, and `FOLDER/NAME.dvc` for each data set.

They are not in the paper's folder, because each file there counts for its records: a new one would make them stale.
"""

from __future__ import annotations

import logging
from pathlib import Path

from repro.claim.paper import Paper
from repro.data.catalogue import DataSet
from repro.errors import BadInput, where
from repro.report import needed, page
from repro.track import dvc_pointers, dvc_stages
from repro.track.dvc_pointers import Here

log = logging.getLogger("repro")


def of_paper(name: str, folder: Path) -> dict[Path, str]:
    """The text of each file by its path. A data set that DVC cannot track is left out, with a message.

    Raises BadInput if the paper needs no run, and if `folder` is not in its repository or is in its own folder.
    """
    page.forget()  # the files may have changed since an earlier call in this process
    needed.forget()
    shown = page.read(name)
    root = shown.paper.folder.resolve().parents[1]
    _refuse(shown.paper, root, folder)
    reads = {path: _data_sets(shown, path) for path in dvc_stages.seeds(shown.paper)}
    here = {one.name: found for one in _once(reads) if (found := _here(one, root))}
    files = {folder / f"{one.name}.dvc": one for one in _once(reads) if one.name in here}
    texts = {path: dvc_pointers.text(one, here[one.name], path.parent) for path, one in files.items()}
    data = {
        path: [each for one in found if one.name in here for each in here[one.name].paths]
        for path, found in reads.items()
    }
    return {folder / name / "dvc.yaml": dvc_stages.text(shown.paper, root, folder / name, data), **texts}


def _data_sets(shown: page.Page, path: Path) -> list[DataSet]:
    return needed.of_configs(shown, [f"configs/{path.name}"])


def _once(reads: dict[Path, list[DataSet]]) -> list[DataSet]:
    return list({one.name: one for found in reads.values() for one in found}.values())


def _here(one: DataSet, root: Path) -> Here | None:
    """The data set on this machine; None, with a message, if it is not in the repository."""
    found = dvc_pointers.find(one)
    if found is None:
        log.warning("%s is not on this machine: it gets no pointer; to get it: repro data get %s", one.name, one.name)
    elif not found.folder.is_relative_to(root):
        hint = "to let DVC track it, set REPRO_DATA to a folder of the repository, such as data"
        log.warning("%s is in %s, outside the repository: it gets no pointer; %s", one.name, found.folder, hint)
        return None
    return found


def _refuse(paper: Paper, root: Path, folder: Path) -> None:
    place = folder.resolve()
    if not place.is_relative_to(root):
        raise BadInput("is outside the repository", where(folder), expected="a folder in it, such as dvc")
    if place.is_relative_to(paper.folder.resolve()):
        expected = "another folder: each file in the folder of a paper counts for its records"
        raise BadInput("is in the folder of the paper", where(folder), expected=expected)
    if not dvc_stages.seeds(paper):
        raise BadInput(f"{paper.name} has no run: no claim, and no smoke config")
