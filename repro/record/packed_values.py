"""Packed values of a record.

A long, mostly constant list is stored as its usual value and its exceptions. A long list with at most 64 different
values is stored as these values and one letter for each item.
"""

from __future__ import annotations

import string
from collections import Counter
from dataclasses import dataclass
from typing import Any

from repro.errors import BadInput
from repro.files import typed

SPARSE = 100  # from this number of items on, nearly constant values are written as one value and its exceptions
MOST = 2_000_000  # the maximum number of values in a record
LETTERS = string.ascii_letters + string.digits + "-_"


def packed(values: list[float]) -> Any:
    """The values as they are stored: the list itself, or one of the two short forms."""
    counts = Counter(map(repr, values))
    if len(values) < SPARSE or len(counts) > len(LETTERS):
        return values
    usual, count = counts.most_common(1)[0]
    if len(counts) <= 5 and count >= len(values) / 2:
        return _exceptions(values, usual)
    known = sorted(counts, key=float)
    letter = dict(zip(known, LETTERS, strict=False))
    return {"levels": [float(text) for text in known], "letters": "".join(letter[repr(value)] for value in values)}


def _exceptions(values: list[float], usual: str) -> dict[str, Any]:
    """The usual value, and the indices of the items with another one."""
    others: dict[str, list[int]] = {}
    for index, value in enumerate(values):
        if repr(value) != usual:
            others.setdefault(repr(value), []).append(index)
    return {"items": len(values), "usual": float(usual), "others": others}


@dataclass(frozen=True)
class Levels:
    """Values with one letter for each item. levels: the value of the first letter, of the second, and so on."""

    levels: list[float]
    letters: str

    @property
    def items(self) -> int:
        return len(self.letters)

    def values(self, at: str) -> list[float]:
        """The full list. at: the key in the record, for messages. Raises BadInput for a letter without a value."""
        known = dict(zip(LETTERS, self.levels, strict=False))
        for index, letter in enumerate(self.letters):
            if letter not in known:
                expected = f"one of the first {len(self.levels)} of {LETTERS}"
                raise BadInput(f"'{at}.letters[{index}]' is {letter!r}", expected=expected)
        return [known[letter] for letter in self.letters]


@dataclass(frozen=True)
class Packed:
    """A usual value and its exceptions. others: the indices of the items with another value, by this value."""

    items: int
    usual: float
    others: dict[str, list[int]]

    def values(self, at: str) -> list[float]:
        """The full list. at: the key in the record, for messages. Raises BadInput for a wrong index or number."""
        full = [self.usual] * self.items
        for text, indices in self.others.items():
            number = _float(text)
            if number is None:
                raise BadInput(f"'{at}.others' has the key {text!r:.40}", expected="a number, as text")
            for index in indices:
                if not 0 <= index < self.items:
                    expected = f"an index from 0 to {self.items - 1}"
                    raise BadInput(f"'{at}.others.{text:.40}' contains {index}", expected=expected)
                full[index] = number
        return full


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def unpack(row: dict[str, Any]) -> None:
    """Replace the packed values in `row`, the JSON object of a record, by the full lists.

    It does not change a measurement of another form; `typed.build` reports that error later.
    """
    rows = row.get("measurements")
    short = {
        f"measurements[{number}].values": one
        for number, one in enumerate(rows if isinstance(rows, list) else [])
        if isinstance(one, dict) and isinstance(one.get("values"), dict)
    }
    found = {at: _form(one["values"], at) for at, one in short.items()}
    _refuse_many([one.items for one in found.values()])
    for at, one in short.items():
        one["values"] = found[at].values(at)


def _form(values: dict[str, Any], at: str) -> Packed | Levels:
    form: type[Packed | Levels] = Levels if "levels" in values or "letters" in values else Packed
    return typed.build(values, form, at)


def _refuse_many(stated: list[int]) -> None:
    """Raise BadInput if a few bytes would be unpacked to too many values."""
    for items in stated:
        if not 0 < items <= MOST or sum(stated) > MOST:
            raise BadInput(f"it would have {items} values of {sum(stated)} in all", expected=f"at most {MOST} in all")
