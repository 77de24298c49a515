"""Perturbations of images: noise, rotation, shift, brightness, and a covered part. Each keeps the shape and the range.

Letters: H rows and W columns of an image.

A perturbation is a callable, `perturbation(inputs, random) -> inputs`, registered with `@PERTURBATIONS.register`.
`random` is a `numpy.random.Generator`, its only source of chance. Its attributes are its parameters: they are in the
fingerprint of the data. `repro.datasets.pairs` uses perturbations; `perturb_sounds` and `perturb_texts` have others.
An image is `(1, H, W)` float32 in [0, 1], from 0 (paper) to 1 (ink).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn.functional import affine_grid, grid_sample, pad

from repro.registry import PERTURBATIONS, wrong_value


@PERTURBATIONS.register
class ImageNoise:
    """Gaussian noise with standard deviation `sd` in every pixel; then values are clipped to [0, 1].

    sd: above 0; 1 is the difference of paper and ink.

    Example:

        >>> noisy = ImageNoise(sd=0.1)(torch.full((1, 28, 28), 0.5), np.random.default_rng(0))
        >>> noisy.shape, round(float(noisy.std()), 1)
        (torch.Size([1, 28, 28]), 0.1)
    """

    def __init__(self, sd: float) -> None:
        if not sd > 0:
            raise wrong_value(self, "sd", sd, "a number above 0")
        self.sd = sd

    def __call__(self, image: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        noise = torch.from_numpy(random.standard_normal(image.shape, np.float32))
        return (image + self.sd * noise).clamp(0, 1)


@PERTURBATIONS.register
class Rotation:
    """Rotation about the centre by `degrees` to the left or to the right, each with probability 1/2.

    Bilinear interpolation; what comes in from outside is paper. degrees: above 0, at most 180.

    Example: half a turn moves the ink of a corner into the opposite corner.

        >>> corner = torch.zeros(1, 4, 4)
        >>> corner[0, 0, 0] = 1
        >>> turned = Rotation(degrees=180)(corner, np.random.default_rng(0))
        >>> round(float(turned[0, 3, 3]), 4), round(float(turned.sum()), 4)
        (1.0, 1.0)
    """

    def __init__(self, degrees: float) -> None:
        if not 0 < degrees <= 180:
            raise wrong_value(self, "degrees", degrees, "a number above 0, at most 180")
        self.degrees = degrees

    def __call__(self, image: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        angle = math.radians(self.degrees) * (1 if random.random() < 0.5 else -1)
        wide = image.shape[2] / image.shape[1]  # the grid counts both sides from -1 to 1
        cosine, sine = math.cos(angle), math.sin(angle)
        turn = torch.tensor([[[cosine, sine / wide, 0.0], [-sine * wide, cosine, 0.0]]])
        grid = affine_grid(turn, [1, *image.shape], align_corners=False)
        return grid_sample(image[None], grid, align_corners=False)[0].clamp(0, 1)


@PERTURBATIONS.register
class Shift:
    """Shift by -`pixels` to `pixels` rows and columns, each whole number equally likely; the new border is paper.

    pixels: at least 1. A shift by (0, 0) is not drawn. A margin of `pixels` pixels without ink keeps all ink.

    Example:

        >>> dot = torch.zeros(1, 5, 5)
        >>> dot[0, 2, 2] = 1
        >>> moved = Shift(pixels=1)(dot, np.random.default_rng(0))
        >>> float(moved.sum()), bool(moved[0, 2, 2] == 0)
        (1.0, True)
    """

    def __init__(self, pixels: int) -> None:
        if pixels < 1:
            raise wrong_value(self, "pixels", pixels, "a whole number from 1")
        self.pixels = pixels

    def __call__(self, image: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        side = 2 * self.pixels + 1
        drawn = int(random.integers(side * side - 1))
        drawn += drawn >= side * side // 2  # the middle one is (0, 0)
        down, right = (step - self.pixels for step in divmod(drawn, side))
        moves = zip((down, right), image.shape[1:], strict=True)
        bordered = pad(image, [self.pixels] * 4)
        rows, columns = (slice(self.pixels - step, self.pixels - step + side) for step, side in moves)
        return bordered[:, rows, columns]


@PERTURBATIONS.register
class Brightness:
    """All values times `factor`; then they are clipped to [0, 1]. Nothing is random.

    factor: above 0, not 1. Below 1, the order of the values of the pixels stays the same.

    Example:

        >>> Brightness(factor=0.5)(torch.tensor([[[0.0, 0.4, 1.0]]]), np.random.default_rng(0))
        tensor([[[0.0000, 0.2000, 0.5000]]])
    """

    def __init__(self, factor: float) -> None:
        if not factor > 0 or factor == 1:
            raise wrong_value(self, "factor", factor, "a number above 0, not 1")
        self.factor = factor

    def __call__(self, image: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        return (self.factor * image).clamp(0, 1)


@PERTURBATIONS.register
class Covered:
    """The lower part of the image becomes paper. Nothing is random.

    share: the fraction of the rows that are covered, rounded to whole rows; in (0, 1).

    Example:

        >>> Covered(share=0.5)(torch.ones(1, 4, 2), np.random.default_rng(0))[0, :, 0]
        tensor([1., 1., 0., 0.])
    """

    def __init__(self, share: float) -> None:
        if not 0 < share < 1:
            raise wrong_value(self, "share", share, "a number between 0 and 1")
        self.share = share

    def __call__(self, image: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        height = image.shape[1]
        covered = image.clone()
        covered[:, height - round(self.share * height) :] = 0
        return covered
