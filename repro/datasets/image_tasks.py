"""What an item of a data set of images with masks is, for each task: a class, a mask or boxes.

Letters: H rows and W columns of an image, N boxes.

A *mask* (H, W) int64 has 1 where the object is, 0 elsewhere, and -1 where nobody decided, such as at a border. A *box*
is four float32 numbers in pixels, `x0, y0, x1, y1`: columns from x0 to x1, rows from y0 to y1. The lower right pixel of
a box has the column x1 - 1 and the row y1 - 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from repro.data import mask_panels, panels
from repro.errors import BadInput
from repro.registry import wrong_value

Task = Literal["class", "mask", "box", "class_and_mask"]
TASKS: tuple[Task, ...] = ("class", "mask", "box", "class_and_mask")


def target(task: Task, label: int, mask: Tensor) -> Any:
    """The target of an item: the class, the mask (H, W) int64, the boxes (1, 4), or a dict of class and mask.

    Each image has one box, so torch's default collate makes a batch (B, 1, 4) of the boxes.

    >>> mask = torch.tensor([[0, 0, 0], [-1, 1, 1]])
    >>> target("class", 2, mask), target("box", 2, mask).tolist(), sorted(target("class_and_mask", 2, mask))
    (2, [[1.0, 1.0, 3.0, 2.0]], ['class', 'mask'])
    """
    if task == "class":
        return label
    if task == "box":
        return box_around(mask)
    return mask.long() if task == "mask" else {"class": label, "mask": mask.long()}


def box_around(mask: Tensor) -> Tensor:
    """The smallest box around the pixels of the object, (1, 4) float32. Raises BadInput if there is no such pixel."""
    rows, columns = (torch.nonzero((mask == 1).any(axis)).flatten() for axis in (1, 0))
    if not len(rows):
        raise BadInput("the mask has no pixel of the object", expected="at least one pixel with the value 1")
    return torch.tensor([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], dtype=torch.float32)


def illustrate(
    task: Task, inputs: Tensor, target: Any, estimate: Any, stem: Path, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Write what shows an item of `task` with a model's answer: `illustrate` of a dataset without its own."""
    if task == "class":
        return panels.show_image(inputs, target, estimate, stem, classes)
    if task == "mask":
        names = ("background", "object") if len(estimate) == 2 else ()
        return mask_panels.show_mask(inputs, target, estimate, stem, names)
    if task == "box":
        return mask_panels.show_boxes(inputs, target, estimate, stem, ("object",))
    return mask_panels.show_maps(inputs, target, estimate, stem, classes)


def checked(dataset: object, task: str, size: object, least: int = 8) -> None:
    """Raise BadInput if `task` is not one of `TASKS`, or `size` is not a whole number of at least `least` pixels."""
    if task not in TASKS:
        raise wrong_value(dataset, "task", task, f"one of {', '.join(TASKS)}")
    whole(dataset, "size", size, least)


def whole(part: object, parameter: str, value: object, least: int) -> None:
    """Raise BadInput if `value` is not a whole number from `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise wrong_value(part, parameter, value, f"a whole number from {least}")
