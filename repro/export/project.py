"""The files of the project that an archive needs next to `repro/`: the licence, and the versions of the libraries.

In a checkout they are there. If `repro` was installed with pip, they come from the installed distribution: the versions
are those that are installed.
"""

from __future__ import annotations

import re
from importlib import metadata

from repro import HOME
from repro.errors import BadInput, where

NAME = "repro-papers"
FILES = ("pyproject.toml", "constraints.txt", "LICENSE")  # next to repro/ in a checkout


def files() -> dict[str, bytes]:
    """The content of each file by its name. Without a checkout there is no `pyproject.toml`.

    Raises BadInput if `repro` is neither a checkout nor installed.
    """
    if all((HOME.parent / name).is_file() for name in FILES):
        return {name: (HOME.parent / name).read_bytes() for name in FILES}
    try:
        installed = metadata.distribution(NAME)
    except metadata.PackageNotFoundError:
        missing = next(name for name in FILES if not (HOME.parent / name).is_file())
        expected = f"a checkout of repro, or: pip install {NAME}"
        raise BadInput(f"no {missing} next to repro/", where(HOME.parent), expected=expected) from None
    licence = installed.read_text("licenses/LICENSE") or ""
    return {"constraints.txt": _versions(installed).encode(), **({"LICENSE": licence.encode()} if licence else {})}


def _versions(installed: metadata.Distribution) -> str:
    """A line `name==version` for the distribution and for each library that it always needs."""
    needed = [line for line in installed.requires or () if "extra ==" not in line]
    names = sorted(hit[0] for line in needed if (hit := re.match(r"[\w.-]+", line)))
    found = {NAME: installed.version}
    for name in names:
        try:
            found[name] = metadata.version(name).partition("+")[0]  # `+cpu` is a build that PyPI does not have
        except metadata.PackageNotFoundError:  # this paper was exported without it
            continue
    return "".join(f"{name}=={version}\n" for name, version in found.items())
