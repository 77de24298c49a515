"""Copies records, configs and sources next to the pages, so that every link of the site works offline.

A text (`.py`, `.gin`, `.toml`, `.md`) becomes a page with numbered lines: `model.py.html#L30`, which also offers the
text itself: `model.py`. Records, sounds and pictures are copied unchanged.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from repro.report.html import listing
from repro.report.html.listing import TEXTS as TEXTS
from repro.report.html.listing import Place

TABLE = "claims.csv"  # the claims of a paper, written at the end of the build
COPIES = frozenset({".json", ".flac", ".wav", ".ogg", ".mp3", ".png", ".jpg"})  # not .svg: it may contain a script


def shown(address: str) -> str:
    """The address that shows a file: a text has a page with numbered lines, at `address` + `.html`."""
    return f"{address}.html" if Path(address).suffix in TEXTS else address


def badge(name: str) -> str:
    """The address of a paper's badge, relative to the root of the site."""
    return f"files/badges/{name}.svg"


def publish(folder: Path, name: str, target: Path, parts: Collection[str] = ()) -> None:
    """Copy the files of a paper's `folder` to `target`, if they have changed. Remove copies of files that are gone.

    `parts` are the anchors of the page of parts, for the links of the configs; empty if the site has no such page.
    """
    home = target / "files" / "papers" / name
    kept = {home / TABLE}
    configs = {path.name for path in folder.glob("configs/[!.]*.gin") if not path.is_symlink()}
    for path in _files(folder):
        relative = path.relative_to(folder).as_posix()
        kept.add(copy := home / relative)
        _same(path, copy)
        if path.suffix in TEXTS:
            kept.add(page := home / shown(relative))
            if _old(path, page):
                _write(path, page, _place(f"papers/{name}/{relative}", _to(target, page), parts, configs))
    _drop(home, kept)


def _place(title: str, root: str, parts: Collection[str], configs: Collection[str]) -> Place:
    """Where the page of a paper's file is, and what it links to. Only a config has links to parts and includes."""
    paper = "/".join(title.split("/")[:2])
    back = paper, f"{root}{paper}.html"
    if not title.endswith(".gin"):
        return Place(title, root, back)
    return Place(
        title, root, back, _addresses(tuple(parts), f"{root}parts.html#"), {one: shown(one) for one in configs}
    )


@functools.lru_cache(4)
def _addresses(parts: tuple[str, ...], page: str) -> dict[str, str]:
    """The address of each part, by both names that a config may use: `models.LeNet5` and `LeNet5`."""
    return {name: f"{page}{part}" for part in parts for name in (part, part.partition(".")[2])}


def _to(target: Path, page: Path) -> str:
    """The relative address of `target`, the root of the site, as seen from a page."""
    return "../" * (len(page.relative_to(target).parts) - 1)


def mirror(folder: Path, target: Path, more: Collection[str] = ()) -> None:
    """Copy the pictures, sounds and JSON files of `folder` to `target`, and those with a suffix in `more`.

    Copies of files that are gone are removed.
    """
    wanted = COPIES.union(more)
    found = {target / path.name: path for path in folder.glob("[!.]*") if path.suffix in wanted and path.is_file()}
    for copy, path in found.items():
        _same(path, copy)
    _drop(target, set(found))


def _drop(home: Path, kept: set[Path]) -> None:
    """Remove the files that are not `kept`, then the empty folders."""
    for path in _walk(home):
        if path not in kept:
            path.unlink()
    for folder, _, _ in os.walk(home, topdown=False):
        if not os.listdir(folder):
            os.rmdir(folder)


def publish_source(folder: Path, target: Path) -> None:
    """Write a listing of each Python file of `repro`, for the catalogue of parts."""
    for path in sorted(folder.rglob("[!.]*.py")):
        copy = target / "files" / folder.name / path.relative_to(folder)
        _same(path, copy)
        page = copy.with_name(shown(copy.name))
        if _old(path, page):
            root = _to(target, page)
            title = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            _write(path, page, Place(title, root, ("parts", f"{root}parts.html")))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in _walk(folder) if path.suffix in {*TEXTS, *COPIES})


def _walk(folder: Path) -> Iterator[Path]:
    """The files below a folder, without hidden files. Symbolic links are left out: they may lead to private files."""
    for home, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        found = (Path(home, name) for name in names if not name.startswith("."))
        yield from (path for path in found if not path.is_symlink())


def _same(path: Path, target: Path) -> None:
    """Copy a file with its time, unless the copy is up to date.

    A hard link is replaced by a copy, so that an edit of the site cannot change a record.
    """
    state = path.stat()
    try:
        there = target.stat()
        if (there.st_size, there.st_mtime_ns) == (state.st_size, state.st_mtime_ns) and there.st_ino != state.st_ino:
            return
        target.unlink()
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)  # copy2 would take twice as long; only the time is needed
    os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns))


def _write(path: Path, target: Path, place: Place) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text(encoding="utf-8-sig", errors="replace")  # another check reports what is not UTF-8
    target.write_text(listing.listing(text, path.suffix, place), encoding="utf-8")


def _old(path: Path, target: Path) -> bool:
    """Whether a page must be written: it does not exist, or the file or the code that writes it is newer."""
    try:
        written = os.stat(target).st_mtime
    except FileNotFoundError:
        return True
    return written < max(os.stat(path).st_mtime, _program())


@functools.cache
def _program() -> float:
    """When the code that writes the pages was changed."""
    return max(Path(one).stat().st_mtime for one in (__file__, listing.__file__))


def fresh(path: Path, target: Path) -> bool:
    """Whether `target` exists and is not older than `path`, from which it is made."""
    try:
        return target.stat().st_mtime >= path.stat().st_mtime
    except FileNotFoundError:
        return False
