"""Which commit a run's code is of: the files that count are compared with it, byte by byte.

What counts are the modules that the config depends on, the core that runs it, the config with its includes, the
paper's catalogue of data, and any other file of the paper that its code or its config names. Prose, notes and records
move no number, so they do not count.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from repro import git, provenance
from repro.config import Config
from repro.git import GitError
from repro.paper import LEFT

TEXTS = (".py", ".gin", ".toml")  # may be checked out with other line ends
PROSE = (".md", ".rst", ".txt", ".pdf")  # counts only where its whole name is written
SHOWN = 3  # names of files in a message
POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:(?P<digest>[0-9a-f]{64})\n")


def state(config: Config) -> dict[str, Any]:
    """`commit`, `dirty`, and where it is not clean `why` and the digest `diff` of what differs.

    `dirty` is None, and so may be `commit`, where git or a file cannot be read: unknown is never clean.
    """
    try:
        top = git.top(config.folder)
        commit = git.head(top)
    except GitError as error:
        return {"commit": None, "dirty": None, "why": str(error)}
    try:
        listed = git.tree(top, commit)
        files = sorted(path for path in counted(config) if path.is_relative_to(top))
        differing = dict(_compare(files, top, listed))
    except (GitError, OSError) as error:
        return {"commit": commit, "dirty": None, "why": f"it cannot be compared with its commit: {error}"}
    if len(differing) == len(files):
        return {"commit": None, "dirty": None, "why": f"the repository {top} has none of this code in its commit"}
    if not differing:
        return {"commit": commit, "dirty": False}
    shown = ", ".join([*sorted(differing)[:SHOWN], *(["..."] if len(differing) > SHOWN else [])])
    digest = hashlib.sha256("".join(f"{name}\0{differing[name]}\0" for name in sorted(differing)).encode())
    return {"commit": commit, "dirty": True, "why": f"not as committed: {shown}", "diff": digest.hexdigest()[:16]}


def counted(config: Config) -> set[Path]:
    """The files that can move a number of `config`, and the targets of those that are links."""
    modules = provenance.files(config).values()
    own = [path for path in modules if path.is_relative_to(config.folder)]
    found = {*modules, *provenance.core_files().values(), *_config_files(config), *_named(config, own)}
    return {place for path in found for place in (Path(os.path.abspath(path)), path.resolve())}


def _config_files(config: Config) -> Iterator[Path]:
    """The config and what it includes, where it is one of its paper; the paper's catalogue."""
    places = {line.place.rpartition(":")[0] for line in config.lines}
    yield from (Path(place) for place in places if Path(place).resolve().is_relative_to(config.folder.resolve()))
    if (config.folder / "data.toml").is_file():
        yield config.folder / "data.toml"


def _named(config: Config, modules: Iterable[Path]) -> Iterator[Path]:
    """Files of the paper's folder that its code or its config names: weights, a list of words."""
    text = "\n".join([config.text, *(path.read_text(encoding="utf-8", errors="replace") for path in modules)])
    words = set(re.findall(r"\w+", text))
    for place, folders, names in os.walk(config.folder):
        apart = {*LEFT, "tests", "__pycache__"} if Path(place) == config.folder else {"__pycache__"}
        folders[:] = [name for name in folders if name not in apart and not name.startswith(".")]
        within = [part for part in Path(place).relative_to(config.folder).parts if part in words]
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            if path.suffix in (".py", ".gin", ".toml") or (path.parent == config.folder and path.name in LEFT):
                continue
            if path.name in text or within or (path.suffix not in PROSE and path.stem in words):
                yield path


def _compare(files: Iterable[Path], top: Path, listed: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(path from the top, its blob now) of each file that is not as in the commit. Raises OSError, GitError."""
    for path in files:
        name = path.relative_to(top).as_posix()
        known = listed.get(name, "")
        now = blob_of(path, len(known))
        if now != known and not (known and _same(path, known, top)):
            yield name, now


def blob_of(path: Path, digits: int = 40) -> str:
    """The id that git gives to the content of a file (or to the target of a link), read piece by piece."""
    digest = hashlib.sha256() if digits == 64 else hashlib.sha1(usedforsecurity=False)
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
    """Whether a file whose bytes differ has the committed content: with other line ends, or held by LFS."""
    committed = git.blob(top, blob)
    if path.suffix in TEXTS:
        return path.read_bytes().replace(b"\r\n", b"\n") == committed
    pointer = POINTER.match(committed)
    if pointer is None:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == pointer["digest"].decode()
