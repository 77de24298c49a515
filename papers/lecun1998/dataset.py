"""Preprocessing of images: deskewing, subsampling, distortions, frames.

Each class is a data set that is made from another one, its `source`. A config combines them, for example
`datasets.Framed` of `datasets.Distorted` of `datasets.Mnist`. A source needs `__getitems__(indices)`. `Deskewed` and
`Subsampled` also need its `images` and `labels`. The paper has three versions of the database: 28 x 28 pixels; deskewed
and cropped to 20 x 20; 16 x 16.

We could not read the PDF of the paper. We read only its results on the page of the MNIST database. All other
statements about the paper are from memory, so the numbers of the sections are left out.

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

from repro.data.cache import arrays
from repro.registry import DATASETS, wrong_value

Item = tuple[torch.Tensor, int]
Bytes = NDArray[np.uint8]

BOX = 20  # pixels: the side of the square to which every digit in MNIST was scaled


@DATASETS.register
class Deskewed(Dataset[Item]):
    """Deskewed digits: sheared until the principal axis is vertical, then cropped to `size` x `size` pixels.

    Item: `(image (1, size, size) float32 in [0, 1], digit int)`, as for all data sets here. The shear shifts each row
    sideways, in proportion to its height, until the mixed second moment is 0. A pixel counts as 1 if it has any ink.

        >>> from repro.datasets.digits import Digits
        >>> Deskewed(Digits("test"))[0][0].shape
        torch.Size([1, 20, 20])
    """

    def __init__(self, source: Annotated[Any, DATASETS], size: int = BOX) -> None:
        self.source, self.size = source, size

    @functools.cached_property
    def images(self) -> Bytes:
        """(N, size, size) in [0, 255]. It is computed once and cached on disk."""
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
        return _items(self.images, self.labels, indices)

    def fingerprint(self) -> str:
        """Digest of the source and the parameters."""
        return _digest("deskewed", self.source.fingerprint(), self.size)

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "size": self.size}


@DATASETS.register
class Subsampled(Dataset[Item]):
    """Subsampled digits: the box of 20 x 20 pixels that contains the digit, reduced to `size` x `size` pixels.

    Item: `(image (1, size, size) float32 in [0, 1], digit int)`.

        >>> from repro.datasets.digits import Digits
        >>> Subsampled(Digits("test"))[0][0].shape
        torch.Size([1, 16, 16])
    """

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
        return _items(self.images, self.labels, indices)

    def fingerprint(self) -> str:
        """Digest of the source and the parameters."""
        return _digest("subsampled", self.source.fingerprint(), self.size)


@DATASETS.register
class Distorted(Dataset[Item]):
    """Digits with random affine distortions, new in every pass.

    The distortions are translation, scaling, squeezing (horizontal compression with vertical elongation, or the
    reverse) and horizontal shearing. Each amount is uniform around 0 and at most `strength` times `EXTENT`, which is
    our choice. The map of an item depends only on `(seed, epoch, index)`.

        >>> from repro.datasets.digits import Digits
        >>> digits, distorted = Digits("test"), Distorted(Digits("test"))
        >>> distorted[0][0].shape, torch.equal(distorted[0][0], digits[0][0])
        (torch.Size([1, 28, 28]), False)
    """

    # shift right and down (pixels); logarithm of scale, of squeeze; shear (pixels sideways per pixel of height)
    EXTENT = (1.5, 1.5, 0.1, 0.1, 0.2)

    def __init__(self, source: Annotated[Any, DATASETS], strength: float = 1.0, seed: int = 0) -> None:
        self.source, self.strength, self.seed, self.epoch = source, strength, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the pass, from 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        images, labels = stacked(self.source, indices)
        drawn = uniforms(self.seed, self.epoch, np.asarray(indices), len(self.EXTENT))
        extent = torch.tensor(self.EXTENT) * self.strength
        return list(zip(moved(images, (2 * torch.from_numpy(drawn).float() - 1) * extent), labels, strict=True))

    def fingerprint(self) -> str:
        """Digest of the source and the parameters."""
        return _digest("distorted", self.source.fingerprint(), self.strength, self.seed)


@DATASETS.register
class Framed(Dataset[Item]):
    """Digits centred in a frame of `size` x `size` pixels, with the two `levels` as values of paper and ink.

    Without `size` the images are not enlarged. With the default levels, the mean of an image is about 0 and its
    variance about 1, which speeds up learning. An item raises BadInput if `size` is smaller than the image.

        >>> from repro.datasets.digits import Digits
        >>> image, digit = Framed(Digits("test"), size=32)[0]
        >>> image.shape, round(image.min().item(), 3)
        (torch.Size([1, 32, 32]), -0.1)
    """

    def __init__(
        self, source: Annotated[Any, DATASETS], size: int | None = None, levels: tuple[float, float] = (-0.1, 1.175)
    ) -> None:
        self.source, self.size, self.levels = source, size, levels

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the pass in the source, if the source has passes."""
        if hasattr(self.source, "set_epoch"):
            self.source.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Item:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        images, labels = stacked(self.source, indices)
        missing = 0 if self.size is None else self.size - images.shape[-1]
        if missing < 0:
            raise wrong_value(self, "size", self.size, f"at least {images.shape[-1]}, the size of the images")
        low, high = self.levels
        before, after = missing // 2, missing - missing // 2
        return list(zip(pad(images, (before, after, before, after)) * (high - low) + low, labels, strict=True))

    def fingerprint(self) -> str:
        """Digest of the source and the parameters."""
        return _digest("framed", self.source.fingerprint(), self.size, tuple(self.levels))


