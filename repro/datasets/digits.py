"""Handwritten digits that need no download: the 1,797 images of 8 x 8 pixels in scikit-learn.

They are the test part of the Optical Recognition of Handwritten Digits data set (Alpaydin and Kaynak 1998, UCI). Each
pixel counts the ink in a 4 x 4 block of a 32 x 32 bitmap. Tests use these digits instead of MNIST, because they need
no network and run in a second. An accuracy on them says nothing about MNIST.

Letters: N images, S pixels of a side.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from repro.registry import DATASETS

SPLITS = {"train": slice(0, 1500), "test": slice(1500, None)}
LEVELS = 16  # the most ink in a pixel; a pixel counts from 0 to 16

Item = tuple[torch.Tensor, int]


@DATASETS.register
class Digits(Dataset[Item]):
    """scikit-learn's handwritten digits, upscaled: 1,500 images to train, 297 to test, no download.

    Item: `(image (1, S, S) float32 in [0, 1], digit int)`. `size` is S in pixels, from 8; larger images are
    interpolated bilinearly. Raises ValueError if `size` is below 8.

    Example:

        >>> digits = Digits("test", size=8)
        >>> image, digit = digits[0]
        >>> len(digits), image.shape, digit
        (297, torch.Size([1, 8, 8]), 1)
    """

    def __init__(self, split: Literal["train", "test"], size: int = 28) -> None:
        if size < 8:
            raise ValueError(f"size is {size}; expected a number of pixels from 8")
        self.split, self.size = split, size

    @cached_property
    def _bundled(self) -> Any:
        from sklearn.datasets import load_digits

        return load_digits()

    @cached_property
    def images(self) -> torch.Tensor:
        """(N, S, S) uint8, from 0 (paper) to 255 (ink)."""
        ink = self._bundled.images[SPLITS[self.split]].astype(np.int64)
        return torch.from_numpy(upscaled(ink, self.size))

    @cached_property
    def labels(self) -> torch.Tensor:
        """(N,) int64."""
        return torch.from_numpy(self._bundled.target[SPLITS[self.split]]).long()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Item:
        return self.images[index].unsqueeze(0) / 255, int(self.labels[index])

    def __getitems__(self, indices: list[int]) -> list[Item]:
        """Several items at once; a DataLoader calls this."""
        images = self.images[indices].unsqueeze(1) / 255
        return list(zip(images, self.labels[indices].tolist(), strict=True))

    def fingerprint(self) -> str:
        """Digest of the upscaled pixels and the labels."""
        digest = hashlib.sha256(str(tuple(self.images.shape)).encode())
        digest.update(self.images.numpy().tobytes())
        digest.update(self.labels.to(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]


def upscaled(ink: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.uint8]:
    """Convert ink (N, 8, 8) in [0, 16] to images (N, S, S) in [0, 255], by bilinear interpolation.

    It computes with integers only, so that every machine gets the same images. Positions are counted in units of
    1 / (2 S) of an old pixel. S is `size`.
    """
    places = np.clip(
        (2 * np.arange(size) + 1) * 8 - size, 0, 7 * 2 * size
    )  # centres of the new pixels, measured from the first old centre
    low, rest = np.divmod(places, 2 * size)
    weights = np.zeros((size, 8), np.int64)
    weights[np.arange(size), low] = 2 * size - rest
    weights[np.arange(size), np.minimum(low + 1, 7)] += rest
    full = LEVELS * (2 * size) ** 2  # the value for full ink
    return ((weights @ ink @ weights.T * 2 * 255 + full) // (2 * full)).astype(np.uint8)  # a half rounds up
