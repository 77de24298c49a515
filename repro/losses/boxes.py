"""Losses of boxes: the overlap with the true box, and the loss of a detector without anchors.

Letters: B images, N true boxes of an image, K classes, h and w rows and columns of a feature map, P pairs of boxes.

Boxes and targets are those of `repro.datasets.boxes`. A loss of boxes has `of_pairs(found (P, 4), true (P, 4))`, one
value for each pair, which `losses.BoxLoss` uses. To try your own, write a class with this method.
"""

from __future__ import annotations

from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.datasets.boxes import NONE, area, intersection, iou, refuse_no_boxes, split
from repro.errors import BadInput
from repro.models.boxes import boxes_of, locations
from repro.registry import LOSSES, name_of, wrong_value

OUTPUT = ("scores", "distances", "centreness", "stride")
"""What `models.BoxHead` returns."""


@LOSSES.register
class GeneralisedIoU(nn.Module):
    """1 - generalised IoU of a found and a true box, in [0, 2].

    With U the area of the union of both boxes and C that of the smallest box around them, GIoU = IoU - (C - U) / C. It
    has a gradient also where the boxes do not overlap. A box with x1 <= x0 or y1 <= y0 has the area 0; a fraction with
    a denominator of 0 is 0.

    estimate: boxes (B, N, 4), one for each row of the target. target: (B, N, 4), or a dict with classes; rows of the
    class -1 are left out. Returns the mean over the boxes, 0 without a box. Source: Rezatofighi et al. 2019,
    *Generalized Intersection over Union*.

    Example: two boxes of 2 x 2 pixels that touch: IoU is 0, and C is full.

        >>> one, other = torch.tensor([[[0.0, 0.0, 2.0, 2.0]]]), torch.tensor([[[2.0, 0.0, 4.0, 2.0]]])
        >>> GeneralisedIoU()(one, other), GeneralisedIoU()(one, other + 1)
        (tensor(1.), tensor(1.4667))
    """

    def of_pairs(self, found: Tensor, true: Tensor) -> Tensor:
        """The loss of each pair (P,)."""
        shared = intersection(found, true)
        union = area(found) + area(true) - shared
        low, high = torch.minimum(found, true), torch.maximum(found, true)
        around = area(torch.cat([low[..., :2], high[..., 2:]], -1))
        return 1 - _ratio(shared, union) + _ratio(around - union, around)

    def forward(self, estimate: Tensor, target: Any) -> Tensor:
        return _mean(self, estimate, target)


@LOSSES.register
class IoULoss(nn.Module):
    """1 - IoU of a found and a true box, in [0, 1]. It has no gradient where the boxes do not overlap.

    estimate: boxes (B, N, 4), one for each row of the target. target: (B, N, 4), or a dict with classes; rows of the
    class -1 are left out. Returns the mean over the boxes, 0 without a box.

    Example:

        >>> IoULoss()(torch.tensor([[[0.0, 0.0, 2.0, 2.0]]]), torch.tensor([[[0.0, 0.0, 2.0, 1.0]]]))
        tensor(0.5000)
    """

    def of_pairs(self, found: Tensor, true: Tensor) -> Tensor:
        """The loss of each pair (P,)."""
        return 1 - iou(found, true)

    def forward(self, estimate: Tensor, target: Any) -> Tensor:
        return _mean(self, estimate, target)


@LOSSES.register
class BoxL1(nn.Module):
    """Mean absolute difference of the four coordinates, divided by the mean of width and height of the true box.

    The division makes it independent of the size of the image. A true box without area counts 1 pixel.

    estimate: boxes (B, N, 4), one for each row of the target. target: (B, N, 4), or a dict with classes; rows of the
    class -1 are left out. Returns the mean over the boxes, at least 0, and 0 without a box.

    Example: one of the four sides is 2 pixels off, in a box of 4 x 4 pixels.

        >>> BoxL1()(torch.tensor([[[0.0, 0.0, 4.0, 6.0]]]), torch.tensor([[[0.0, 0.0, 4.0, 4.0]]]))
        tensor(0.1250)
    """

    def of_pairs(self, found: Tensor, true: Tensor) -> Tensor:
        """The loss of each pair (P,)."""
        side = (true[..., 2:] - true[..., :2]).mean(-1).clamp(min=1)
        return (found - true).abs().mean(-1) / side

    def forward(self, estimate: Tensor, target: Any) -> Tensor:
        return _mean(self, estimate, target)


