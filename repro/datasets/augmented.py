"""Random changes of an image and of all that belongs to its pixels, for training: flip, crop, rotation, elastic.

Letters: C channels, H rows and W columns of an image.

An augmentation is a callable, `augmentation(image, target, random) -> (image, target)`, registered with
`@PERTURBATIONS.register`. `random` is a `numpy.random.Generator`, its only source of chance. The image is
`(C, H, W)` float32. The target is one of:

- a mask `(H, W)` int64: it is moved as the image. Labels are never mixed: a pixel gets the label of the nearest one.
- a dict: each mask and each map `(H, W)` of weights in it is moved; a class (an int) stays.
- a class: it stays, so an augmentation works for classification too.

Every new pixel from outside the image is mirrored, in the image and in the mask.
"""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from repro.errors import BadInput
from repro.registry import DATASETS, PERTURBATIONS, name_of, wrong_value

Item = tuple[Tensor, Any]


@DATASETS.register
class Augmented(Dataset[Item]):
    """The items of `source`, each changed by all `augmentations` in their order; other changes in every pass.

    Item: as of `source`, with the size that the augmentations give it. The changes depend only on `seed`, on the number
    of the pass (`set_epoch`) and on the index.
    `seed`: a whole number from 0. Raises BadInput for another one, and if an item has a map of another size than its
    image.

    Example:

        >>> from repro.datasets.cells import Cells
        >>> source = Cells(count=4, size=48)
        >>> crops = Augmented(source, [Flip(), Crop(size=32)])
        >>> image, mask = crops[0]
        >>> image.shape, mask.shape
        (torch.Size([1, 32, 32]), torch.Size([32, 32]))
        >>> crops.set_epoch(1)
        >>> bool((crops[0][0] == image).all())
        False
    """

    def __init__(
        self, source: Annotated[Any, DATASETS], augmentations: Annotated[list[Any], PERTURBATIONS], seed: int = 0
    ) -> None:
        if not isinstance(seed, int) or seed < 0:
            raise wrong_value(self, "seed", seed, "a whole number from 0")
        for one in augmentations:
            if not callable(one) or len(inspect.signature(one).parameters) != 3:
                known = [other.__name__ for other in (Flip, Crop, Rotate, Elastic)]
                said = f"{name_of(self)}.augmentations has {name_of(one)}, which does not change targets"
                raise BadInput(said, given=type(one).__name__, known=known)
        self.source, self.augmentations, self.seed, self.epoch = source, augmentations, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the pass, a whole number from 0, of this dataset and of its source."""
        self.epoch = epoch
        if hasattr(self.source, "set_epoch"):
            self.source.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Item:
        image, target = self.source[index]
        random = np.random.default_rng((self.seed, self.epoch, index))
        for augmentation in self.augmentations:
            image, target = augmentation(image, target, random)
        return image, target

    def fingerprint(self) -> str:
        """Digest of the fingerprint of the source, the augmentations with their parameters, and the seed."""
        given = [(name_of(one), sorted(vars(one).items())) for one in self.augmentations]
        return hashlib.sha256(f"{self.source.fingerprint()} {given} {self.seed}".encode()).hexdigest()[:16]


@PERTURBATIONS.register
class Flip:
    """Left and right exchanged with probability 1/2; if `vertical`, top and bottom too, independently.

    Example:

        >>> image = torch.arange(3.0).expand(1, 2, 3)
        >>> sorted({tuple(Flip()(image, 0, np.random.default_rng(seed))[0][0, 0].tolist()) for seed in range(9)})
        [(0.0, 1.0, 2.0), (2.0, 1.0, 0.0)]
    """

    def __init__(self, vertical: bool = False) -> None:
        self.vertical = vertical

    def __call__(self, image: Tensor, target: Any, random: np.random.Generator) -> Item:
        drawn = random.random(2) < 0.5
        axes = [axis for axis, chosen in zip((-1, -2), drawn & (True, self.vertical), strict=True) if chosen]
        return both(image, target, lambda pixels, _: pixels.flip(axes))


@PERTURBATIONS.register
class Crop:
    """A square of `size` x `size` pixels from a random place; every place is equally likely.

    size: a whole number from 1. Raises BadInput for another one, and if an image is smaller.

    Example:

        >>> image, mask = Crop(size=2)(torch.rand(3, 5, 7), torch.zeros(5, 7).long(), np.random.default_rng(0))
        >>> image.shape, mask.shape
        (torch.Size([3, 2, 2]), torch.Size([2, 2]))
    """

    def __init__(self, size: int) -> None:
        if not isinstance(size, int) or size < 1:
            raise wrong_value(self, "size", size, "a whole number from 1")
        self.size = size

    def __call__(self, image: Tensor, target: Any, random: np.random.Generator) -> Item:
        rows, columns = image.shape[-2:]
        if self.size > min(rows, columns):
            raise wrong_value(self, "size", self.size, f"at most the {rows} x {columns} pixels of the image")
        top, left = random.integers(0, (rows - self.size + 1, columns - self.size + 1))
        return both(image, target, lambda pixels, _: pixels[..., top : top + self.size, left : left + self.size])


@PERTURBATIONS.register
class Rotate:
    """Rotation about the centre by an angle between -`degrees` and `degrees`, every angle equally likely.

    degrees: above 0, at most 180. Bilinear interpolation of the image.

    Example:

        >>> image, mask = Rotate(degrees=45)(torch.rand(1, 8, 8), torch.ones(8, 8).long(), np.random.default_rng(0))
        >>> image.shape, mask.unique()
        (torch.Size([1, 8, 8]), tensor([1]))
    """

    def __init__(self, degrees: float) -> None:
        if not 0 < degrees <= 180:
            raise wrong_value(self, "degrees", degrees, "a number above 0, at most 180")
        self.degrees = degrees

    def __call__(self, image: Tensor, target: Any, random: np.random.Generator) -> Item:
        angle = math.radians(random.uniform(-self.degrees, self.degrees))
        down, right = grid(image)
        middle = [(size - 1) / 2 for size in image.shape[-2:]]
        down, right = down - middle[0], right - middle[1]
        turned = math.cos(angle) * down - math.sin(angle) * right, math.sin(angle) * down + math.cos(angle) * right
        return moved(image, target, turned[0] + middle[0], turned[1] + middle[1])


@PERTURBATIONS.register
class Elastic:
    """Elastic deformation: every pixel is displaced, neighbours by similar vectors.

    Vectors at the points of a coarse grid of `points` x `points` over the image are drawn from a Gaussian with standard
    deviation `sd` in pixels; those of the pixels in between are interpolated bicubically (Ronneberger, Fischer and Brox
    2015, Section 3.1: 3 x 3 points, 10 pixels). Bilinear interpolation of the image.

    sd: above 0. points: a whole number from 2. Raises BadInput for other values.

    Example:

        >>> image = torch.rand(1, 64, 64)
        >>> deformed, mask = Elastic(sd=4.0)(image, (image[0] > 0.5).long(), np.random.default_rng(0))
        >>> deformed.shape, bool((deformed == image).all()), mask.dtype
        (torch.Size([1, 64, 64]), False, torch.int64)
    """

    def __init__(self, sd: float = 10.0, points: int = 3) -> None:
        if not 0 < sd < math.inf:
            raise wrong_value(self, "sd", sd, "a number above 0, in pixels")
        if not isinstance(points, int) or points < 2:
            raise wrong_value(self, "points", points, "a whole number from 2")
        self.sd, self.points = sd, points

    def __call__(self, image: Tensor, target: Any, random: np.random.Generator) -> Item:
        drawn = random.normal(0.0, self.sd, (1, 2, self.points, self.points)).astype(np.float32)
        size = tuple(image.shape[-2:])
        away = functional.interpolate(torch.from_numpy(drawn), size, mode="bicubic", align_corners=True)[0]
        down, right = grid(image)
        return moved(image, target, down + away[0], right + away[1])


Change = Callable[[Tensor, bool], Tensor]


def both(image: Tensor, target: Any, change: Change) -> Item:
    """The image and all that belongs to its pixels after `change(pixels, labels)`; `labels`: whether it is a mask."""
    size = image.shape[-2:]

    def layer(value: Any) -> Any:
        if not isinstance(value, Tensor) or value.ndim == 0:
            return value
        if value.shape != size:
            said = f"an item has a target of shape {tuple(value.shape)} for an image of {size[0]} x {size[1]} pixels"
            raise BadInput(said, expected="one value for each pixel, or a class")
        return change(value, not value.is_floating_point())

    changed = {name: layer(value) for name, value in target.items()} if isinstance(target, dict) else layer(target)
    return change(image, False), changed


def grid(image: Tensor) -> tuple[Tensor, Tensor]:
    """The row of each pixel (H, 1), and its column (1, W)."""
    rows, columns = image.shape[-2:]
    return torch.arange(rows)[:, None].float(), torch.arange(columns)[None].float()


def moved(image: Tensor, target: Any, rows: Tensor, columns: Tensor) -> Item:
    """The item whose pixel (r, c) is what was at row `rows[r, c]` and column `columns[r, c]`, both (H, W).

    Places outside the image are mirrored at its border pixels.

    >>> rows, columns = grid(torch.rand(1, 2, 3))
    >>> moved(torch.tensor([[[0.0, 1.0, 2.0]]]), 5, torch.zeros(1, 3), columns + 0.5)
    (tensor([[[0.5000, 1.5000, 1.5000]]]), 5)
    """
    sizes = [max(size - 1, 1) for size in image.shape[-2:]]
    places = torch.stack(torch.broadcast_tensors(2 * columns / sizes[1] - 1, 2 * rows / sizes[0] - 1), dim=-1)[None]

    def sampled(pixels: Tensor, labels: bool) -> Tensor:
        given = pixels.float()[None] if pixels.ndim == 3 else pixels.float()[None, None]
        mode = "nearest" if labels else "bilinear"
        found = functional.grid_sample(given, places, mode=mode, padding_mode="reflection", align_corners=True)[0]
        return found.reshape(pixels.shape).to(pixels.dtype)

    return both(image, target, sampled)
