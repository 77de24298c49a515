"""What a git repository holds, read by plumbing commands that run nothing which a configuration names.

The user's and the machine's configuration and every `GIT_` variable are left out; of the repository's own only the
format counts. No index, filter, diff tool, hook, file monitor or network is used.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
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
    """git is not installed, or refused; `str(error)` is its own first line."""


def call(folder: Path, *words: str, given: bytes = b"") -> bytes:
    """What `git WORDS` prints in `folder`. Raises GitError where it fails."""
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
    """Our variables without those of git, which may name another repository, a viewer or a configuration."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | VARIABLES


def top(folder: Path) -> Path:
    """The folder of the repository that `folder` is in. Raises GitError where it is in none."""
    found = Path(os.fsdecode(call(folder, "rev-parse", "--show-toplevel").removesuffix(b"\n")))
    if not folder.resolve().is_relative_to(found.resolve()):
        raise GitError(f"the repository says that its files are in {found}, which does not contain {folder}")
    return found.resolve()


def head(folder: Path) -> str:
    """The commit that is checked out. Raises GitError where there is none."""
    return call(folder, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()


def tree(folder: Path, commit: str) -> dict[str, str]:
    """The blob of each file of a commit, by its path from the top. Raises GitError where it cannot be read."""
    listed = call(folder, "ls-tree", "-r", "-z", "--full-tree", commit)
    rows = (row.partition(b"\t") for row in listed.split(b"\0") if row)
    return {os.fsdecode(path): about.split()[2].decode() for about, _, path in rows}


def blob(folder: Path, name: str) -> bytes:
    """The content of one blob, as `COMMIT:PATH` or by its id. Raises GitError where there is none."""
    return call(folder, "cat-file", "blob", name)


def shallow(folder: Path) -> bool:
    """Whether the clone lacks a part of the history."""
    return call(folder, "rev-parse", "--is-shallow-repository").strip() == b"true"


def is_commit(name: object) -> bool:
    """Whether `name` is written as the id of a commit: 40 or 64 hexadecimal digits."""
    return isinstance(name, str) and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", name) is not None


def missing(folder: Path, commits: Iterable[str]) -> set[str]:
    """Those of `commits` that the repository does not have. Empty for a shallow clone, which lacks most of them."""
    wanted = sorted(set(commits))
    if not wanted or shallow(folder):
        return set()
    asked = "".join(f"{commit}^{{commit}}\n" for commit in wanted)
    lines = call(folder, "cat-file", "--batch-check", given=asked.encode()).decode().splitlines()
    return {commit for commit, line in zip(wanted, lines, strict=True) if line.endswith(" missing")}


def write(folder: Path, commit: str, target: Path, below: Iterable[str] = (), ending: str = "") -> None:
    """Write files of a commit into `target`: those of the folders `below` (or all) with this ending, but no links."""
    starts = tuple(f"{name.rstrip('/')}/" for name in below) or ("",)
    listed = tree(folder, commit).items()
    wanted = {path: blob for path, blob in listed if path.startswith(starts) and path.endswith(ending)}
    found = _blobs(folder, sorted(set(wanted.values())))
    for path, name in wanted.items():
        if name in found:
            place = target / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(found[name])


def _blobs(folder: Path, names: list[str]) -> dict[str, bytes]:
    """The content of each blob, by its id; what is none (a submodule's commit) is left out."""
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
    """The files, from the top, that HEAD has otherwise than where it left the branch `since`, or in addition."""
    base = call(folder, "merge-base", "--end-of-options", since, "HEAD").decode().strip()
    before, now = tree(folder, base), tree(folder, "HEAD")
    return sorted(path for path in now if path.startswith(below) and now[path] != before.get(path))
