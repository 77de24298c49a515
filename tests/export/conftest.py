"""A copied paper with one record for each config of a claim, and the text of its article."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.export import article, nodes
from repro.report import page
from tests.review.conftest import made

ERROR = 0.0234


@pytest.fixture
def measured(paper: Any, git: Any) -> Any:
    """A copy of the template in a repository, whose claims have records with the error `ERROR`."""
    for name in ("line", "mean", "ten_steps"):
        for seed in range(3):
            record.write(made(paper, name, seed, ERROR + 0.0001 * seed), paper.records)
    return paper


@pytest.fixture
def printed(measured: Any, tmp_path: Path) -> Callable[[], str]:
    """Makes the article of the paper; its whole text without markup."""
    pytest.importorskip("pypandoc")

    def call() -> str:
        page.forget()
        found = article.make(page.read(measured.name), tmp_path / "out", "svg")
        return "\n".join(nodes.said([block]) for block in (*found.abstract, *found.body, *found.appendix))

    return call
