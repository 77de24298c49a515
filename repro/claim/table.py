"""A table that the paper prints, as one `[[table]]` in place of a `[[claim]]` for each of its cells.

[[table]]
id = "table1"
says = "The p value of {row}"
where = "Table 1, {row}"
config = "configs/table1.gin"
metric = "PValue"
item = "{row}"
[table.printed]
"Year Published" = "0.964"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from repro.errors import BadInput, nearest
from repro.files.toml_lines import Block

BY_ROW = ("config", "tolerance", "because", "seeds", "deterministic", "value_spread", "value_seeds", "source")
"""The keys of a table that may be a table themselves: `[table.tolerance]` with `"row" = 0.5` for some of the rows."""


@dataclass(frozen=True)
class Table:
    """A table that the paper prints: a claim for each of its cells. Its texts may hold `{row}` and `{column}`."""

    id: Annotated[str, "the first part of the id of each of its claims; the row and the column follow"]
    says: Annotated[str, "the claim of one cell in one sentence"]
    where: Annotated[str, "where the paper states it"]
    printed: Annotated[
        dict[str, str | dict[str, str]], "row = what is printed there, or row = { column = what is printed there }"
    ] = field(default_factory=dict)
    value: Annotated[
        dict[str, float | dict[str, float]], "row = number, or row = { column = number }; with `tolerance`, `because`"
    ] = field(default_factory=dict)
    config: Annotated[
        str | dict[str, str], "the config that answers it; `{row}` is the row as in the id: `configs/{row}.gin`"
    ] = ""
    metric: Annotated[str, "which metric"] = ""
    test: Annotated[str, "on which of the config's test sets"] = "test"
    item: Annotated[str, "one named item of that test set"] = ""
    unit: Annotated[str | None, "the unit of the numbers as they are written here, as `%`"] = None
    tolerance: Annotated[
        float | dict[str, float | dict[str, float]] | None, "how far ours may lie from each number"
    ] = None
    because: Annotated[str | dict[str, str], "the reason for that tolerance"] = ""
    seeds: Annotated[int | dict[str, int], "how many seeds a verdict needs"] = 3
    deterministic: Annotated[bool | dict[str, bool], "true where the method draws nothing at random"] = False
    value_spread: Annotated[
        float | dict[str, float | dict[str, float]] | None,
        "the standard deviation between trainings that the paper states; with `value_seeds`",
    ] = None
    value_seeds: Annotated[int | dict[str, int] | None, "over how many trainings the numbers are means"] = None
    items: Annotated[Literal["", "fixed", "sampled"], "what the numbers are about: this test set, or new items"] = ""
    identity: Annotated[dict[str, Any], "what the metric must be for ours to be comparable"] = field(
        default_factory=dict
    )
    data: Annotated[str, "the fingerprint that the test data must have for ours to be comparable"] = ""
    source: Annotated[str | dict[str, str], "where the numbers were read"] = ""
    no_config: Annotated[str, "why no config can answer it"] = ""


def cells(table: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The claims that a table stands for, as they are written; none where it is not a table of that `kind`."""
    try:
        return [claim for claim, _, _ in filled(table, kind)]
    except (KeyError, TypeError, AttributeError):
        return []


def filled(table: dict[str, Any], kind: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    """(claim, row, column) of each cell, the names of row and column put into its texts."""
    for row, cell in table[kind].items():
        for column, content in cell.items() if isinstance(cell, dict) else [("", cell)]:
            name = ".".join(slug(part) for part in (row, column) if part)
            said = {key: _of_cell(key, value, row, column) for key, value in table.items() if key != kind}
            known = {key: value for key, value in said.items() if value is not None}
            yield {**known, "id": f"{table['id']}.{name}", kind: content}, row, column


def _of_cell(key: str, value: Any, row: str, column: str) -> Any:
    """What a key of a table says of one cell; None where it says something of other rows alone."""
    if key in BY_ROW and isinstance(value, dict):
        value = value.get(row)
        value = value.get(column) if isinstance(value, dict) else value
    if not isinstance(value, str):
        return value
    names = (slug(row), slug(column)) if key == "config" else (row, column)
    return value.replace("{row}", names[0]).replace("{column}", names[1])


def refuse_blanks(table: dict[str, Any], kind: str, at: Block) -> None:
    """A table has rows, a row has columns, and a text names no place but these two."""
    if empty := [name for name in ("", *table[kind]) if (table[kind] if not name else table[kind][name]) == {}]:
        raise BadInput(f"[table.{kind}] is empty; expected row = content", at.below(kind, empty[0]).place())
    for key in BY_ROW:
        for row in table[key] if isinstance(table.get(key), dict) else ():
            if row not in table[kind]:
                raise BadInput(f"no row '{row}'{nearest(row, table[kind])}", at.below(key, row).place())
    for key, value in table.items():
        for name in re.findall(r"\{(\w+)\}", value) if isinstance(value, str) else []:
            if name not in ("row", "column"):
                raise BadInput(f"'{{{name}}}' in '{key}'; expected {{row}} or {{column}}", at.place(key))


def slug(text: str) -> str:
    """`Year Published` as a part of an id: `year-published`."""
    return re.sub(r"[^\w-]+", "-", text.lower()).strip("-")
