"""FCN-score: can a network that was trained on real images segment a generated one?

Letters: C channels, H rows and W columns of an image, K classes, N items.

Source: Isola et al. 2017, *Image-to-Image Translation with Conditional Adversarial Networks*, Section 4.1 and Table 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.errors import BadInput
from repro.metrics import Identity
from repro.metrics.influence import contributions
from repro.registry import METRICS, MODELS, name_of, wrong_value

Score = Literal["pixel", "class", "iou"]
Matrix = NDArray[np.float64]
NAMES: dict[Score, tuple[str, str]] = {
    "pixel": ("PixelAccuracy", "share of right pixels"),
    "class": ("ClassAccuracy", "mean over classes of the share of right pixels"),
    "iou": ("ClassIoU", "mean over classes of the intersection over union"),
}


@METRICS.register
class FCNScore:
    """FCN-score of generated images: a judge segments them, and is compared with the labels they were made from.

    estimate: the image (C, H, W). inputs: the labels that it was generated from, (H, W) or (1, H, W), whole numbers
    from 0; -1 does not count. The target, the real image, is not used. `score`, all of the confusion matrix of the
    whole test set:

    - "pixel": per-pixel accuracy, the share of the pixels with the right class.
    - "class": per-class accuracy, the mean over the classes of the share of their pixels that are right.
    - "iou": class IoU, the mean over the classes of the intersection over union of answer and labels.

    A class that is in no label does not count for "class", nor for "iou" if it is in no answer either.

    `judge`: a network, images (B, C, H, W) -> scores (B, K, H, W), trained on real images. `record`: where its training
    is recorded. The identity has this name and a digest of the judge's weights: scores of two judges are never
    compared. Value: in [0, 1]. Its contributions have the standard error of the infinitesimal jackknife
    (`repro.metrics.influence`). Raises BadInput for other values, and for images, labels and scores that do not fit.

    Example: a judge that takes bright pixels for class 1, and an image with one pixel too many.

        >>> class Bright(nn.Module):
        ...     def forward(self, images):
        ...         return torch.cat([1 - images, images], dim=1)
        >>> metric = FCNScore("iou", Bright(), record="none")
        >>> labels, image = torch.tensor([[0, 0, 1, 1]]), torch.tensor([[[0.1, 0.8, 0.9, 0.7]]])
        >>> [round(one, 4) for one in metric.contributions([metric(image, image, labels)])]
        [0.5833]
    """

    def __init__(self, score: Score, judge: Annotated[Any, MODELS], record: str) -> None:
        if score not in NAMES:
            raise wrong_value(self, "score", score, f"one of {', '.join(NAMES)}")
        if not isinstance(judge, nn.Module):
            raise wrong_value(self, "judge", judge, "a model that segments images")
        if not isinstance(record, str) or not record.strip():
            raise wrong_value(self, "record", record, "the name of the record of the judge's training")
        self.score, self.judge = score, judge.eval()
        name, aggregation = NAMES[score]
        reference = f"labels; judge {record}, weights {digest(judge)}"
        self.identity = Identity(f"FCNScore{name}", "higher", aggregation=aggregation, reference=reference)

    def __call__(self, estimate: Any, target: Any, inputs: Any) -> Matrix:
        """The confusion matrix (K, K) of one image: rows are the classes of the labels, columns the answers."""
        labels = _labels(self, inputs, estimate)
        scores = self._judged(estimate)
        if scores.shape[1:] != labels.shape or not scores.isfinite().all():
            said = f"the judge of {name_of(self)} gives the shape {tuple(scores.shape)}, or numbers that are not finite"
            raise BadInput(said, expected=f"finite scores (K, {labels.shape[0]}, {labels.shape[1]})")
        if int(labels.max()) >= len(scores):
            said = f"{name_of(self)} has labels with the class {int(labels.max())}"
            raise BadInput(said, expected=f"-1 to {len(scores) - 1}: the judge knows {len(scores)} classes")
        counts = labels >= 0
        cells = len(scores) * labels[counts] + scores.argmax(0)[counts]
        return cells.bincount(minlength=len(scores) ** 2).reshape(len(scores), -1).double().numpy()

    def _judged(self, image: Tensor) -> Tensor:
        """The scores (K, H, W) of an image. Raises BadInput if the judge cannot use such images."""
        try:
            with torch.inference_mode():
                return self.judge(image[None])[0].cpu()
        except (RuntimeError, TypeError, AttributeError) as error:
            said = f"the judge of {name_of(self)}, for an image {tuple(image.shape)}: {error}"
            raise BadInput(said, expected="a model that segments such images") from error

    def contributions(self, items: Sequence[Matrix]) -> list[float]:
        """One value for each item, whose mean is the score of the sum of all matrices."""
        matrices = torch.from_numpy(np.stack(items))
        if not matrices.any():
            raise BadInput(f"{name_of(self)} has no pixel whose label counts", expected="labels from 0")
        mean = matrices.mean(0).requires_grad_()
        value = of_matrix(mean, self.score)
        (slope,) = torch.autograd.grad(value, mean)
        return contributions(value.item(), (matrices * slope).sum((1, 2)).numpy())


def of_matrix(matrix: Tensor, score: Score) -> Tensor:
    """The score of a confusion matrix (K, K): rows are the classes of the labels, columns the answers. 0 if it is 0.

    >>> float(of_matrix(torch.tensor([[1.0, 1.0], [0.0, 2.0]]), "class"))
    0.75
    """
    right, true, answered = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    if score == "pixel":
        return right.sum() / matrix.sum().clamp(min=1e-12)
    parts = true if score == "class" else true + answered - right
    return (right / parts.clamp(min=1e-12)).sum() / (parts > 0).sum().clamp(min=1)


def digest(model: nn.Module) -> str:
    """Digest of the names and values of the weights of a model, 16 hexadecimal digits."""
    found = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        found.update(f"{name} {tuple(weight.shape)} {weight.dtype}".encode() + weight.cpu().numpy().tobytes())
    return found.hexdigest()[:16]


def _labels(metric: FCNScore, inputs: Any, image: Any) -> Tensor:
    """The labels (H, W) int64. Raises BadInput if they do not fit the image, or the image is not finite."""
    labels = inputs[0] if isinstance(inputs, Tensor) and inputs.ndim == 3 and len(inputs) == 1 else inputs
    fits = isinstance(labels, Tensor) and isinstance(image, Tensor) and image.ndim == 3
    if not fits or labels.ndim != 2 or labels.shape != image.shape[1:] or not labels.numel():
        said = f"{name_of(metric)} has an image and labels that do not fit"
        shapes = [tuple(one.shape) if isinstance(one, Tensor) else type(one).__name__ for one in (image, inputs)]
        raise BadInput(f"{said}: {shapes[0]} and {shapes[1]}", expected="(C, H, W), and (H, W) or (1, H, W)")
    if not image.isfinite().all():
        raise BadInput(f"{name_of(metric)} has an image with a value that is not finite", expected="finite values")
    whole = labels.long()
    if (whole != labels).any() or int(whole.min()) < -1:
        raise BadInput(f"{name_of(metric)} has labels that are no classes", expected="whole numbers from -1")
    return whole
