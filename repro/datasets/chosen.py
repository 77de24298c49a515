"""Some items of a test set, for behaviour tests: a fixed list, or those that an earlier model got wrong.

Letters: N chosen items.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated, Any

from torch.utils.data import Dataset

from repro import record
from repro.claim import paper
from repro.errors import BadInput, where
from repro.registry import DATASETS, wrong_value

Item = tuple[Any, Any]


@DATASETS.register
class Chosen(Dataset[Item]):
    """The items of `source` with the numbers `items`, counted from 0, in this order.

    Item: as of `source`. Raises BadInput for an empty list, a number twice, or one that `source` does not have.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> digits = Digits("test")
        >>> len(Chosen(digits, [7, 2])), Chosen(digits, [7, 2])[0][1] == digits[7][1]
        (2, True)
    """

    def __init__(self, source: Annotated[Any, DATASETS], items: list[int]) -> None:
        self.source, self.items = source, items

    @cached_property
    def rows(self) -> list[int]:
        """The numbers, checked."""
        wrong = [one for one in self.items if not 0 <= one < len(self.source) or self.items.count(one) > 1]
        if wrong or not self.items:
            most = f"numbers from 0 to {len(self.source) - 1}, each once"
            raise wrong_value(self, "items", f"a list with {wrong[0]}" if wrong else "empty", most)
        return list(self.items)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        item: Item = self.source[self.rows[index]]
        return item

    def fingerprint(self) -> str:
        """Digest of the fingerprint of the source and of the numbers."""
        return _digest(self.source.fingerprint(), self.rows)


@DATASETS.register
class Missed(Dataset[Item]):
    """The items of `source` that an earlier model got wrong: those whose `metric` is 0 in its record.

    Item: as of `source`. record: PAPER/RECORD, for example "template/line-seed0". test: the test set in that record.
    metric: its name there; 1 for a right and 0 for a wrong item. Raises BadInput if there is no such record or
    measurement, if it was made on other data than `source`, or if no item is wrong.

    Example: there is no such record.

        >>> from repro.datasets.digits import Digits
        >>> Missed(Digits("test"), "template/lines-seed0").rows  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        repro.errors.BadInput: ...papers/template/records: no record 'lines-seed0'; did you mean 'line-seed0'?
    """

    def __init__(
        self, source: Annotated[Any, DATASETS], record: str, test: str = "test", metric: str = "Accuracy"
    ) -> None:
        self.source, self.record, self.test, self.metric = source, record, test, metric

    @cached_property
    def rows(self) -> list[int]:
        """The numbers of the items that the earlier model got wrong."""
        found = self._read()
        measured = found.measured(self.test, self.metric)
        if measured is None:
            known = [f"{one.test}: {one.metric}" for one in found.measurements]
            wanted = f"{self.test}: {self.metric}"
            raise BadInput(f"{self.record} has no '{wanted}'", given=wanted, known=known)
        if found.fingerprint(self.test) != self.source.fingerprint():
            given = f"{found.fingerprint(self.test)}; the source has {self.source.fingerprint()}"
            raise BadInput(f"{self.record} was made on the data {given}", expected="the same data")
        if 0 not in measured.values or not set(measured.values) <= {0, 1}:
            raise BadInput(f"{self.metric} in {self.record} is not 0 for any item", expected="0 (wrong) and 1 (right)")
        return [row for row, value in enumerate(measured.values) if value == 0]

    def _read(self) -> record.Record:
        name, _, stem = self.record.partition("/")
        folder = paper.folder_of(name)
        known = {path.stem: path for path in record.paths(folder)}
        if stem not in known:
            raise BadInput(f"no record '{stem}'", f"{where(folder)}/records", given=stem, known=known)
        return record.read(known[stem])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        item: Item = self.source[self.rows[index]]
        return item

    def fingerprint(self) -> str:
        """Digest of the fingerprint of the source and of the numbers of the items."""
        return _digest(self.source.fingerprint(), self.rows)


def _digest(*parts: Any) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]
