"""A detector of boxes without anchors, on the feature maps of an encoder; and non-maximum suppression.

Letters: B images, C channels, H rows and W columns of an image, K classes, h and w rows and columns of the feature map,
M found boxes.

Source: Tian, Shen, Chen and He 2019, *FCOS: Fully Convolutional One-Stage Object Detection*. We had no access to the
paper: the numbers of the equations are left out.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.datasets.boxes import iou
from repro.datasets.image_tasks import whole
from repro.errors import BadInput
from repro.registry import MODELS, name_of, wrong_value

PRIOR = 0.01
"""The probability that every location has in every class before the training (Lin et al. 2017)."""


@MODELS.register
class BoxHead(nn.Module):
    """A detector: for each location of a feature map a score per class, the distances to the four sides of a box, and
    the centre-ness.

    The feature map is that of number `level` of the encoder, from fine to coarse; -1 is the coarsest. One location of
    it stands for `stride` pixels on each side of the image. Two branches of `layers` 3 x 3 convolutions with group
    normalisation follow, one for the classes, one for the box. The distances are softplus of the output, in strides;
    the paper has the exponential function.

    encoder: a model with `widths`, and a module `encoder(image) -> list of maps (B, widths[n], h, w)`, such as
    `models.UNet` with the padding "same". The head uses this module alone. The sides of an image must be multiples of
    the stride.

    `forward(image (B, C, H, W))` returns a dict: "scores" (B, K, h, w), logits; "distances" (B, 4, h, w) to the left,
    upper, right and lower side, above 0; "centreness" (B, 1, h, w), logits; "stride" (B,). `losses.BoxLoss` takes it.

    `estimate(image (C, H, W))` returns the found boxes in the order of their scores: "boxes" (M, 4) inside the image,
    "scores" (M,) in [0, 1], the probability of the class times the centre-ness, and "classes" (M,). A class with a
    probability below `least` is left out. Of two boxes of a class with an IoU above `overlap`, the one with the
    lower score is left out. M is at most `most`.

    Raises BadInput for another encoder, for a level that the encoder does not have, for sizes below 1, and for
    `least` and `overlap` outside [0, 1].

    Example:

        >>> from repro.models.unet import UNet
        >>> model = BoxHead(UNet(channels=3, classes=1, depth=2, width=8, padding="same"))
        >>> {name: tuple(one.shape) for name, one in model(torch.rand(2, 3, 32, 32)).items()}
        {'scores': (2, 1, 8, 8), 'distances': (2, 4, 8, 8), 'centreness': (2, 1, 8, 8), 'stride': (2,)}
        >>> found = model.estimate(torch.rand(3, 32, 32))  # nothing is learned yet, so no score is high
        >>> found["boxes"].shape
        torch.Size([0, 4])
    """

    def __init__(
        self,
        encoder: Annotated[Any, MODELS],
        level: int = -1,
        classes: int = 1,
        layers: int = 2,
        least: float = 0.05,
        overlap: float = 0.6,
        most: int = 20,
    ) -> None:
        super().__init__()
        for name, size in {"classes": classes, "layers": layers, "most": most}.items():
            whole(self, name, size, 1)
        for name, share in {"least": least, "overlap": overlap}.items():
            if not 0 <= share <= 1:
                raise wrong_value(self, name, share, "a number from 0 to 1")
        if not hasattr(encoder, "widths") or not isinstance(getattr(encoder, "encoder", None), nn.Module):
            raise BadInput(f"{name_of(self)}.encoder is {name_of(encoder)}", expected="a model such as models.UNet")
        if getattr(encoder, "padding", "same") != "same":
            raise BadInput(f"{name_of(encoder)}.padding is '{encoder.padding}'", expected="'same' in models.BoxHead")
        levels = len(encoder.widths)
        if not isinstance(level, int) or not -levels <= level < levels:
            raise wrong_value(self, "level", level, f"a whole number from {-levels} to {levels - 1}")
        self.encoder, self.level = encoder.encoder, level
        self.least, self.overlap, self.most = least, overlap, most
        width = encoder.widths[level]
        self.by_class, self.by_box = _branch(width, layers), _branch(width, layers)
        self.scores = nn.Conv2d(width, classes, 3, padding=1)
        self.distances = nn.Conv2d(width, 4, 3, padding=1)
        self.centreness = nn.Conv2d(width, 1, 3, padding=1)
        nn.init.constant_(self.scores.bias, -math.log((1 - PRIOR) / PRIOR))  # type: ignore[arg-type]  # it has a bias

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        found = self.encoder(image)[self.level]
        stride = self._stride(image, found)
        for_class, for_box = self.by_class(found), self.by_box(found)
        return {
            "scores": self.scores(for_class),
            "distances": functional.softplus(self.distances(for_box)),
            "centreness": self.centreness(for_box),
            "stride": image.new_full((len(image),), stride),
        }

    def _stride(self, image: Tensor, found: Tensor) -> int:
        """How many pixels a location stands for. Raises BadInput if that is not a whole number."""
        (rows, columns), (height, width) = found.shape[-2:], image.shape[-2:]
        stride = height // rows
        if (stride * rows, stride * columns) != (height, width):
            said = f"{name_of(self)} was given images of {height} x {width} pixels for a map of {rows} x {columns}"
            raise BadInput(said, expected="sides that are multiples of the stride, and an encoder with padding 'same'")
        return stride

    def estimate(self, image: Tensor) -> dict[str, Tensor]:
        """The found boxes of one image (C, H, W), with their scores and classes."""
        output = self.forward(image[None].to(self.scores.weight.device))
        chances = output["scores"][0].sigmoid().flatten(1)  # (K, h * w)
        classes, place = chances.ge(self.least).nonzero().T
        scores = (chances * output["centreness"][0].sigmoid().flatten(1))[classes, place]
        limits = torch.tensor(image.shape[-2:]).flip(0).repeat(2).to(scores)
        boxes = boxes_of(output)[0].flatten(0, 1)[place].clamp(min=0).minimum(limits)
        kept = suppressed(boxes, scores, classes, self.overlap)[: self.most]
        return {"boxes": boxes[kept].cpu(), "scores": scores[kept].cpu(), "classes": classes[kept].cpu()}


def _branch(width: int, layers: int) -> nn.Sequential:
    groups = math.gcd(width, 8)
    one = [(nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(groups, width), nn.ReLU()) for _ in range(layers)]
    return nn.Sequential(*(layer for layers_ in one for layer in layers_))


def locations(output: dict[str, Tensor]) -> Tensor:
    """The centre of each location, x and y in pixels: (B, h, w, 2), from the output of a `BoxHead`.

    >>> locations({"scores": torch.zeros(1, 1, 1, 2), "stride": torch.tensor([8.0])}).tolist()
    [[[[4.0, 4.0], [12.0, 4.0]]]]
    """
    rows, columns = output["scores"].shape[-2:]
    stride = output["stride"]
    y, x = torch.meshgrid(torch.arange(rows).to(stride), torch.arange(columns).to(stride), indexing="ij")
    return stride[:, None, None, None] * (torch.stack([x, y], -1) + 0.5)


def boxes_of(output: dict[str, Tensor]) -> Tensor:
    """The box of each location (B, h, w, 4), in pixels, from the output of a `BoxHead`.

    >>> output = {"scores": torch.zeros(1, 1, 1, 1), "stride": torch.tensor([8.0]), "distances": torch.ones(1, 4, 1, 1)}
    >>> boxes_of(output).tolist()
    [[[[-4.0, -4.0, 12.0, 12.0]]]]
    """
    points = locations(output)
    away = output["distances"].movedim(1, -1) * output["stride"][:, None, None, None]
    return torch.cat([points - away[..., :2], points + away[..., 2:]], -1)


def suppressed(boxes: Tensor, scores: Tensor, classes: Tensor, overlap: float) -> Tensor:
    """Non-maximum suppression: the numbers of the boxes that are kept, by falling score.

    A box is left out if its IoU with a kept box of its class with a higher score is above `overlap`. Of equal scores,
    the earlier box comes first. boxes: (M, 4). scores, classes: (M,).

    >>> boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0], [0.0, 0.0, 9.0, 8.0], [5.0, 0.0, 14.0, 9.0]])
    >>> suppressed(boxes, torch.tensor([0.5, 0.9, 0.7]), torch.zeros(3, dtype=torch.int64), overlap=0.5)
    tensor([1, 2])
    """
    order = scores.argsort(descending=True, stable=True)
    boxes, classes = boxes[order], classes[order]
    near = (iou(boxes[:, None], boxes) > overlap) & (classes[:, None] == classes)
    kept = torch.ones(len(order), dtype=torch.bool, device=boxes.device)
    for number in range(len(order)):
        if kept[number]:
            kept[number + 1 :] &= ~near[number, number + 1 :]
    return order[kept]
