"""The log-likelihood of images under a Parzen window: a Gaussian around each generated image.

Letters: N test images, S generated images, V validation images, D pixels of an image.

The density at an image x is the mean of the Gaussians around the generated images c:

    p(x) = 1/S sum over c of (2 pi sigma^2)^(-D/2) exp(-|x - c|^2 / (2 sigma^2))

`sigma` is the one of a few values with which the validation images have the highest mean log-likelihood. Source: the
code of Goodfellow et al. 2014 (goodfeli/adversarial at 1720041f, `parzen_ll.py`), after Breuleux et al. 2011.

The number depends on S and on the range of the pixels. It does not say whether the images look real: Theis, van den
Oord and Bethge 2016, *A note on the evaluation of generative models*, Section 3.2.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repro.errors import BadInput
from repro.metrics import Identity
from repro.metrics.influence import contributions
from repro.registry import DATASETS, METRICS, name_of, wrong_value

SIGMAS = tuple(float(one) for one in np.logspace(-1, 0, 10))
"""Ten values from 0.1 to 1, as in the code of Goodfellow et al. 2014."""
SMALLEST, LARGEST = 1e-6, 1e6  # sigma; the exponents of the Gaussians are then numbers of float32
BLOCK = 500  # images whose distances to all generated images are in memory at once: 20 MB for 10,000

Pair = tuple[NDArray[np.float32], NDArray[np.float32]]
"""A generated image and a test image, each with D pixels."""

log = logging.getLogger("repro")


@METRICS.register
class ParzenLogLikelihood:
    """Mean log-likelihood of the test images under a Parzen window of the generated images, in nats.

    The answers to all N test items are the generated images, so S = N. `valid`: the validation images, a dataset whose
    items begin with the image; with them `sigma` is chosen among `sigmas`, from 1e-6 to 1e6. The log shows the choice.

    estimate: a generated image. target: a test image of the same shape; both with the same range of pixels. Value: any
    number, higher is better. The values of the items are log-likelihoods of the test images, rounded to 64 levels with
    the same mean and the same standard deviation. So the standard error is over the test images, for the generated
    images as they are, as in that code. The log warns if generated images have values outside the range of the test
    images. Raises BadInput for another sigma, for images of different shapes, for values that are not finite or no
    floating-point numbers, and if `valid` has no item.

    Example: with one pixel, the density of a Gaussian with standard deviation 1 around 0, at 1.

        >>> metric = ParzenLogLikelihood(valid=[(torch.tensor([1.0]), 0)], sigmas=[0.1, 1.0])
        >>> item = metric(torch.tensor([0.0]), torch.tensor([1.0]), None)
        >>> [round(value, 6) for value in metric.contributions([item])], round(-0.5 - math.log(2 * math.pi) / 2, 6)
        ([-1.418939], -1.418939)
    """

    def __init__(self, valid: Annotated[Any, DATASETS], sigmas: Sequence[float] = SIGMAS) -> None:
        self.valid, self.sigmas = _dataset(self, valid), _checked(self, sigmas)
        self.identity = _identity("ParzenLogLikelihood", self.sigmas, "higher", "nats")

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Any) -> Pair:
        return pair(self, estimate, target)

    def contributions(self, items: Sequence[Pair]) -> list[float]:
        """One value for each item, whose mean is the mean log-likelihood."""
        samples, images = columns(items)
        _warn(self, samples, images)
        sigma = best_sigma(samples, images_of(self.valid, samples.shape[1]), self.sigmas)
        values = log_likelihoods(images, samples, sigma)
        log.info("%s: %.1f nats, with sigma = %.3g", name_of(self), values.mean(), sigma)
        return contributions(float(values.mean()), values - values.mean())


@METRICS.register
class ParzenSigma:
    """The sigma of `metrics.ParzenLogLikelihood` with the same parameters: how wide its Gaussians are.

    Generated images that are close to the validation images have a small sigma. It is one number for all items, so its
    standard error is 0. Errors, estimate and target: as for that metric. Value: one of `sigmas`.

    Example:

        >>> metric = ParzenSigma(valid=[(torch.tensor([0.2]), 0)], sigmas=[0.1, 0.2, 1.0])
        >>> metric.contributions([metric(torch.tensor([0.0]), torch.tensor([1.0]), None)])
        [0.2]
    """

    def __init__(self, valid: Annotated[Any, DATASETS], sigmas: Sequence[float] = SIGMAS) -> None:
        self.valid, self.sigmas = _dataset(self, valid), _checked(self, sigmas)
        self.identity = _identity("ParzenSigma", self.sigmas, "lower")

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Any) -> Pair:
        return pair(self, estimate, target)

    def contributions(self, items: Sequence[Pair]) -> list[float]:
        """The sigma, once for each item."""
        samples, _ = columns(items)
        return [best_sigma(samples, images_of(self.valid, samples.shape[1]), self.sigmas)] * len(items)


def pair(metric: Any, estimate: Tensor, target: Tensor) -> Pair:
    """The pixels of a generated image and of a test image. Raises BadInput for two shapes or wrong values.

    >>> [one.tolist() for one in pair(None, torch.zeros(1, 1, 2), torch.ones(1, 1, 2))]
    [[0.0, 0.0], [1.0, 1.0]]
    """
    if estimate.shape != target.shape:
        said = f"{name_of(metric)} got a generated image of shape {tuple(estimate.shape)}"
        raise BadInput(said, expected=f"{tuple(target.shape)}, as the test image")
    for name, one in (("generated", estimate), ("test", target)):
        check_values(one, f"{name_of(metric)} got a {name} image")
    generated, image = (one.detach().cpu().float().flatten().numpy() for one in (estimate, target))
    return generated, image


def check_values(image: Tensor, said: str) -> None:
    """Raise BadInput, which begins with `said`, unless an image has finite floating-point numbers."""
    if not image.is_floating_point():
        raise BadInput(f"{said} of {str(image.dtype).removeprefix('torch.')}", expected="floating-point numbers")
    if not image.isfinite().all():
        raise BadInput(f"{said} with a value that is not finite", expected="finite values")


def columns(items: Sequence[Pair]) -> tuple[Tensor, Tensor]:
    """All generated images (S, D) and all test images (N, D)."""
    generated, images = (torch.from_numpy(np.stack(column)) for column in zip(*items, strict=True))
    return generated, images


def images_of(dataset: Any, pixels: int) -> Tensor:
    """The images (V, D) of a dataset, whose items begin with the image.

    Raises BadInput for no item, another size, and values that are not finite or no floating-point numbers.
    """
    if not len(dataset):
        raise BadInput(f"{name_of(dataset)} has no validation image")
    images = [dataset[index][0] for index in range(len(dataset))]
    said = f"{name_of(dataset)} has a validation image"
    for image in images:
        if not isinstance(image, Tensor) or image.numel() != pixels:
            given = f"of {image.numel()} pixels" if isinstance(image, Tensor) else f"that is a {type(image).__name__}"
            raise BadInput(f"{said} {given}", expected=f"a tensor of {pixels} pixels")
        check_values(image, said)
    return torch.stack([image.float().flatten() for image in images])


def best_sigma(samples: Tensor, images: Tensor, sigmas: Sequence[float]) -> float:
    """The one of `sigmas` with the highest mean log-likelihood of `images` (V, D); of equal ones the first.

    >>> best_sigma(torch.zeros(1, 1), torch.tensor([[0.5], [-0.5]]), [0.1, 0.5, 1.0])
    0.5
    """
    means = torch.zeros(len(sigmas), dtype=torch.float64)
    for distances in _distances(images, samples):
        means += torch.stack([_log_densities(distances, samples.shape[1], sigma).sum() for sigma in sigmas])
    return sigmas[int(means.argmax())]


def log_likelihoods(images: Tensor, samples: Tensor, sigma: float) -> NDArray[np.float64]:
    """The log-density (N,) at each of `images` (N, D), with a Gaussian around each of `samples` (S, D)."""
    found = [_log_densities(distances, samples.shape[1], sigma) for distances in _distances(images, samples)]
    return np.asarray(torch.cat(found).numpy())


def _distances(images: Tensor, samples: Tensor) -> Iterator[Tensor]:
    """Half of the squared distances between a block of images and all samples, block by block.

    The mean of the samples is subtracted from both, so that the products lose fewer digits.
    """
    middle = samples.mean(0)
    centred = samples - middle
    norms = centred.square().sum(1) / 2
    for block in images.split(BLOCK):
        shifted = block - middle
        yield torch.addmm(norms, shifted, centred.T, alpha=-1).add_(shifted.square().sum(1, True) / 2).clamp_(min=0)


def _log_densities(distances: Tensor, pixels: int, sigma: float) -> Tensor:
    """The log-densities in float64, from half of the squared distances (..., S)."""
    total = torch.logsumexp(distances * (-1 / sigma**2), -1).double()
    return total - math.log(distances.shape[-1]) - pixels * math.log(sigma * math.sqrt(2 * math.pi))


def _warn(metric: Any, samples: Tensor, images: Tensor) -> None:
    """Log a warning if the samples have values outside the range of the images: then both are on different scales."""
    low, high, least, most = (float(one) for one in (samples.min(), samples.max(), images.min(), images.max()))
    if low < least or high > most:
        said = "%s: samples have values from %.3g to %.3g, and test images from %.3g to %.3g; is it the same scale?"
        log.warning(said, name_of(metric), low, high, least, most)


def _dataset(metric: Any, valid: Any) -> Any:
    if not hasattr(valid, "__getitem__") or not hasattr(valid, "__len__"):
        raise wrong_value(metric, "valid", name_of(valid), "a dataset of images")
    return valid


def _checked(metric: Any, sigmas: Any) -> list[float]:
    expected = f"a list of numbers from {SMALLEST:g} to {LARGEST:g}"
    if isinstance(sigmas, str) or not isinstance(sigmas, Sequence) or not sigmas:
        raise wrong_value(metric, "sigmas", sigmas, expected)
    for one in sigmas:
        if isinstance(one, bool) or not isinstance(one, int | float) or not SMALLEST <= one <= LARGEST:
            raise wrong_value(metric, "sigmas", f"a list with {one!r}", expected)
    return [float(one) for one in sigmas]


def _identity(name: str, sigmas: list[float], better: Any, unit: str = "") -> Identity:
    """The identity names the values of sigma and how the choice is made."""
    values = f"{len(sigmas)} values from {min(sigmas):.4g} to {max(sigmas):.4g}"
    counted = f"the whole test set, sigma by validation images among {values}"
    return Identity(name, better, unit, aggregation=counted, reference="real image")
