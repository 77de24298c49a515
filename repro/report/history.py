"""How the verdicts of papers changed: the committed versions of `records/verdicts.json`, read from git.

All papers of a folder are read at once and cached for a build: five calls of git, whatever the number of papers.
"""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repro.record import git
from repro.record.git import GitError
from repro.verdict.verdicts_json import FILE, LATE

PATHS = f":(glob)*/{FILE}"


@dataclass(frozen=True)
class Change:
    """One change of outcome and the claims that have it. "" is the outcome before a claim was new, or after its end."""

    date: str
    commit: str
    before: str
    after: str
    claims: list[str]


@dataclass(frozen=True)
class History:
    """The changes of a paper's verdicts, the newest first. `limit` says what is missing, and why."""

    changes: list[Change]
    limit: str = ""


@dataclass(frozen=True)
class _Version:
    """One commit that changed the file of a paper: the ids of the file before and after it; zeros if there was none."""

    date: str
    commit: str
    paper: str
    before: str
    after: str


def of_folder(place: Path) -> History:
    """The history of the verdicts of the paper in the folder `place`. If git cannot tell it, `limit` says why."""
    read = _folder(place.parent)
    if isinstance(read, GitError):
        return History([], f"The history is not known: {read}.")
    versions, blobs, shallow = read
    own = [found for found in versions if found.paper == place.name]
    limit = "This clone is shallow: older changes are missing." if shallow else ""
    return History([change for found in own for change in _changes(found, blobs, shallow)], limit)


def forget() -> None:
    """Empty the cache: there may be new commits."""
    _folder.cache_clear()


def _changes(found: _Version, blobs: dict[str, dict[str, str]], shallow: bool) -> Iterator[Change]:
    """The changes of one commit, one for each pair of outcomes. In a shallow clone, a new file may be an old one."""
    if shallow and found.before not in blobs:
        return
    old, new = blobs.get(found.before, {}), blobs.get(found.after, {})
    pairs: dict[tuple[str, str], list[str]] = {}
    for claim in {**new, **old}:
        if old.get(claim) != new.get(claim):
            pairs.setdefault((old.get(claim, ""), new.get(claim, "")), []).append(claim)
    for (before, after), claims in pairs.items():
        yield Change(found.date, found.commit, before, after, claims)


Read = tuple[list[_Version], dict[str, dict[str, str]], bool]


@functools.cache
def _folder(folder: Path) -> Read | GitError:
    """What git knows, or why it knows nothing. The error is a result, so that it is cached too."""
    try:
        return _read(folder)
    except GitError as error:
        return error


def _read(folder: Path) -> Read:
    """The versions of all papers in `folder`, the outcomes in each version by its id, and whether the clone is shallow.

    Raises GitError if there is no repository, no commit or no git.
    """
    listed = git.call(folder, "rev-list", "--first-parent", "--parents", "--timestamp", git.head(folder), "--", PATHS)
    commits = [line.split() for line in listed.decode().splitlines()]
    dates = {name: _day(at) for at, name, *_ in commits}
    pairs = "".join(f"{' '.join(names[:2])}\n" for _, *names in commits)  # a merge is compared with its first parent
    printed = git.call(
        folder, "diff-tree", "--stdin", "-r", "--root", "--no-renames", "--relative", "--", PATHS, given=pairs.encode()
    )
    versions = list(_versions(printed.decode(errors="replace"), dates))
    return versions, _outcomes(folder, versions), git.shallow(folder)


def _day(seconds: str) -> str:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).date().isoformat()


def _versions(printed: str, dates: dict[str, str]) -> Iterator[_Version]:
    """The lines of `git diff-tree`: the id of a commit, then a line for each file that it changed."""
    commit = ""
    for line in printed.splitlines():
        if not line.startswith(":"):
            commit = line.split()[0]
            continue
        about, _, path = line.partition("\t")
        _, _, before, after, _ = about.split()
        yield _Version(dates[commit], commit, path.partition("/")[0], before, after)


def _outcomes(folder: Path, versions: list[_Version]) -> dict[str, dict[str, str]]:
    """The outcome of each claim in each version of a file, by the id of the version."""
    names = sorted({name for found in versions for name in (found.before, found.after) if name.strip("0")})
    printed = git.call(folder, "cat-file", "--batch", given="".join(f"{name}\n" for name in names).encode())
    found, start = {}, 0
    for name in names:
        end = printed.index(b"\n", start)
        size = printed[start:end].split()[-1]
        start = end + 1
        if size != b"missing":
            found[name] = _rows(printed[start : start + int(size)])
            start += int(size) + 1
    return found


def _rows(text: bytes) -> dict[str, str]:
    """The outcomes of one version. A version that is not a file of outcomes has none."""
    try:
        rows = json.loads(text)
    except ValueError:
        return {}
    pairs = rows.items() if isinstance(rows, dict) else ()
    return {claim: outcome.partition(LATE)[0] for claim, outcome in pairs if isinstance(outcome, str)}
