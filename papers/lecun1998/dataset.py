"""The preprocessings of the paper's table, each a data set made from another one: deskewing, subsampling, distortions.

They compose in a config: `@datasets.Framed()` of `@datasets.Distorted()` of `@datasets.Mnist()`. Each keeps what it
is made from as `source`, and asks of it `__getitems__(indices)` and, where all images are needed at once, `images`
and `labels`. The paper has three versions of the database: 28 x 28 pixels; deslanted and cropped to 20 x 20; 16 x 16.

The PDF was not at hand: what is said of the paper is from memory, and the numbers of the sections are left out.

Letters: N images, B images of a batch, H x W pixels.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import affine_grid, grid_sample, interpolate, pad
from torch.utils.data import Dataset

from repro.datasets.cache import arrays
from repro.errors import BadInput
from repro.registry import DATASETS

Item = tuple[torch.Tensor, int]
Bytes = NDArray[np.uint8]

BOX = 20  # pixels of the square into which every digit was size-normalised


@DATASETS.register
class Deskewed(Dataset[Item]):
    """Digits made upright and cropped: the principal axis is vertical, the image `size` x `size`.

    Item = `(image (1, size, size) float32 in [0, 1], digit int)`, as of all of these data sets.
    Each line is shifted sideways in proportion to its height, which shears the image, until its second moments say
    that it does not lean. A pixel counts as 1 where there is any ink, else 0, as in the paper.
    """

    def __init__(self, source: Annotated[Any, DATASETS], size: int = BOX) -> None:
        self.source, self.size = source, size

    @functools.cached_property
    def images(self) -> Bytes:
        """(N, size, size) in [0, 255]; computed once for all runs."""
        return arrays(self.source.fingerprint(), functools.partial(_deskewed, self.source, self.size))["images"]

    @property
    def labels(self) -> torch.Tensor:
        """(N,) int64."""
        return torch.as_tensor(self.source.labels)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Several items at once, as a `DataLoader` asks for them."""
        return _items(self.images, self.labels, indices)

    def fingerprint(self) -> str:
        """Digest of what it is made from, and how."""
        return _digest("deskewed", self.source.fingerprint(), self.size)

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "size": self.size}


@DATASETS.register
class Subsampled(Dataset[Item]):
    """Digits reduced to `size` x `size` pixels: the box that holds the digit, without the frame."""

    def __init__(self, source: Annotated[Any, DATASETS], size: int = 16) -> None:
        self.source, self.size = source, size

    @functools.cached_property
    def images(self) -> Bytes:
        """(N, size, size) in [0, 255]."""
        boxes = torch.from_numpy(cropped(np.asarray(self.source.images), BOX)).unsqueeze(1).float()
        small = interpolate(boxes, size=(self.size, self.size), mode="bilinear", antialias=True, align_corners=False)
        return small.squeeze(1).round().clamp(0, 255).to(torch.uint8).numpy()

    @property
    def labels(self) -> torch.Tensor:
        """(N,) int64."""
        return torch.as_tensor(self.source.labels)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Several items at once, as a `DataLoader` asks for them."""
        return _items(self.images, self.labels, indices)

    def fingerprint(self) -> str:
        """Digest of what it is made from, and how."""
        return _digest("subsampled", self.source.fingerprint(), self.size)


@DATASETS.register
class Distorted(Dataset[Item]):
    """Digits distorted anew at every pass by random affine maps of the plane.

    Translations, scaling, squeezing (horizontal compression with vertical elongation, or the reverse) and horizontal
    shearing, each uniform about 0, at most `strength` times `EXTENT`, which the paper does not state. The map
    of an item depends on `(seed, epoch, index)` alone.
    """

    # shift right, shift down (pixels); logarithm of scale, of squeeze; shear (pixels sideways per pixel of height)
    EXTENT = (1.5, 1.5, 0.1, 0.1, 0.2)

    def __init__(self, source: Annotated[Any, DATASETS], strength: float = 1.0, seed: int = 0) -> None:
        self.source, self.strength, self.seed, self.epoch = source, strength, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Which pass this is, from 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Several items at once, as a `DataLoader` asks for them."""
        images, labels = stacked(self.source, indices)
        drawn = uniforms(self.seed, self.epoch, np.asarray(indices), len(self.EXTENT))
        extent = torch.tensor(self.EXTENT) * self.strength
        return list(zip(moved(images, (2 * torch.from_numpy(drawn).float() - 1) * extent), labels, strict=True))

    def fingerprint(self) -> str:
        """Digest of what it is made from, and how."""
        return _digest("distorted", self.source.fingerprint(), self.strength, self.seed)


