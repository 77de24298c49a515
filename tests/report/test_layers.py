"""What the page says of a model: its layers, their parameters, and the memory of its training."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from repro.report import layers, scopes
from repro.report.page import Page
from tests.report.read_once import read_once

TEMPLATE = read_once("template")
MODEL = [{"name": "line", "kind": "Linear", "parameters": 1200}, {"name": "out", "kind": "<b>", "parameters": 34}]


def page(model: list[dict[str, Any]], **cost: float) -> Page:
    records = [replace(one, model=model, cost={**one.cost, **cost}) for one in TEMPLATE.records]
    return replace(TEMPLATE, records=records)


def test_configs_with_the_same_layers_share_a_table() -> None:
    ((names, found),) = layers.models(page(MODEL))
    assert set(names) == {one.config for one in TEMPLATE.records} and found == MODEL
    html = str(layers.layers(page(MODEL)))
    assert html.count("<details") == 1 and "1,234 parameters in 2 layers" in html and "<b>" not in html
    rows = [re.findall(r">([^<>]*)</t[hd]>", row) for row in html.split("<tr")[2:]]
    assert rows == [["line", "Linear", "1,200"], ["out", "&lt;b&gt;", "34"], ["all", "", "1,234"]]


def test_without_layers_there_is_nothing() -> None:
    assert layers.layers(page([])) == ""


@pytest.mark.parametrize(("memory", "said"), [(512.0, "memory: 537 MB"), (0.5, "memory: 1.0 MB")])
def test_the_memory_is_that_of_the_largest_run(memory: float, said: str) -> None:
    shown = page([], memory_mib=memory)
    first = replace(shown.records[0], cost={**shown.records[0].cost, "memory_mib": 1.0})
    shown = replace(shown, records=[first, *shown.records[1:]])
    assert said in str(scopes.table(shown, scopes.scopes(shown)[-1:]))


def test_without_a_memory_none_is_said() -> None:
    bare = replace(TEMPLATE, records=[replace(one, cost={}) for one in TEMPLATE.records])
    assert "memory" not in str(scopes.table(bare, scopes.scopes(bare)))
