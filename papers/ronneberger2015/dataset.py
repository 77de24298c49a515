"""The slices of the challenge ISBI 2012: neuronal membranes under an electron microscope.

Letters: H rows and W columns of a slice.
"""

from __future__ import annotations

import functools
import hashlib
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from repro.data import store
from repro.data.mask_panels import show_mask
from repro.datasets import image_files
from repro.registry import DATASETS, wrong_value

SLICES = 30
CELL = 255  # the grey of a cell in a label; a membrane has 0
NAMES = ("membrane", "cell")


@DATASETS.register
class Membranes(Dataset[tuple[Tensor, Tensor]]):
    """The slices `first` to `last` of the volume with labels, both included; slices have the numbers 0 to 29.

    Item: `(image (1, H, W) float32 in [0, 1], mask (H, W) int64)`; the mask is 1 in a cell and 0 on a membrane. The
    slices follow each other in one volume, 50 nm apart, so neighbours are alike: split them by ranges, never at random.
    They are read from `isbi2012/membrane.tar`, or else from the published files. Raises BadInput for another range, and
    for a file that is missing, is no image, or has another size or other labels than 0 and 255.

    Example: two slices of 2 x 3 pixels in place of the real ones.

        >>> import os
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> Path("isbi2012").mkdir()
        >>> for number in range(SLICES):
        ...     for kind in ("image", "label"):
        ...         pixels = np.full((2, 3), 255, np.uint8)
        ...         Image.fromarray(pixels).save(f"isbi2012/{kind}-{number:02}.png")
        >>> image, mask = Membranes(first=0, last=1)[0]
        >>> image.shape, mask.tolist(), len(Membranes(first=0, last=1))
        (torch.Size([1, 2, 3]), [[1, 1, 1], [1, 1, 1]], 2)
    """

    class_names = NAMES
    illustrate = staticmethod(functools.partial(show_mask, classes=NAMES))

    def __init__(self, first: int, last: int) -> None:
        for name, value, least in (("first", first, 0), ("last", last, first)):
            if not isinstance(value, int) or not least <= value < SLICES:
                raise wrong_value(self, name, value, f"a whole number from {least} to {SLICES - 1}")
        self.first, self.last = first, last
        self.folder = store.folder("isbi2012")

    @cached_property
    def slices(self) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        """The grey and the label of each pixel, for each slice: two arrays (H, W)."""
        pairs = zip(self._files("image").items(), self._files("label").items(), strict=True)
        return [_slice(*image, *label) for image, label in pairs]

    @property
    def names(self) -> list[str]:
        return [f"slice {number}" for number in range(self.first, self.last + 1)]

    def _files(self, kind: str) -> dict[str, bytes]:
        """The files of one kind, "image" or "label", by their places."""
        numbers = range(self.first, self.last + 1)
        archive = self.folder / "membrane.tar"
        if archive.is_file():
            return image_files.contents(archive, [f"train/{kind}/{number:02}.png" for number in numbers])
        return image_files.contents(self.folder, [f"{kind}-{number:02}.png" for number in numbers])

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, label = self.slices[index]
        return torch.from_numpy(image).float()[None] / 255, torch.from_numpy(label == CELL).long()

    def fingerprint(self) -> str:
        """Digest of the pixels and labels of all slices. All files are read: a corrupt one is found before training."""
        digest = hashlib.sha256()
        for image, label in self.slices:
            digest.update(f"{image.shape}".encode() + image.tobytes() + label.tobytes())
        return digest.hexdigest()[:16]


def _slice(
    image_place: str, image: bytes, label_place: str, label: bytes
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    pixels = image_files.read_image(image, image_place)
    return pixels, image_files.read_mask(label, label_place, pixels.shape, {0, CELL})
