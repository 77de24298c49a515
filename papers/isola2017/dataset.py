"""Segmentation turned round: from the labels of an image to the image.

Letters: H rows and W columns of an image, K classes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from repro.data.mask_panels import show_mask, write_image
from repro.datasets import sample_pictures
from repro.errors import BadInput
from repro.registry import DATASETS, MODELS, name_of

Item = tuple[Tensor, Tensor]
NAMES = ("membrane", "cell")


@DATASETS.register
class LabelsToImages(Dataset[Item]):
    """The items of `source`, `(image (1, H, W), mask (H, W))`, turned round: `(labels (1, H, W), image (1, H, W))`.

    The labels are the classes of the mask as float32, here 0 for a membrane and 1 for a cell. The image is float32 in
    [0, 1]. `judge`: a network that gives every pixel of an image scores for its classes. It segments the answers for
    the pictures of the page, and changes no number; None: the pictures are without it. Raises BadInput if an item of
    `source` is not a grey image with a mask of two classes.

    Example:

        >>> from repro.datasets.cells import Cells
        >>> labels, image = LabelsToImages(Cells(count=3, size=32))[0]
        >>> labels.shape, labels.unique(), image.shape
        (torch.Size([1, 32, 32]), tensor([0., 1.]), torch.Size([1, 32, 32]))
    """

    def __init__(self, source: Annotated[Any, DATASETS], judge: Annotated[Any, MODELS] = None) -> None:
        self.source, self.judge = source, judge

    @property
    def names(self) -> list[str]:
        return list(getattr(self.source, "names", [f"item {index}" for index in range(len(self.source))]))

    def set_epoch(self, epoch: int) -> None:
        """Choose the pass of the source, a whole number from 0."""
        if hasattr(self.source, "set_epoch"):
            self.source.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Item:
        image, mask = self.source[index]
        if not isinstance(mask, Tensor) or image.shape != (1, *mask.shape) or not set(mask.unique().tolist()) <= {0, 1}:
            said = f"{name_of(self)}.source has an item that is no grey image with a mask of two classes"
            raise BadInput(said, expected="(1, H, W), and (H, W) of 0 and 1")
        return mask.float()[None], image

    def fingerprint(self) -> str:
        """Digest of the fingerprint of the source."""
        return hashlib.sha256(f"labels to images of {self.source.fingerprint()}".encode()).hexdigest()[:16]

    def illustrate(self, labels: Tensor, image: Tensor, estimate: Tensor, stem: Path) -> list[dict[str, Any]]:
        """Write the labels, the generated and the real image, and how the judge segments the generated one.

        With the first item, whose folder is empty, copy the pictures that were drawn during the training.
        """
        drawn = [] if any(stem.parent.iterdir()) else sample_pictures.panels(stem)
        shown = {"labels": labels, "real": image, "generated": estimate}
        panels = [
            {"label": n, "image": write_image(one, stem.with_name(f"{stem.name}-{n}"))} for n, one in shown.items()
        ]
        return panels + ([] if self.judge is None else self._judged(labels, estimate, stem)) + drawn

    def _judged(self, labels: Tensor, estimate: Tensor, stem: Path) -> list[dict[str, Any]]:
        """The judge's answer to the generated image, and its difference from the labels."""
        with torch.inference_mode():
            scores = self.judge.eval()(estimate[None])[0]
        stem = stem.with_name(f"{stem.name}-generated")
        _, truth, answer, difference = show_mask(estimate, labels[0].long(), scores, stem, NAMES)
        stem.with_name(truth["image"]).unlink()  # the labels are shown already
        return [{**answer, "label": "the judge's answer"}, difference]
