"""The files of a data set: all of one kind below a folder, each once, and a log line that names what is left out.

Links are followed. Hidden files (`._a.wav`, which macOS writes) and the folders of an operating system are left out. So
are copies: a file of the same bytes that has the same name in another folder, or the name that a file manager gives to
a copy, as `a (1).wav` and `a copy.wav` next to `a.wav`.
"""

from __future__ import annotations

import filecmp
import logging
import os
import re
import unicodedata
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from repro.errors import BadInput

SYSTEM = {"__macosx", "@eadir", "$recycle.bin", "lost+found", "system volume information"}
SOUNDS = {".aif", ".aiff", ".au", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".sph", ".wav", ".wv1"}
COPY = re.compile(r"(?:[ _-]*\([^()]*\)|[ _-]+(?:copy|kopie|copie|copia)(?: ?\d+)?| \d+)+$", re.IGNORECASE)
COPY_OF = re.compile(r"^(?:copy of|kopie von|copie de|copia de) ", re.IGNORECASE)

log = logging.getLogger("repro")


class Found(NamedTuple):
    """A file of the kind, and why it is left out (`""` where it is not)."""

    path: Path
    why: str = ""


def files(folder: Path, ending: str) -> dict[str, Path]:
    """The files below `folder` that end with `ending` in either case, sorted by their names without it.

    Empty if there is no such folder. Raises BadInput for a broken link or a folder that cannot be read, and for two
    files of one name with different content: only one of them can be meant.
    """
    if not os.path.isdir(folder):
        return {}
    found: dict[str, list[Path]] = {}
    left = []
    for one in _below(folder, ending):
        if one.why:
            left.append(one)
        else:
            found.setdefault(_identity(one.path.stem), []).append(one.path)
    kept: dict[str, Path] = {}
    for name, paths in found.items():
        kept[name], *others = sorted(paths, key=lambda path: _rank(path, folder)) if paths[1:] else paths
        for path in others:
            _refuse_unlike(path, kept[name])
            left.append(Found(path, "copies"))
    for name in [name for name in kept if _is_copy(name, kept)]:
        left.append(Found(kept.pop(name), "copies"))
    say(folder, left)
    return dict(sorted((unicodedata.normalize("NFC", path.stem), path) for path in kept.values()))


def say(folder: Path, left: list[Found]) -> None:
    """One log line that names what is left out of a folder, and why; none if it is nothing."""
    counts = Counter(one.why for one in left)
    firsts = {one.why: os.path.relpath(one.path, folder) for one in reversed(left)}
    if left:
        parts = (f"{count} {why} (the first: {firsts[why]})" for why, count in counts.items())
        log.info("%s: left out %s", folder, ", ".join(parts))


def _below(folder: Path, ending: str) -> Iterator[Found]:
    """Every file of the kind, links followed. Folders go before links to folders, so each is read under its own name.

    A link to a folder that holds `folder`, or that was read already, is left out: it would lead round in a circle.
    """
    home, seen = folder.resolve(), set()
    folders, links = deque([folder]), deque[Path]()
    while folders or links:
        linked = not folders
        place = links.popleft() if linked else folders.popleft()
        target = place.resolve()
        if target in seen or (linked and home.is_relative_to(target)):
            yield Found(place, "links to a folder that is read already")
            continue
        seen.add(target)
        for entry in _entries(place):
            if _is_folder(entry):
                (links if entry.is_symlink() else folders).append(Path(entry.path))
            elif found := _file(entry, ending):
                yield found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, but the folders that no data is in."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        return [one for one in found if not (_aside(one.name) and _is_folder(one))]
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(folder)) from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) or (entry.is_symlink() and os.path.isdir(entry))


def _aside(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM


def _file(entry: os.DirEntry[str], ending: str) -> Found | None:
    """The file if it is of the kind, or would be taken for one. Raises BadInput if it is and cannot be read."""
    kind, path = os.path.splitext(entry.name)[1].lower(), Path(entry.path)
    if _aside(entry.name):
        return Found(path, "hidden files") if entry.name.lower().endswith(ending) else None
    if kind not in (ending, "") or (not kind and not entry.is_symlink()):
        return Found(path, "files of another kind") if {kind, ending} <= SOUNDS else None
    if entry.is_file(follow_symlinks=False) or os.path.isfile(entry):
        return Found(path) if kind else None
    if entry.is_symlink():
        raise BadInput(f"is a link to {os.readlink(path)}, which cannot be reached", str(path))
    raise BadInput("is no regular file", str(path))


def _rank(path: Path, folder: Path) -> tuple[int, int, str]:
    """Of files with one name, the lowest is kept: not in the copy of a folder, not deep in other folders."""
    parts = path.relative_to(folder).parts
    return sum(bool(COPY.search(part) or COPY_OF.search(part)) for part in parts[:-1]), len(parts), str(path).swapcase()


def _identity(stem: str) -> str:
    """The same for names that a disk of another system takes for one: in upper case, or with other accents."""
    return unicodedata.normalize("NFC", stem).casefold()


def _is_copy(name: str, kept: dict[str, Path]) -> bool:
    """Whether a file is called the copy of another one, and is."""
    original = kept.get(COPY_OF.sub("", COPY.sub("", name)))
    return original is not None and original != kept[name] and same(kept[name], original)


def _refuse_unlike(path: Path, other: Path) -> None:
    if not same(path, other):
        raise BadInput(f"has the name of {other} and other content; expected one of the two", str(path))


def same(path: Path, other: Path) -> bool:
    """Whether two files have the same bytes. Raises BadInput for one that cannot be read."""
    try:
        return os.path.samefile(path, other) or filecmp.cmp(path, other, shallow=False)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(error.filename)) from None
