"""Classifiers without gradient steps: least squares on pixels, products and radial units; support vectors.

The PDF was not at hand: what is said of the paper is from memory, and the numbers of the sections are left out.

Letters: N training images, B images of a batch, D pixels, F features, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import one_hot

from repro.registry import MODELS

CLASSES = 10


def augmented(features: torch.Tensor) -> torch.Tensor:
    """`(N, F + 1)` in float64: a column of ones for the bias."""
    return torch.cat([features.double(), torch.ones(len(features), 1, dtype=torch.float64)], 1)


def signs(target: torch.Tensor) -> torch.Tensor:
    """`(N, K)`: +1 for the class, -1 for all others."""
    return 2 * one_hot(target, CLASSES).double() - 1


def solved(gram: torch.Tensor, moments: torch.Tensor, decay: float = 0.0) -> torch.Tensor:
    """The least-squares weights for `X'X = gram (F, F)` and `X'Y = moments (F, K)`; of many, those of least norm.

    `decay` is added to the diagonal, times its mean.
    """
    ridge = decay * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    return torch.linalg.pinv(gram + ridge, hermitian=True) @ moments


@MODELS.register
class LeastSquares(nn.Module):
    """One layer of weights, solved instead of trained: `forward(x (B, ...)) -> scores (B, K)`."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.empty(0), persistent=False)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Weights `(D + 1, K)` that map `inputs (N, ...)` nearest to the signs of `target (N,)`."""
        x = augmented(inputs.flatten(1))
        self.weight = solved(x.T @ x, x.T @ signs(target))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return augmented(x.flatten(1)) @ self.weight


@MODELS.register
class PrincipalQuadratic(nn.Module):
    """Least squares on all products of `components` principal components: `forward(x (B, ...)) -> scores (B, K)`.

    With 40 components, 820 products and a constant are the 821 inputs of the paper. `linear`: the
    components themselves are inputs too.
    """

    def __init__(self, components: int = 40, linear: bool = False) -> None:
        super().__init__()
        self.components, self.linear = components, linear
        for name in ("mean", "axes", "weight"):
            self.register_buffer(name, torch.empty(0), persistent=False)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Axes `(D, components)` of the largest variance of `inputs (N, ...)`, then the weights of their products."""
        x = inputs.flatten(1).double()
        self.mean = x.mean(0)
        self.axes = torch.linalg.eigh((x - self.mean).T @ (x - self.mean)).eigenvectors[:, -self.components :]
        products = augmented(self._products(inputs))
        self.weight = solved(products.T @ products, products.T @ signs(target))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return augmented(self._products(x)) @ self.weight

    def _products(self, x: torch.Tensor) -> torch.Tensor:
        found = (x.flatten(1).double() - self.mean) @ self.axes
        one, other = torch.triu_indices(self.components, self.components)
        products = found[:, one] * found[:, other]
        return torch.cat([products, found], 1) if self.linear else products


@MODELS.register
class RadialBasis(nn.Module):
    """Gaussian units at the centres of clusters, then one linear layer: `forward(x (B, ...)) -> scores (B, K)`.

    `centres` for each class, found by k-means on the images of that class alone; the linear layer by least squares,
    with `decay`: a regularised pseudo-inverse. All units are as wide as images lie from their nearest
    centre, as root mean square, times `width`: the paper does not state it.
    """

    def __init__(self, centres: int = 100, width: float = 1.0, decay: float = 1e-6) -> None:
        super().__init__()
        self.count, self.width, self.decay = centres, width, decay
        self.seed = int(torch.randint(2**31, ()))  # from the run's seed
        for name in ("centres", "variance", "weight"):
            self.register_buffer(name, torch.empty(0), persistent=False)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Centres `(K * centres, D)` by class, then the weights of the units."""
        from sklearn.cluster import MiniBatchKMeans

        x = inputs.flatten(1)
        means = MiniBatchKMeans(self.count, random_state=self.seed, n_init=1, max_iter=20)
        found = [means.fit(x[target == number].numpy()).cluster_centers_ for number in range(CLASSES)]
        self.centres = torch.from_numpy(np.concatenate(found)).float()
        squares = torch.cat([torch.cdist(part, self.centres).pow(2) for part in x.split(5000)])
        self.variance = self.width**2 * squares.min(1).values.mean()
        units = augmented(torch.exp(-squares / (2 * self.variance)))
        self.weight = solved(units.T @ units, units.T @ signs(target), self.decay)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        squares = torch.cdist(x.flatten(1), self.centres).pow(2)
        return augmented(torch.exp(-squares / (2 * self.variance))) @ self.weight


@MODELS.register
class PolynomialSupportVectors(nn.Module):
    """scikit-learn's support vectors with kernel `(x'y / |x|^2 + 1)^degree`: `forward(x (B, ...)) -> scores (B, K)`.

    |x|^2 is the mean of the training images. Classes are told apart in pairs, where the paper had ten machines, each
    for one class against the rest. With `shifts`, the support vectors moved by a pixel in the four directions join a
    second training: the virtual support vectors of the paper.
    """

    def __init__(self, degree: int, penalty: float = 10.0, shifts: bool = False) -> None:
        super().__init__()
        self.degree, self.penalty, self.shifts = degree, penalty, shifts
        self.machine: Any = None

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Support vectors among `inputs (N, ..., H, W)`, and their weights."""
        self.machine = self._machine(inputs, target)
        if self.shifts:
            vectors = torch.from_numpy(self.machine.support_).long()
            moved = [inputs[vectors], *(shifted(inputs[vectors], *by) for by in ((0, 1), (0, -1), (1, 0), (-1, 0)))]
            self.machine = self._machine(torch.cat(moved), target[vectors].repeat(5))

    def _machine(self, inputs: torch.Tensor, target: torch.Tensor) -> Any:
        from sklearn.svm import SVC

        x = inputs.flatten(1).double().numpy()
        gamma = 1 / float((x**2).sum(1).mean())
        machine = SVC(C=self.penalty, kernel="poly", degree=self.degree, gamma=gamma, coef0=1.0, cache_size=4000)
        return machine.fit(x, target.numpy())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.machine.decision_function(x.flatten(1).double().numpy()))


def shifted(images: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """`images (N, ..., H, W)` moved by whole pixels; what comes in from outside is what goes out on the other side."""
    return images.roll((down, right), (-2, -1))
