"""A whole table of the paper as one `[[table]]`, which replaces a `[[claim]]` for each cell.

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

from repro.errors import BadInput
from repro.files.toml_lines import Block

BY_ROW = ("config", "level", "tolerance", "because", "seeds", "deterministic", "value_spread", "value_seeds", "source")
"""Keys that may have a different value in each row: `[table.tolerance]` with `"row" = 0.5` for some of the rows.

`level`, `tolerance` and `value_spread` may also have a different value in each column: `"row" = { column = 0.5 }`.
"""


@dataclass(frozen=True)
class Table:
    """A table of the paper: one claim for each cell. Its strings may contain `{row}` and `{column}`."""

    id: Annotated[str, "the first part of the id of each of its claims; the row and the column follow"]
    says: Annotated[str, "the claim of one cell in one sentence"]
    where: Annotated[str, "where the paper states it"]
    printed: Annotated[
        dict[str, str | dict[str, str]], "row = the printed number, or row = { column = the printed number }"
    ] = field(default_factory=dict)
    value: Annotated[
        dict[str, float | dict[str, float]], "row = number, or row = { column = number }; with `tolerance`, `because`"
    ] = field(default_factory=dict)
    config: Annotated[
        str | dict[str, str], "the config that tests it, such as `configs/{row}.gin`; `{row}` is the row as in the id"
    ] = ""
    metric: Annotated[str, "which metric"] = ""
    test: Annotated[str, "the name of one of the config's test sets"] = "test"
    item: Annotated[str, "one named item of that test set"] = ""
    unit: Annotated[str | None, "the unit of the numbers, such as `%`"] = None
    level: Annotated[
        float | dict[str, float | dict[str, float]] | None,
        "the number that decides the paper's conclusion, such as 0.05 for significance",
    ] = None
    tolerance: Annotated[
        float | dict[str, float | dict[str, float]] | None, "the accepted difference from each number"
    ] = None
    because: Annotated[str | dict[str, str], "the reason for that tolerance"] = ""
    seeds: Annotated[int | dict[str, int], "the number of seeds that a verdict needs"] = 3
    deterministic: Annotated[bool | dict[str, bool], "true if the method uses no randomness"] = False
    value_spread: Annotated[
        float | dict[str, float | dict[str, float]] | None,
        "the standard deviation between trainings that the paper states; with `value_seeds`",
    ] = None
    value_seeds: Annotated[
        int | dict[str, int] | None, "the number of trainings that each of the paper's numbers is a mean of"
    ] = None
    items: Annotated[
        Literal["", "fixed", "sampled"], "which test items the numbers are about: exactly this test set, or new items"
    ] = ""
    identity: Annotated[dict[str, Any], "properties that the metric must have to be comparable"] = field(
        default_factory=dict
    )
    data: Annotated[str, "the fingerprint that the test data must have to be comparable"] = ""
    source: Annotated[str | dict[str, str], "where you read the numbers, if not in the paper itself"] = ""
    no_config: Annotated[str, "the reason why no config can test them"] = ""


def cells(table: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The claims of a table, one dict for each cell. Empty if the table has no valid key `kind`."""
    try:
        return [claim for claim, _, _ in filled(table, kind)]
    except (KeyError, TypeError, AttributeError):
        return []


def filled(table: dict[str, Any], kind: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    """(claim, row, column) of each cell. `{row}` and `{column}` in its strings are replaced."""
    for row, cell in table[kind].items():
        for column, content in cell.items() if isinstance(cell, dict) else [("", cell)]:
            name = ".".join(slug(part) for part in (row, column) if part)
            said = {key: _of_cell(key, value, row, column) for key, value in table.items() if key != kind}
            known = {key: value for key, value in said.items() if value is not None}
            yield {**known, "id": f"{table['id']}.{name}", kind: content}, row, column


def _of_cell(key: str, value: Any, row: str, column: str) -> Any:
    """The value of a table's key for one cell; None if the key has values only for other rows."""
    if key in BY_ROW and isinstance(value, dict):
        value = value.get(row)
        value = value.get(column) if isinstance(value, dict) else value
    if not isinstance(value, str):
        return value
    names = (slug(row), slug(column)) if key == "config" else (row, column)
    return value.replace("{row}", names[0]).replace("{column}", names[1])


def place_in_table(key: str, kind: str, row: str, column: str, at: Block) -> Block:
    """The line of a table's key for one cell: of the cell itself if the key is `kind`, else the line for its row."""
    return at.below(key, row, column) if key in (kind, *BY_ROW) else at.below(key)


def refuse_blanks(table: dict[str, Any], kind: str, at: Block) -> None:
    """Raise BadInput for a table without cells, an unnamed or unknown row or column, or an unknown name in braces."""
    if empty := [name for name in ("", *table[kind]) if (table[kind] if not name else table[kind][name]) == {}]:
        raise BadInput(f"[table.{kind}] is empty", at.below(kind, empty[0]).place(), expected="row = content")
    _refuse_unnamed(table[kind], at.inner(kind))
    for key in BY_ROW:
        if isinstance(table.get(key), dict):
            _refuse_unknown(table[key], table[kind], at.inner(key))
    for key, value in table.items():
        for name in re.findall(r"\{(\w+)\}", value) if isinstance(value, str) else []:
            if name not in ("row", "column"):
                raise BadInput(f"'{{{name}}}' in '{key}'", at.place(key), expected="{row} or {column}")


def _refuse_unnamed(rows: dict[str, Any], at: Block) -> None:
    """Raise BadInput for a row or column whose name has no letter and no digit, because an id needs one."""
    for row, cell in rows.items():
        for name in (row, *(cell if isinstance(cell, dict) else ())):
            if not re.search(r"[^\W_]", name):
                what = f"a row or a column is called {name!r:.80}"
                raise BadInput(what, at.below(row).place(), expected="a name with a letter or a digit")


def _refuse_unknown(values: dict[str, Any], rows: dict[str, Any], at: Block) -> None:
    """Raise BadInput for a row, or a column of a row, that the table does not have."""
    for row, inner in values.items():
        if row not in rows:
            raise BadInput(f"no row '{row}'", at.below(row).place(), given=row, known=rows)
        columns = rows[row] if isinstance(rows[row], dict) else {}
        for column in inner if isinstance(inner, dict) else ():
            if column not in columns:
                what = f"no column '{column}' in the row '{row}'"
                expected = "" if columns else f"one value, because '{row}' has no columns"
                raise BadInput(what, at.below(row, column).place(), expected=expected, given=column, known=columns)


def slug(text: str) -> str:
    """Convert a name of a row or column to the part of an id.

    >>> slug("Year Published")
    'year-published'
    """
    return re.sub(r"[^\w-]+", "-", text.lower()).strip("-")
