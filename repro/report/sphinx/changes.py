"""Digests of the sources of each document. A document is read again only if one of its digests has changed.

A document registers its sources while it is read. Example: `paper NAME` is all that a paper's page is made from: its
files, and the digests of the code that decides whether its records are stale. Sphinx does not watch these files.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from repro import HOME
from repro.claim import paper
from repro.config import IMPORT
from repro.errors import BadInput
from repro.record import SWEPT, code_digest
from repro.record.determinism import FOLDER as CERTIFICATES
from repro.report import history, needed, reviews
from repro.rerun import rot
from repro.rerun.counter_record import FOLDER as REPLAYS
from repro.rerun.signatures import LISTED

FAULT = "fault"
"""The source of a document that shows an error. Its digest is random, so each build reads the document again and
repeats the warning until the error is fixed.
"""

TITLE = re.compile(r"(?m)^\s*(?:title|kind)\s*=.*$")


def digest(source: str) -> str:
    """The current digest of a source; empty for a paper that no longer exists."""
    kind, _, name = source.partition(" ")
    if kind == FAULT:
        return os.urandom(8).hex()
    return KINDS[kind](name)


def program() -> str:
    """The digest of the code that prints the pages. If it changes, all pages are made again."""
    parts = tuple(HOME / room.removeprefix("repro.") for room in code_digest.ROOMS)
    return _short(line for line in _sources() if not line.startswith(tuple(f"{part}{os.sep}" for part in parts)))


def forget() -> None:
    """Empty the caches: the files may have changed."""
    for looked in (folders, *KINDS.values()):
        looked.cache_clear()
    history.forget()
    needed.forget()


@functools.cache
def _paper(name: str) -> str:
    """The files of a paper, and the digests of the code that its configs use, also outside its folder."""
    folder = folders().get(name)
    if folder is None:
        return ""
    modules = {hit["module"] for path in folder.glob("configs/[!.]*.gin") for hit in _imports(path)}
    try:
        code = code_digest.of_modules(sorted(modules), folder.parent)
    except BadInput as error:  # invalid Python is reported where it is printed
        code = {"fault": str(error)}
    swept = sorted((folder / paper.WRITTEN / SWEPT).glob("*/"))
    places = [*(folder / place for place in (paper.WRITTEN, CERTIFICATES, rot.FOLDER)), *swept]
    kept = [row for place in places for row in _stats(place, ".json")]
    kept += [row for home in sorted((folder / REPLAYS).glob("*/")) for row in _stats(home, ".json", ".sig", ".asc")]
    kept += [*_stats(folder / reviews.FOLDER, ".md"), *_stats(folder.parent, LISTED)]
    files = [*_stats(folder, ".toml", ".md"), *kept]
    return _short([*files, _code(name), *map(":".join, code.items())])


@functools.cache
def _code(name: str) -> str:
    """The parts and configs of a paper, and its title."""
    folder = folders().get(name)
    if folder is None:
        return ""
    return _short([*_stats(folder, ".py"), *_stats(folder / "configs", ".gin"), _title(name)])


@functools.cache
def _title(name: str) -> str:
    """The lines of `paper.toml` that set title and kind, and whether the paper has tips."""
    folder = folders().get(name)
    if folder is None:
        return ""
    text = (folder / "paper.toml").read_text(encoding="utf-8-sig", errors="replace")
    return f"{TITLE.findall(text)} {(folder / 'tips.md').is_file()}"


@functools.cache
def folders() -> dict[str, Path]:
    """The folders of all papers, by name: listed once per build, because each page asks for them."""
    return paper.folders()


@functools.cache
def _papers(_: str) -> str:
    """The names of all papers."""
    return _short(sorted(folders()))


@functools.cache
def _parts(_: str) -> str:
    """The source of `repro`, which declares parts."""
    return _short(_sources())


def _sources() -> list[str]:
    """Path, time and size of each module of `repro`, and of the catalogue of data sets."""
    return [line for folder in sorted({HOME, *HOME.glob("**/")}) for line in _stats(folder, ".py", ".toml")]


@functools.cache
def _today(_: str) -> str:
    """Today's date, for documents that print how many days ago something was."""
    return rot.today().isoformat()


@functools.cache
def _history(name: str) -> str:
    """The committed verdicts of a paper. A commit changes them, without a change of any file."""
    folder = folders().get(name)
    return _short([repr(history.of_folder(folder))]) if folder else ""


KINDS = {
    "paper": _paper,
    "title": _title,
    "code": _code,
    "papers": _papers,
    "parts": _parts,
    "today": _today,
    "history": _history,
}


def _imports(path: Path) -> Iterator[dict[str, str]]:
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    return (hit.groupdict() for line in lines if (hit := IMPORT.match(line)))


def _stats(folder: Path, *suffixes: str) -> list[str]:
    """Path, time and size of the files of a folder. Their contents are not read: there may be thousands of records."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        found = [(entry.path, entry.stat()) for entry in entries if entry.name.endswith(suffixes)]
    return sorted(f"{path} {state.st_mtime_ns} {state.st_size}" for path, state in found)


def _short(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def printed(env: Any) -> dict[str, dict[str, str]]:
    """The sources of each document, with their digests at the time when it was read."""
    if not hasattr(env, "repro_printed"):
        env.repro_printed = {}
    found: dict[str, dict[str, str]] = env.repro_printed
    return found


def note(env: Any, *sources: str) -> None:
    """Register `sources` of the current document: it is read again when one of them changes."""
    printed(env).setdefault(env.docname, {}).update({source: digest(source) for source in sources})


def purge(app: Any, env: Any, document: str) -> None:
    """Forget a document that was removed or is read again."""
    printed(env).pop(document, None)


def merge(app: Any, env: Any, documents: Iterable[str], other: Any) -> None:
    """Take over the sources of the documents that another process has read."""
    printed(env).update({name: sources for name, sources in printed(other).items() if name in documents})
