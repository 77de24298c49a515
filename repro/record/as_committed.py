"""Checks whether a run's files are as in the last commit, byte by byte.

It compares the modules that the config depends on, the core, the config with its includes, and every other file of the
paper that its code may read. It does not compare records, tests, the claims, and texts that no code names, because they
cannot change a number.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from repro.claim.paper import WRITTEN
from repro.config import Config
from repro.record import code_digest, git
from repro.record.git import GitError

TEXTS = (".py", ".gin", ".toml")  # git may check these out with other line endings
PROSE = (".md", ".rst", ".txt", ".pdf")  # compared only if code names the file
SHOWN = 3  # the maximum number of file names in a message
POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:(?P<digest>[0-9a-f]{64})\n")


def state(config: Config) -> dict[str, Any]:
    """The `source` of a record: `commit` and `dirty`. If files differ, also `why` and `diff`, a digest of them.

    `dirty` is None if git or a file cannot be read; then `commit` may be None too. Unknown never counts as clean.
    """
    try:
        top = git.top(config.folder)
        commit = git.head(top)
    except GitError as error:
        return {"commit": None, "dirty": None, "why": str(error)}
    try:
        own, differing = _differences(config, top, commit)
    except (GitError, OSError) as error:
        return {"commit": commit, "dirty": None, "why": f"it cannot be compared with its commit: {error}"}
    if own and own <= set(differing):
        return {"commit": None, "dirty": None, "why": f"the repository {top} has none of this code in its commit"}
    if not differing:
        return {"commit": commit, "dirty": False}
    shown = ", ".join([*sorted(differing)[:SHOWN], *(["..."] if len(differing) > SHOWN else [])])
    digest = hashlib.sha256("".join(f"{name}\0{differing[name]}\0" for name in sorted(differing)).encode())
    return {"commit": commit, "dirty": True, "why": f"not as committed: {shown}", "diff": digest.hexdigest()[:16]}


def snapshot(config: Config) -> dict[str, str]:
    """The content of every compared file as its git blob id (a hash), by path.

    A run takes two snapshots. If they differ, a file was changed while the run started.
    """
    return {str(path): blob_of(path) for path in sorted(counted(config))}


def _differences(config: Config, top: Path, commit: str) -> tuple[set[str], dict[str, str]]:
    """The compared files of the paper's repository, and {file: its difference} for both repositories."""
    files, core = counted(config), _core_top(top)
    inner = {path for path in files if path.is_relative_to(top)}
    listed = git.tree(top, commit)
    found = dict(_compare(sorted(inner), top, listed))
    paper = config.folder.resolve().relative_to(top).as_posix()
    found |= {name: "gone" for name in listed if _counts(name, paper) and not os.path.lexists(top / name)}
    outer = files - inner
    if core is not None:
        of_core = {path for path in outer if path.is_relative_to(core)}
        found |= dict(_compare(sorted(of_core), core, git.tree(core, git.head(core))))
        outer -= of_core
    outer = {path for path in outer if core is not None or not path.is_relative_to(code_digest.REPRO)}
    found |= {str(path): "outside" for path in outer}
    return {path.relative_to(top).as_posix() for path in inner}, found


def _core_top(top: Path) -> Path | None:
    """The repository of `repro` if it is not the paper's repository; None if it is, or if `repro` is in none."""
    try:
        found = git.top(code_digest.REPRO)
    except GitError:
        return None
    return found if found != top else None


def _counts(name: str, paper: str) -> bool:
    """True if a file of the commit counts: it is a module of `repro` or a file of the paper that code may read."""
    if name.startswith("repro/"):
        return name.endswith(".py")
    return name.startswith(f"{paper}/") and _may_be_read(Path(name).relative_to(paper))


def counted(config: Config) -> set[Path]:
    """The files that can change a number of `config`, and the targets of those that are links."""
    found = {
        *code_digest.files(config).values(),
        *code_digest.core_files().values(),
        *_config_files(config),
        *_beside(config),
    }
    found = {Path(os.path.abspath(path)) for path in found}
    return found | {target for path in found if path.is_symlink() and not (target := path.resolve()).is_dir()}


def _config_files(config: Config) -> Iterator[Path]:
    """The config and the files that it includes, as far as they are in the paper's folder."""
    places = {line.place.rpartition(":")[0] for line in config.lines}
    yield from (Path(place) for place in places if Path(place).resolve().is_relative_to(config.folder.resolve()))


def _beside(config: Config) -> Iterator[Path]:
    """The files of the paper that its code may read, and links to folders. Texts count only if code names them."""
    text = ""
    for place, folders, names in os.walk(config.folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links]
        for path in (Path(place) / name for name in (*names, *links)):
            inner = path.relative_to(config.folder)
            if _may_be_read(inner):
                yield path
            elif path.suffix in PROSE and _in_place(inner):
                text = text or _text(config)
                if path.name in text:
                    yield path


def _text(config: Config) -> str:
    """The text of the config and of the modules of its paper."""
    modules = (path for path in code_digest.files(config).values() if path.is_relative_to(config.folder))
    return "\n".join([config.text, *(path.read_text(encoding="utf-8", errors="replace") for path in modules)])


def _may_be_read(inner: Path) -> bool:
    """True if code may read this file: it is not a text, a config, the claims, a test, or the output of a command."""
    configs = inner.parts[0] == "configs" and inner.suffix == ".gin"
    return _in_place(inner) and inner.suffix not in PROSE and not configs and inner != Path("paper.toml")


def _in_place(inner: Path) -> bool:
    hidden = any(part.startswith(".") or part == "__pycache__" for part in inner.parts)
    return not hidden and inner.parts[0] not in (WRITTEN, "tests")


def _compare(files: Iterable[Path], top: Path, listed: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(path in the repository, present blob id) of each file that differs from the commit. Raises OSError, GitError."""
    for path in files:
        name = path.relative_to(top).as_posix()
        known = listed.get(name, "")
        if not known:  # a new file is not read, because it may be large
            yield name, f"new, {os.lstat(path).st_size} bytes"
        elif (now := blob_of(path, len(known))) != known and not _same(path, known, top):
            yield name, now


def blob_of(path: Path, digits: int = 40) -> str:
    """The id that git gives to the content of a file (or to the target of a link). A file is read in pieces."""
    digest = hashlib.sha256() if digits == 64 else hashlib.sha1(usedforsecurity=False)
    if not path.is_symlink() and not path.is_file():
        return "no file"  # reading a pipe would block
    if path.is_symlink():
        target = os.fsencode(os.readlink(path))
        digest.update(b"blob %d\0%b" % (len(target), target))
        return digest.hexdigest()
    digest.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _same(path: Path, blob: str, top: Path) -> bool:
    """True if a file with other bytes has the committed content: with other line endings, or stored by Git LFS."""
    if path.is_symlink() or not path.is_file():
        return False
    committed = git.blob(top, blob)
    if path.suffix in TEXTS:
        return path.read_bytes().replace(b"\r\n", b"\n") == committed
    pointer = POINTER.match(committed)
    if pointer is None:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == pointer["digest"].decode()
