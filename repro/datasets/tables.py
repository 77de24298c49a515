"""Tables: csv files in UTF-8 whose first line names the columns."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from pathlib import Path

from repro.errors import BadInput, nearest

Row = dict[str, str]

csv.field_size_limit(1 << 24)  # characters of one value; Python's own limit of 131,072 is less than a long review

log = logging.getLogger("repro")


def read(path: Path, needed: Collection[str]) -> Iterator[Row]:
    """The rows of a file. Raises BadInput as `rows` does, and where it cannot be opened."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # a spreadsheet writes a byte order mark
            yield from rows(file, path, needed)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(path)) from None


def rows(lines: Iterable[str], path: Path, needed: Collection[str]) -> Iterator[Row]:
    """The rows in `lines`; each has a text in every one of the `needed` columns, and may have more columns.

    Raises BadInput, naming `path` and the line, for a column or a value that is missing, for a column or a value too
    many, and for what is no csv file.
    """
    reader = csv.DictReader(lines)
    try:
        columns = reader.fieldnames or []
        for name in needed:
            if name not in columns:
                raise BadInput(f"has no column '{name}'{nearest(name, columns)}", f"{path}:1")
            if list(columns).count(name) > 1:
                raise BadInput(f"has two columns '{name}'", f"{path}:1")
        for row in reader:
            if lacks := [name for name in needed if row[name] is None]:
                raise BadInput(f"ends before the column '{lacks[0]}'", f"{path}:{reader.line_num}")
            if any(row.pop(None, [])):  # what follows the last column; empty: harmless
                raise BadInput(f"has more than {len(columns)} values", f"{path}:{reader.line_num}")
            yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"is no csv file in UTF-8: {error}", str(path)) from None


def once(found: Iterable[Row], path: Path, key: Callable[[Row], Hashable]) -> list[Row]:
    """The rows without those that are repeated word for word; a log line counts these.

    Raises BadInput, naming `path`, where two rows have one `key` and differ.
    """
    kept: dict[Hashable, Row] = {}
    left = []
    for row in found:
        name = key(row)
        if row != kept.setdefault(name, row):
            raise BadInput(f"has two rows of {name} that differ", str(path))
        if row is not kept[name]:
            left.append(name)
    if left:
        log.info("%s: left out %d repeated rows (the first: %.80s)", path, len(left), left[0])
    return list(kept.values())


def slashed(name: str) -> str:
    """A path as a list may have it, with slashes: a list that was written on Windows has backslashes."""
    return name.replace("\\", "/")
