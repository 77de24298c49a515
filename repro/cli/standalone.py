"""`repro new NAME --standalone`: a repository of its own for one paper, with its CI and its site.

The files of the repository are in papers/kinds/repository. Each has the suffix `.txt`, so that no tool takes it for a
file of this project.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from repro import __version__
from repro.cli import new_paper
from repro.errors import BadInput, where

HIDDEN = ("github", "gitignore")  # their names begin with a dot in the repository


def new(name: str, kind: str = "training", on: str = "", facts: dict[str, Any] | None = None) -> str:
    """Make the repository `name` in the working directory, with the paper papers/`name`; returns what to do next.

    The arguments are those of `new_paper.new`. The folder appears complete or not at all. Raises BadInput as it does,
    or if there is something called `name` already.
    """
    new_paper.refuse_name(name)
    source, data = new_paper.template(kind, on)
    target = Path(name)
    if os.path.lexists(target):
        raise BadInput(f"there is already something called '{name}' here", where(target), expected="another name")
    with new_paper.complete(target) as folder:
        new_paper.fill(folder / "papers" / name, name, source, data, facts or {})
        schema = folder / "papers" / name / "paper.toml"
        schema.write_text(schema.read_text(encoding="utf-8").partition("\n")[2], encoding="utf-8")  # it is not there
        for path in (new_paper.PAPERS / "kinds" / "repository").rglob("*.txt"):
            _fill(path, folder, name)
    tests = f"cd {name} && pytest"
    return f"{target}\n  next: {tests}; git init && git add . && git commit -m '{name}'; repro todo {name} | sh"


def _fill(path: Path, folder: Path, name: str) -> None:
    """Copy one file of the template into the repository, without its suffix `.txt`."""
    inner = path.relative_to(new_paper.PAPERS / "kinds" / "repository").with_suffix("").as_posix()
    file = folder / (f".{inner}" if inner.startswith(HIDDEN) else inner)
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, file)
    text = file.read_text(encoding="utf-8").replace("NAME", name).replace("VERSION", __version__)
    file.write_text(text, encoding="utf-8")
