"""Read csv tables in UTF-8 whose first line has the column names."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from pathlib import Path

from repro.errors import BadInput

Row = dict[str, str]

csv.field_size_limit(1 << 24)  # characters per value; Python's limit of 131,072 is too small for a long review

log = logging.getLogger("repro")


def read(path: Path, needed: Collection[str]) -> Iterator[Row]:
    """Read the rows of a file as dicts. Raises BadInput if it cannot be opened, and as `rows` does.

    Example:

        >>> size = Path("list.csv").write_text("file,split\\na.wav,train\\n")
        >>> list(read(Path("list.csv"), needed=["file"]))
        [{'file': 'a.wav', 'split': 'train'}]
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheet programs write a byte order mark
            yield from rows(file, path, needed)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(path)) from None


def rows(lines: Iterable[str], path: Path, needed: Collection[str]) -> Iterator[Row]:
    """The rows in `lines`. Each row has a text in every column of `needed`; other columns are allowed.

    Raises BadInput, with `path` and the line, if a needed column is missing or occurs twice. Raises BadInput too if a
    row has too few or too many values, or if the lines are not csv.
    """
    reader = csv.DictReader(lines)
    try:
        columns = reader.fieldnames or []
        for name in needed:
            if name not in columns:
                raise BadInput(f"has no column '{name}'", f"{path}:1", given=name, known=columns)
            if list(columns).count(name) > 1:
                raise BadInput(f"has two columns '{name}'", f"{path}:1")
        for row in reader:
            if lacks := [name for name in needed if row[name] is None]:
                raise BadInput(f"ends before the column '{lacks[0]}'", f"{path}:{reader.line_num}")
            if any(row.pop(None, [])):  # values after the last column; empty ones are allowed
                raise BadInput(f"has more than {len(columns)} values", f"{path}:{reader.line_num}")
            yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"is not a CSV file in UTF-8: {error}", str(path)) from None


def once(found: Iterable[Row], path: Path, key: Callable[[Row], Hashable]) -> list[Row]:
    """The rows without exact repetitions; it logs how many it removed.

    Raises BadInput, with `path`, if two rows have the same `key` but differ.
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
    """Replace backslashes by slashes in a path, because lists written on Windows have backslashes."""
    return name.replace("\\", "/")
