"""Real handwritten digits that need no download: the 1,797 images of 8 x 8 pixels that scikit-learn carries.

They are the test part of the Optical Recognition of Handwritten Digits data set (Alpaydin and Kaynak 1998, UCI): the
ink of 32 x 32 bitmaps, counted in blocks of 4 x 4. They stand in for MNIST where a test must run in a second and
without a network. An accuracy on them says nothing of MNIST.

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
LEVELS = 16  # of ink: a pixel counts 0 to 16

Item = tuple[torch.Tensor, int]


@DATASETS.register
class Digits(Dataset[Item]):
    """scikit-learn's digits, upscaled: `(image (1, S, S) float32 in [0, 1], digit int)`; 1,500 to train, 297 to test.

    `size` is S, from 8. Beyond 8 the images are interpolated bilinearly, which adds nothing to what 8 x 8 pixels hold.
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
        """(N, S, S) uint8, ink is 255."""
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
        """A batch at once, which is what a DataLoader asks for."""
        images = self.images[indices].unsqueeze(1) / 255
        return list(zip(images, self.labels[indices].tolist(), strict=True))

    def fingerprint(self) -> str:
        """Digest of the pixels and labels, as they are given out."""
        digest = hashlib.sha256(str(tuple(self.images.shape)).encode())
        digest.update(self.images.numpy().tobytes())
        digest.update(self.labels.to(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]


def upscaled(ink: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.uint8]:
    """Ink (N, 8, 8) in [0, 16] as images (N, S, S) in [0, 255], by bilinear interpolation.

    In whole numbers, so that every machine finds the same images: places are counted in 1 / (2 S) of a pixel.
    """
    places = np.clip(
        (2 * np.arange(size) + 1) * 8 - size, 0, 7 * 2 * size
    )  # of the new centres, from the first old one
    low, rest = np.divmod(places, 2 * size)
    weights = np.zeros((size, 8), np.int64)
    weights[np.arange(size), low] = 2 * size - rest
    weights[np.arange(size), np.minimum(low + 1, 7)] += rest
    full = LEVELS * (2 * size) ** 2  # what full ink comes to
    return ((weights @ ink @ weights.T * 2 * 255 + full) // (2 * full)).astype(np.uint8)  # a half rounds up
