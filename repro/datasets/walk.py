"""List the files of a data set: all files of one type in a folder and its subfolders, each once.

Links are followed. Hidden files (such as `._a.wav` from macOS) and folders of an operating system are left out. Copies
are left out too: files with the same bytes that have the same name in another folder, or a name such as `a (1).wav` or
`a copy.wav` next to `a.wav`. A log line reports the files that are left out.
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
    """A file of the type, and the reason why it is left out (`""` if it is used)."""

    path: Path
    why: str = ""


def files(folder: Path, ending: str) -> dict[str, Path]:
    """The files in `folder` that end with `ending`, by their names without the ending, sorted.

    The case of the ending does not matter. The result is empty if there is no such folder. Raises BadInput for a broken
    link, for a folder that cannot be read, and for two files with the same name but different content.

    Example:

        >>> Path("data/a").mkdir(parents=True)
        >>> for name in ("one.wav", "a/two.WAV", "._one.wav"):
        ...     size = Path("data", name).write_bytes(b"sound")
        >>> list(files(Path("data"), ".wav"))
        ['one', 'two']
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
    """Log what is left out of a folder, and why, in one line; log nothing if `left` is empty."""
    counts = Counter(one.why for one in left)
    firsts = {one.why: os.path.relpath(one.path, folder) for one in reversed(left)}
    if left:
        parts = (f"{count} {why} (the first: {firsts[why]})" for why, count in counts.items())
        log.info("%s: left out %s", folder, ", ".join(parts))


def _below(folder: Path, ending: str) -> Iterator[Found]:
    """Every file of the type. Links are followed, after the folders, so that each folder has its own name.

    A link to a folder that contains `folder`, or that was read already, is left out, because it would cause a loop.
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
    """The content of a folder, without hidden folders and folders of an operating system."""
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
    """The file if it has the type, or another type that is easily confused with it; otherwise None.

    Raises BadInput if the file has the type and cannot be read.
    """
    kind, path = os.path.splitext(entry.name)[1].lower(), Path(entry.path)
    if _aside(entry.name):
        return Found(path, "hidden files") if entry.name.lower().endswith(ending) else None
    if kind not in (ending, "") or (not kind and not entry.is_symlink()):
        return Found(path, "files of another kind") if {kind, ending} <= SOUNDS else None
    if entry.is_file(follow_symlinks=False) or os.path.isfile(entry):
        return Found(path) if kind else None
    if entry.is_symlink():
        raise BadInput(f"is a link to {os.readlink(path)}, which cannot be reached", str(path))
    raise BadInput("is not a regular file", str(path))


def _rank(path: Path, folder: Path) -> tuple[int, int, str]:
    """Sort key for files of one name; the lowest is used. Files in copied or deeply nested folders come last."""
    parts = path.relative_to(folder).parts
    return sum(bool(COPY.search(part) or COPY_OF.search(part)) for part in parts[:-1]), len(parts), str(path).swapcase()


def _identity(stem: str) -> str:
    """A key that is equal for names that another file system treats as one: other case, or composed accents."""
    return unicodedata.normalize("NFC", stem).casefold()


def _is_copy(name: str, kept: dict[str, Path]) -> bool:
    """Whether a file has the name and the content of a copy."""
    original = kept.get(COPY_OF.sub("", COPY.sub("", name)))
    return original is not None and original != kept[name] and same(kept[name], original)


def _refuse_unlike(path: Path, other: Path) -> None:
    if not same(path, other):
        raise BadInput(f"has the same name as {other} but other content", str(path), expected="one of the two")


def same(path: Path, other: Path) -> bool:
    """Whether two files have the same bytes. Raises BadInput for one that cannot be read."""
    try:
        return os.path.samefile(path, other) or filecmp.cmp(path, other, shallow=False)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(error.filename)) from None
