"""The images of a dataset with classes in turn, so that every class is asked for equally often."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from torch import Tensor
from torch.utils.data import Dataset

from repro.registry import DATASETS, wrong_value


@DATASETS.register
class ClassesInTurn(Dataset[tuple[Tensor, int]]):
    """The images of `source`, a dataset of (image, class), each with a class that is not its own: n modulo K.

    The paper draws 1,000 samples of each class, and compares each test image with all samples. So the class of a test
    image does not count. Item: (image n, n modulo `classes`). `classes`: K, from 2; raises BadInput for another value.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> [label for _, label in map(ClassesInTurn(Digits("test")).__getitem__, (0, 9, 10))]
        [0, 9, 0]
    """

    def __init__(self, source: Annotated[Any, DATASETS], classes: int = 10) -> None:
        if isinstance(classes, bool) or not isinstance(classes, int) or classes < 2:
            raise wrong_value(self, "classes", classes, "a whole number from 2")
        self.source, self.classes = source, classes

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.source[index][0], range(len(self))[index] % self.classes

    def fingerprint(self) -> str:
        """Digest of the fingerprint of the source and of the number of classes."""
        return hashlib.sha256(f"{self.source.fingerprint()} {self.classes}".encode()).hexdigest()[:16]
