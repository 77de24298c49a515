"""The pages of promises and of threats name a test for each line, and each test that they name is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = {name: (ROOT / "docs" / "guide" / f"{name}.md").read_text(encoding="utf-8") for name in ("promises", "threats")}
ROWS = [
    f"{name} {line}"
    for name, text in PAGES.items()
    for line in text.splitlines()
    if line.startswith("|") and not re.match(r"\|(---| what they| promise)", line)
]
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[:60])
def test_each_line_names_tests_that_are_there(row: str) -> None:
    *_, tests, _ = row.split("|")
    assert NAMED.findall(tests), "what no test proves is a hope"
    for file, name in NAMED.findall(tests):
        path = ROOT / file if file.startswith("papers/") else ROOT / "tests" / file
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"