@DATASETS.register
class Framed(Dataset[Item]):
    """Digits in the middle of a frame of `size` x `size` pixels, paper and ink at the two `levels`.

    Without a size they stay as large as they are. The paper's levels make the mean of an image about 0 and its
    variance about 1, which speeds up learning.
    """

    def __init__(
        self, source: Annotated[Any, DATASETS], size: int | None = None, levels: tuple[float, float] = (-0.1, 1.175)
    ) -> None:
        self.source, self.size, self.levels = source, size, levels

    def set_epoch(self, epoch: int) -> None:
        """Passed on to the source, if it changes from pass to pass."""
        if hasattr(self.source, "set_epoch"):
            self.source.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Several items at once, as a `DataLoader` asks for them."""
        images, labels = stacked(self.source, indices)
        missing = 0 if self.size is None else self.size - images.shape[-1]
        if missing < 0:
            raise BadInput(f"datasets.Framed.size is {self.size}; expected at least {images.shape[-1]}, as the images")
        low, high = self.levels
        before, after = missing // 2, missing - missing // 2
        return list(zip(pad(images, (before, after, before, after)) * (high - low) + low, labels, strict=True))

    def fingerprint(self) -> str:
        """Digest of what it is made from, and how."""
        return _digest("framed", self.source.fingerprint(), self.size, tuple(self.levels))


def _items(images: Bytes, labels: torch.Tensor, indices: Sequence[int]) -> list[Item]:
    """The items `(image (1, H, W) in [0, 1], digit)` of images held as bytes."""
    chosen = torch.from_numpy(images[list(indices)]).unsqueeze(1).float() / 255
    return list(zip(chosen, labels[list(indices)].tolist(), strict=True))


def stacked(source: Any, indices: Sequence[int]) -> tuple[torch.Tensor, list[int]]:
    """The items `indices` of a data set as images `(B, 1, H, W)` and labels."""
    images, labels = zip(*source.__getitems__(list(indices)), strict=True)
    return torch.stack(images), list(labels)


def uniforms(seed: int, epoch: int, indices: NDArray[Any], count: int) -> NDArray[np.float64]:
    """`(B, count)` numbers in [0, 1): a function of seed, epoch and index that costs no generator for each item.

    The counter is hashed by the finaliser of SplitMix64 (Steele, Lea and Flood 2014), once for each of its parts.
    """
    state = np.zeros((len(indices), 1), np.uint64)
    for part in (np.full_like(state, seed), np.full_like(state, epoch), indices[:, None], np.arange(count)[None]):
        state = _hashed(state + part.astype(np.uint64))
    return (state >> np.uint64(11)) * 2.0**-53


def _hashed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def moved(images: torch.Tensor, amounts: torch.Tensor) -> torch.Tensor:
    """`images (B, 1, H, W)` under the affine maps of `amounts (B, 5)`, in the order and units of `Distorted.EXTENT`.

    What an output pixel shows is looked up in the input, bilinearly; beyond the input there is no ink.
    """
    right, down, scale, squeeze, shear = amounts.T
    wide, high = torch.exp(-scale - squeeze), torch.exp(squeeze - scale)  # of the look-up: the inverse of the map
    height, width = images.shape[-2:]
    half = torch.tensor([width / 2, height / 2])  # pixels in a unit of the grid
    zero = torch.zeros_like(wide)
    across = torch.stack([wide, shear * height / width, -right / half[0]], -1)
    along = torch.stack([zero, high, -down / half[1]], -1)
    grid = affine_grid(torch.stack([across, along], 1), list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)


def cropped(images: Bytes, size: int) -> Bytes:
    """`(N, size, size)` cut out of `images (N, H, W)` around the middle of the ink; without ink, at the centre."""
    ink = images > 0
    tops, lefts = (_first_row(ink.any(axis=axis), size) for axis in (2, 1))
    padded = np.pad(images, ((0, 0), (size, size), (size, size)))
    rows = tops[:, None] + size + np.arange(size)
    columns = lefts[:, None] + size + np.arange(size)
    return padded[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]


def _first_row(occupied: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
    """Where a window of `size` begins that has the occupied rows `(N, H)` in its middle."""
    first = occupied.argmax(axis=1)
    last = occupied.shape[1] - 1 - occupied[:, ::-1].argmax(axis=1)
    return (first + last + 1 - size) // 2


def _deskewed(source: Any, size: int) -> dict[str, Bytes]:
    """The images of `source` upright and cropped, a thousand at a time."""
    images = np.asarray(source.images)
    parts = [cropped(upright(images[at : at + 1000]), size) for at in range(0, len(images), 1000)]
    return {"images": np.concatenate(parts)}


def upright(images: Bytes) -> Bytes:
    """`images (N, H, W)` sheared until the second moments of their ink say that they do not lean."""
    height, width = images.shape[1:]
    ink = (images > 0).astype(np.float64)
    total = np.maximum(ink.sum((1, 2)), 1)
    y = np.arange(height) - ((ink.sum(2) @ np.arange(height)) / total)[:, None]  # (N, H) from the centre of the ink
    x = np.arange(width) - ((ink.sum(1) @ np.arange(width)) / total)[:, None]  # (N, W)
    mixed = np.einsum("nhw,nh,nw->n", ink, y, x)
    tall = np.einsum("nhw,nh,nh->n", ink, y, y)
    lean = mixed / np.maximum(tall, 1e-9)  # pixels sideways per pixel of height
    return _shifted(images, lean[:, None] * y)


def _shifted(images: Bytes, shifts: NDArray[np.float64]) -> Bytes:
    """Each line of `images (N, H, W)` moved to the left by `shifts (N, H)` pixels, interpolated linearly."""
    whole = np.floor(shifts)
    rest = (shifts - whole)[..., None]
    width = images.shape[2]
    columns = np.arange(width) + whole[..., None].astype(np.int64) + 1  # one column of paper on either side
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1))).astype(np.float64)
    left, right = (np.take_along_axis(padded, np.clip(columns + one, 0, width + 1), axis=2) for one in (0, 1))
    return np.rint(left * (1 - rest) + right * rest).astype(np.uint8)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
