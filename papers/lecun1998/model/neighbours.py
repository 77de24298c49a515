"""Classifiers that keep the training set: nearest neighbours by Euclidean and by tangent distance.

The PDF was not at hand: what is said of the paper is from memory, and the numbers of the sections are left out.

Letters: N training images, B images of a batch, D pixels or features, K classes, T tangents, C candidates.
"""

from __future__ import annotations

from typing import Annotated, Any

import torch
from torch import nn
from torch.nn.functional import conv2d, one_hot, pad

from repro.registry import MODELS

CLASSES = 10


def votes(labels: torch.Tensor) -> torch.Tensor:
    """Scores `(B, K)` of neighbours' `labels (B, k)`, nearest first: a vote each, and of equals the nearest wins."""
    k = labels.shape[1]
    extras = 0.5 ** torch.arange(1, k + 1) / k  # never add up to a vote; each exceeds the sum of those after it
    return (one_hot(labels, CLASSES) * (1 + extras)[:, None]).sum(1)


def nearest(x: torch.Tensor, kept: torch.Tensor, squares: torch.Tensor, k: int) -> torch.Tensor:
    """Indices `(B, k)` of those of `kept (N, D)` nearest to `x (B, D)`, nearest first; `squares (N,)`: |y|^2."""
    # |x - y|^2 less |x|^2, which is the same for all y
    return torch.addmm(squares, x, kept.T, alpha=-2).topk(k, largest=False).indices


@MODELS.register
class NearestNeighbours(nn.Module):
    """The vote of the `k` nearest training images: `forward(x (B, ...)) -> scores (B, K)`."""

    def __init__(self, k: int = 3) -> None:
        super().__init__()
        self.k = k
        for name in ("kept", "squares", "labels"):
            self.register_buffer(name, torch.empty(0), persistent=False)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Keep `inputs (N, ...)` with their classes `target (N,)`."""
        self.kept, self.labels = inputs.flatten(1), target
        self.squares = self.kept.pow(2).sum(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return votes(self.labels[nearest(x.flatten(1), self.kept, self.squares, self.k)])


@MODELS.register
class NetworkNeighbours(nn.Module):
    """A trained network whose last layer is replaced by the vote of the `k` nearest training images, by its features.

    `forward(x (B, ...)) -> scores (B, K)`: in training those of the network, which has `features(x) -> (B, D)`.
    """

    def __init__(self, network: Annotated[Any, MODELS], k: int = 3) -> None:
        super().__init__()
        self.network, self.neighbours = network, NearestNeighbours(k)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Keep the features of `inputs (N, ...)` with their classes `target (N,)`."""
        self.neighbours.fit(features(self.network, inputs), target)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x) if self.training else self.neighbours(self.network.features(x))


