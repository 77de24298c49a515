"""Points on a noisy line."""

from __future__ import annotations

import hashlib

import torch
from torch.utils.data import Dataset

from repro.registry import DATASETS


@DATASETS.register
class NoisyLine(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Points `y = 2x + 1` with noise of standard deviation 0.1, x uniform in [-1, 1] (Section 2).

    Item: `(x (1,), y (1,))`. `size`: number of points.

    Example:

        >>> points = NoisyLine(size=3)
        >>> x, y = points[0]
        >>> len(points), x.shape, y.shape
        (3, torch.Size([1]), torch.Size([1]))
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        random = torch.Generator().manual_seed(seed)
        self.x = torch.rand(size, 1, generator=random) * 2 - 1
        self.y = 2 * self.x + 1 + 0.1 * torch.randn(size, 1, generator=random)  # Section 2

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.x[index], self.y[index]

    def fingerprint(self) -> str:
        """Digest of the points, rounded to six decimals."""
        return hashlib.sha256(torch.cat([self.x, self.y]).mul(1e6).round().long().numpy().tobytes()).hexdigest()[:16]
