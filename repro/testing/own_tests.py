"""Check that a paper has tests, that each of them can fail, and that they call `check_paper` and `check_smoke`."""

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
        known = {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}
        called |= {name for node in known.values() for name in _calls(node)}
        for name, node in known.items():
            if name.startswith("test") and not _asserts(node, known, {name}):
                place = f"{where(path)}:{node.lineno}"
                yield BadInput(f"{name} asserts nothing, so it cannot fail", place, expected="an assert, or a check")
    for name in NEEDED:
        if name not in called:
            yield BadInput(f"no test calls {name}", where(folder), expected="a test_paper.py as in papers/template")


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
