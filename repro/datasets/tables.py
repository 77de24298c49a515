"""Tables: csv files in UTF-8 whose first line names the columns."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from repro.errors import BadInput, nearest

Row = dict[str, str]


def read(path: Path, needed: Collection[str]) -> Iterator[Row]:
    """The rows of a file. Raises BadInput as `rows` does, and where it cannot be opened."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # a spreadsheet writes a byte order mark
            yield from rows(file, path, needed)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(path)) from None


def rows(lines: Iterable[str], path: Path, needed: Collection[str]) -> Iterator[Row]:
    """The rows in `lines`; each has a text in every one of the `needed` columns, and may have more columns.

    Raises BadInput, naming `path` and the line, for a column or a value that is missing, and for what is no csv file.
    """
    reader = csv.DictReader(lines)
    try:
        columns = reader.fieldnames or []
        for name in needed:
            if name not in columns:
                raise BadInput(f"has no column '{name}'{nearest(name, columns)}", f"{path}:1")
        for row in reader:
            if lacks := [name for name in needed if row[name] is None]:
                raise BadInput(f"ends before the column '{lacks[0]}'", f"{path}:{reader.line_num}")
            yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"is no csv file in UTF-8: {error}", str(path)) from None
