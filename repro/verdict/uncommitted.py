"""Names the files that are not as in the commit, for a note of a command that writes from them.

Whether a record counts does not depend on this: `repro.record.as_committed` decides that for each config.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from repro.record import as_committed, git
from repro.record.git import GitError

SHOWN = 3  # the maximum number of file names in a note
OUTPUT = ("records", "reviews")  # the folders that commands write, or that reviewers write


def files(folder: Path) -> list[str]:
    """The files of the paper in `folder`, and the modules of `repro`, that are not as in the commit.

    They are paths from the top folder of the repository. Empty if there is no repository.
    """
    try:
        top = git.top(folder)
        listed = git.tree(top, "HEAD")
    except GitError:
        return []
    home = folder.resolve()
    own = {path.relative_to(top).as_posix() for path in home.rglob("*") if path.is_symlink() or path.is_file()}
    start = f"{home.relative_to(top).as_posix()}/"
    own |= {name for name in listed if name.startswith(start)}
    found = {name for name in own if _counts(PurePosixPath(name.removeprefix(start)))}
    found |= {name for name in listed if name.startswith("repro/") and name.endswith(".py")}
    return sorted(name for name in found if name not in listed or _differs(top / name, listed[name]))


def _counts(inner: PurePosixPath) -> bool:
    hidden = any(part.startswith(".") or part == "__pycache__" for part in inner.parts)
    return not hidden and inner.parts[0] not in OUTPUT


def _differs(path: Path, blob: str) -> bool:
    try:
        return as_committed.blob_of(path, len(blob)) != blob
    except OSError:
        return True


def code(names: Iterable[str]) -> list[str]:
    """Those of `names` that can make a record stale: no text, no test, no claim.

    >>> code(["papers/a/model.py", "papers/a/paper.toml", "papers/a/tests/test_a.py", "papers/a/tips.md"])
    ['papers/a/model.py']
    """
    paths = map(PurePosixPath, names)
    kept = (path for path in paths if path.suffix not in as_committed.PROSE and path.name != "paper.toml")
    return [str(path) for path in kept if "tests" not in path.parts]


def note(names: list[str]) -> str:
    """`names` as the start of a sentence.

    >>> note(["a.py", "b.py", "c.py", "d.py"])
    'not as in the commit: a.py, b.py, c.py, ...'
    """
    return f"not as in the commit: {', '.join([*names[:SHOWN], *(['...'] if len(names) > SHOWN else [])])}"
