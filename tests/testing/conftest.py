"""A paper that keeps the contract, for the tests of `repro check`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def whole(paper: Any) -> Any:
    """The copied paper with tests of its own, and with tips that name them."""
    shutil.copytree(
        ROOT / "papers/template/tests", paper.folder / "tests", ignore=shutil.ignore_patterns("__pycache__")
    )
    tips = paper.folder / "tips.md"
    tips.write_text(tips.read_text().replace("papers/template", f"papers/{paper.name}"))
    return paper
