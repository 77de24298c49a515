"""Read a git repository safely, with low-level git commands that run no program from a git configuration.

The configuration of the user and of the machine and all `GIT_` variables are ignored. Of the repository's own
configuration, only the format is used. No index, filter, diff tool, hook, file monitor or network is used.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

OPTIONS = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}", "protocol.allow=never", "safe.directory=*")
VARIABLES = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class GitError(Exception):
    """git is not installed, or a git command failed. `str(error)` contains the first line of git's error."""


def call(folder: Path, *words: str, given: bytes = b"") -> bytes:
    """The output of `git WORDS` in `folder`; `given` is its standard input. Raises GitError if the command fails."""
    options = [word for option in OPTIONS for word in ("-c", option)]
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *options, *words],
            input=given,
            capture_output=True,
            check=False,
            env=environment(),
        )
    except OSError as error:
        raise GitError(f"git cannot be started: {error.strerror}") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines() or [f"exit code {done.returncode}"]
        raise GitError(f"git {words[0]}: {lines[0].removeprefix('fatal: ')}")
    return done.stdout


def environment() -> dict[str, str]:
    """The environment variables for git, without `GIT_` variables that could name another repository or program."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | VARIABLES


def top(folder: Path) -> Path:
    """The top folder of the repository that contains `folder`. Raises GitError if there is no repository."""
    found = Path(os.fsdecode(call(folder, "rev-parse", "--show-toplevel").removesuffix(b"\n")))
    if not folder.resolve().is_relative_to(found.resolve()):
        raise GitError(f"git reports the repository {found}, which does not contain {folder}")
    return found.resolve()


def head(folder: Path) -> str:
    """The id of the commit that is checked out. Raises GitError if there is no commit."""
    try:
        return call(folder, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
    except GitError as error:
        raise GitError("there is no commit yet" if "single revision" in str(error) else str(error)) from None


def tree(folder: Path, commit: str) -> dict[str, str]:
    """The blob id of each file of a commit, by its path from the top folder. Raises GitError if git cannot read it."""
    listed = call(folder, "ls-tree", "-r", "-z", "--full-tree", commit)
    rows = (row.partition(b"\t") for row in listed.split(b"\0") if row)
    return {os.fsdecode(path): about.split()[2].decode() for about, _, path in rows}


def blob(folder: Path, name: str) -> bytes:
    """The content of one blob; `name` is its id, or `COMMIT:PATH`. Raises GitError if it does not exist."""
    return call(folder, "cat-file", "blob", name)


def shallow(folder: Path) -> bool:
    """Whether the clone is shallow: a part of the history is missing."""
    return call(folder, "rev-parse", "--is-shallow-repository").strip() == b"true"


def is_commit(name: object) -> bool:
    """Whether `name` has the form of a commit id: 40 or 64 hexadecimal digits."""
    return isinstance(name, str) and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", name) is not None


def missing(folder: Path, commits: Iterable[str]) -> set[str]:
    """The `commits` that the repository does not contain. Empty for a shallow clone, where most are missing."""
    wanted = set(commits)
    return wanted - present(folder, wanted) if wanted and not shallow(folder) else set()


def present(folder: Path, commits: Iterable[str]) -> set[str]:
    """The `commits` that the repository contains. Each must have the form of an id (`is_commit`)."""
    wanted = sorted(set(commits))
    asked = "".join(f"{commit}^{{commit}}\n" for commit in wanted)
    lines = call(folder, "cat-file", "--batch-check", given=asked.encode()).decode().splitlines()
    return {commit for commit, line in zip(wanted, lines, strict=True) if not line.endswith(" missing")}


def write(folder: Path, commit: str, target: Path, below: Iterable[str] = (), ending: str = "") -> None:
    """Write files of a commit into the folder `target`. A link becomes a text file that contains the link's target.

    below: the folders to write; all if empty. ending: the end of the file names, such as ".py".
    """
    starts = tuple(f"{name.rstrip('/')}/" for name in below) or ("",)
    listed = tree(folder, commit).items()
    wanted = {path: blob for path, blob in listed if path.startswith(starts) and path.endswith(ending)}
    found = blobs(folder, sorted(set(wanted.values())))
    for path, name in wanted.items():
        if name in found:
            place = target / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(found[name])


def blobs(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The content of each blob, by its name: an id, or `COMMIT:PATH` without a line break in it.

    What does not exist and other objects, such as the commit of a submodule, are left out.
    """
    printed = call(folder, "cat-file", "--batch", given="".join(f"{name}\n" for name in names).encode())
    found, start = {}, 0
    for name in names:
        end = printed.index(b"\n", start)
        head = printed[start:end].split()
        start = end + 1
        if head[-1] == b"missing":
            continue
        size = int(head[2])
        if head[1] == b"blob":
            found[name] = printed[start : start + size]
        start += size + 1
    return found


def changed(folder: Path, since: str, below: str = "") -> list[str]:
    """The files that were changed or added in HEAD since it left the branch `since`, as paths from the top folder."""
    base = call(folder, "merge-base", "--end-of-options", since, "HEAD").decode().strip()
    before, now = tree(folder, base), tree(folder, "HEAD")
    return sorted(path for path in now if path.startswith(below) and now[path] != before.get(path))
