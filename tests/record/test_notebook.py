"""The lines of docs/guide/notebook.md run, and its data frame has the values of the records."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import pytest

from repro import record
from tests.guide import blocks

pandas = pytest.importorskip("pandas", reason="the page about notebooks needs pandas: pip install pandas")

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guide" / "notebook.md"


def test_the_lines_of_the_page_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    shown = blocks("notebook", "python")
    assert len(shown) >= 3
    for text in shown:
        example = doctest.DocTestParser().get_doctest(text, names, PAGE.name, str(PAGE), 0)
        names = example.globs
        assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, clear_globs=False).failed == 0, text
    frame = names["frame"]
    line = record.read(Path("papers/template/records/line-seed0.json")).measurements[0]
    ours = frame[(frame["config"] == "line") & (frame["seed"] == 0)]["value"]
    assert ours.tolist() == line.values
