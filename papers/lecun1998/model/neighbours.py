"""Nearest-neighbour classifiers, with Euclidean and tangent distance. They store the training set.

We could not read the PDF of the paper. We read only its results on the page of the MNIST database. All other
statements about the paper are from memory, so the numbers of the sections are left out.

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
    """Scores `(B, K)` from the `labels (B, k)` of k neighbours, nearest first. The nearest one breaks ties.

    Example: one vote for class 4, two for class 2; then a tie.

        >>> votes(torch.tensor([[4, 2, 2], [7, 1, 3]])).argmax(1)
        tensor([2, 7])
    """
    k = labels.shape[1]
    extras = 0.5 ** torch.arange(1, k + 1) / k  # less than one vote in total; each exceeds the sum of the later ones
    return (one_hot(labels, CLASSES) * (1 + extras)[:, None]).sum(1)


def nearest(x: torch.Tensor, kept: torch.Tensor, squares: torch.Tensor, k: int) -> torch.Tensor:
    """Indices `(B, k)` of the rows of `kept (N, D)` nearest to `x (B, D)`, nearest first. `squares (N,)`: |kept|^2."""
    # |x - y|^2 without |x|^2, which is the same for all y
    return torch.addmm(squares, x, kept.T, alpha=-2).topk(k, largest=False).indices


@MODELS.register
class NearestNeighbours(nn.Module):
    """k nearest neighbours with Euclidean distance: `forward(x (B, ...)) -> scores (B, K)`.

    Example: three training images with one pixel, of the classes 3, 3 and 5.

        >>> model = NearestNeighbours(k=1)
        >>> model.fit(torch.tensor([[0.0], [0.1], [1.0]]), torch.tensor([3, 3, 5]))
        >>> model(torch.tensor([[0.9]])).argmax(1)
        tensor([5])
    """

    def __init__(self, k: int = 3) -> None:
        super().__init__()
        self.k = k
        for name in ("kept", "squares", "labels"):
            self.register_buffer(name, torch.empty(0), persistent=False)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Store `inputs (N, ...)` with their classes `target (N,)`."""
        self.kept, self.labels = inputs.flatten(1), target
        self.squares = self.kept.pow(2).sum(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return votes(self.labels[nearest(x.flatten(1), self.kept, self.squares, self.k)])


@MODELS.register
class NetworkNeighbours(nn.Module):
    """A trained network whose last layer is replaced by k nearest neighbours in its feature space.

    `forward(x (B, ...)) -> scores (B, K)`. In training these are the scores of the network. The network needs
    `features(x) -> (B, D)`, as `models.LeNet4` has.

    Example:

        >>> from papers.lecun1998.model.networks import LeNet4
        >>> model, images = NetworkNeighbours(LeNet4(), k=1), torch.rand(4, 1, 32, 32)
        >>> model.fit(images, torch.tensor([3, 1, 4, 1]))
        >>> model.eval()(images).argmax(1)
        tensor([3, 1, 4, 1])
    """

    def __init__(self, network: Annotated[Any, MODELS], k: int = 3) -> None:
        super().__init__()
        self.network, self.neighbours = network, NearestNeighbours(k)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Compute and store the features of `inputs (N, ...)` with their classes `target (N,)`."""
        self.neighbours.fit(features(self.network, inputs), target)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x) if self.training else self.neighbours(self.network.features(x))


@MODELS.register
class LocalLearning(nn.Module):
    """A trained network whose last layer is fitted again for each test image, on its `k` nearest training images.

    `forward(x (B, ...)) -> scores (B, K)`. In training these are the scores of the network. The layer is linear and
    fitted by least squares, with targets +1 and -1 and weight decay `decay`. The paper states neither `k` nor `decay`.
    Source: Bottou and Vapnik 1992.

    Example:

        >>> from papers.lecun1998.model.networks import LeNet4
        >>> model, images = LocalLearning(LeNet4(), k=2, decay=1e-4), torch.rand(4, 1, 32, 32)
        >>> model.fit(images, torch.tensor([3, 1, 4, 1]))
        >>> model.eval()(images).argmax(1)
        tensor([3, 1, 4, 1])
    """

    def __init__(self, network: Annotated[Any, MODELS], k: int = 200, decay: float = 10.0) -> None:
        super().__init__()
        self.network, self.neighbours, self.decay = network, NearestNeighbours(k), decay

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Compute and store the features of `inputs (N, ...)` with their classes `target (N,)`."""
        self.neighbours.fit(features(self.network, inputs), target)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            return self.network(x)
        found, kept = self.network.features(x), self.neighbours
        near = nearest(found, kept.kept, kept.squares, kept.k)
        wanted = 2.0 * one_hot(kept.labels[near], CLASSES) - 1  # (B, k, K)
        around = kept.kept[near] - found[:, None]  # (B, k, D), relative to the image: the bias is its score
        level = wanted.mean(1, keepdim=True)
        centre = around.mean(1, keepdim=True)
        around = around - centre
        gram = around.mT @ around + self.decay * torch.eye(around.shape[2])
        slopes = torch.linalg.solve(gram, around.mT @ (wanted - level))
        return (level - centre @ slopes)[:, 0]


@torch.no_grad()
def features(network: Any, inputs: torch.Tensor) -> torch.Tensor:
    """Compute the features `(N, D)` of `inputs (N, ...)`, a thousand at a time."""
    network.eval()
    return torch.cat([network.features(part) for part in inputs.split(1000)])


@MODELS.register
class TangentNeighbours(nn.Module):
    """k nearest neighbours with tangent distance: `forward(x (B, 1, H, W)) -> scores (B, K)`.

    The tangent distance of two images is the smallest distance after both have moved along their tangents. A tangent
    is the change of an image under a small shift, scaling, rotation or other deformation. To save time, only the test
    image moves at first, because then all N distances are matrix products. The `candidates` nearest images are compared
    again, with both images moving. All images are first blurred by a Gaussian of `blur` pixels. Source: Simard, LeCun
    and Denker 1993.

    Example: a digit is recognised after a shift by one pixel.

        >>> from repro.datasets.digits import Digits
        >>> digits, model = Digits("test", size=16), TangentNeighbours(k=1, candidates=5)
        >>> images = digits.images[:40, None] / 255
        >>> model.fit(images, digits.labels[:40])
        >>> bool((model(images[:5].roll(1, -1)).argmax(1) == digits.labels[:5]).all())
        True
    """

    def __init__(self, k: int = 3, candidates: int = 50, blur: float = 1.0) -> None:
        super().__init__()
        self.k, self.candidates, self.blur = k, candidates, blur
        for name in ("kept", "squares", "labels"):
            self.register_buffer(name, torch.empty(0), persistent=False)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Blur `inputs (N, 1, H, W)`, and store them with their classes `target (N,)`."""
        self.kept, self.labels = blurred(inputs, self.blur), target
        self.squares = self.kept.pow(2).flatten(1).sum(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = blurred(x, self.blur)
        basis = torch.linalg.qr(tangents(x).mT).Q  # (B, D, T)
        parts = zip(x.split(16), basis.split(16), strict=True)  # 16 images, 60,000 neighbours and 7 tangents: 27 MB
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
    """Convolve `images (N, 1, H, W)` with a Gaussian of `sigma` pixels. Outside the image there is no ink."""
    reach = int(3 * sigma) + 1
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum())[None, None, None]
    return conv2d(conv2d(images, kernel, padding=(0, reach)), kernel.mT, padding=(reach, 0))


def tangents(images: torch.Tensor) -> torch.Tensor:
    """Tangents `(N, T, D)` of `images (N, 1, H, W)`, T = 7: their derivatives under small deformations.

    The deformations are shifts right and down, scaling, rotation, two hyperbolic deformations, and thickening. Source:
    Simard, LeCun and Denker 1993.
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
    """Squared tangent distance `(B, C)` of `x (B, 1, H, W)` and `others (B, C, 1, H, W)`, with both images moving.

    It is the least-squares residual of the difference. A small ridge makes the solution unique for parallel tangents.
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
