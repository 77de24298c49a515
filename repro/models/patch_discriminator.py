"""PatchGAN: a convolutional discriminator that judges every patch of an image.

Letters: B items, C channels, H rows and W columns of an image, h and w rows and columns of the scores.

Source: Isola, Zhu, Zhou and Efros 2017, *Image-to-Image Translation with Conditional Adversarial Networks*, Section
3.2.2 and appendix 6.1.2.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.registry import MODELS, name_of, wrong_value

NORMS: dict[str, Any] = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d, "none": nn.Identity}


@MODELS.register
class PatchDiscriminator(nn.Module):
    """PatchGAN: images (B, C, H, W) -> scores (B, 1, h, w), one for each patch.

    4 x 4 convolutions with leaky ReLU (slope 0.2): `depth` of them with stride 2, then one with stride 1 and the one
    that gives the scores. The channels double from `width` to at most 8 `width`. A score depends on `patch` pixels of
    a side: 70 with `depth` 3, as in the paper, 34 with 2, 16 with 1. With `depth` 0 all convolutions are 1 x 1 (the
    PixelGAN of the paper).

    - `channels`: of the images. `given`: channels of the inputs, if `conditional`.
    - `conditional`: the discriminator sees the inputs too, images of the same size. Otherwise it ignores them.
    - `norm`: "batch", "instance" (for batches of one image) or "none", after all convolutions but the first and last.

    Initial weights are Gaussian with standard deviation 0.02. Raises BadInput for other values, for images with other
    channels, and for images that are too small for a score.

    Example:

        >>> model = PatchDiscriminator(channels=1, given=1, width=8, depth=3)
        >>> images, inputs = torch.rand(2, 1, 64, 64), torch.rand(2, 1, 64, 64)
        >>> model(images, inputs).shape, model.patch
        (torch.Size([2, 1, 6, 6]), 70)
        >>> PatchDiscriminator(channels=1, width=8, conditional=False)(images, inputs).shape
        torch.Size([2, 1, 6, 6])
    """

    def __init__(
        self,
        channels: int,
        given: int = 1,
        width: int = 64,
        depth: int = 3,
        conditional: bool = True,
        norm: Literal["batch", "instance", "none"] = "batch",
    ) -> None:
        super().__init__()
        for name, size, least in (
            ("channels", channels, 1),
            ("given", given, 1),
            ("width", width, 1),
            ("depth", depth, 0),
        ):
            if isinstance(size, bool) or not isinstance(size, int) or size < least:
                raise wrong_value(self, name, size, f"a whole number from {least}")
        if norm not in NORMS:
            raise wrong_value(self, "norm", norm, " or ".join(map(repr, NORMS)))
        if not isinstance(conditional, bool):
            raise wrong_value(self, "conditional", conditional, "True or False")
        self.conditional, self.depth, self.given = conditional, depth, given
        self.seen = channels + (given if conditional else 0)
        widths = [width * min(2**level, 8) for level in range(max(depth, 1) + 1)]
        strides = [2] * depth + [1] * (len(widths) - depth)
        ends = pairwise([self.seen, *widths])
        steps = zip(ends, strides, [nn.Identity, *[NORMS[norm]] * depth, NORMS[norm]], strict=False)
        layers = [self._layer(*ends, stride, kind) for ends, stride, kind in steps]
        self.layers = nn.Sequential(*layers, self._convolution(widths[-1], 1, 1))

    @property
    def patch(self) -> int:
        """The rows, and columns, of the patch on which a score depends, in pixels."""
        size = 1
        for stride in [1, 1] + [2] * self.depth if self.depth else []:
            size = (size - 1) * stride + 4
        return size

    def forward(self, images: Tensor, inputs: Any) -> Tensor:
        if self.conditional and not _one_size(images, inputs):
            shape = tuple(inputs.shape) if isinstance(inputs, Tensor) else type(inputs).__name__
            said = f"{name_of(self)} is given images {tuple(images.shape)} and inputs {shape}"
            raise BadInput(said, expected=f"inputs (B, {self.given}, H, W) of the same size, or conditional = False")
        given = torch.cat([images, inputs], 1) if self.conditional else images
        if given.ndim != 4 or given.shape[1] != self.seen:
            what = "images and inputs" if self.conditional else "images"
            said = f"{name_of(self)} is given {what} of the shape {tuple(given.shape)}"
            raise BadInput(said, expected=f"(B, {self.seen}, H, W)")
        if self.depth and min(given.shape[-2:]) < 3 * 2**self.depth:
            raise wrong_value(self, "depth", self.depth, f"less, for images of {tuple(given.shape[-2:])} pixels")
        return self.layers(given)

    def _convolution(self, before: int, after: int, stride: int) -> nn.Conv2d:
        made = nn.Conv2d(before, after, 4, stride, padding=1) if self.depth else nn.Conv2d(before, after, 1)
        nn.init.normal_(made.weight, std=0.02)
        nn.init.zeros_(made.bias)  # type: ignore[arg-type]  # it has one
        return made

    def _layer(self, before: int, after: int, stride: int, norm: Any) -> nn.Sequential:
        return nn.Sequential(self._convolution(before, after, stride), norm(after), nn.LeakyReLU(0.2))


def _one_size(images: Tensor, inputs: Any) -> bool:
    """True if the inputs are images of the same number and size; their channels may differ."""
    if not isinstance(inputs, Tensor) or images.ndim != 4 or inputs.ndim != 4 or images.dtype != inputs.dtype:
        return False
    return images.shape[0] == inputs.shape[0] and images.shape[2:] == inputs.shape[2:]
