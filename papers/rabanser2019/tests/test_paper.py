"""Checks of the paper's files without a run, and of the parts of its smoke config."""

from __future__ import annotations

from pathlib import Path

from repro.testing import check_paper, check_smoke

FOLDER = Path(__file__).parents[1]


def test_paper() -> None:
    check_paper(FOLDER)


def test_parts_of_smoke() -> None:
    check_smoke(FOLDER)
