"""Metrics of masks: Dice, IoU, pixel error, Rand error, warping error.

Letters: K classes, H rows and W columns of an image, N items of the test set, M thresholds.

estimate: scores (K, H, W); the answer of a pixel is the class with the highest score. target: a mask (H, W) int64, or a
dict with it under "mask". A pixel of the class -1 does not count.

`PixelError`, `RandError` and `WarpingError` are those of the challenge ISBI 2012 for two classes: 0 is the membrane
(the background) and 1 is a cell (an object). They compare at one threshold or several: a pixel is a cell if the
softmax of its scores gives the class 1 a probability above the threshold. With several thresholds the value is that of
the threshold with the lowest mean over the test set, as the challenge has it. That threshold is chosen with the truth,
so the value is a little too good, and it has another name (`RandErrorBestOf5`).

Source: Arganda-Carreras et al. 2015, *Crowdsourcing the creation of image segmentation algorithms for connectomics*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from repro.errors import BadInput
from repro.metrics import Identity
from repro.metrics.warping import warped
from repro.registry import METRICS, name_of, wrong_value

Bits = NDArray[np.bool_]


@METRICS.register
class Dice:
    """Dice coefficient of one class of one image: 2 |A and B| / (|A| + |B|); 1 if the class is absent and not found.

    A: the pixels of the class; B: those that the model gives it. `of`: the class, from 0. Value: in [0, 1]. The number
    of the class is in the name. Raises BadInput for another class.

    Example:

        >>> import torch
        >>> scores, mask = torch.tensor([[[0.0, 0.0, 9.0]], [[1.0, 1.0, 0.0]]]), torch.tensor([[1, 0, 0]])
        >>> round(Dice(of=1)(scores, mask, None), 4)
        0.6667
    """

    def __init__(self, of: int) -> None:
        self.of = _class(self, of)
        self.identity = Identity(f"Dice{of}", better="higher", reference=f"pixels of class {of}")

    def __call__(self, estimate: Tensor, target: Any, inputs: Any) -> float:
        answer, truth = _pixels(self, estimate, target, self.of)
        sizes = int(answer.sum() + truth.sum())
        return 2 * int((answer & truth).sum()) / sizes if sizes else 1.0


@METRICS.register
class IoU:
    """Intersection over union of one class of one image (the Jaccard index); 1 if the class is absent and not found.

    `of`: the class, from 0. Value: in [0, 1]. The number of the class is in the name. Raises BadInput for another
    class.

    Example:

        >>> import torch
        >>> scores, mask = torch.tensor([[[0.0, 0.0, 9.0]], [[1.0, 1.0, 0.0]]]), torch.tensor([[1, 0, 0]])
        >>> IoU(of=1)(scores, mask, None)
        0.5
    """

    def __init__(self, of: int) -> None:
        self.of = _class(self, of)
        self.identity = Identity(f"IoU{of}", better="higher", reference=f"pixels of class {of}")

    def __call__(self, estimate: Tensor, target: Any, inputs: Any) -> float:
        answer, truth = _pixels(self, estimate, target, self.of)
        union = int((answer | truth).sum())
        return int((answer & truth).sum()) / union if union else 1.0


@METRICS.register
class PixelError:
    """Pixel error of one image: the share of the pixels with the wrong class, cell or membrane; 0 without pixels.

    `thresholds`: of the probability of a cell, each in (0, 1); one or more. Value: in [0, 1]. Raises BadInput for other
    thresholds, and for scores of other than two classes.

    Example:

        >>> import torch
        >>> scores, mask = torch.tensor([[[0.0, 0.0, 9.0]], [[1.0, 1.0, 0.0]]]), torch.tensor([[1, 0, 0]])
        >>> metric = PixelError()
        >>> metric.contributions([metric(scores, mask, None)])
        [0.3333333333333333]
    """

    def __init__(self, thresholds: Sequence[float] = (0.5,)) -> None:
        self.thresholds = _thresholds(self, thresholds)
        self.identity = _identity("PixelError", self.thresholds, "share of wrong pixels")

    def __call__(self, estimate: Tensor, target: Any, inputs: Any) -> list[float]:
        def error(cell: Bits, truth: Bits, counts: Bits) -> float:
            return float((cell != truth)[counts].mean()) if counts.any() else 0.0

        return _at_each(self, estimate, target, error)

    def contributions(self, items: Sequence[list[float]]) -> list[float]:
        """The errors of all items at the threshold with the lowest mean."""
        return _best(items)


@METRICS.register
class RandError:
    """Rand error of one image: 1 - the F-score of the pairs of pixels in the same cell, on the pixels of true cells.

    A cell is a connected region (by edges) of cell pixels. Over all pairs of pixels that are in true cells, precision
    and recall are those of "in the same region"; the pixels that the answer calls membrane are one region. Two merged
    cells cost much, a membrane that is too thick little. This is the foreground-restricted Rand error of the
    challenge, without the thinning of borders of later years. 0 if no true cell has two pixels.

    `thresholds` as for `metrics.PixelError`. Value: in [0, 1]. Raises BadInput likewise.

    Example: of a row of two cells, the membrane between them is not found.

        >>> import torch
        >>> mask = torch.tensor([[1, 1, 0, 1, 1]])
        >>> scores = torch.stack([torch.zeros(1, 5), torch.ones(1, 5)])
        >>> metric = RandError()
        >>> metric.contributions([metric(scores, mask, None)])
        [0.5]
    """

    def __init__(self, thresholds: Sequence[float] = (0.5,)) -> None:
        self.thresholds = _thresholds(self, thresholds)
        self.identity = _identity("RandError", self.thresholds, "1 - F-score of the pairs, on true cells, no thinning")

    def __call__(self, estimate: Tensor, target: Any, inputs: Any) -> list[float]:
        return _at_each(self, estimate, target, rand_error)

    def contributions(self, items: Sequence[list[float]]) -> list[float]:
        """The errors of all items at the threshold with the lowest mean."""
        return _best(items)


@METRICS.register
class WarpingError:
    """Warping error of one image: the share of the pixels that are wrong after the truth was warped to the answer.

    The true mask is changed pixel by pixel where it differs from the answer, as long as no cell and no hole appears,
    disappears, splits or merges (Jain et al. 2010, *Boundary Learning by Optimization with Topological Constraints*).
    A border that is off by some pixels costs nothing; two merged cells cost the pixels that would separate them. The
    warping is greedy (`repro.metrics.warping`), so the value is an upper bound of the smallest one. The challenge
    counts only the pixels of splits and mergers; this is all that remain.

    `thresholds` as for `metrics.PixelError`. Value: in [0, 1]; 0 without pixels. Raises BadInput likewise.

    Example: the membrane is found one pixel to the right of its place.

        >>> import torch
        >>> mask = torch.tensor([[1, 1, 0, 1, 1]]).expand(5, 5)
        >>> cell = torch.tensor([[1, 1, 1, 0, 1]]).expand(5, 5).float()
        >>> metric = WarpingError()
        >>> metric.contributions([metric(torch.stack([1 - cell, cell]), mask, None)])
        [0.0]
    """

    def __init__(self, thresholds: Sequence[float] = (0.5,)) -> None:
        self.thresholds = _thresholds(self, thresholds)
        self.identity = _identity("WarpingError", self.thresholds, "share of pixels, greedy warping of the truth")

    def __call__(self, estimate: Tensor, target: Any, inputs: Any) -> list[float]:
        def error(cell: Bits, truth: Bits, counts: Bits) -> float:
            wanted = np.where(counts, cell, truth)
            return float((warped(truth, wanted) != wanted).sum() / max(1, counts.sum()))

        return _at_each(self, estimate, target, error)

    def contributions(self, items: Sequence[list[float]]) -> list[float]:
        """The errors of all items at the threshold with the lowest mean."""
        return _best(items)


def rand_error(cell: Bits, truth: Bits, counts: Bits) -> float:
    """1 - 2 sum(n_ij pairs) / (sum(a_i pairs) + sum(b_j pairs)), with n_ij the pixels of true region i in region j.

    a_i and b_j are their sums over the pixels of true cells; the pairs of n pixels are n (n - 1).

    >>> one = np.ones((1, 4), dtype=bool)
    >>> rand_error(one, one, one)
    0.0
    """
    true, _ = ndimage.label(truth & counts)
    found, regions = ndimage.label(cell)
    inside = true > 0
    both = np.bincount(true[inside].astype(np.int64) * (regions + 1) + found[inside])
    pairs = [int((n * (n - 1)).sum()) for n in (both, np.bincount(true[inside]), np.bincount(found[inside]))]
    return 1 - 2 * pairs[0] / (pairs[1] + pairs[2]) if pairs[1] + pairs[2] else 0.0


def _at_each(metric: Any, estimate: Tensor, target: Any, error: Callable[[Bits, Bits, Bits], float]) -> list[float]:
    """The error of one image at each threshold (M,)."""
    mask = _mask(metric, estimate, target)
    if len(estimate) != 2:
        raise BadInput(f"{name_of(metric)} has scores of {len(estimate)} classes", expected="2: membrane and cell")
    probability = estimate.float().softmax(0)[1].numpy()
    return [error(probability > threshold, mask == 1, mask >= 0) for threshold in metric.thresholds]


def _pixels(metric: Any, estimate: Tensor, target: Any, of: int) -> tuple[Bits, Bits]:
    """Which of the pixels that count have the class `of` in the answer, and which in the truth."""
    mask = _mask(metric, estimate, target)
    if of >= len(estimate):
        raise wrong_value(metric, "of", of, f"a class from 0 to {len(estimate) - 1}, for which the model has scores")
    counts = mask >= 0
    return (estimate.argmax(0).numpy() == of)[counts], (mask == of)[counts]


def _mask(metric: Any, estimate: Tensor, target: Any) -> NDArray[np.int64]:
    """The mask (H, W). Raises BadInput if it does not fit the scores, and if a score is not finite."""
    mask = target.get("mask") if isinstance(target, dict) else target
    if not isinstance(estimate, Tensor) or not isinstance(mask, Tensor):
        said = f"{name_of(metric)} is given a {type(estimate).__name__} and a target of type {type(target).__name__}"
        raise BadInput(said, expected="scores (K, H, W) and a mask (H, W), or a dict with this as 'mask'")
    if mask.shape != estimate.shape[1:] or mask.is_floating_point():
        said = f"{name_of(metric)} has scores of shape {tuple(estimate.shape)} for a mask of {tuple(mask.shape)}"
        raise BadInput(said, expected="(K, H, W) and whole numbers (H, W)")
    if not estimate.isfinite().all():
        raise BadInput(f"{name_of(metric)} has a score that is not finite", expected="a model with finite scores")
    if mask.numel() and int(mask.max()) >= len(estimate):
        said = f"{name_of(metric)} has a mask with the class {int(mask.max())}"
        raise BadInput(said, expected=f"-1 to {len(estimate) - 1}: the model has scores of {len(estimate)} classes")
    found: NDArray[np.int64] = mask.numpy()
    return found


def _best(items: Sequence[list[float]]) -> list[float]:
    """The column of the errors (N, M) with the lowest mean; of equal ones the first."""
    errors = np.array(items, dtype=float)
    return [float(one) for one in errors[:, errors.mean(0).argmin()]]


def _class(metric: Any, of: int) -> int:
    if not isinstance(of, int) or of < 0:
        raise wrong_value(metric, "of", of, "a class, a whole number from 0")
    return of


def _thresholds(metric: Any, given: Sequence[float]) -> tuple[float, ...]:
    if not given or not all(0 < one < 1 for one in given) or len(set(given)) < len(given):
        raise wrong_value(metric, "thresholds", list(given), "one or more different numbers between 0 and 1")
    return tuple(given)


def _identity(name: str, thresholds: tuple[float, ...], aggregation: str) -> Identity:
    better: Literal["lower"] = "lower"
    several = f"BestOf{len(thresholds)}" if len(thresholds) > 1 else ""
    listed = ", ".join(f"{one:g}" for one in thresholds)
    return Identity(f"{name}{several}", better, aggregation=aggregation, reference=f"true mask; thresholds {listed}")
