"""The parts of `repro` and of all papers as their source text declares them, and the names that are declared twice.

A registry refuses the second part of a name only when a config imports both modules. `repro check` finds it before.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from repro import HOME, registry
from repro.claim import paper
from repro.claim.paper import Paper
from repro.errors import BadInput, where
from repro.record import Record
from repro.registry import Declared

_KEPT: ContextVar[list[Declared] | None] = ContextVar("_KEPT", default=None)
"""The parts, inside `kept`."""


def twins(one: Paper, records: Iterable[Record]) -> Iterator[BadInput]:
    """No part of the paper has the name of another part of its kind: in the paper, in `repro` or in another paper."""
    found = [(one.folder in part.path.parents, part) for part in every()]
    ours = [part for own, part in found if own]
    known = {(part.kind, part.name): part for own, part in found if not own}
    for part in ours:
        twin = known.setdefault((part.kind, part.name), part)
        if twin is not part:
            what = f"{part.kind}.{part.name} is also registered in {where(twin.path)}:{twin.line}"
            yield BadInput(what, f"{where(part.path)}:{part.line}", expected="another name: a config may need both")


def every() -> list[Declared]:
    """All parts, by file. Files that cannot be read are left out, because other checks report them.

    >>> "metrics.Accuracy" in {f"{part.kind}.{part.name}" for part in every()}
    True
    """
    if (known := _KEPT.get()) is not None:
        return known
    papers = ((folder, f"papers.{name}") for name, folder in sorted(paper.folders().items()))
    return [*_shared(), *(part for folder, package in papers for part in _below(folder, package))]


@contextmanager
def kept() -> Iterator[None]:
    """Look for the parts once while many papers are checked: their folders do not change meanwhile."""
    token = _KEPT.set(every())
    try:
        yield
    finally:
        _KEPT.reset(token)


@functools.cache
def _shared() -> tuple[Declared, ...]:
    """The parts of `repro`, which is read once: its files do not change while it runs."""
    return tuple(_below(HOME, "repro"))


def _below(folder: Path, package: str) -> Iterator[Declared]:
    for path in sorted(folder.rglob("[!.]*.py")):
        inner = path.relative_to(folder).with_suffix("").parts
        if "tests" not in inner and path.is_file():
            yield from _in_file(path, ".".join((package, *inner)).removesuffix(".__init__"), path.stat().st_mtime_ns)


@functools.cache
def _in_file(path: Path, module: str, changed: int) -> tuple[Declared, ...]:
    """The parts of a file; `changed` is the time of its last change."""
    try:
        return tuple(registry.declared_in(path, module)) if ".register" in registry.source(path) else ()
    except BadInput:
        return ()
