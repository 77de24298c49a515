"""The published table: two columns of numbers, one row per person."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

from torch.utils.data import Dataset

from repro.registry import DATASETS

FILE = Path(__file__).parent / "table.csv"


@DATASETS.register
class PairsOfColumns(Dataset[tuple[list[float], list[float]]]):
    """One item per comparison: two columns of the table.

    Item: `(numbers of the first column, numbers of the second column)`. `rows`: name in the paper -> the two columns.

    Example:

        >>> first, second = PairsOfColumns({"sleep": ["extra 1", "extra 2"]})[0]
        >>> len(first), round(sum(second) / len(second), 2)
        (10, 2.33)
    """

    def __init__(self, rows: dict[str, list[str]]) -> None:
        self.rows, self.names = rows, list(rows)
        with FILE.open(encoding="utf-8", newline="") as file:
            self.table = list(csv.DictReader(file))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[list[float], list[float]]:
        first, second = ([float(row[name]) for row in self.table] for name in self.rows[self.names[index]])
        return first, second

    def fingerprint(self) -> str:
        """Digest of the items."""
        return hashlib.sha256(repr([self[index] for index in range(len(self))]).encode()).hexdigest()[:16]