@LOSSES.register
class BoxLoss(nn.Module):
    """The loss of `models.BoxHead`: focal loss of the classes + loss of the boxes + cross-entropy of the centre-ness.

    A location is *positive* if its centre is inside a true box; of several, the smallest box counts (the first of
    equal ones). Its class is that of the box; all other locations have no class. The sum of the focal losses is divided
    by the number of positive locations, at least 1.

    The focal loss of a location and class with the probability p is -alpha (1 - p)^gamma log p for the class that it
    has, and -(1 - alpha) p^gamma log(1 - p) for the others. The centre-ness of a location with the distances l, t, r, b
    is the root of min(l, r) / max(l, r) x min(t, b) / max(t, b): 1 in the middle of the box, 0 at its sides. The loss
    of the boxes is their mean over the positive locations, weighted by the centre-ness.

    estimate: the output of `models.BoxHead`. target: boxes (B, N, 4), or a dict with classes (`repro.datasets.boxes`).
    Returns a scalar, at least 0; finite without any box. `box`: a loss with `of_pairs`, such as
    `losses.GeneralisedIoU`. `alpha`: in (0, 1). `gamma`: from 0. Raises BadInput for other values, and if the target
    has a class that the model does not have or a box that is not finite or reversed. Sources:
    Tian et al. 2019 (FCOS), Lin et al. 2017, *Focal Loss for Dense Object Detection*.

    Example:

        >>> output = {"scores": torch.zeros(1, 1, 2, 2), "distances": torch.ones(1, 4, 2, 2),
        ...           "centreness": torch.zeros(1, 1, 2, 2), "stride": torch.tensor([8.0])}
        >>> loss = BoxLoss(box=GeneralisedIoU())
        >>> loss(output, torch.tensor([[[0.0, 0.0, 8.0, 8.0]]])) > loss(output, torch.zeros(1, 0, 4))
        tensor(True)
    """

    def __init__(self, box: Annotated[Any, LOSSES], alpha: float = 0.25, gamma: float = 2.0) -> None:
        super().__init__()
        if not hasattr(box, "of_pairs"):
            raise BadInput(f"{name_of(self)}.box is {name_of(box)}", expected="a loss of boxes, with of_pairs")
        if not 0 < alpha < 1:
            raise wrong_value(self, "alpha", alpha, "a number between 0 and 1")
        if not 0 <= gamma < float("inf"):
            raise wrong_value(self, "gamma", gamma, "0 or a number above 0")
        self.box, self.alpha, self.gamma = box, alpha, gamma

    def forward(self, estimate: dict[str, Tensor], target: Any) -> Tensor:
        boxes, classes = split(target)
        if not isinstance(estimate, dict) or not set(OUTPUT) <= set(estimate):
            said = f"{name_of(self)} is given an estimate of type {type(estimate).__name__}"
            raise BadInput(said, expected=f"the output of models.BoxHead: {', '.join(OUTPUT)}")
        refuse_no_boxes(boxes, classes, empty=True)
        boxes = boxes.to(estimate["scores"])
        if classes.numel() and int(classes.min()) < NONE:
            raise BadInput(f"a true box has the class {int(classes.min())}", expected=f"a class from 0, or {NONE}")
        if classes.numel() and int(classes.max()) >= estimate["scores"].shape[1]:
            known = estimate["scores"].shape[1]
            raise BadInput(f"a true box has the class {int(classes.max())}", expected=f"0 to {known - 1}, as the model")
        row = assigned(locations(estimate), boxes, classes)  # (B, h, w)
        inside = row != NONE
        image = torch.nonzero(inside)[:, 0]
        true, points = boxes[image, row[inside]], locations(estimate)[inside]
        wanted = centreness(points, true)
        given = estimate["centreness"][:, 0][inside]
        by_box = (self.box.of_pairs(boxes_of(estimate)[inside], true) * wanted).sum() / wanted.sum().clamp(min=1e-6)
        by_centre = functional.binary_cross_entropy_with_logits(given, wanted, reduction="sum") / max(1, len(wanted))
        return self._focal(estimate["scores"], inside, classes[image, row[inside]]) + by_box + by_centre

    def _focal(self, scores: Tensor, inside: Tensor, classes: Tensor) -> Tensor:
        """The focal loss of all locations and classes, divided by the number of positive locations."""
        wanted = torch.zeros_like(scores).movedim(1, -1)  # (B, h, w, K)
        wanted[inside] = functional.one_hot(classes, scores.shape[1]).to(scores)
        logits = scores.movedim(1, -1)
        chance = logits.sigmoid()
        right = torch.where(wanted > 0, chance, 1 - chance)
        weight = torch.where(wanted > 0, self.alpha, 1 - self.alpha) * (1 - right) ** self.gamma
        entropy = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return (weight * entropy).sum() / inside.sum().clamp(min=1)


