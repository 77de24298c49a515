"""JSON files read as strictly as they are written.

Python's own reader takes the last of two values that have one key, takes NaN for a number, and gives up with a
traceback on lists in lists in lists and on a number of 5,000 digits.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from repro import untrusted
from repro.errors import BadInput, where
from repro.files import regular

MEMORY = 100_000_000  # bytes that what is read may take
SPECIAL = re.compile(rb"[\x7f-\xff]|\\[^n\"\\/]")
"""What a JSON file has in it somewhere, if a text in it has a sign that is not shown."""
DIGITS = 18  # of a whole number: with more it does not fit into 64 bits
TAKES = {b",": 40, b'"': 40, b"{": 300, b"[": 100}
"""Bytes of memory for each of these signs in a JSON file, at most: what they separate, quote or open."""


def load(path: Path, fault: str, most: int = regular.TEXT, free: str = "") -> Any:
    """What is in a JSON file of at most `most` bytes. Its texts are checked, but for those below the key `free`.

    Raises BadInput that names file and line and says `fault`, as "not a record".
    """
    regular.check(path, most)
    try:
        content = path.read_bytes()
        _refuse_large(content)
        row = json.loads(content, object_pairs_hook=_unique, parse_constant=_refuse, parse_int=_whole)
        if not _shows_all(content) and SPECIAL.search(content):
            checked = {key: row[key] for key in row if key != free} if isinstance(row, dict) else row
            untrusted.refuse_unseen(checked, where(path))
        return row
    except json.JSONDecodeError as error:
        raise BadInput(f"{fault}: {error.msg}", f"{where(path)}:{error.lineno}") from None
    except OSError as error:
        raise BadInput(f"{fault}: it cannot be read: {error.strerror}", where(path)) from None
    except (ValueError, RecursionError) as error:  # ValueError: no UTF-8, and what is refused here
        raise BadInput(f"{fault}: {error}", where(path)) from None


def _shows_all(content: bytes) -> bool:
    """Whether there is nothing for `SPECIAL` to find, by what costs a hundredth of it."""
    return content.isascii() and b"\x7f" not in content and content.count(b"\\") == content.count(b"\\n")


def _refuse_large(content: bytes) -> None:
    """Refuse a file that would take much more memory than its size: a million empty lists are two megabytes."""
    needed = len(content) * (3 if content.isascii() else 9)
    needed += sum(size * content.count(sign) for sign, size in TAKES.items())
    if needed > MEMORY:
        raise ValueError(
            f"to read it takes up to {needed / 1e6:,.0f} MB of memory; expected {MEMORY / 1e6:,.0f} at most"
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"it has two values for {twice!r:.80}")
    return found


def _whole(digits: str) -> int:
    if len(digits.removeprefix("-")) > DIGITS:
        raise ValueError(f"{digits:.10}... is a number of more than {DIGITS} digits; expected a smaller one")
    return int(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
