"""Which config a name on the command line means: a path that ends with `.gin`, or `PAPER/NAME`."""

from __future__ import annotations

import os
from pathlib import Path

from repro.claim.paper import folders
from repro.errors import BadInput, where


def every() -> dict[str, Path]:
    """The path of each config of all papers by its name, such as `template/line`; no file is opened."""
    return {
        f"{name}/{path.stem}": path
        for name, folder in sorted(folders().items())
        for path in sorted(folder.glob("configs/[!.]*.gin"))
    }


def is_path(given: str) -> bool:
    """Whether `given` is a path, and not the name of a config; such a path need not exist."""
    return given.endswith(".gin") or os.path.lexists(given)


def find(given: str) -> Path:
    """The path of the config `given`; a path is returned as it is, because `repro.config.read` reports what is wrong.

    Raises BadInput for an unknown name, with the nearest one, and for a paper, with its configs.

    >>> find("template/line").name, find("line.gin").name
    ('line.gin', 'line.gin')
    """
    if is_path(given):
        return Path(given)
    known = every()
    if ours := [name for name in known if name.startswith(f"{given}/")]:
        raise BadInput(f"'{given}' is a paper", expected=f"a config, such as {ours[0]}", known=ours)
    if given not in known:
        named = [name for name in known if name.endswith(f"/{given}")] or known
        raise BadInput(
            f"no config '{given:.200}'", expected="PAPER/NAME or the path of a .gin file", given=given, known=named
        )
    return Path(where(known[given]))
