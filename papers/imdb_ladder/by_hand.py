"""Short reviews that the repro authors wrote by hand for behaviour tests. They are not from IMDb. Licence: CC0 1.0."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

from torch.utils.data import Dataset

from repro.datasets import tables
from repro.registry import DATASETS

FILE = Path(__file__).parent / "reviews_by_hand.csv"


@DATASETS.register
class ReviewsByHand(Dataset[tuple[str, int]]):
    """Sixteen short reviews, written for this project: eight positive and eight negative ones.

    Item: `(text str, label int)`, label 1 for a positive review. They are in `reviews_by_hand.csv`. Half of them say
    what they mean in words of one class; the other half have a word of the other class, an "although", or a "not".
    Raises BadInput if the file cannot be read.

    Example:

        >>> reviews = ReviewsByHand()
        >>> len(reviews), sum(reviews.labels)
        (16, 8)
    """

    @cached_property
    def _rows(self) -> list[tables.Row]:
        return list(tables.read(FILE, ["label", "text"]))

    @cached_property
    def texts(self) -> list[str]:
        return [row["text"] for row in self._rows]

    @cached_property
    def labels(self) -> list[int]:
        return [int(row["label"]) for row in self._rows]

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> tuple[str, int]:
        return self.texts[index], self.labels[index]

    def fingerprint(self) -> str:
        """Digest of the texts and labels."""
        return hashlib.sha256(f"{self.texts} {self.labels}".encode()).hexdigest()[:16]
