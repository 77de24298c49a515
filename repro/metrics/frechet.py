"""The Fréchet distance between generated and real images, in the features of a classifier.

Letters: N items, F features. Index 1: generated images, index 2: real images; m: mean (F,), C: covariance (F, F).

    d^2 = |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2))

It is the squared Wasserstein distance between the two Gaussians with these means and covariances (Dowson and Landau
1982). Source: Heusel et al. 2017, *GANs trained by a two time-scale update rule*, Equation 6; they take the features of
an Inception network. With other features it is another number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.errors import BadInput
from repro.metrics import Identity
from repro.metrics.influence import contributions
from repro.metrics.parzen import check_values
from repro.registry import METRICS, MODELS, name_of, wrong_value

Matrix = NDArray[np.float64]
Pair = tuple[NDArray[np.float32], NDArray[np.float32]]
"""A generated and a real image. As arrays, because a pickled row of a tensor has the complete tensor."""

BATCH = 500  # images in one forward pass of the classifier
TINY = 1e-10  # eigenvalues below this share of the largest one count as 0


@METRICS.register
class FrechetDistance:
    """Fréchet distance between generated and real images: of Gaussians fitted to the features of a classifier.

    classifier: a trained model with a module `features`, images (B, C, H, W) -> maps (B, F, h, w) or vectors (B, F); of
    maps the means are taken. Its weights are a part of the identity, so values for different classifiers are never
    compared. of: where the classifier comes from, for example the name of its record; a part of the identity too.

    estimate: a generated image. target: a real image of the same shape. Value: from 0; lower is better.
    The contributions are the influences of the pairs, so their spread gives the standard error. The value itself is too
    high, because means and covariances of a finite set differ by chance. If both sets have the same distribution, with
    independent normal features of variance 1, it is (2 F + F (F + 1) / 2) / N on average, and not 0. The interval does
    not contain this bias. So compare only values with the same N, and measure real images of another set too.

    Raises BadInput for a model without `features`, for images of different shapes, for values or features that are not
    finite, for images that the classifier cannot use, and for fewer than two items.

    Example: a classifier whose feature is the mean of the image.

        >>> class Mean(nn.Module):
        ...     features = nn.Identity()
        >>> metric = FrechetDistance(Mean(), of="an example")
        >>> pairs = [(0.0, 1.0), (2.0, 5.0)]  # means 1 and 3, standard deviations 1 and 2
        >>> items = [metric(torch.full((1, 4, 4), x), torch.full((1, 4, 4), y), None) for x, y in pairs]
        >>> round(float(np.mean(metric.contributions(items))), 6)
        5.0
    """

    def __init__(self, classifier: Annotated[Any, MODELS], of: str) -> None:
        if not isinstance(classifier, nn.Module) or not isinstance(getattr(classifier, "features", None), nn.Module):
            raise wrong_value(self, "classifier", name_of(classifier), "a model with a module 'features'")
        if not isinstance(of, str) or not of.strip():
            raise wrong_value(self, "of", repr(of), "a text that says where the classifier comes from")
        self.classifier = classifier.eval()
        counted = "the whole test set"
        reference = f"real image; features of {of}, weights {_digest(classifier)}"
        self.identity = Identity("FrechetDistance", "lower", aggregation=counted, reference=reference)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Any) -> Pair:
        if estimate.shape != target.shape:
            said = f"{name_of(self)} got a generated image of shape {tuple(estimate.shape)}"
            raise BadInput(said, expected=f"{tuple(target.shape)}, as the real image")
        for name, one in (("generated", estimate), ("real", target)):
            check_values(one, f"{name_of(self)} got a {name} image")
        return estimate.detach().cpu().float().numpy(), target.detach().cpu().float().numpy()

    def contributions(self, items: Sequence[Pair]) -> list[float]:
        """One value for each item, whose mean is the distance."""
        if len(items) < 2:
            raise BadInput(f"{name_of(self)} got one item", expected="at least two")
        generated, real = (
            features(self.classifier, torch.from_numpy(np.stack(column))) for column in zip(*items, strict=True)
        )
        one, other = Fitted(generated), Fitted(real)
        values = one.influences(other) + other.influences(one)
        return contributions(one.distance(other), values)


def features(classifier: Any, images: Tensor) -> Matrix:
    """The features (N, F) of images (N, C, H, W), in float64. Of feature maps the means are taken.

    Raises BadInput if the classifier cannot use such images, or gives no finite vector or map for each.
    """
    device = next((one.device for one in classifier.parameters()), None)
    said = f"the features of {name_of(classifier)}, for images {tuple(images.shape[1:])}"
    try:
        with torch.inference_mode():
            blocks = [classifier.features(block.to(device)).cpu() for block in images.split(BATCH)]
            found = torch.cat([one.flatten(2).mean(2) if one.ndim > 2 else one for one in blocks]).double()
    except (RuntimeError, TypeError, AttributeError) as error:
        raise BadInput(f"{said}: {error}", expected="a classifier of such images") from error
    if found.ndim != 2 or len(found) != len(images) or not found.isfinite().all():
        expected = f"({len(images)}, F), all of them finite"
        raise BadInput(f"{said}, have the shape {tuple(found.shape)}, or are not finite", expected=expected)
    return np.asarray(found.numpy())


@dataclass
class Fitted:
    """The Gaussian of some items: their mean, and their covariance with the divisor N. points: (N, F).

    Example: two points on a line, with mean 1 and standard deviation 1; then mean 3 and standard deviation 2.

        >>> Fitted(np.array([[0.0], [2.0]])).distance(Fitted(np.array([[1.0], [5.0]])))
        5.0
    """

    points: Matrix

    def __post_init__(self) -> None:
        self.mean = self.points.mean(0)
        self.deviations = self.points - self.mean
        self.covariance = self.deviations.T @ self.deviations / len(self.points)
        self.root = power(self.covariance, 0.5)

    def distance(self, other: Fitted) -> float:
        """The squared Fréchet distance of the two Gaussians, from 0."""
        common = np.trace(power(self.root @ other.covariance @ self.root, 0.5))
        found = ((self.mean - other.mean) ** 2).sum() + np.trace(self.covariance) + np.trace(other.covariance)
        return max(float(found - 2 * common), 0.0)

    def influences(self, other: Fitted) -> Matrix:
        """The influence (N,) of each item on the distance.

        The derivative of the distance with respect to C1 is I - T. T is the map that takes this Gaussian to the other
        one: T C1 T = C2.
        """
        taken = np.eye(len(self.mean)) - self._map_to(other)
        quadratic = np.einsum("nf,fg,ng->n", self.deviations, taken, self.deviations, optimize=True)
        return np.asarray(quadratic - quadratic.mean() + 2 * self.deviations @ (self.mean - other.mean))

    def _map_to(self, other: Fitted) -> Matrix:
        return other.root @ power(other.root @ self.covariance @ other.root, -0.5) @ other.root


def power(matrix: Matrix, exponent: float) -> Matrix:
    """A power of a symmetric matrix without negative eigenvalues. Eigenvalues that are 0 up to rounding stay 0.

    >>> power(np.diag([4.0, 0.0]), -0.5).tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    counts = values > TINY * max(values.max(), 0.0)
    powers = np.zeros_like(values)
    powers[counts] = values[counts] ** exponent
    return np.asarray(vectors * powers @ vectors.T)


def _digest(classifier: nn.Module) -> str:
    """Eight hexadecimal digits of the weights."""
    digest = sha256()
    for name, weights in sorted(classifier.state_dict().items()):
        digest.update(name.encode() + weights.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]
