"""Read JSON files strictly: every error is one line with the file, and no input causes a traceback.

Python's own reader accepts a key twice and keeps the last value. It accepts NaN as a number. It fails with a traceback
if lists are nested too deeply, or if a number has 5,000 digits.
"""

from __future__ import annotations

import gc
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from repro import untrusted
from repro.errors import BadInput, not_utf8, where
from repro.files import regular, typed

T = TypeVar("T")
MEMORY = 100_000_000  # maximum bytes of memory for the content of a file
SPECIAL = re.compile(rb"[\x7f-\xff]|\\[^n\"\\/]")
"""Matches every JSON file with an invisible character in it. Only such files need the slower check of each string."""
DIGITS = 18  # maximum number of digits of an integer: one with more may not fit into 64 bits
TAKES = {b",": 40, b'"': 40, b"{": 300, b"[": 100}
"""Maximum bytes of memory that the parsed file needs for each of these characters in it."""
PLAIN = {
    "Expecting value": "a value is missing, or a string has no quotes",
    "Expecting property name": "a key in double quotes is missing",
    "Expecting ':'": "a colon is missing after a key",
    "Expecting ','": "a comma or a closing bracket is missing",
    "Illegal trailing comma": "a comma is before a closing bracket",
    "Extra data": "there is text after the end",
    "Unterminated string": "a string is not closed",
    "Invalid control character": "a string contains a line break or a control character",
    "Invalid \\": "a string contains a backslash that is not doubled",
}
"""The faults that Python's reader reports, by the start of its message, in words of ours."""


def load(path: Path, fault: str, most: int = regular.TEXT, free: str = "") -> Any:
    """The content of a JSON file of at most `most` bytes. Strings must not contain invisible characters.

    fault: the start of the error message, such as "not a record". free: a key whose strings are not checked.
    Raises BadInput with the file and, if it is not JSON, the line.
    """
    regular.check(path, most)
    try:
        content = path.read_bytes()
        _refuse_large(content)
        row = DECODER.decode(content.decode("utf-8-sig"))
        if not _shows_all(content) and SPECIAL.search(content):
            checked = {key: row[key] for key in row if key != free} if isinstance(row, dict) else row
            untrusted.refuse_unseen(checked, where(path))
        return row
    except json.JSONDecodeError as error:
        plain = next((plain for start, plain in PLAIN.items() if error.msg.startswith(start)), error.msg)
        what = f"not valid JSON: {plain}" if content.strip() else "the file is empty"
        raise BadInput(f"{fault}: {what}", f"{where(path)}:{error.lineno}") from None
    except OSError as error:
        raise BadInput(f"{fault}: it cannot be read: {error.strerror}", where(path)) from None
    except UnicodeDecodeError as error:
        wrong = not_utf8(path, error)
        raise wrong.at(wrong.where, fault) from None
    except RecursionError:
        raise BadInput(f"{fault}: it is nested too deep", where(path)) from None
    except ValueError as error:  # raised by the checks below
        raise BadInput(f"{fault}: {error}", where(path)) from None


def read(path: Path, kind: type[T], fault: str, more: Mapping[str, Any] | None = None) -> T:
    """The content of a JSON file as `kind`, a dataclass or a type such as `list[Renewal]`. Raises BadInput as `load`.

    more: fields of the dataclass that are not in the file.
    """
    row = load(path, fault)
    try:
        return typed.build({**row, **more} if more and isinstance(row, dict) else row, kind)
    except BadInput as error:
        raise error if error.where else error.at(where(path), fault) from None


@contextmanager
def many() -> Iterator[None]:
    """Pause the garbage collector while many files are read: it would visit all their content again and again."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _shows_all(content: bytes) -> bool:
    """A fast check that `SPECIAL` cannot match; it takes 1 % of the time of the search."""
    return content.isascii() and b"\x7f" not in content and content.count(b"\\") == content.count(b"\\n")


def _refuse_large(content: bytes) -> None:
    """Raise ValueError if the parsed file may need too much memory: 1 million empty lists are only 3 MB on disk."""
    if len(content) * (9 + max(TAKES.values())) <= MEMORY:
        return
    needed = len(content) * (3 if content.isascii() else 9)
    needed += sum(size * content.count(sign) for sign, size in TAKES.items())
    if needed > MEMORY:
        raise ValueError(
            f"reading it takes up to {needed / 1e6:,.0f} MB of memory; expected at most {MEMORY / 1e6:,.0f} MB"
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {twice!r:.80} occurs twice")
    return found


def _whole(digits: str) -> int:
    if len(digits.removeprefix("-")) > DIGITS:
        raise ValueError(f"{digits:.10}... has more than {DIGITS} digits; expected a smaller number")
    return int(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse, parse_int=_whole)
"""It is made once, because making one takes as long as reading a small file."""