def _items(images: Bytes, labels: torch.Tensor, indices: Sequence[int]) -> list[Item]:
    """The items `(image (1, H, W) in [0, 1], digit)` of images stored as bytes."""
    chosen = torch.from_numpy(images[list(indices)]).unsqueeze(1).float() / 255
    return list(zip(chosen, labels[list(indices)].tolist(), strict=True))


def stacked(source: Any, indices: Sequence[int]) -> tuple[torch.Tensor, list[int]]:
    """The items `indices` of a data set as images `(B, 1, H, W)` and labels."""
    images, labels = zip(*source.__getitems__(list(indices)), strict=True)
    return torch.stack(images), list(labels)


def uniforms(seed: int, epoch: int, indices: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Random numbers `(B, count)` in [0, 1) that depend only on seed, epoch and index.

    It is faster than one generator per item: it hashes each part with the finaliser of SplitMix64 (Steele, Lea and
    Flood 2014).
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
    """Distort `images (B, 1, H, W)` by `amounts (B, 5)`, in the order and units of `Distorted.EXTENT`.

    Each output pixel is a bilinear interpolation of the input. Outside the input there is no ink.
    """
    right, down, scale, squeeze, shear = amounts.T
    wide, high = torch.exp(-scale - squeeze), torch.exp(squeeze - scale)  # of the inverse map, from output to input
    height, width = images.shape[-2:]
    half = torch.tensor([width / 2, height / 2])  # pixels per unit of the grid
    zero = torch.zeros_like(wide)
    across = torch.stack([wide, shear * height / width, -right / half[0]], -1)
    along = torch.stack([zero, high, -down / half[1]], -1)
    grid = affine_grid(torch.stack([across, along], 1), list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)


def cropped(images: Bytes, size: int) -> Bytes:
    """Crop `images (N, H, W)` to `(N, size, size)` around the middle of the ink, or the centre if there is none."""
    ink = images > 0
    tops, lefts = (_first_row(ink.any(axis=axis), size) for axis in (2, 1))
    padded = np.pad(images, ((0, 0), (size, size), (size, size)))
    rows = tops[:, None] + size + np.arange(size)
    columns = lefts[:, None] + size + np.arange(size)
    return padded[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]


def _first_row(occupied: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
    """The first row of a window of `size` rows whose middle is that of the occupied rows `(N, H)`."""
    first = occupied.argmax(axis=1)
    last = occupied.shape[1] - 1 - occupied[:, ::-1].argmax(axis=1)
    return (first + last + 1 - size) // 2


def _deskewed(source: Any, size: int) -> dict[str, Bytes]:
    """Deskew and crop the images of `source`, a thousand at a time."""
    images = np.asarray(source.images)
    parts = [cropped(upright(images[at : at + 1000]), size) for at in range(0, len(images), 1000)]
    return {"images": np.concatenate(parts)}


def upright(images: Bytes) -> Bytes:
    """Shear `images (N, H, W)` until the mixed second moment of their ink is 0."""
    height, width = images.shape[1:]
    ink = (images > 0).astype(np.float64)
    total = np.maximum(ink.sum((1, 2)), 1)
    y = np.arange(height) - ((ink.sum(2) @ np.arange(height)) / total)[:, None]  # (N, H), from the centre of the ink
    x = np.arange(width) - ((ink.sum(1) @ np.arange(width)) / total)[:, None]  # (N, W)
    mixed = np.einsum("nhw,nh,nw->n", ink, y, x)
    tall = np.einsum("nhw,nh,nh->n", ink, y, y)
    lean = mixed / np.maximum(tall, 1e-9)  # pixels sideways per pixel of height
    return _shifted(images, lean[:, None] * y)


def _shifted(images: Bytes, shifts: NDArray[np.float64]) -> Bytes:
    """Shift each row of `images (N, H, W)` left by `shifts (N, H)` pixels, with linear interpolation."""
    whole = np.floor(shifts)
    rest = (shifts - whole)[..., None]
    width = images.shape[2]
    columns = np.arange(width) + whole[..., None].astype(np.int64) + 1  # one empty column on either side
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1))).astype(np.float64)
    left, right = (np.take_along_axis(padded, np.clip(columns + one, 0, width + 1), axis=2) for one in (0, 1))
    return np.rint(left * (1 - rest) + right * rest).astype(np.uint8)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
