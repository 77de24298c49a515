"""Check that the imported code is the code whose digests go into the record."""

from __future__ import annotations

import functools
import importlib.util
import marshal
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repro.config import Config
from repro.errors import BadInput, where
from repro.record import as_committed, code_digest, git
from repro.record.git import GitError


@dataclass(frozen=True)
class Before:
    """The loaded modules, and the content of the files, before the parts of a run were imported."""

    modules: set[str]
    files: dict[str, str]


def refuse_changed(config: Config, before: Before) -> None:
    """Raise BadInput if a file changed while the code was imported: it is not known which version ran."""
    now = as_committed.snapshot(config)
    for path in sorted({*now, *before.files}):
        if now.get(path) != before.files.get(path):
            raise BadInput("changed while the run started; start it again", where(Path(path)))


def refuse_unfollowed(config: Config, before: Before) -> None:
    """Raise BadInput for a module loaded since `before` whose code is in no digest."""
    for what, expected in _faults(config, before.modules):
        raise BadInput(what, where(config.path), expected=expected)


def _faults(config: Config, before: set[str]) -> Iterator[tuple[str, str]]:
    """(fault, what was expected)."""
    everything = code_digest.files(config) | code_digest.core_files()
    for name, path in everything.items():
        loaded = getattr(sys.modules.get(name), "__file__", None)
        if loaded and Path(loaded).resolve() != path.resolve():
            yield f"the module {name} is loaded from {loaded}", where(path)
        if loaded and _other_code(path):
            yield f"{where(path)} has a compiled file in __pycache__ from another source: delete it", ""
    roots = _roots(config)
    for name in sorted(set(sys.modules) - before - set(everything)):
        file = getattr(sys.modules[name], "__file__", None)
        if sys.modules[name] is sys.modules["__main__"]:  # multiprocessing gives it a second name
            continue
        if file and (name.startswith(("papers.", "repro.")) or name == "papers" or _is_ours(Path(file), roots)):
            hint = "an import statement in a module that the config imports, or in the core"
            yield f"{name} is loaded, but no digest contains its code", hint


def _roots(config: Config) -> list[Path]:
    """The folders with project code: the paper's folder, and its repository."""
    try:
        return [config.folder.resolve(), git.top(config.folder)]
    except GitError:
        return [config.folder.resolve()]


def _is_ours(file: Path, roots: list[Path]) -> bool:
    """True if a module is below one of `roots`, but not in a Python environment there."""
    place = file.resolve()
    return (
        place.is_file()
        and any(place.is_relative_to(root) for root in roots)
        and not any(map(place.is_relative_to, _installed()))
    )


@functools.cache
def _installed() -> frozenset[Path]:
    """The folders of the installed packages and of Python's standard library."""
    return frozenset(Path(sysconfig.get_path(key)).resolve() for key in ("purelib", "platlib", "stdlib"))


def _other_code(path: Path) -> bool:
    """True if the compiled file that Python may run in place of the source comes from another source."""
    compiled = Path(importlib.util.cache_from_source(str(path)))
    try:
        found, source_of = compiled.stat(), path.stat()
    except OSError:
        return False
    return _differs(path, compiled, found.st_mtime_ns, source_of.st_mtime_ns)


@functools.cache
def _differs(path: Path, compiled: Path, compiled_at: int, changed_at: int) -> bool:
    content, text = compiled.read_bytes(), path.read_bytes()
    flags, seconds, size = (int.from_bytes(content[at : at + 4], "little") for at in (4, 8, 12))
    if flags == 0 and (seconds, size) != (changed_at // 10**9 & 0xFFFFFFFF, len(text) & 0xFFFFFFFF):
        return False  # Python sees that the file is outdated, and compiles the source again
    try:
        code = marshal.loads(content[16:])  # nosec B302  # Python has already loaded this file
        return bool(code != compile(text, str(path), "exec", dont_inherit=True))
    except (ValueError, EOFError, TypeError, SyntaxError):
        return True
