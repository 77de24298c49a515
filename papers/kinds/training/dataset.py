"""The items of another dataset with noise: the second test set."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from torch.utils.data import Dataset

from repro.registry import DATASETS


@DATASETS.register
class WithNoise(Dataset[tuple[torch.Tensor, Any]]):
    """The items of `source`, with Gaussian noise of standard deviation `deviation` on the inputs (Section 4).

    Item: as in `source`. The noise of an item depends only on `seed` and on the index of the item.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> image, digit = WithNoise(Digits("test"), deviation=0.3)[0]
        >>> image.shape
        torch.Size([1, 28, 28])
    """

    def __init__(self, source: Annotated[Any, DATASETS], deviation: float, seed: int = 0) -> None:
        self.source, self.deviation, self.seed = source, deviation, seed

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, Any]:
        inputs, target = self.source[index]
        random = torch.Generator().manual_seed(self.seed * len(self) + index)
        return inputs + self.deviation * torch.randn(inputs.shape, generator=random), target

    def fingerprint(self) -> str:
        """That of the source, with the two settings of the noise."""
        return f"{self.source.fingerprint()}+{self.deviation}:{self.seed}"
