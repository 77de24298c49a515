"""Image classifiers: a plain convolutional network, a residual network, and the blocks of MobileNet.

Letters: B images, C channels of an image, H rows, W columns, K classes, D feature maps of h rows and w columns.

A classifier has `forward(images (B, C, H, W)) -> scores (B, K)`. Its module `features` gives the feature maps
(B, D, h, w), and its module `head` makes scores of their means. `repro.models.explanations` uses `features`, and
`repro.models.weights` replaces `head`.

Each ReLU is a module of its own and does not change its input in place, because explanations need this. `norm` is
"batch" (batch normalisation, as in the papers) or "group" (group normalisation, with up to 8 groups). Only with "group"
are the scores of an image independent of its batch in training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from torch import Tensor, nn

from repro.errors import BadInput
from repro.registry import MODELS, name_of, wrong_value

Norm = Literal["batch", "group"]
Block = Literal["separable", "inverted"]
GROUPS = 8  # the largest number of groups of group normalisation


@MODELS.register
class SmallCNN(nn.Module):
    """A plain convolutional network: images (B, C, H, W) -> scores (B, K).

    Each of `blocks` blocks has a 3 x 3 convolution, a normalisation, a ReLU and 2 x 2 max pooling. The first has
    `width` feature maps, each further one twice as many. `classes`: K, from 2. `channels`: C. `norm`: see the module.
    Numbers are whole and from 1. Raises BadInput for another value.

    Example:

        >>> import torch
        >>> model = SmallCNN(classes=3, width=8, blocks=3)
        >>> model(torch.rand(2, 3, 64, 64)).shape, model.features(torch.rand(2, 3, 64, 64)).shape
        (torch.Size([2, 3]), torch.Size([2, 32, 8, 8]))
    """

    def __init__(self, classes: int, channels: int = 3, width: int = 16, blocks: int = 4, norm: Norm = "batch") -> None:
        super().__init__()
        _check(self, norm, classes=classes, channels=channels, width=width, blocks=blocks)
        sizes = [channels, *(width * 2**n for n in range(blocks))]
        parts = [(*_convolution(*size, 3, norm), nn.MaxPool2d(2, ceil_mode=True)) for size in pairwise(sizes)]
        self.features = nn.Sequential(*(layer for part in parts for layer in part))
        self.head = nn.Linear(sizes[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        return _scores(self, images)


@MODELS.register
class PreActivationResNet(nn.Module):
    """A residual network with pre-activation: images (B, C, H, W) -> scores (B, K).

    A block adds to its input what two 3 x 3 convolutions make of it, each after a normalisation and a ReLU. So the
    input passes through unchanged. `blocks`: the number of blocks in each stage. The first stage has `width` feature
    maps. Each further stage has twice as many, with half the rows and columns; there, a 1 x 1 convolution changes the
    size of the input. `classes`: K, from 2. `channels`: C. `norm`: see the module. Numbers are whole and from 1. Raises
    BadInput for another value. Source: He, Zhang, Ren and Sun 2016, *Identity Mappings in Deep Residual Networks*,
    Figure 4 (e).

    Example:

        >>> import torch
        >>> model = PreActivationResNet(classes=3, width=8, blocks=(1, 1))
        >>> model(torch.rand(2, 3, 64, 64)).shape, model.features(torch.rand(2, 3, 64, 64)).shape
        (torch.Size([2, 3]), torch.Size([2, 16, 32, 32]))
    """

    def __init__(
        self,
        classes: int,
        channels: int = 3,
        width: int = 16,
        blocks: Sequence[int] = (2, 2, 2),
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        _check(self, norm, classes=classes, channels=channels, width=width)
        sizes = _stages(self, blocks, width)
        steps = [Residual(old, new, stride, norm) for old, new, stride in sizes]
        last = sizes[-1][1]
        stem = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.features = nn.Sequential(stem, *steps, _norm(last, norm), nn.ReLU())
        self.head = nn.Linear(last, classes)

    def forward(self, images: Tensor) -> Tensor:
        return _scores(self, images)


class Residual(nn.Module):
    """A block with pre-activation: (B, D, h, w) -> (B, E, h / stride, w / stride), where D is `old` and E is `new`.

    >>> import torch
    >>> block = Residual(4, 4, 1, "batch")
    >>> _ = nn.init.zeros_(block.second[-1].weight)
    >>> maps = torch.rand(2, 4, 8, 8)
    >>> bool((block(maps) == maps).all())
    True
    """

    def __init__(self, old: int, new: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.before = nn.Sequential(_norm(old, norm), nn.ReLU())
        self.first = nn.Conv2d(old, new, 3, stride, padding=1, bias=False)
        self.second = nn.Sequential(_norm(new, norm), nn.ReLU(), nn.Conv2d(new, new, 3, padding=1, bias=False))
        changes = old != new or stride != 1
        self.shortcut = nn.Conv2d(old, new, 1, stride, bias=False) if changes else None

    def forward(self, maps: Tensor) -> Tensor:
        active = self.before(maps)
        passed = maps if self.shortcut is None else self.shortcut(active)
        return passed + self.second(self.first(active))


@MODELS.register
class MobileNetBlocks(nn.Module):
    """The blocks of MobileNet, for small images: images (B, C, H, W) -> scores (B, K).

    `block` "separable": a 3 x 3 convolution of each feature map on its own, then a 1 x 1 convolution over all, each
    with a normalisation and a ReLU. "inverted": a 1 x 1 convolution to `expansion` times as many maps comes first, the
    last 1 x 1 convolution has no ReLU, and the input is added if its size is the same. `blocks`: the number of blocks
    in each stage; stages and `width` are as in `models.PreActivationResNet`. A first 3 x 3 convolution halves rows and
    columns. `classes`: K, from 2. `channels`: C. `norm`: see the module. Numbers are whole and from 1. Raises BadInput
    for another value. Source: Howard et al. 2017, *MobileNets*, Section 3.1; Sandler et al. 2018, *MobileNetV2*,
    Section 3.

    Example:

        >>> import torch
        >>> model = MobileNetBlocks(classes=3, width=8, blocks=(1, 1), block="inverted")
        >>> model(torch.rand(2, 3, 64, 64)).shape, model.features(torch.rand(2, 3, 64, 64)).shape
        (torch.Size([2, 3]), torch.Size([2, 16, 16, 16]))
    """

    def __init__(
        self,
        classes: int,
        channels: int = 3,
        width: int = 16,
        blocks: Sequence[int] = (1, 2, 2),
        block: Block = "inverted",
        expansion: int = 4,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        _check(self, norm, classes=classes, channels=channels, width=width, expansion=expansion)
        if block not in ("separable", "inverted"):
            raise wrong_value(self, "block", block, "'separable' or 'inverted'")
        sizes = _stages(self, blocks, width)
        made = [Inverted(*size, expansion, norm) if block == "inverted" else _separable(*size, norm) for size in sizes]
        last = sizes[-1][1]
        self.features = nn.Sequential(*_convolution(channels, width, 3, norm, stride=2), *made)
        self.head = nn.Linear(last, classes)

    def forward(self, images: Tensor) -> Tensor:
        return _scores(self, images)


class Inverted(nn.Module):
    """An inverted residual block: (B, D, h, w) -> (B, E, h / stride, w / stride), where D is `old` and E is `new`.

    >>> import torch
    >>> Inverted(4, 4, 1, expansion=2, norm="batch")(torch.rand(2, 4, 8, 8)).shape
    torch.Size([2, 4, 8, 8])
    """

    def __init__(self, old: int, new: int, stride: int, expansion: int, norm: Norm) -> None:
        super().__init__()
        inner = old * expansion
        self.adds = old == new and stride == 1
        self.inner = nn.Sequential(
            *_convolution(old, inner, 1, norm),
            *_convolution(inner, inner, 3, norm, stride=stride, groups=inner),
            *_convolution(inner, new, 1, norm)[:-1],
        )

    def forward(self, maps: Tensor) -> Tensor:
        found = self.inner(maps)
        return maps + found if self.adds else found


def _scores(model: Any, images: Tensor) -> Tensor:
    """The scores (B, K) from the mean of the last feature maps. Raises BadInput for images that do not fit."""
    channels = model.features[0].in_channels
    if images.ndim != 4:
        raise BadInput(f"{name_of(model)} is given the shape {tuple(images.shape)}", expected="images (B, C, H, W)")
    if images.shape[1] != channels:
        raise wrong_value(model, "channels", channels, f"{images.shape[1]}, as the images have")
    try:
        scores: Tensor = model.head(model.features(images).mean((2, 3)))
    except ValueError as error:  # of a batch normalisation; all other shapes are right
        said = f"{name_of(model)} cannot normalise feature maps of 1 x 1 pixel in a batch of {len(images)}: {error}"
        raise BadInput(said, expected="a larger batch, larger images, fewer blocks, or norm = 'group'") from None
    return scores


def _separable(old: int, new: int, stride: int, norm: Norm) -> nn.Sequential:
    depthwise = _convolution(old, old, 3, norm, stride=stride, groups=old)
    return nn.Sequential(*depthwise, *_convolution(old, new, 1, norm))


def _convolution(old: int, new: int, side: int, norm: Norm, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution, its normalisation and its ReLU."""
    convolution = nn.Conv2d(old, new, side, stride, padding=side // 2, groups=groups, bias=False)
    return [convolution, _norm(new, norm), nn.ReLU()]


def _norm(maps: int, norm: Norm) -> nn.Module:
    return nn.BatchNorm2d(maps) if norm == "batch" else nn.GroupNorm(math.gcd(GROUPS, maps), maps)


def _stages(model: nn.Module, blocks: Sequence[int], width: int) -> list[tuple[int, int, int]]:
    """The feature maps before and after each block, and its stride."""
    given = list(blocks) if isinstance(blocks, (list, tuple)) else []
    if not given or any(isinstance(one, bool) or not isinstance(one, int) or one < 1 for one in given):
        raise wrong_value(model, "blocks", blocks, "a list of whole numbers from 1, one for each stage")
    sizes = [width * 2**stage for stage, number in enumerate(given) for _ in range(number)]
    return [(old, new, 2 if new > old else 1) for old, new in pairwise([width, *sizes])]


def _check(model: nn.Module, norm: str, **numbers: int) -> None:
    """Raise BadInput unless each of `numbers` is whole and from 1 (`classes`: from 2), and `norm` is known."""
    for name, value in numbers.items():
        least = 2 if name == "classes" else 1
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise wrong_value(model, name, value, f"a whole number from {least}")
    if norm not in ("batch", "group"):
        raise wrong_value(model, "norm", norm, "'batch' or 'group'")
