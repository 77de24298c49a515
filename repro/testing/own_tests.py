"""Check that a paper has tests that import what exists, that each can fail, and that they call the checks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from repro.claim.paper import Paper
from repro.errors import BadInput, where
from repro.registry import parse
from repro.testing.consistency import Records

ASSERTING = re.compile(r"assert|check|raises|warns|fail")  # in the name of a function that fails a test
NEEDED = ("check_paper", "check_smoke")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def tests(one: Paper, records: Records) -> Iterator[BadInput]:
    """There are tests, each asserts something, and `check_paper` and `check_smoke` are among what they call."""
    folder = one.folder / "tests"
    called: set[str] = set()
    for path in sorted(folder.rglob("test_*.py")):
        tree = parse(path)
        yield from _gone(tree, one, where(path))
        known = {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}
        called |= {name for node in known.values() for name in _calls(node)}
        for name, node in known.items():
            if name.startswith("test") and not _asserts(node, known, {name}):
                place = f"{where(path)}:{node.lineno}"
                yield BadInput(f"{name} asserts nothing, so it cannot fail", place, expected="an assert, or a check")
    for name in NEEDED:
        if name not in called:
            yield BadInput(f"no test calls {name}", where(folder), expected="a test_paper.py as in papers/template")


def _gone(tree: ast.AST, one: Paper, place: str) -> Iterator[BadInput]:
    """The imports of modules of the paper that do not exist, such as a part of the template that was deleted."""
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)):
        named = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        for module in (name for name in named if name.startswith(f"papers.{one.name}.")):
            inner = one.folder.joinpath(*module.split(".")[2:])
            if not inner.is_dir() and not inner.with_suffix(".py").is_file():
                known = [f"papers.{one.name}.{path.stem}" for path in one.folder.glob("*.py")]
                yield BadInput(
                    f"imports {module}, which does not exist", f"{place}:{node.lineno}", given=module, known=known
                )


def _calls(node: ast.AST) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            yield call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _asserts(node: Function, known: Mapping[str, Function], met: set[str]) -> bool:
    """Whether a function asserts something, itself or in a function of the same file that it calls."""
    if any(isinstance(found, ast.Assert) and not isinstance(found.test, ast.Constant) for found in ast.walk(node)):
        return True
    for name in _calls(node):
        if ASSERTING.search(name) and name not in known:
            return True
        if name in known and name not in met:
            met.add(name)
            if _asserts(known[name], known, met):
                return True
    return False