def assigned(points: Tensor, boxes: Tensor, classes: Tensor) -> Tensor:
    """For each location, the row of the smallest true box around it, or -1 (`NONE`): (B, h, w).

    points: (B, h, w, 2). boxes: (B, N, 4). classes: (B, N); a row of the class -1 is around no location.

    >>> points, boxes = torch.tensor([[[[4.0, 4.0], [12.0, 4.0]]]]), torch.tensor([[[0.0, 0.0, 8.0, 8.0]]])
    >>> assigned(points, boxes, torch.zeros(1, 1))
    tensor([[[ 0, -1]]])
    """
    if not boxes.shape[1]:
        return torch.full(points.shape[:-1], NONE, device=points.device)
    inside = _distances(points[:, :, :, None], boxes[:, None, None]).amin(-1) > 0
    inside &= (classes != NONE)[:, None, None]
    size = torch.where(inside, area(boxes)[:, None, None], torch.inf)
    return torch.where(inside.any(-1), size.argmin(-1), NONE)


def centreness(points: Tensor, boxes: Tensor) -> Tensor:
    """How near each location (P, 2) is to the middle of the box (P, 4) that it is in: (P,), in (0, 1].

    >>> centreness(torch.tensor([[4.0, 4.0], [2.0, 4.0]]), torch.tensor([[0.0, 0.0, 8.0, 8.0]]))
    tensor([1.0000, 0.5774])
    """
    pairs = _distances(points, boxes).unflatten(-1, (2, 2))  # left and upper, right and lower
    return (pairs.amin(-2) / pairs.amax(-2)).prod(-1).sqrt()


def _distances(points: Tensor, boxes: Tensor) -> Tensor:
    """From points (..., 2) to the left, upper, right and lower side of boxes (..., 4); above 0 inside."""
    return torch.cat([points - boxes[..., :2], boxes[..., 2:] - points], -1)


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    return above / torch.where(below > 0, below, 1.0)


def _mean(loss: Any, estimate: Any, target: Any) -> Tensor:
    """The mean loss over all rows of the target that are boxes; 0 without one."""
    boxes, classes = split(target)
    if not isinstance(estimate, Tensor):
        said = f"{name_of(loss)} is given a {type(estimate).__name__}"
        raise BadInput(said, expected="boxes (B, N, 4); losses.BoxLoss takes the output of models.BoxHead")
    if estimate.shape != boxes.shape:
        said = f"{name_of(loss)} was given boxes of the shape {tuple(estimate.shape)}"
        raise BadInput(said, expected=f"{tuple(boxes.shape)}, as the target")
    there = classes != NONE
    return torch.as_tensor(loss.of_pairs(estimate[there], boxes[there].to(estimate)).sum() / there.sum().clamp(min=1))
