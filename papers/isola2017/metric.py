"""Generated and real images compared without a judge: pixel by pixel, and by their greys.

Letters: N items, B bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repro.errors import BadInput
from repro.metrics import Identity
from repro.metrics.influence import contributions
from repro.registry import METRICS, name_of, wrong_value

Histograms = NDArray[np.float64]


@METRICS.register
class PixelDistance:
    """L1 distance of a generated image to the real one: the mean of |difference| over the pixels (Equation 3).

    estimate and target: images of one shape with values in [0, 1]. Value: in [0, 1]; lower is better. It is what the L1
    loss minimises, and the paper's reason for another measure. Raises BadInput for two shapes.

    Example:

        >>> PixelDistance()(torch.tensor([[[0.0, 0.5]]]), torch.tensor([[[1.0, 0.5]]]), None)
        0.5
    """

    identity = Identity("PixelDistance", better="lower", reference="real image")

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Any) -> float:
        return float((_checked(self, estimate, target)[0].double() - target.double()).abs().mean())


@METRICS.register
class HistogramIntersection:
    """Intersection of the histograms of the greys of all generated and all real images: 1 if these are equal.

    Both histograms have B = `bins` bins of equal width over [0, 1] and the sum 1; the intersection is the sum of the
    smaller one of each bin. estimate and target: images of one shape with values in [0, 1]. Value: in [0, 1]. It says
    nothing about where a grey is. Raises BadInput for two shapes, and if `bins` is not a whole number from 2.

    Source: Section 4.2, *Colorfulness*, and Figure 6; the number of bins there is not stated.

    Example: half of the pixels have the right grey, wherever they are.

        >>> metric = HistogramIntersection(bins=4)
        >>> metric.contributions([metric(torch.tensor([[[0.1, 0.9]]]), torch.tensor([[[0.4, 0.1]]]), None)])
        [0.5]
    """

    def __init__(self, bins: int = 64) -> None:
        if isinstance(bins, bool) or not isinstance(bins, int) or bins < 2:
            raise wrong_value(self, "bins", bins, "a whole number from 2")
        self.bins = bins
        counted = f"the whole test set, {bins} bins"
        self.identity = Identity("HistogramIntersection", "higher", aggregation=counted, reference="real images")

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Any) -> Histograms:
        """The two histograms of one image, (2, B): that of the generated image and that of the real one."""
        both = [torch.histc(one.float(), self.bins, 0.0, 1.0).double() for one in _checked(self, estimate, target)]
        return np.stack([(one / one.sum()).numpy() for one in both])

    def contributions(self, items: Sequence[Histograms]) -> list[float]:
        """One value for each item, whose mean is the intersection of the two mean histograms."""
        each = np.stack(items)
        generated, real = each.mean(0)
        smaller = np.where(generated < real, each[:, 0], each[:, 1]).sum(1)
        return contributions(float(np.minimum(generated, real).sum()), smaller)


def _checked(metric: Any, estimate: Any, target: Any) -> tuple[Tensor, Tensor]:
    """The two images, if they have one shape and values in [0, 1]."""
    given = [tuple(one.shape) if isinstance(one, Tensor) else type(one).__name__ for one in (estimate, target)]
    if not isinstance(estimate, Tensor) or not isinstance(target, Tensor) or given[0] != given[1]:
        raise BadInput(f"{name_of(metric)} is given {given[0]} and {given[1]}", expected="two images of one shape")
    if not estimate.numel() or not all(bool((one >= 0).all() and (one <= 1).all()) for one in (estimate, target)):
        raise BadInput(f"{name_of(metric)} has an image with values outside [0, 1]", expected="values in [0, 1]")
    return estimate, target
