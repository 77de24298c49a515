"""A record that someone has edited is refused in a line, or its page is built: whatever was put where."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.errors import BadInput
from repro.report import page
from repro.report.sphinx import directives

ODD: list[Any] = [None, [], {}, "x", 3, -1.5, [None], {"a": None}, True, 1e300]
SHOWN = {
    "test": "test",
    "item": 0,
    "panels": [{"label": "a", "image": "a.png", "text": "t", "truth": "1", "answer": "2", "scores": [["1", 0.5]]}],
}
COLOURED = {"label": "truth", "image": "b.png", "over": "a.jpg", "colours": [["pet", "#e69f00", 0.5]]}
BOXED = {"label": "answer", "over": "a.jpg", "size": [9, 9], "boxes": [[0, 0, 4, 4, "", 0.5, 1]]}
LAYERED = {"test": "test", "item": 0, "panels": [{**SHOWN["panels"][0], "heat": ["#e69f00"]}, COLOURED, BOXED]}


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key of every table, and the first entry of every list (of panels: all)."""
    panels = above[-1:] == ("panels",)
    keys = (
        value
        if isinstance(value, dict)
        else range(len(value) if panels else min(len(value), 1))
        if isinstance(value, list)
        else ()
    )
    for key in keys:
        yield (*above, key)
        yield from places(value[key], (*above, key))


def spoilt(row: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for place in places(row):
        for odd in ODD:
            made = copy.deepcopy(row)
            inner: Any = made
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = odd
            yield place, made


def told(name: str, path: Path) -> str:
    """What is said of a record that is refused; nothing of one that is shown."""
    page.forget()
    try:
        record.read(path)
        shown = page.read(name, "")
        for section in directives.SECTIONS.values():
            section(shown)
    except BadInput as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize(("config", "example"), [("line", SHOWN), ("smoke", SHOWN), ("line", LAYERED)])
def test_an_edited_record_is_refused_or_shown(paper: Any, repro: Any, config: str, example: Any) -> None:
    repro("run", f"papers/{paper.name}/configs/{config}.gin", "--seed", "1")
    path = Path(paper.records, f"{config}-seed1.json")
    row = json.loads(path.read_text()) | {"examples": [example]}
    row["measurements"][0]["values"] = row["measurements"][0]["values"][:5]
    refused = Counter[bool]()
    for place, made in spoilt(row):
        path.write_text(json.dumps(made))
        said = told(paper.name, path)
        assert len(said.splitlines()) <= 1, place
        refused[bool(said)] += 1
    assert refused[True] > 100 and refused[False] > 10, refused
