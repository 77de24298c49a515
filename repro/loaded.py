"""Whether the code that is loaded is the code whose digests a record keeps."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from repro import provenance
from repro.config import Config
from repro.errors import BadInput
from repro.paper import where


def refuse_unfollowed(config: Config, before: Iterable[str]) -> None:
    """Raise BadInput for code that no digest sees, of the modules loaded since `before` (names of modules)."""
    for fault in _faults(config, set(before)):
        raise BadInput(fault, where(config.path))


def _faults(config: Config, before: set[str]) -> Iterator[str]:
    known = provenance.files(config)
    for name, path in known.items():
        loaded = getattr(sys.modules.get(name), "__file__", None)
        if loaded and Path(loaded).resolve() != path.resolve():
            yield f"the module {name} is loaded from {loaded}; expected {where(path)}"
    everything = known | provenance.core_files()
    for path in everything.values():
        if _unchecked(path):
            yield f"{where(path)} has a compiled file in __pycache__ that Python runs unchecked in its place: delete it"
    for name in sorted(set(sys.modules) - before - set(everything)):
        if name.startswith(("papers.", "repro.")) and getattr(sys.modules[name], "__file__", None):
            hint = "expected an import statement in a module that the config imports, of a part, a paper or the core"
            yield f"{name} is loaded, and no digest follows it there: {hint}"


def _unchecked(path: Path) -> bool:
    """Whether Python would take the compiled file of a module without comparing it with the source (PEP 552)."""
    compiled = Path(importlib.util.cache_from_source(str(path)))
    try:
        with compiled.open("rb") as file:
            flags = int.from_bytes(file.read(8)[4:], "little")
    except OSError:
        return False
    return flags & 0b11 == 0b01
