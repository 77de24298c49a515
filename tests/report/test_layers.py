"""What the page says of a model: its layers, their parameters, and the memory of its training."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from repro.record import Record
from repro.report import layers, scopes
from repro.report.page import Page
from tests.report.read_once import read_once

TEMPLATE = read_once("template")
MODEL = [{"name": "line", "kind": "Linear", "parameters": 1200}, {"name": "out", "kind": "<b>", "parameters": 34}]


def told(found: Record, **facts: Any) -> Record:
    one = replace(found)
    object.__setattr__(one, "training", facts)
    return one


def page(**facts: Any) -> Page:
    return replace(TEMPLATE, records=[told(one, **facts) for one in TEMPLATE.records])


def test_configs_with_the_same_layers_share_a_table() -> None:
    ((names, found),) = layers.models(page(model=MODEL))
    assert set(names) == {one.config for one in TEMPLATE.records} and found == MODEL
    html = str(layers.layers(page(model=MODEL)))
    assert html.count("<details") == 1 and "1,234 parameters in 2 layers" in html and "<b>" not in html
    rows = [re.findall(r">([^<>]*)</t[hd]>", row) for row in html.split("<tr")[2:]]
    assert rows == [["line", "Linear", "1,200"], ["out", "&lt;b&gt;", "34"], ["all", "", "1,234"]]


def test_without_layers_there_is_nothing() -> None:
    assert layers.layers(TEMPLATE) == layers.layers(page()) == ""


@pytest.mark.parametrize(("memory", "said"), [(512.0, "memory: 537 MB"), (0.0, ""), (None, "")])
def test_the_memory_is_that_of_the_largest_training(memory: float | None, said: str) -> None:
    shown = page(peak_memory=memory)
    shown = replace(shown, records=[told(shown.records[0], peak_memory=1.0), *shown.records[1:]])
    found = str(scopes.table(shown, scopes.scopes(shown)[-1:]))
    assert (said in found) if said else ("memory: 1.0 MB" in found)
    assert "memory" not in scopes.table(TEMPLATE, scopes.scopes(TEMPLATE))
