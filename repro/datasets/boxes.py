"""Boxes in images: how targets with boxes look, their checks, and datasets that make such targets.

Letters: B images of a batch, N true boxes of an image, H rows and W columns of an image, K classes.

A *box* is `x0, y0, x1, y1` in pixels, float32: columns from x0 to x1, rows from y0 to y1, with x0 < x1 and y0 < y1. A
box around the whole image is 0, 0, W, H.

A *target* of an image is its boxes (N, 4) if there is one class. With several classes, it is the dict
`{"boxes": (N, 4), "classes": (N,)}`; a class is an int64 in [0, K). An image may have no box. Torch makes a batch only
if all images have the same N. If they do not, `datasets.PaddedBoxes` adds rows of the class `NONE`; losses and metrics
leave these out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import Dataset

from repro.data import mask_panels
from repro.datasets.image_tasks import box_around, whole
from repro.errors import BadInput
from repro.registry import DATASETS, name_of

NONE = -1
"""The class of a row that is no box."""
PASSED_ON = ("names", "set_epoch")
"""The attributes of a dataset that these datasets have too."""


def checked(boxes: Tensor, height: int, width: int, place: str) -> Tensor:
    """The same boxes (N, 4), if they are boxes of an image of `height` x `width` pixels.

    place: the file or the item, for the message. Raises BadInput for another shape or type, a value that is not
    finite, a box without area, and a box that is partly outside the image.

    >>> checked(torch.tensor([[0.0, 0.0, 9.0, 5.0]]), height=4, width=9, place="cat.xml")
    Traceback (most recent call last):
    repro.errors.BadInput: cat.xml: box 1 is 0, 0, 9, 5; expected it inside the image, 0, 0, 9, 4
    """
    if not isinstance(boxes, Tensor) or boxes.dtype != torch.float32 or boxes.ndim != 2 or boxes.shape[1] != 4:
        raise BadInput(f"the boxes are {_kind(boxes)}", place, expected="float32 of the shape (N, 4)")
    for number, box in enumerate(boxes, 1):
        x0, y0, x1, y1 = box.tolist()
        said = f"box {number} is {x0:g}, {y0:g}, {x1:g}, {y1:g}"
        if not box.isfinite().all():
            raise BadInput(said, place, expected="finite numbers")
        if x1 <= x0 or y1 <= y0:
            raise BadInput(said, place, expected="x0, y0, x1, y1 with x0 < x1 and y0 < y1")
        if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
            raise BadInput(said, place, expected=f"it inside the image, 0, 0, {width}, {height}")
    return boxes


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} of the shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"


def split(target: Any) -> tuple[Tensor, Tensor]:
    """The boxes (..., N, 4) and their classes (..., N) of a target, of an image or of a batch; one class is class 0.

    Raises BadInput for a target of another form.

    >>> split(torch.zeros(2, 4))[1]
    tensor([0, 0])
    """
    if isinstance(target, Tensor) and target.ndim > 1 and target.shape[-1] == 4:
        return target, torch.zeros(target.shape[:-1], dtype=torch.int64, device=target.device)
    if isinstance(target, Mapping) and {"boxes", "classes"} <= set(target):
        boxes, classes = target["boxes"], target["classes"]
        if boxes.ndim > 1 and boxes.shape[-1] == 4 and classes.shape == boxes.shape[:-1]:
            return boxes, classes.long()
    given = "a dict of other entries or shapes" if isinstance(target, Mapping) else _kind(target)
    raise BadInput(f"the target is {given}", expected="boxes (N, 4), or a dict of boxes (N, 4) and classes (N,)")


def kept(target: Any) -> tuple[Tensor, Tensor]:
    """The boxes (N, 4) and classes (N,) of one image, without the rows of the class `NONE`.

    >>> [len(one) for one in kept({"boxes": torch.ones(3, 4), "classes": torch.tensor([1, NONE, 0])})]
    [2, 2]
    """
    boxes, classes = split(target)
    return boxes[classes != NONE], classes[classes != NONE]


def refuse_no_boxes(boxes: Tensor, classes: Tensor, empty: bool = False) -> None:
    """Raise BadInput if a true box with a class is no box: not finite, or without area. Nothing could ever find it.

    boxes: (..., N, 4). classes: (..., N). `empty`: allow boxes without area, such as a row of zeros.

    >>> refuse_no_boxes(torch.tensor([[9.0, 0.0, 3.0, 4.0]]), torch.tensor([0]))
    Traceback (most recent call last):
    repro.errors.BadInput: a true box is 9, 0, 3, 4; expected finite x0 < x1 and y0 < y1, or the class -1 for no box
    """
    given = boxes[classes != NONE]
    sides = given[:, 2:] - given[:, :2]
    wrong = ~(given.isfinite().all(-1) & (sides >= 0 if empty else sides > 0).all(-1))
    if wrong.any():
        said = ", ".join(f"{one:g}" for one in given[wrong][0].tolist())
        raise BadInput(f"a true box is {said}", expected="finite x0 < x1 and y0 < y1, or the class -1 for no box")


def area(boxes: Tensor) -> Tensor:
    """The area (...) of boxes (..., 4); 0 if x1 <= x0 or y1 <= y0.

    >>> area(torch.tensor([[0.0, 0.0, 3.0, 2.0], [4.0, 0.0, 3.0, 2.0]]))
    tensor([6., 0.])
    """
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def intersection(first: Tensor, second: Tensor) -> Tensor:
    """The area (...) that two boxes share; the shapes (..., 4) are broadcast.

    >>> intersection(torch.tensor([0.0, 0.0, 3.0, 2.0]), torch.tensor([[1.0, 1.0, 4.0, 4.0], [5.0, 0.0, 6.0, 1.0]]))
    tensor([2., 0.])
    """
    corners = torch.maximum(first[..., :2], second[..., :2]), torch.minimum(first[..., 2:], second[..., 2:])
    return area(torch.cat(torch.broadcast_tensors(*corners), -1))


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union (...) of two boxes, in [0, 1]; the shapes (..., 4) are broadcast. 0 if both have no area.

    `iou(found[:, None], true)` compares each found box with each true one.

    >>> iou(torch.tensor([0.0, 0.0, 2.0, 2.0]), torch.tensor([[0.0, 0.0, 2.0, 1.0], [5.0, 0.0, 6.0, 1.0]]))
    tensor([0.5000, 0.0000])
    """
    shared = intersection(first, second)
    union = area(first) + area(second) - shared
    return shared / torch.where(union > 0, union, 1.0)


