"""Losses for masks: cross-entropy per pixel, soft Dice, focal.

Letters: B images, K classes, H rows and W columns of an image.

All take scores (B, K, H, W) as estimate. The target is a mask (B, H, W) int64, or `{"mask": (B, H, W), "weight":
(B, H, W)}` with a weight from 0 for each pixel (`repro.datasets.border_weights`). A pixel of the class -1 does not
count. If no pixel counts, the loss is 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.errors import BadInput
from repro.registry import LOSSES, name_of, wrong_value


@LOSSES.register
class PixelCrossEntropy(nn.Module):
    """Weighted cross-entropy of the softmax, the mean over the pixels that count.

    The loss is the mean of -w(x) log p(x), p the probability of the pixel's class (Ronneberger, Fischer and Brox 2015,
    Equation 1, which has the sum). w(x) is the pixel's weight, 1 without one, times the weight of its class.

    `class_weights`: K numbers from 0, not all 0; None: all 1. Raises BadInput for others, and for a mask with another
    class than -1 to K - 1.

    Example:

        >>> mask = torch.tensor([[[0, -1]]])
        >>> PixelCrossEntropy()(torch.zeros(1, 2, 1, 2), mask)
        tensor(0.6931)
        >>> PixelCrossEntropy()(torch.zeros(1, 2, 1, 2), {"mask": mask, "weight": torch.full((1, 1, 2), 2.0)})
        tensor(1.3863)
    """

    def __init__(self, class_weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.class_weights = checked_weights(self, class_weights)

    def forward(self, estimate: Tensor, target: Any) -> Tensor:
        mask, weight, counted = pixels(self, estimate, target, self.class_weights)
        return (weight * functional.cross_entropy(estimate, mask, reduction="none")).sum() / counted


@LOSSES.register
class Focal(nn.Module):
    """Focal loss: cross-entropy that counts less where the network is already right.

    The mean of -w(x) (1 - p(x))^gamma log p(x) over the pixels that count, with p the probability of the pixel's class
    (Lin et al. 2017, *Focal Loss for Dense Object Detection*, Equation 5; alpha is the weight of the class). The paper
    has two classes and sigmoids; this is the same with the softmax.

    `gamma`: from 0; 0 is the cross-entropy. `class_weights`, and errors: as for
    `losses.PixelCrossEntropy`.

    Example: a probability of 1/2 counts a quarter as much with gamma 2.

        >>> Focal(gamma=2.0)(torch.zeros(1, 2, 1, 1), torch.zeros(1, 1, 1, dtype=torch.int64))
        tensor(0.1733)
    """

    def __init__(self, gamma: float = 2.0, class_weights: Sequence[float] | None = None) -> None:
        super().__init__()
        if not 0 <= gamma < math.inf:
            raise wrong_value(self, "gamma", gamma, "0 or a number above 0")
        self.gamma, self.class_weights = gamma, checked_weights(self, class_weights)

    def forward(self, estimate: Tensor, target: Any) -> Tensor:
        mask, weight, counted = pixels(self, estimate, target, self.class_weights)
        entropy = functional.cross_entropy(estimate, mask, reduction="none")
        missing = -torch.expm1(-entropy)  # 1 - p
        # The derivative of 0^gamma is infinite for gamma below 1: a pixel that is right to rounding gets no gradient.
        factor = missing.clamp(min=torch.finfo(missing.dtype).eps) ** self.gamma
        return (weight * factor * entropy).sum() / counted


@LOSSES.register
class SoftDice(nn.Module):
    """Soft Dice: 1 - the mean Dice coefficient over classes, with probabilities instead of decisions.

    For a class, with p the probability and g 1 at its pixels and 0 elsewhere,

        D = (2 sum(w p g) + smooth) / (sum(w p^2) + sum(w g) + smooth)

    over the pixels of one image (Milletari, Navab and Ahmadi 2016, *V-Net*, Section 3, with squares; w is the weight of
    the pixel, 1 without one). The loss is the mean of 1 - D over the images and the classes. `smooth`: above 0; it
    makes D 1 for a class that is absent and not found. Raises BadInput for another value, and for a mask with another
    class than -1 to K - 1.

    Example: probabilities of 1/2 everywhere.

        >>> SoftDice(smooth=1e-6)(torch.zeros(1, 2, 2, 2), torch.tensor([[[0, 0], [1, 1]]]))
        tensor(0.3333)
    """

    def __init__(self, smooth: float = 1.0) -> None:
        super().__init__()
        if not 0 < smooth < math.inf:
            raise wrong_value(self, "smooth", smooth, "a number above 0")
        self.smooth = smooth

    def forward(self, estimate: Tensor, target: Any) -> Tensor:
        mask, weight, _ = pixels(self, estimate, target)
        if estimate.ndim != 4:
            said = f"{name_of(self)} has scores of shape {tuple(estimate.shape)}, which are of no pixels"
            raise BadInput(said, expected="(B, K, H, W), as of models.UNet")
        probability = estimate.softmax(1)
        truth = functional.one_hot(mask, estimate.shape[1]).movedim(-1, 1).to(probability.dtype)  # (B, K, H, W)
        weight = weight[:, None]
        overlap = (weight * probability * truth).sum((2, 3))  # (B, K)
        sizes = (weight * (probability**2 + truth)).sum((2, 3))
        return 1 - ((2 * overlap + self.smooth) / (sizes + self.smooth)).mean()


def pixels(
    loss: nn.Module, estimate: Tensor, target: Any, class_weights: Sequence[float] | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The mask (B, H, W) with 0 for pixels that do not count, the weights (B, H, W), and how many count (at least 1).

    Raises BadInput if the shapes of estimate and target do not fit, for a mask with other classes than -1 to K - 1, and
    if there are not K class weights.
    """
    mask = target.get("mask") if isinstance(target, dict) else target
    if not isinstance(estimate, Tensor) or not isinstance(mask, Tensor) or estimate.ndim < 2:
        said = f"{name_of(loss)} is given a {type(estimate).__name__} and a target of type {type(target).__name__}"
        raise BadInput(said, expected="scores (B, K, H, W) and masks (B, H, W), or a dict with these as 'mask'")
    classes = estimate.shape[1]
    if mask.shape != (len(estimate), *estimate.shape[2:]):
        said = f"{name_of(loss)} has scores of shape {tuple(estimate.shape)} for a mask of {tuple(mask.shape)}"
        raise BadInput(said, expected="(B, K, H, W) and (B, H, W)")
    if bool(((mask < -1) | (mask >= classes)).any()):
        said = f"{name_of(loss)} has a mask with the classes {int(mask.min())} to {int(mask.max())}"
        raise BadInput(said, expected=f"-1 to {classes - 1}: the model has {classes} classes")
    counts = mask >= 0
    mask = torch.where(counts, mask, 0)
    weight = counts.to(estimate.dtype)
    if isinstance(target, dict) and "weight" in target:
        weight = torch.where(counts, target["weight"].to(estimate.dtype), 0)
    if class_weights is not None:
        if len(class_weights) != classes:
            raise wrong_value(loss, "class_weights", list(class_weights), f"{classes} numbers, one for each class")
        weight = weight * weight.new_tensor(class_weights)[mask]
    return mask, weight, counts.sum().clamp(min=1)


def checked_weights(loss: nn.Module, given: Sequence[float] | None) -> Sequence[float] | None:
    """The class weights; raises BadInput if they are not numbers from 0, or all 0."""
    if given is None:
        return None
    if not all(0 <= one < math.inf for one in given) or not any(given):
        raise wrong_value(loss, "class_weights", list(given), "numbers from 0, not all 0")
    return tuple(given)
