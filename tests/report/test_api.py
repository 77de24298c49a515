"""The API page: what a paper imports is on it, docstrings are read as Markdown, the site builds without a warning."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path

import pytest

from repro.claim import Claim
from repro.registry import REGISTRIES
from repro.report.sphinx import api

ROOT = Path(__file__).parents[2]
LISTED = set(re.findall(r"automodule:: (\S+)", (ROOT / "docs/api.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "papers").glob("*/*.py")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_what_a_paper_imports_is_on_the_page(path: Path) -> None:
    """Parts stand in the catalogue, their contracts on the page."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if module.startswith("repro."):
            room = ".".join(module.split(".")[:2])
            assert module in LISTED or room in LISTED & {f"repro.{kind}" for kind in REGISTRIES}, module


def test_a_docstring_is_markdown() -> None:
    lines = ["One `a < b`:", "", "    x = 1", ""]
    api.docstring(None, "module", "m", None, None, lines)
    assert lines[0] == ".. raw:: html" and all(line.startswith("   ") for line in lines[1:] if line)
    assert "<code>a &lt; b</code>" in "".join(lines) and "<pre><code>x = 1" in "".join(lines)
    empty: list[str] = []
    api.docstring(None, "module", "m", None, None, empty)
    assert empty == []


def test_a_signature_is_types_alone() -> None:
    said, _ = api.signature(None, "class", "Claim", Claim, None, "", "") or ("", "")
    tree = ast.parse(f"def claim{said}: ...").body[0]
    assert isinstance(tree, ast.FunctionDef)
    arguments = {one.arg: ast.unparse(one.annotation) for one in tree.args.args if one.annotation}
    assert list(arguments) == [field.name for field in dataclasses.fields(Claim)]
    assert arguments["id"] == "str" and "Annotated" not in said


@pytest.mark.xdist_group("site")
def test_the_site_builds_without_a_warning(real: tuple[Path, str]) -> None:
    """The guide, the catalogue, the tips, the API and all papers; and without torch."""
    html, said = real
    assert said == "0 []"
    text = (html / "api.html").read_text(encoding="utf-8")
    assert (
        'id="repro.claim.paper.Paper"' in text and 'id="repro.audio.stft.STFT"' in text and "system-message" not in text
    )
