"""Where a number comes from: the code and its digests, the commit, the packages, the machine. No torch needed.

`code(config)` gives a digest for each module that can move the numbers of a config: those it imports and, in turn,
those of `papers.*` and of the part rooms of `repro` that they import. Comments, docstrings and layout do not count.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from repro.config import Config
from repro.registry import parse

ROOMS = ("repro.audio", "repro.datasets", "repro.models", "repro.losses", "repro.trainers", "repro.metrics")
APART = (
    *("repro.audio.show", "repro.datasets.show"),  # draw what was obtained: no number rests on them
    # bring data here, and keep what was computed of it: a record holds the fingerprint of what they delivered
    *("repro.datasets.cache", "repro.datasets.catalogue", "repro.datasets.download", "repro.datasets.store"),
    "repro.datasets.unpack",
    # write down and restore what others computed, or stop them: a training that goes on has the same bits as one that
    # was never interrupted
    *("repro.trainers.checkpoints", "repro.trainers.journal", "repro.trainers.state", "repro.trainers.watch"),
)


def code(config: Config) -> dict[str, str]:
    """Digest of every module that `config` rests on, by name. Reads source text, imports nothing."""
    return of_modules([module for module, _ in config.modules], config.folder.parent)


def of_modules(modules: Iterable[str], papers: Path) -> dict[str, str]:
    """The same for a config that imports `modules`, its paper standing in the folder `papers`."""
    roots = {"repro": Path(__file__).parent, "papers": papers}
    found: dict[str, str] = {}
    waiting = ["repro.experiment", *modules]
    while waiting:
        name = waiting.pop()
        path = None if name in found or not _counts(name) else _file(name, roots)
        if path is None:
            continue
        found[name], imported = _examine(path, path.stat().st_mtime_ns)
        waiting.extend(_absolute(name, path, imported))
    return dict(sorted(found.items()))


def _counts(name: str) -> bool:
    if name in APART:
        return False
    return name == "repro.experiment" or name.startswith("papers.") or name.startswith(ROOMS)


def _file(name: str, roots: dict[str, Path]) -> Path | None:
    top, *rest = name.split(".")
    if top not in roots:
        return None
    stem = roots[top].joinpath(*rest)
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if rest and path.is_file()), None)


@functools.cache
def _examine(path: Path, changed: int) -> tuple[str, tuple[tuple[int, str], ...]]:
    """The digest of a module's code, and the modules it imports as (level, name)."""
    tree = parse(path)
    imported = tuple(_imports(tree))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            del body[0]
    return hashlib.sha256(_written(tree).encode()).hexdigest()[:16], imported


def _written(node: Any) -> str:
    """The tree as text, its empty fields left out: `ast.dump` writes them differently from one Python to the next."""
    if isinstance(node, list):
        return f"[{','.join(map(_written, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
    return f"{type(node).__name__}({','.join(f'{name}={_written(value)}' for name, value in fields)})"


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""
            yield from ((node.level, f"{node.module or ''}.{alias.name}".lstrip(".")) for alias in node.names)


def _absolute(name: str, path: Path, imported: tuple[tuple[int, str], ...]) -> Iterator[str]:
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for level, target in imported:
        base = package[: len(package) - level + 1] if level else []
        yield ".".join([*base, *([target] if target else [])])


def source(folder: Path) -> dict[str, Any]:
    """The commit, whether the tree was dirty, and if so the digest of what differs (what runs leave aside)."""
    left = ("records/**", "certificates/**", "renewals.json")
    apart = ["--", ":/", *(f":(exclude,top,glob)papers/*/{name}" for name in left)]
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {"commit": None, "dirty": None}
    diff = _git(folder, "diff", "HEAD", *apart) or ""
    listed = _git(folder, "ls-files", "-z", "--others", "--exclude-standard", "--full-name", *apart) or ""
    new = [name for name in listed.split("\0") if name]
    top = Path(_git(folder, "rev-parse", "--show-toplevel") or ".")
    digest = hashlib.sha256(diff.encode())
    for name in new:
        digest.update(name.encode() + ((top / name).read_bytes() if (top / name).is_file() else b""))
    dirty = bool(diff or new)
    return {"commit": commit, "dirty": dirty, **({"diff": digest.hexdigest()[:16]} if dirty else {})}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None  # no git on this machine: the record says so by an empty commit
    return done.stdout.strip() if done.returncode == 0 else None


def environment(threads: int, accelerator: str) -> dict[str, Any]:
    """Python, packages and machine, as a record keeps them."""
    return {
        "python": platform.python_version(),
        "packages": packages(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "accelerator": accelerator,
        "threads": threads,
    }


def packages() -> dict[str, str]:
    """The installed versions of what this project requires (extras aside)."""
    wanted = importlib.metadata.requires("repro-papers") or []
    names = sorted({re.split(r"[\s;<>=!~\[(]", row)[0] for row in wanted if "extra ==" not in row})
    return {name: importlib.metadata.version(name) for name in names}


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    hit = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    return hit[1] if hit else platform.processor()