@DATASETS.register
class PaddedBoxes(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """A dataset with boxes in which every image has `most` rows, so that torch can make batches.

    Item: `(image, {"boxes": (most, 4), "classes": (most,)})`. The added rows have the class -1 (`NONE`) and zeros as
    box. most: from 1. Raises BadInput for another number, for an image with more boxes, and for what is no box of its
    image (`checked`).

    Example:

        >>> from repro.datasets.shapes import Shapes
        >>> PaddedBoxes(Shapes(items=3, task="box"), most=3)[0][1]["classes"]
        tensor([ 0, -1, -1])
    """

    def __init__(self, source: Annotated[Any, DATASETS], most: int) -> None:
        whole(self, "most", most, 1)
        self.source, self.most = source, most

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        image, target = self.source[index]
        boxes, classes = kept(target)
        place = f"item {index} of {name_of(self.source)}"
        checked(boxes, image.shape[-2], image.shape[-1], place)
        more = self.most - len(boxes)
        if more < 0:
            said = f"{place} has {len(boxes)} boxes"
            raise BadInput(said, expected=f"at most {self.most}: set {name_of(self)}.most")
        return image, {"boxes": pad(boxes, (0, 0, 0, more)), "classes": pad(classes, (0, more), value=NONE)}

    illustrate = staticmethod(mask_panels.show_boxes)

    def __getattr__(self, name: str) -> Any:
        return _passed_on(self, name)

    def fingerprint(self) -> str:
        """Digest of the source and of the number of rows."""
        return _digest(self.source.fingerprint(), self.most)


@DATASETS.register
class BoxesOfMasks(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """The boxes around the classes of masks. So an augmentation that moves a mask moves the box too.

    Item: `(image, {"boxes": (K, 4), "classes": (K,)})`, from items `(image, mask (H, W))` of `source`. Row k is the
    smallest box around the pixels of the mask with the value k + 1; its class is k, or -1 if there is no such pixel. K
    is `classes`, from 1. Raises BadInput for another number, and if the items have no masks.

    Example:

        >>> from repro.datasets.shapes import Shapes
        >>> masks, boxes = Shapes(items=3, task="mask"), Shapes(items=3, task="box")
        >>> bool((BoxesOfMasks(masks)[2][1]["boxes"] == boxes[2][1]).all())
        True
    """

    def __init__(self, source: Annotated[Any, DATASETS], classes: int = 1) -> None:
        whole(self, "classes", classes, 1)
        self.source, self.classes = source, classes

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        image, mask = self.source[index]
        if not isinstance(mask, Tensor) or mask.shape != image.shape[-2:]:
            said = f"item {index} of {name_of(self.source)} has a target that is {_kind(mask)}"
            raise BadInput(said, expected=f"a mask {tuple(image.shape[-2:])}, as the image")
        rows = list(self._rows(mask))
        return image, {"boxes": torch.cat([box for box, _ in rows]), "classes": torch.tensor([row for _, row in rows])}

    def _rows(self, mask: Tensor) -> Iterator[tuple[Tensor, int]]:
        for number in range(self.classes):
            inside = mask == number + 1
            yield (box_around(inside), number) if inside.any() else (torch.zeros(1, 4), NONE)

    def illustrate(self, inputs: Tensor, target: Any, estimate: Any, stem: Path) -> list[dict[str, Any]]:
        """Write the image, with its true and its found boxes."""
        return mask_panels.show_boxes(inputs, target, estimate, stem, ("object",) if self.classes == 1 else ())

    def __getattr__(self, name: str) -> Any:
        return _passed_on(self, name)

    def fingerprint(self) -> str:
        """Digest of the source and of the number of classes."""
        return _digest(self.source.fingerprint(), self.classes)


def _passed_on(dataset: Any, name: str) -> Any:
    if name not in PASSED_ON or "source" not in vars(dataset):  # without a source: while it is unpickled
        raise AttributeError(f"{type(dataset).__name__} has no attribute {name!r}")
    return getattr(dataset.source, name)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:16]
