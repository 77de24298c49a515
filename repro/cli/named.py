"""What a name on the command line means: a paper by the path of its folder, a record by `PAPER/NAME-seedN`.

`repro.config.names` does this for configs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from repro.claim.paper import WRITTEN, folders
from repro.errors import BadInput, where

PAPERS = ("paper", "name")
"""The arguments that may be the name of a paper."""
EXPECTED = "PAPER/NAME-seedN or the path of a record"


def resolve(given: argparse.Namespace) -> None:
    """Replace the path of a paper's folder by the paper's name, and the name of a record by its path.

    Raises BadInput for a record that does not exist, with the nearest name.
    """
    for argument in PAPERS:
        value = getattr(given, argument, None)
        if isinstance(value, str):
            setattr(given, argument, paper(value))
        elif isinstance(value, list):
            setattr(given, argument, [paper(one) for one in value])
    if isinstance(path := getattr(given, "record", None), Path):
        given.record = find(path.as_posix())


def paper(given: str) -> str:
    """The name of the paper whose folder has the path `given`; any other text is returned as it is."""
    if given not in (os.curdir, os.pardir) and not {os.sep, "/"} & {*given}:
        return given
    folder = Path(given).resolve()
    known = folders().get(folder.name, Path("papers", folder.name))
    return folder.name if known.resolve() == folder else given


def find(given: str) -> Path:
    """The path of the record `given`: `PAPER/NAME-seedN`, or the path of a file, which need not be a record.

    Raises BadInput for a config, and for an unknown name; both with the nearest name.
    """
    config = given.endswith(".gin")
    if os.path.lexists(given) and not config:
        return Path(given)
    name, known = _name(given), _every()
    if config or name not in known:
        what = f"{given:.200} is a config" if config else f"no record '{given:.200}'"
        raise BadInput(what, expected=EXPECTED, given=name, known=_like(name, known))
    return Path(where(known[name]))


def _every() -> dict[str, Path]:
    """The path of each record of all papers by its name, such as `template/line-seed0`; no file is opened."""
    every = ((name, path) for name, folder in folders().items() for path in folder.glob("records/[!.]*-seed*.json"))
    return {f"{name}/{path.stem}": path for name, path in sorted(every)}


def _name(given: str) -> str:
    """`PAPER/NAME` for a path in the folder of a paper, else the text without its ending."""
    path = Path(given.removesuffix(".json").removesuffix(".gin"))
    inside = path.parent.name in (WRITTEN, "configs")
    return f"{path.absolute().parents[1].name}/{path.name}" if inside else path.as_posix()


def _like(name: str, known: Iterable[str]) -> list[str]:
    """The records of the config that `name` means; all records if there is none."""
    named, known = _config(name), list(known)
    return [one for one in known if _config(one) == named] or known


def _config(name: str) -> str:
    return name.rpartition("/")[2].partition("-seed")[0]
