"""Where commands may write: outside the folders of papers, because each file there counts for the paper's records."""

from __future__ import annotations

from pathlib import Path

from repro.claim import paper
from repro.errors import BadInput, where


def refuse_paper(path: Path) -> None:
    """Raise BadInput if `path` is the folder of a paper, or is in it.

    >>> refuse_paper(Path("trackers"))
    """
    place = path.resolve()
    for name, folder in paper.folders().items():
        if place.is_relative_to(folder.resolve()):
            what = f"is in the folder of the paper {name}, where each file counts for its records"
            raise BadInput(what, where(path), expected="another folder")
