"""Whether the code that is loaded is the code whose digests a record keeps."""

from __future__ import annotations

import functools
import importlib.util
import marshal
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repro import git
from repro.config import Config
from repro.errors import BadInput, where
from repro.git import GitError
from repro.record import as_committed, code_digest


@dataclass(frozen=True)
class Before:
    """What there was before the parts of a run were imported: the names of modules, and the content of files."""

    modules: set[str]
    files: dict[str, str]


def refuse_changed(config: Config, before: Before) -> None:
    """Raise BadInput where a file that counts has changed while the code was loaded: which of both ran?"""
    now = as_committed.snapshot(config)
    for path in sorted({*now, *before.files}):
        if now.get(path) != before.files.get(path):
            raise BadInput("changed while the run began; start it again", where(Path(path)))


def refuse_unfollowed(config: Config, before: Before) -> None:
    """Raise BadInput for code that no digest sees, of the modules loaded since `before`."""
    for fault in _faults(config, before.modules):
        raise BadInput(fault, where(config.path))


def _faults(config: Config, before: set[str]) -> Iterator[str]:
    everything = code_digest.files(config) | code_digest.core_files()
    for name, path in everything.items():
        loaded = getattr(sys.modules.get(name), "__file__", None)
        if loaded and Path(loaded).resolve() != path.resolve():
            yield f"the module {name} is loaded from {loaded}; expected {where(path)}"
        if loaded and _other_code(path):
            yield f"{where(path)} has a compiled file in __pycache__ that is not of this source: delete it"
    roots = _roots(config)
    for name in sorted(set(sys.modules) - before - set(everything)):
        file = getattr(sys.modules[name], "__file__", None)
        if sys.modules[name] is sys.modules["__main__"]:  # multiprocessing gives it a second name
            continue
        if file and (name.startswith(("papers.", "repro.")) or name == "papers" or _is_ours(Path(file), roots)):
            hint = "expected an import statement in a module that the config imports, of a part, a paper or the core"
            yield f"{name} is loaded, and no digest follows it there: {hint}"


def _roots(config: Config) -> list[Path]:
    """Where code of ours is: the paper, and the repository that it is in."""
    try:
        return [config.folder.resolve(), git.top(config.folder)]
    except GitError:
        return [config.folder.resolve()]


def _is_ours(file: Path, roots: list[Path]) -> bool:
    """Whether a module is below one of `roots` and not in an environment, which may be there too."""
    place = file.resolve()
    return (
        place.is_file()
        and any(place.is_relative_to(root) for root in roots)
        and not any(map(place.is_relative_to, _installed()))
    )


@functools.cache
def _installed() -> frozenset[Path]:
    """Where the packages of this environment are, and Python's own modules."""
    return frozenset(Path(sysconfig.get_path(key)).resolve() for key in ("purelib", "platlib", "stdlib"))


def _other_code(path: Path) -> bool:
    """Whether the compiled file that Python may run in place of a source is of another source."""
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
        return False  # Python sees that it is of another time, and compiles the source
    try:
        code = marshal.loads(content[16:])  # nosec B302  # Python has loaded it already
        return bool(code != compile(text, str(path), "exec", dont_inherit=True))
    except (ValueError, EOFError, TypeError, SyntaxError):
        return True
