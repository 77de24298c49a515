"""The JSON Schema of `paper.toml`, for editors. It is generated from the data types that check the file.

The result, `repro/paper.schema.json`, is committed. If the first line of a `paper.toml` is
`#:schema ../../repro/paper.schema.json`, an editor can complete and check the keys.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Annotated, Any, Literal, get_args, get_origin

from repro import HOME
from repro.claim import Cause, Claim, Features, paper_toml
from repro.claim.behaviour import Behaviour
from repro.claim.paper import Paper
from repro.claim.paper_toml import keys, meanings
from repro.claim.sweep import Sweep
from repro.claim.table import Table
from repro.data.catalogue import DataSet, File, Variant

FILE = HOME / "paper.schema.json"
TABLES: dict[str, type] = {
    **{"paper": Paper, "reproducibility": Features, "claim": Claim, "table": Table, "cause": Cause},
    "sweep": Sweep,
    "behaviour": Behaviour,
}
DATA: dict[str, type] = {"data": DataSet, "variant": Variant, "file": File}  # of data.toml, which has no schema


def text() -> str:
    """The JSON Schema of `paper.toml`, as the text that `repro/paper.schema.json` must contain."""
    from pydantic import ConfigDict, Field, StringConstraints, create_model

    strict = ConfigDict(extra="forbid")
    models = {name: _model(name, cls, strict) for name, cls in TABLES.items()}
    whole: dict[str, Any] = {
        name: (list[model] if name in paper_toml.MANY else model, Field(... if name == "paper" else None))  # type: ignore[valid-type]
        for name, model in models.items()
    }
    whole["labels"] = (dict[str, Annotated[str, StringConstraints(min_length=1)]] | None, Field(None))
    schema = create_model("paper.toml", __config__=strict, **whole).model_json_schema()
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=1) + "\n"


def _model(name: str, cls: type, strict: Any) -> Any:
    from pydantic import Field, create_model

    known, told = keys(cls), meanings(cls)
    rows: dict[str, Any] = {}
    for spec in fields(cls):
        if spec.name not in known:
            continue
        default = spec.default_factory() if spec.default_factory is not MISSING else spec.default
        hint = known[spec.name] | str if spec.name.startswith("proxy") else known[spec.name]
        rows[spec.name] = (hint, Field(... if default is MISSING else default, description=told[spec.name]))
    return create_model(name, __config__=strict, **rows)


def rows(name: str) -> list[tuple[str, str, bool]]:
    """(key, meaning, whether it is required) of every key of `[name]` or `[[name]]`, in either file."""
    cls = {**TABLES, **DATA}[name]
    needed = {s.name for s in fields(cls) if s.default is MISSING and s.default_factory is MISSING}
    return [(key, meaning + _allowed(cls, key, meaning), key in needed) for key, meaning in meanings(cls).items()]


def _allowed(cls: type, key: str, meaning: str) -> str:
    """The allowed values of a key, in words; "" if it has no fixed ones, or if its meaning names them all."""
    hint = keys(cls).get(key)
    values = [f"`{value}`" for value in get_args(hint) if value] if get_origin(hint) is Literal else []
    return f"; one of {', '.join(values)}" if any(value not in meaning for value in values) else ""


if __name__ == "__main__":  # python -m repro.report.schema
    FILE.write_text(text(), encoding="utf-8")
