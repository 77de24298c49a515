"""Generated images of textured shapes on textured noise, with class, mask and box, which need no download.

Letters: N images, S pixels of a side.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor
from torch.utils.data import Dataset

from repro.datasets import image_tasks
from repro.datasets.image_tasks import Task
from repro.registry import DATASETS

CLASSES = ("disc", "square", "triangle")
BORDER, INSIDE = 1.0, 1  # pixels next to the outline with the mask -1; the value of the shape in the mask

Numbers = npt.NDArray[np.float64]


@DATASETS.register
class Shapes(Dataset[tuple[Tensor, Any]]):
    """Generated images of one disc, square or triangle on noise. They need no download.

    Item: `(image (3, S, S) float32 in [0, 1], target)`. The target depends on `task`, as in
    `repro.datasets.image_tasks`: "class" (0 disc, 1 square, 2 triangle), "mask" (S, S), "box" (1, 4), or
    "class_and_mask". The shape is striped, covers 3 to 28 % of the image, and is anywhere in it. A pixel on its outline
    has the mask -1. `items`: number of images N, from 1. `size`: S in pixels, from 16. `seed`: other seeds give other
    images. Raises BadInput for another value.

    Example:

        >>> image, boxes = Shapes(items=9, size=32, task="box")[0]
        >>> image.shape, boxes.shape, [label for _, label in Shapes(items=6)]
        (torch.Size([3, 32, 32]), torch.Size([1, 4]), [0, 1, 2, 0, 1, 2])
    """

    class_names = CLASSES

    def __init__(self, items: int = 60, size: int = 32, task: Task = "class", seed: int = 0) -> None:
        image_tasks.checked(self, task, size, least=16)
        image_tasks.whole(self, "items", items, 1)
        image_tasks.whole(self, "seed", seed, 0)
        self.items, self.size, self.task, self.seed = items, size, task, seed

    @cached_property
    def drawn(self) -> tuple[Tensor, Tensor]:
        """The images (N, 3, S, S) uint8 and the masks (N, S, S) int8."""
        images, masks = zip(
            *(draw(index % 3, self.size, (self.seed, index)) for index in range(self.items)), strict=True
        )
        return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks))

    def __len__(self) -> int:
        return self.items

    def __getitem__(self, index: int) -> tuple[Tensor, Any]:
        images, masks = self.drawn
        return images[index] / 255, image_tasks.target(self.task, range(self.items)[index] % 3, masks[index])

    def fingerprint(self) -> str:
        """Digest of pixels, masks and task."""
        digest = hashlib.sha256(f"{self.task} {self.size}".encode())
        for array in self.drawn:
            digest.update(array.numpy().tobytes())
        return digest.hexdigest()[:16]


def draw(label: int, size: int, seed: tuple[int, ...]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8]]:
    """One image (3, S, S) and its mask (S, S)."""
    random = np.random.default_rng(seed)
    radius = size * random.uniform(0.16, 0.3)
    centre = random.uniform(radius, size - radius, 2)
    outside = distance(label, size, centre, radius)
    rows, columns = np.mgrid[:size, :size]
    angle, width = random.uniform(0, np.pi), max(2.0, size / 12)
    stripes = 0.5 + 0.5 * np.sin((np.cos(angle) * columns + np.sin(angle) * rows) * 2 * np.pi / width)
    ground, first, second = random.uniform(0.2, 0.8, (3, 3, 1, 1))
    noise = ndimage.gaussian_filter(random.standard_normal((3, size, size)), (0, 1.5, 1.5)) * 0.5
    shape = first + (second - first) * stripes + (first - ground)
    image = np.where(outside < 0, shape, ground + noise) + 0.05 * random.standard_normal((3, size, size))
    mask = np.where(np.abs(outside) < BORDER / 2, -1, np.where(outside < 0, INSIDE, 0))
    return (255 * image.clip(0, 1)).round().astype(np.uint8), mask.astype(np.int8)


def distance(label: int, size: int, centre: Numbers, radius: float) -> Numbers:
    """How far each pixel (S, S) is outside the shape of class `label`, in pixels; below 0 inside."""
    y, x = np.mgrid[:size, :size] + 0.5 - centre[:, None, None]
    if label == 0:
        return np.asarray(np.hypot(x, y) - radius)
    if label == 1:
        return np.asarray(np.maximum(np.abs(x), np.abs(y)) - 0.85 * radius)
    slope = np.abs(x) * np.cos(np.pi / 6) - (y - radius * 0.25) * 0.5
    return np.asarray(np.maximum(slope - radius * 0.6, y - 0.75 * radius))
