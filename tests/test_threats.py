"""The page of threats names a test for each line of it, and each test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "guide" / "threats.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("|") and not re.match(r"\|(---| what they)", line)]
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:60])
def test_each_line_names_tests_that_are_there(row: str) -> None:
    *_, tests, _ = row.split("|")
    assert NAMED.findall(tests), "a threat without a test is a hope"
    for file, name in NAMED.findall(tests):
        path = ROOT / file if file.startswith("papers/") else ROOT / "tests" / file
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"


def test_it_is_one_page() -> None:
    assert len(ROWS) > 20 and len(PAGE.split()) < 1500
