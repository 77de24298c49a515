"""Windows around random pixels of images with masks, for a network that classifies the middle pixel.

Letters: N images, C channels, H rows and W columns of an image, S rows and columns of a window.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from repro.errors import BadInput
from repro.registry import DATASETS, name_of, wrong_value

Item = tuple[Tensor, int]


@DATASETS.register
class PixelWindows(Dataset[Item]):
    """`count` windows of `size` x `size` pixels around random pixels of the images of `source`.

    Item: `(window (C, S, S) float32, class of its middle pixel int)`. The class is drawn first, every class that occurs
    equally likely, and then a pixel of the class; so a rare class is seen as often as the others (Ciresan et al. 2012,
    Section 2). Images are mirrored at their borders. Every pass has other windows (`set_epoch`); they depend only on
    `seed`, the pass and the index. All images must have the same number of channels.

    `size`: odd. `count`: from 1. `seed`: from 0. Raises BadInput for other values, if a target of `source` is not a
    mask, and if no pixel has a class from 0.

    Example:

        >>> from repro.datasets.cells import Cells
        >>> windows = PixelWindows(Cells(count=2, size=32), size=9, count=100)
        >>> window, label = windows[0]
        >>> window.shape, label in (0, 1), len(windows)
        (torch.Size([1, 9, 9]), True, 100)
    """

    def __init__(self, source: Annotated[Any, DATASETS], size: int, count: int, seed: int = 0) -> None:
        for name, value, least in (("size", size, 1), ("count", count, 1), ("seed", seed, 0)):
            if not isinstance(value, int) or value < least:
                raise wrong_value(self, name, value, f"a whole number from {least}")
        if size % 2 == 0:
            raise wrong_value(self, "size", size, "an odd number: a window has a middle pixel")
        self.source, self.size, self.count, self.seed, self.epoch = source, size, count, seed, 0

    @cached_property
    def images(self) -> list[NDArray[np.float32]]:
        """The images, each continued by half a window on every side."""
        half = self.size // 2
        wide = ((0, 0), (half, half), (half, half))
        return [np.pad(self.source[n][0].numpy(), wide, mode="reflect") for n in range(len(self.source))]

    @cached_property
    def places(self) -> list[NDArray[np.int64]]:
        """For each class that occurs, its pixels: image, row, column (pixels, 3)."""
        items = [self.source[index] for index in range(len(self.source))]
        if not all(isinstance(mask, Tensor) and mask.shape == image.shape[-2:] for image, mask in items):
            said = f"{name_of(self)}.source has a target that is no mask of its image"
            raise BadInput(said, expected="a mask (H, W)")
        masks = [mask for _, mask in items]
        classes = sorted({int(one) for mask in masks for one in mask.unique()} - {-1})
        if not classes:
            raise BadInput(f"{name_of(self)}.source has no pixel of a class from 0")
        return [np.concatenate([_places(n, mask == one) for n, mask in enumerate(masks)]) for one in classes]

    def set_epoch(self, epoch: int) -> None:
        """Choose the pass, a whole number from 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Item:
        if not 0 <= index < self.count:
            raise IndexError(index)
        random = np.random.default_rng((self.seed, self.epoch, index))
        of_class = self.places[random.integers(len(self.places))]
        number, row, column = of_class[random.integers(len(of_class))]
        window = self.images[number][:, row : row + self.size, column : column + self.size]
        return torch.from_numpy(window.copy()), int(self.source[number][1][row, column])

    def fingerprint(self) -> str:
        """Digest of the fingerprint of the source and of the parameters."""
        given = f"{self.source.fingerprint()} windows {self.size} {self.count} {self.seed}"
        return hashlib.sha256(given.encode()).hexdigest()[:16]


def _places(number: int, chosen: Tensor) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.argwhere(chosen.numpy())
    return np.column_stack([np.full(len(found), number), found])
