"""The JSON Schema says of every paper.toml what the reader says of it."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import jsonschema
import pytest

from repro.claim import paper as papers
from repro.errors import BadInput
from repro.report import schema

VALID = """[paper]
title = "T"
authors = ["A"]
year = 2020

[[claim]]
id = "a"
says = "x is 1"
where = "Table 1"
config = "configs/line.gin"
metric = "SquaredError"
value = 1.0
tolerance = 0.1
because = "so"
proxy = "configs/smoke.gin"
"""


def test_the_committed_schema_is_the_generated_one() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "write it anew: python -m repro.report.schema"


@pytest.mark.parametrize("name", sorted(papers.folders()))
def test_every_paper_fits_the_schema(name: str) -> None:
    data = tomllib.loads((papers.folders()[name] / "paper.toml").read_text(encoding="utf-8"))
    errors = jsonschema.Draft202012Validator(json.loads(schema.text())).iter_errors(data)
    assert [error.message for error in errors] == []


@pytest.mark.parametrize("change", [
    ("title", "titel"), ("2020", "'2020'"), ("[\"A\"]", "'A'"), ("tolerance = 0.1", "tolerence = 0.1"),
    ("says = \"x is 1\"\n", ""), ("[[claim]]", "[[clam]]"), ("= 1.0", "= '1'"),
    ("[[claim]]", "[reproducibility]\nrigor = 'x'\n[[claim]]"),
])  # fmt: skip
def test_reader_and_schema_refuse_the_same(paper: Any, change: tuple[str, str]) -> None:
    """An independent validator reads the schema; each refuses what the other does."""
    jsonschema.validate(tomllib.loads(VALID), json.loads(schema.text()))
    paper.toml(VALID)
    papers.read(paper.folder)
    text = VALID.replace(*change, 1)
    paper.toml(text)
    with pytest.raises(BadInput):
        papers.read(paper.folder)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), json.loads(schema.text()))


def test_every_key_says_what_it_means() -> None:
    for name in schema.TABLES:
        for key, meaning, _ in schema.rows(name):
            assert isinstance(meaning, str) and len(meaning) > 8, f"[{name}] {key}"
