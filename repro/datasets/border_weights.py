"""A weight for every pixel of a mask: large between two objects that nearly touch, and larger for the rarer class.

Letters: H rows and W columns of an image, K classes.

Source: Ronneberger, Fischer and Brox 2015, *U-Net: Convolutional Networks for Biomedical Image Segmentation*,
Section 3.
"""

from __future__ import annotations

import hashlib
import math
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.utils.data import Dataset

from repro.errors import BadInput
from repro.registry import DATASETS, name_of, wrong_value

Item = tuple[Tensor, dict[str, Tensor]]
REACH = 5  # standard deviations; beyond them the border term is below exp(-12.5) w0


@DATASETS.register
class BorderWeights(Dataset[Item]):
    """The items of `source` with a weight for every pixel, computed once.

    Item: `(image, {"mask": (H, W) int64, "weight": (H, W) float32})`. The weight is (Equation 2)

        w_c + w0 exp(-(d1 + d2)^2 / (2 sigma^2))

    with d1 and d2 the distances in pixels to the nearest and to the second nearest object. An object is a connected
    region (by edges) of pixels whose class is above 0. The second term is for the background only, the class 0: there
    a network must learn the border. w_c balances the classes of the image: n / (K n_c) for a class with n_c of the n
    pixels, K classes that occur. Pixels of the class -1 have the weight 0.

    `w0`: from 0; 0 leaves the balance only. `sigma`: above 0, in pixels. Raises BadInput for other values, and if a
    target of `source` is not a mask.

    Example: two objects, one pixel apart.

        >>> mask = torch.tensor([[1, 1, 0, 1, 1]])
        >>> weighted = BorderWeights([(torch.rand(1, 1, 5), mask)], w0=10.0, sigma=5.0)
        >>> weighted[0][1]["weight"].round(decimals=2)
        tensor([[ 0.6200,  0.6200, 11.7300,  0.6200,  0.6200]])
    """

    def __init__(self, source: Annotated[Any, DATASETS], w0: float = 10.0, sigma: float = 5.0) -> None:
        if not 0 <= w0 < math.inf:
            raise wrong_value(self, "w0", w0, "0 or a number above 0")
        if not 0 < sigma < math.inf:
            raise wrong_value(self, "sigma", sigma, "a number above 0, in pixels")
        self.source, self.w0, self.sigma = source, w0, sigma
        self.weights: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Item:
        image, mask = self.source[index]
        if not isinstance(mask, Tensor) or mask.shape != image.shape[-2:]:
            said = f"{name_of(self)}.source has a target that is no mask of its image"
            raise BadInput(said, expected=f"a mask {tuple(image.shape[-2:])}")
        if index not in self.weights:
            found = balance(mask.numpy()) + self.w0 * nearness(mask.numpy(), self.sigma)
            self.weights[index] = torch.from_numpy(found).float()
        return image, {"mask": mask, "weight": self.weights[index]}

    def fingerprint(self) -> str:
        """Digest of the fingerprint of the source, w0 and sigma."""
        given = f"{self.source.fingerprint()} border weights {self.w0} {self.sigma}"
        return hashlib.sha256(given.encode()).hexdigest()[:16]


def balance(mask: NDArray[np.int64]) -> NDArray[np.float64]:
    """w_c of each pixel (H, W): the classes have the same sum, and the mean is 1. Pixels of the class -1 have 0.

    >>> balance(np.array([[0, 1, 1, 1, -1]])).tolist()
    [[2.0, 0.6666666666666666, 0.6666666666666666, 0.6666666666666666, 0.0]]
    """
    classes, places, counts = np.unique(mask, return_inverse=True, return_counts=True)
    known = classes >= 0
    total = counts[known].sum()
    return np.where(known, total / np.maximum(known.sum() * counts, 1), 0.0)[places].reshape(mask.shape)


def nearness(mask: NDArray[np.int64], sigma: float) -> NDArray[np.float64]:
    """exp(-(d1 + d2)^2 / (2 sigma^2)) of each background pixel (H, W); 0 elsewhere, and with fewer than two objects.

    The distance to an object is computed only near it, where the result is not 0.
    """
    objects, _ = ndimage.label(mask > 0)
    nearest, next_nearest = np.full(mask.shape, np.inf), np.full(mask.shape, np.inf)  # d1, d2
    reach = math.ceil(REACH * sigma)
    for number, box in enumerate(ndimage.find_objects(objects), 1):
        near = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in box)
        away = ndimage.distance_transform_edt(objects[near] != number)
        first, second = nearest[near], next_nearest[near]
        np.minimum(second, np.maximum(first, away), out=second)
        np.minimum(first, away, out=first)
    return np.where(mask == 0, np.exp(-((nearest + next_nearest) ** 2) / (2 * sigma**2)), 0.0)