@MODELS.register
class LocalLearning(nn.Module):
    """A trained network whose last layer is trained anew for each image, on the `k` training images nearest to it.

    `forward(x (B, ...)) -> scores (B, K)`: in training those of the network. The layer is linear, with targets of +1
    and -1 by least squares, and held near 0 by `decay` (Bottou and Vapnik 1992; the paper gives neither `k` nor
    `decay`).
    """

    def __init__(self, network: Annotated[Any, MODELS], k: int = 200, decay: float = 10.0) -> None:
        super().__init__()
        self.network, self.neighbours, self.decay = network, NearestNeighbours(k), decay

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Keep the features of `inputs (N, ...)` with their classes `target (N,)`."""
        self.neighbours.fit(features(self.network, inputs), target)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            return self.network(x)
        found, kept = self.network.features(x), self.neighbours
        near = nearest(found, kept.kept, kept.squares, kept.k)
        wanted = 2.0 * one_hot(kept.labels[near], CLASSES) - 1  # (B, k, K)
        around = kept.kept[near] - found[:, None]  # (B, k, D) about the image itself: the bias is then its score
        level = wanted.mean(1, keepdim=True)
        centre = around.mean(1, keepdim=True)
        around = around - centre
        gram = around.mT @ around + self.decay * torch.eye(around.shape[2])
        slopes = torch.linalg.solve(gram, around.mT @ (wanted - level))
        return (level - centre @ slopes)[:, 0]


@torch.no_grad()
def features(network: Any, inputs: torch.Tensor) -> torch.Tensor:
    """The features `(N, D)` of `inputs (N, ...)`, a thousand at a time."""
    network.eval()
    return torch.cat([network.features(part) for part in inputs.split(1000)])


@MODELS.register
class TangentNeighbours(nn.Module):
    """The vote of the `k` training images nearest by tangent distance: `forward(x (B, 1, H, W)) -> scores (B, K)`.

    The distance between two images, each free to move along its tangents (Simard, LeCun and Denker 1993). With only
    the image in question free, all N distances are matrix products; the `candidates` nearest by it are then compared
    with both sides free. Images are blurred by a Gaussian of `blur` pixels first.
    """

    def __init__(self, k: int = 3, candidates: int = 50, blur: float = 1.0) -> None:
        super().__init__()
        self.k, self.candidates, self.blur = k, candidates, blur
        for name in ("kept", "squares", "labels"):
            self.register_buffer(name, torch.empty(0), persistent=False)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Keep `inputs (N, 1, H, W)`, blurred, with their classes `target (N,)`."""
        self.kept, self.labels = blurred(inputs, self.blur), target
        self.squares = self.kept.pow(2).flatten(1).sum(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = blurred(x, self.blur)
        basis = torch.linalg.qr(tangents(x).mT).Q  # (B, D, T)
        parts = zip(x.split(16), basis.split(16), strict=True)  # 16 images by 60,000 and 7 tangents: 27 MB
        return votes(torch.cat([self._labels(*part) for part in parts]))

    def _labels(self, x: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
        """Labels `(B, k)` of the nearest, nearest first; `basis (B, D, T)` is orthonormal."""
        flat, kept = x.flatten(1), self.kept.flatten(1)
        along = (basis.mT.flatten(0, 1) @ kept.T).unflatten(0, (len(x), -1))  # (B, T, N)
        along -= basis.mT @ flat[:, :, None]
        distance = torch.addmm(self.squares, flat, kept.T, alpha=-2) - along.pow(2).sum(1)
        near = distance.topk(self.candidates, largest=False).indices  # (B, C)
        order = two_sided(x, self.kept[near]).topk(self.k, largest=False).indices
        return self.labels[near.gather(1, order)]


def blurred(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """`images (N, 1, H, W)` convolved with a Gaussian of `sigma` pixels; beyond the image there is no ink."""
    reach = int(3 * sigma) + 1
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum())[None, None, None]
    return conv2d(conv2d(images, kernel, padding=(0, reach)), kernel.mT, padding=(reach, 0))


def tangents(images: torch.Tensor) -> torch.Tensor:
    """`(N, T, D)`, T = 7: what small moves of `images (N, 1, H, W)` add to them (Simard, LeCun and Denker 1993).

    Shifts right and down, scaling, rotation, the two hyperbolic deformations, and thickening.
    """
    height, width = images.shape[-2:]
    inner = pad(images, (1, 1, 1, 1))
    across = (inner[..., 1:-1, 2:] - inner[..., 1:-1, :-2])[:, 0] / 2  # (N, H, W) per pixel
    along = (inner[..., 2:, 1:-1] - inner[..., :-2, 1:-1])[:, 0] / 2
    x = torch.arange(width) - (width - 1) / 2
    y = (torch.arange(height) - (height - 1) / 2)[:, None]
    moves = [across, along, x * across + y * along, y * across - x * along]
    moves += [x * across - y * along, y * across + x * along, across**2 + along**2]
    return torch.stack(moves, 1).flatten(2)


def two_sided(x: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Squared tangent distance `(B, C)` of `x (B, 1, H, W)` from `others (B, C, 1, H, W)`, both sides free.

    What is left of the difference by least squares; the small ridge keeps parallel tangents apart.
    """
    count = others.shape[1]
    mine = tangents(x)[:, None].expand(-1, count, -1, -1)
    theirs = tangents(others.flatten(0, 1)).unflatten(0, others.shape[:2])
    free = torch.cat([mine, theirs], 2)  # (B, C, 2 T, D)
    free = free / free.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    gap = (others - x[:, None]).flatten(2)[..., None]  # (B, C, D, 1)
    gram = free @ free.mT + 1e-4 * torch.eye(free.shape[2])
    along = free @ gap
    return (gap.pow(2).sum(2) - (along * torch.linalg.solve(gram, along)).sum(2))[..., 0]
