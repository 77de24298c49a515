"""Warns that files of a paper are not as in the commit. `repro.record.as_committed` decides which records count."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from repro.record import as_committed, git
from repro.record.git import GitError

OUTPUT = re.compile(r"/(\.|__pycache__/|records/|reviews/)")  # hidden, or written by commands or reviewers
TEXTS = re.compile(rf"{OUTPUT.pattern}|/tests/|/paper\.toml$|\.(md|rst|txt|pdf)$")  # these make no record stale


def warn(folder: Path, so: str, ignored: re.Pattern[str] = OUTPUT) -> None:
    """Log which files of the paper in `folder` are not as in the commit, and what follows (`so`); nothing without git.

    ignored: matches the paths of files that do not matter, from the paper's folder.
    """
    try:
        top = git.top(folder)
        listed = git.tree(top, "HEAD")
    except GitError:
        return
    home = folder.resolve().relative_to(top).as_posix()
    own = {path.relative_to(top).as_posix() for path in (top / home).rglob("*") if path.is_file()}
    own |= {name for name in listed if name.startswith(f"{home}/")}
    found = [name for name in sorted(own) if not ignored.search(name.removeprefix(home))]
    changed = [
        name for name in found if as_committed.blob_of(top / name, len(listed.get(name, ""))) != listed.get(name)
    ]
    if changed:
        shown = ", ".join(changed[:3]) + (", ..." if changed[3:] else "")
        logging.getLogger("repro").warning("repro: not as in the commit: %s; %s", shown, so)
