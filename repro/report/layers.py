"""The layers of the models that the configs train, and their parameters. Configs with equal layers share a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from repro.report.html.markup import Markup, box, fold, join, row, tag
from repro.report.html.words import count
from repro.report.page import Page

HEADS = ("Layer", "Kind", "Parameters")
KEYS = {"name", "kind", "parameters"}
Layer = Mapping[str, Any]  # with `KEYS`


def layers(page: Page) -> Markup:
    """A fold per model, in the order of `Page.rank`. Empty if no record has the layers of its model."""
    return join(_fold(page, names, found) for names, found in models(page))


def models(page: Page) -> list[tuple[list[str], Sequence[Layer]]]:
    """The configs that have the same layers, and these layers."""
    found: dict[str, tuple[dict[str, None], Sequence[Layer]]] = {}
    for one in sorted(page.records, key=page.rank):
        complete = [layer for layer in one.model if layer.keys() >= KEYS]  # a record may have been edited by hand
        if complete:
            names, _ = found.setdefault(json.dumps(complete, sort_keys=True), ({}, complete))
            names[one.config] = None
    return [(list(names), told) for names, told in found.values()]


def _fold(page: Page, names: Sequence[str], found: Sequence[Layer]) -> Markup:
    whole = sum(int(layer["parameters"]) for layer in found)
    labels = "; ".join(page.paper.label(name) for name in names)
    about = f": {count(whole, 'parameter')} in {count(len(found), 'layer')}"
    return fold(join([tag("strong", labels), about]), box(_table(found, whole), label=f"The layers of {labels}"))


def _table(found: Sequence[Layer], whole: int) -> Markup:
    """A row per layer, and the sum of the parameters."""
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in HEADS)))
    rows = [_row(layer["name"], layer["kind"], layer["parameters"]) for layer in found]
    return tag("table", head, tag("tbody", *rows, _row("all", "", whole)), class_="repro-model")


def _row(name: str, kind: str, parameters: int) -> Markup:
    return row(kind, f"{parameters:,}", first=tag("th", name, scope="row"))
