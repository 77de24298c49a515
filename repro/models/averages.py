"""Answers that are the same for every image: the mean box and the mean mask of a training set. Baselines to be beaten.

Letters: C channels, H rows and W columns of an image, N images.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from repro.datasets.boxes import kept, refuse_no_boxes
from repro.errors import BadInput
from repro.registry import DATASETS, MODELS, name_of, wrong_value


@MODELS.register
class MeanBox(nn.Module):
    """The mean of all true boxes of `source`, whatever the image shows. A detector has to be better than this.

    `estimate(image (C, H, W))`: as of `models.BoxHead`, one box of the class 0 with the score 1. Its sides are the mean
    of those of `source`, in shares of the image, so images of another size get a box of their size. Nothing is trained.
    `source`: a dataset with images and boxes (`repro.datasets.boxes`). Raises BadInput if it has no box.

    Example:

        >>> from repro.datasets.shapes import Shapes
        >>> model = MeanBox(Shapes(items=100, size=32, task="box"))
        >>> small, large = (model.estimate(torch.rand(3, side, side))["boxes"] for side in (32, 64))
        >>> bool(torch.equal(large, 2 * small))
        True
    """

    def __init__(self, source: Annotated[Any, DATASETS]) -> None:
        super().__init__()
        self.source = source

    @cached_property
    def mean(self) -> Tensor:
        """The mean box (1, 4) in shares of width and height."""
        found = [kept(target)[0] / _sides(image) for image, target in (self.source[n] for n in range(len(self.source)))]
        boxes = torch.cat(found)
        refuse_no_boxes(boxes, torch.zeros(len(boxes)))
        if not len(boxes):
            raise BadInput(f"{name_of(self)}.source has no box in {len(found)} images", expected="at least one")
        return boxes.mean(0, keepdim=True)

    def estimate(self, image: Tensor) -> dict[str, Tensor]:
        """The mean box, at the size of this image."""
        return {"boxes": self.mean * _sides(image), "scores": torch.ones(1), "classes": torch.zeros(1).long()}


@MODELS.register
class MeanMask(nn.Module):
    """The pixels that are often the object in `source`, whatever the image shows. A segmentation has to be better.

    A pixel is the object (class 1) if it is so in at least the share `threshold` of the masks, without those in which
    it has the class -1. `estimate(image (C, H, W))` returns scores (2, H, W): 0 for the background, and share -
    threshold for the object. Nothing is trained. `source`: a dataset with images and masks of one size. `threshold`: in
    (0, 1). Raises BadInput for another one, and for an image of another size than the masks.

    Example:

        >>> from repro.datasets.shapes import Shapes
        >>> scores = MeanMask(Shapes(items=60, size=32, task="mask"), threshold=0.3).estimate(torch.rand(3, 32, 32))
        >>> scores.shape, bool(scores[1, 16, 16] > 0), bool(scores[1, 0, 0] > 0)
        (torch.Size([2, 32, 32]), True, False)
    """

    def __init__(self, source: Annotated[Any, DATASETS], threshold: float = 0.5) -> None:
        super().__init__()
        if not 0 < threshold < 1:
            raise wrong_value(self, "threshold", threshold, "a number between 0 and 1")
        self.source, self.threshold = source, threshold

    @cached_property
    def share(self) -> Tensor:
        """In which share of the masks each pixel is the object, (H, W); 0 if it never counts."""
        masks = torch.stack([self.source[index][1] for index in range(len(self.source))])
        return (masks == 1).sum(0) / (masks >= 0).sum(0).clamp(min=1)

    def estimate(self, image: Tensor) -> Tensor:
        """The scores (2, H, W), the same for every image."""
        if image.shape[-2:] != self.share.shape:
            said = f"{name_of(self)} was given an image of {tuple(image.shape[-2:])} pixels"
            raise BadInput(said, expected=f"{tuple(self.share.shape)}, as the masks of its source")
        return torch.stack([torch.zeros_like(self.share), self.share - self.threshold])


def _sides(image: Tensor) -> Tensor:
    """Width, height, width, height (4,) of an image (C, H, W)."""
    height, width = image.shape[-2:]
    return torch.tensor([width, height, width, height], dtype=torch.float32)
