"""Packed values of a record: a long, mostly constant list is stored as its usual value and its exceptions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from repro.errors import BadInput
from repro.files import typed

SPARSE = 100  # from this number of items on, nearly constant values are written as one value and its exceptions
MOST = 2_000_000  # the maximum number of values in a record


def packed(values: list[float]) -> Any:
    """The values as they are stored: a long, mostly constant list as its usual value and the indices of the others."""
    usual, count = Counter(values).most_common(1)[0]
    if len(values) < SPARSE or count < len(values) / 2:
        return values
    others: dict[str, list[int]] = {}
    for index, value in enumerate(values):
        if value != usual:
            others.setdefault(repr(value), []).append(index)
    return {"items": len(values), "usual": usual, "others": others} if len(others) <= 4 else values


@dataclass(frozen=True)
class Packed:
    """Values as `packed` stores them. others: the indices of the items with another value, by this value."""

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
    found: dict[str, Packed] = {at: typed.build(one["values"], Packed, at) for at, one in short.items()}
    _refuse_many([one.items for one in found.values()])
    for at, one in short.items():
        one["values"] = found[at].values(at)


def _refuse_many(stated: list[int]) -> None:
    """Raise BadInput if a few bytes would be unpacked to too many values."""
    for items in stated:
        if not 0 < items <= MOST or sum(stated) > MOST:
            raise BadInput(f"it would have {items} values of {sum(stated)} in all", expected=f"at most {MOST} in all")
