"""A dataset with a known share of wrong labels, made on purpose: to measure how many of them a method finds."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from torch.utils.data import Dataset

from repro.registry import DATASETS, wrong_value

Item = tuple[Any, Any]


@DATASETS.register
class FlippedLabels(Dataset[Item]):
    """The items of `source`, of which a share has another label, drawn at random.

    Item: `(inputs, label int)`. With `told`, the target is `{"label": int, "wrong": bool}` instead: for a test set
    whose metric counts how many wrong labels are found. `classes`: K; the labels are integers in [0, K), and a wrong
    label is any other one with equal probability. `share`: of the items that get a wrong label, in (0, 1), rounded to
    whole items. `seed`: of the choice. Raises BadInput for a share or a number of classes that is out of range.

    Example: three of twelve labels are wrong.

        >>> data = FlippedLabels([(index, index % 3) for index in range(12)], classes=3, share=0.25)
        >>> sum(label != inputs % 3 for inputs, label in data), len(data)
        (3, 12)
    """

    def __init__(
        self, source: Annotated[Any, DATASETS], classes: int, share: float = 0.1, seed: int = 0, told: bool = False
    ) -> None:
        if not 0 < share < 1:
            raise wrong_value(self, "share", share, "a number between 0 and 1")
        if classes < 2:
            raise wrong_value(self, "classes", classes, "a whole number from 2")
        self.source, self.classes, self.share, self.seed, self.told = source, classes, share, seed, told

    @cached_property
    def steps(self) -> dict[int, int]:
        """How far each wrong label is from the true one, by the index of the item."""
        random = np.random.default_rng(self.seed)
        chosen = random.permutation(len(self.source))[: round(self.share * len(self.source))]
        return dict(zip(map(int, chosen), map(int, random.integers(1, self.classes, len(chosen))), strict=True))

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Item:
        if not 0 <= index < len(self):
            raise IndexError(index)
        inputs, true = self.source[index]
        label = (int(true) + self.steps.get(index, 0)) % self.classes
        return inputs, {"label": label, "wrong": index in self.steps} if self.told else label

    def fingerprint(self) -> str:
        """Digest of the source and of the choice."""
        parts = (self.source.fingerprint(), self.classes, self.share, self.seed, self.told)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
