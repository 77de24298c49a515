"""Test sets of adversarial examples, and the digits of some classes only."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any

import torch
from torch.utils.data import Dataset

from repro.errors import BadInput
from repro.registry import DATASETS, name_of, wrong_value

Item = tuple[torch.Tensor, int]

EVERY = -1
"""The value of `against` for examples against all networks together."""


@DATASETS.register
class Attacked(Dataset[tuple[dict[str, Any], int]]):
    """The items of `source`, which `models.UnderAttack` changes by the fast gradient sign method before it answers.

    Item: `({"images": image, "labels": class, "epsilon": epsilon, "against": against}, class)`. epsilon: by how much
    every pixel changes, from 0. against: the network, counted from 0, that the example is made to fool; -1 means all
    together. Raises BadInput for another value. Source: Section 4.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> inputs, digit = Attacked(Digits("test", size=8), epsilon=0.25)[0]
        >>> inputs["images"].shape, inputs["labels"] == digit, inputs["epsilon"]
        (torch.Size([1, 8, 8]), True, 0.25)
    """

    def __init__(self, source: Annotated[Any, DATASETS], epsilon: float, against: int = 0) -> None:
        if not (epsilon >= 0 and math.isfinite(epsilon)):
            raise wrong_value(self, "epsilon", epsilon, "a number from 0")
        if isinstance(against, bool) or not isinstance(against, int) or against < EVERY:
            raise wrong_value(self, "against", against, "the number of a network from 0, or -1 for all")
        self.source, self.epsilon, self.against = source, float(epsilon), against

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], int]:
        image, label = self.source[index]
        return {"images": image, "labels": label, "epsilon": self.epsilon, "against": self.against}, label

    def fingerprint(self) -> str:
        """Digest of the source, of epsilon and of the network that is attacked."""
        text = f"{self.source.fingerprint()} {self.epsilon} {self.against}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@DATASETS.register
class OnlyClasses(Dataset[Item]):
    """The images of some classes of `source`, which has `labels` (N,). The first of `classes` becomes class 0.

    Item: `(image, class int)`. Raises BadInput if `classes` has a class twice, or one that the source does not have.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> threes = OnlyClasses(Digits("test", size=8), classes=(3, 7))
        >>> len(threes), sorted({digit for _, digit in threes})
        (60, [0, 1])
    """

    def __init__(self, source: Annotated[Any, DATASETS], classes: Sequence[int]) -> None:
        if len(set(classes)) < len(classes) or len(classes) < 2:
            raise wrong_value(self, "classes", classes, "two or more different classes")
        self.source, self.classes = source, list(classes)

    @cached_property
    def chosen(self) -> list[int]:
        """The indices of the images in the source."""
        labels = [int(label) for label in self.source.labels]
        if unknown := set(self.classes) - set(labels):
            known = sorted(set(labels))
            raise BadInput(f"{name_of(self)}.classes has {min(unknown)}, which no item has", expected=f"of {known}")
        return [index for index, label in enumerate(labels) if label in self.classes]

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> Item:
        image, label = self.source[self.chosen[index]]
        return image, self.classes.index(label)

    def fingerprint(self) -> str:
        """Digest of the source and the classes."""
        return hashlib.sha256(f"{self.source.fingerprint()} {self.classes}".encode()).hexdigest()[:16]
