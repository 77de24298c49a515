"""Classifiers without gradient steps: least squares on pixels, products and radial units; support vector machines.

We could not read the PDF of the paper. We read only its results on the page of the MNIST database. All other
statements about the paper are from memory, so the numbers of the sections are left out.

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
    """Append a column of ones for the bias: `(N, F)` -> `(N, F + 1)` in float64."""
    return torch.cat([features.double(), torch.ones(len(features), 1, dtype=torch.float64)], 1)


def signs(target: torch.Tensor) -> torch.Tensor:
    """Targets `(N, K)`: +1 for the class, -1 for all others."""
    return 2 * one_hot(target, CLASSES).double() - 1


def solved(gram: torch.Tensor, moments: torch.Tensor, decay: float = 0.0) -> torch.Tensor:
    """Least-squares weights `(F, K)` for `X'X = gram (F, F)` and `X'Y = moments (F, K)`, with the smallest norm.

    `decay` times the mean of the diagonal is added to the diagonal.
    """
    ridge = decay * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    return torch.linalg.pinv(gram + ridge, hermitian=True) @ moments


@MODELS.register
class LeastSquares(nn.Module):
    """Linear classifier by least squares: `forward(x (B, ...)) -> scores (B, K)`.

    The targets are +1 for the class and -1 for all others.

    Example: handwritten digits, tested on the training images.

        >>> from repro.datasets.digits import Digits
        >>> digits, model = Digits("train", size=8), LeastSquares()
        >>> model.fit(digits.images / 255, digits.labels)
        >>> bool((model(digits.images / 255).argmax(1) == digits.labels).float().mean() > 0.9)
        True
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.empty(0), persistent=False)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Compute the weights `(D + 1, K)` from `inputs (N, ...)` and the classes `target (N,)`."""
        x = augmented(inputs.flatten(1))
        self.weight = solved(x.T @ x, x.T @ signs(target))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return augmented(x.flatten(1)) @ self.weight


@MODELS.register
class PrincipalQuadratic(nn.Module):
    """Quadratic classifier on principal components: `forward(x (B, ...)) -> scores (B, K)`.

    It projects the image on `components` principal components, computes all products of two of them, and fits a linear
    model by least squares. 40 components give 820 products. With the constant these are 821 inputs, as in the paper.
    `linear`: the components themselves are inputs too.

    Example: 3 components have 6 products, and there is one constant.

        >>> from repro.datasets.digits import Digits
        >>> digits, model = Digits("train", size=8), PrincipalQuadratic(components=3)
        >>> model.fit(digits.images / 255, digits.labels)
        >>> model.weight.shape
        torch.Size([7, 10])
    """

    def __init__(self, components: int = 40, linear: bool = False) -> None:
        super().__init__()
        self.components, self.linear = components, linear
        for name in ("mean", "axes", "weight"):
            self.register_buffer(name, torch.empty(0), persistent=False)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Compute the principal axes `(D, components)` of `inputs (N, ...)`, then the weights of the products."""
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
    """Radial basis functions and a linear layer: `forward(x (B, ...)) -> scores (B, K)`.

    The units are Gaussians around cluster centres. K-means finds `centres` of them for each class, on the images of
    that class. The linear layer is fitted by least squares with `decay` (a regularised pseudo-inverse). All units have
    the same standard deviation: the root mean square distance of an image to its nearest centre, times `width`. The
    paper does not state the widths.

    Example: two centres for each of ten classes, and a bias.

        >>> from repro.datasets.digits import Digits
        >>> digits, model = Digits("train", size=8), RadialBasis(centres=2)
        >>> model.fit(digits.images / 255, digits.labels)
        >>> model.weight.shape, model(digits.images[:5] / 255).shape
        (torch.Size([21, 10]), torch.Size([5, 10]))
    """

    def __init__(self, centres: int = 100, width: float = 1.0, decay: float = 1e-6) -> None:
        super().__init__()
        self.count, self.width, self.decay = centres, width, decay
        self.seed = int(torch.randint(2**31, ()))  # from the run's seed
        for name in ("centres", "variance", "weight"):
            self.register_buffer(name, torch.empty(0), persistent=False)

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Find the centres `(K * centres, D)` class by class, then the weights of the units."""
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
    """Support vector machine with a polynomial kernel: `forward(x (B, ...)) -> scores (B, K)`.

    The kernel is `(x'y / m + 1)^degree`, where m is the mean of |x|^2 over the training images. scikit-learn trains one
    machine per pair of classes. The paper has ten machines, each for one class against all others. `penalty`: the C of
    the machine. `shifts`: train again on the support vectors and their copies, shifted by one pixel in four directions.
    These are virtual support vectors, as in the paper.

    Example: handwritten digits, tested on the training images.

        >>> from repro.datasets.digits import Digits
        >>> digits, model = Digits("test", size=8), PolynomialSupportVectors(degree=4)
        >>> images = digits.images[:, None] / 255
        >>> model.fit(images, digits.labels)
        >>> bool((model(images).argmax(1) == digits.labels).float().mean() > 0.95)
        True
    """

    def __init__(self, degree: int, penalty: float = 10.0, shifts: bool = False) -> None:
        super().__init__()
        self.degree, self.penalty, self.shifts = degree, penalty, shifts
        self.machine: Any = None

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        """Find the support vectors in `inputs (N, ..., H, W)` for the classes `target (N,)`, and their weights."""
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
    """Shift `images (N, ..., H, W)` by whole pixels. Pixels that leave on one side come back on the other side."""
    return images.roll((down, right), (-2, -1))
