"""Representations of images with fewer dimensions (Section 3.1).

Letters: N images, C channels, H rows, W columns, D = C H W pixels, K dimensions of a representation.

A representation has `represent(images (N, C, H, W)) -> (N, K)`; `forward` is what its training uses.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from repro.registry import MODELS, wrong_value


@MODELS.register
class NoReduction(nn.Module):
    """The pixels themselves (NoRed): images (N, C, H, W) -> (N, D).

    >>> NoReduction().represent(torch.rand(2, 1, 4, 4)).shape
    torch.Size([2, 16])
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)

    represent = forward


@MODELS.register
class PrincipalComponents(nn.Module):
    """The first K = `components` principal components of the training images (PCA): `fit`, then (N, D) -> (N, K).

    `pixels`: D. Raises BadInput unless 1 <= K <= D.

    Example:

        >>> model = PrincipalComponents(components=2, pixels=16)
        >>> model.fit(torch.rand(50, 1, 4, 4), torch.zeros(50))
        >>> model.represent(torch.rand(3, 1, 4, 4)).shape
        torch.Size([3, 2])
    """

    mean: torch.Tensor
    directions: torch.Tensor

    def __init__(self, components: int = 32, pixels: int = 784) -> None:
        super().__init__()
        _check(self, components, pixels)
        self.register_buffer("mean", torch.zeros(pixels))
        self.register_buffer("directions", torch.zeros(pixels, components))

    def fit(self, images: torch.Tensor, target: torch.Tensor) -> None:
        """Find the directions in which the images vary most."""
        rows = images.flatten(1)
        self.mean.copy_(rows.mean(0))
        found = torch.linalg.eigh(torch.cov(rows.T)).eigenvectors  # in the order of increasing variance
        self.directions.copy_(found.flip(1)[:, : self.directions.shape[1]])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images.flatten(1) - self.mean) @ self.directions

    represent = forward


@MODELS.register
class SparseProjection(nn.Module):
    """K = `components` sparse random projections (SRP): (N, D) -> (N, K).

    With v = sqrt(D), an entry of the matrix is sqrt(v / K) or its negative, each with the probability 1 / (2 v), else
    0. Source: Achlioptas 2003; Li et al. 2006. `pixels`: D. Raises BadInput unless 1 <= K <= D.

    >>> SparseProjection(components=3, pixels=16).represent(torch.rand(2, 1, 4, 4)).shape
    torch.Size([2, 3])
    """

    matrix: torch.Tensor

    def __init__(self, components: int = 32, pixels: int = 784) -> None:
        super().__init__()
        _check(self, components, pixels)
        v = math.sqrt(pixels)
        drawn = torch.rand(pixels, components)
        signs = (drawn < 1 / (2 * v)).float() - (drawn > 1 - 1 / (2 * v)).float()
        self.register_buffer("matrix", signs * math.sqrt(v / components))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ self.matrix

    represent = forward


def _check(part: nn.Module, components: int, pixels: int) -> None:
    if pixels < 1:
        raise wrong_value(part, "pixels", pixels, "a whole number from 1")
    if not 1 <= components <= pixels:
        raise wrong_value(part, "components", components, f"a whole number from 1 to {pixels}")


@MODELS.register
class Autoencoder(nn.Module):
    """An autoencoder of three convolutions (TAE; UAE without training): images (N, 1, H, W) -> images (N, 1, H, W).

    The encoder has convolutions of 3 x 3 with 16, 8 and 2 maps, each with 2 x 2 max pooling, as the authors' published
    code has for MNIST, and a ReLU after the first two. `represent` gives K = 2 h w numbers, with h = H / 8 and
    w = W / 8, rounded up: 32 for 28 x 28 pixels.

    Example:

        >>> model = Autoencoder()
        >>> model(torch.rand(2, 1, 28, 28)).shape, model.represent(torch.rand(2, 1, 28, 28)).shape
        (torch.Size([2, 1, 28, 28]), torch.Size([2, 32]))
    """

    def __init__(self) -> None:
        super().__init__()
        last = (nn.Conv2d(8, 2, 3, padding=1), nn.MaxPool2d(2, ceil_mode=True))  # with a ReLU, both maps may be 0
        self.encode = nn.Sequential(*_down(1, 16), *_down(16, 8), *last)
        ink = (nn.Conv2d(16, 1, 3, padding=1), nn.Sigmoid())
        self.decode = nn.Sequential(*_up(2, 8), *_up(8, 16), *_up(16, 16), *ink)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The images again, from their representation."""
        height, width = images.shape[2:]
        decoded: torch.Tensor = self.decode(self.encode(images))
        return decoded[:, :, :height, :width]

    def represent(self, images: torch.Tensor) -> torch.Tensor:
        """The representation of the images (N, K)."""
        encoded: torch.Tensor = self.encode(images)
        return encoded.flatten(1)


def _down(given: int, maps: int) -> list[nn.Module]:
    return [nn.Conv2d(given, maps, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]


def _up(given: int, maps: int) -> list[nn.Module]:
    return [nn.Conv2d(given, maps, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2)]
