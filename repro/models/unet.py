"""U-Net: a network that gives every pixel of an image a score for each class.

Letters: B images, C channels, H rows and W columns of an image, K classes, h and w rows and columns of a feature map.

Source: Ronneberger, Fischer and Brox 2015, *U-Net: Convolutional Networks for Biomedical Image Segmentation*.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.errors import BadInput
from repro.registry import MODELS, wrong_value

Padding = Literal["valid", "same"]


@MODELS.register
class UNet(nn.Module):
    """U-Net: image (B, C, H, W) in [0, 1] -> scores (B, K, H, W), for images of any size.

    Each of `depth` levels has two 3 x 3 convolutions with ReLU, then a 2 x 2 max pooling; the number of channels
    doubles from level to level, from `width`. On the way back, a 2 x 2 up-convolution halves the channels, the map of
    the same level is cropped and concatenated, and two convolutions follow. The last layer is a 1 x 1 convolution.

    - `padding`: "valid" as in the paper: convolutions see only real pixels, and the image is first continued by
      mirroring. "same": zeros around every map, which is faster.
    - `dropout`: the probability of dropout at the end of the contracting path, in [0, 1).
    - `tile`: `estimate` computes the scores in tiles of this many pixels with overlap (Figure 2), so that a large image
      needs no more memory than a tile. A multiple of 2^`depth`. The scores are those of the whole image.

    Initial weights are Gaussian with variance 2 / (number of inputs of a unit), as in Section 3; biases are 0. `widths`
    lists the channels of the maps of `encode`. Raises BadInput for a size below 1 and for other values.

    Example:

        >>> model = UNet(channels=1, classes=2, depth=2, width=8)
        >>> model(torch.rand(3, 1, 50, 41)).shape, model.widths
        (torch.Size([3, 2, 50, 41]), [8, 16, 32])
        >>> same = UNet(channels=1, classes=2, depth=2, width=8, padding="same")
        >>> [tuple(found.shape[1:]) for found in same.encode(torch.rand(1, 1, 32, 32))]
        [(8, 32, 32), (16, 16, 16), (32, 8, 8)]
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        depth: int = 4,
        width: int = 64,
        padding: Padding = "valid",
        dropout: float = 0.0,
        tile: int = 512,
    ) -> None:
        super().__init__()
        for name, size in {"channels": channels, "classes": classes, "depth": depth, "width": width}.items():
            if not isinstance(size, int) or size < 1:
                raise wrong_value(self, name, size, "a whole number from 1")
        if padding not in ("valid", "same"):
            raise wrong_value(self, "padding", padding, "'valid' or 'same'")
        if not 0 <= dropout < 1:
            raise wrong_value(self, "dropout", dropout, "a number from 0, below 1")
        if not isinstance(tile, int) or tile < 1 or tile % 2**depth:
            raise wrong_value(self, "tile", tile, f"a multiple of {2**depth} (2^depth), in pixels")
        self.depth, self.padding, self.tile = depth, padding, tile
        self.widths = [width * 2**level for level in range(depth + 1)]
        pad = 1 if padding == "same" else 0
        self.encoder = Encoder([channels, *self.widths], pad, dropout)
        ends = list(pairwise(self.widths))[::-1]
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in ends)
        self.expanding = nn.ModuleList(_twice(coarse, fine, pad) for fine, coarse in ends)
        self.output = nn.Conv2d(width, classes, 1)
        self.apply(_initialise)

    @property
    def margin(self) -> int:
        """How many pixels the valid convolutions take off on each side: 92 for the depth 4 of the paper."""
        return 6 * 2**self.depth - 4

    def encode(self, image: Tensor) -> list[Tensor]:
        """The maps (B, `widths[n]`, h, w) of the contracting path, from fine to coarse.

        With the padding "same", map n has H // 2^n rows and W // 2^n columns. With "valid" the borders are missing too.
        """
        maps: list[Tensor] = self.encoder(image)
        return maps

    def forward(self, image: Tensor) -> Tensor:
        rows, columns = image.shape[-2:]
        return self._decode(self.encode(self._continued(image)))[..., :rows, :columns]

    def estimate(self, image: Tensor) -> Tensor:
        """The scores (K, H, W) of one image (C, H, W), computed tile by tile."""
        given = image[None].to(self.output.weight.device)
        rows, columns = image.shape[-2:]
        if max(rows, columns) <= self.tile:
            return self.forward(given)[0].cpu()
        continued = self._continued(given)
        lines = [
            torch.cat([self._tile(continued, top, left) for left in range(0, columns, self.tile)], dim=-1)
            for top in range(0, rows, self.tile)
        ]
        return torch.cat(lines, dim=-2)[0, :, :rows, :columns].cpu()

    def _decode(self, found: list[Tensor]) -> Tensor:
        """The scores from the maps of `encode`; with the padding "valid" without a border of `margin` pixels."""
        out = found[-1]
        for up, twice, beside in zip(self.up, self.expanding, found[-2::-1], strict=True):
            raised = up(out)
            out = twice(torch.cat([_cropped(beside, raised), raised], dim=1))
        return self.output(out)

    def _continued(self, image: Tensor) -> Tensor:
        """The image, continued to a size that all levels can halve, and with "valid" by `margin` pixels before it."""
        sides = []
        for size in image.shape[-2:]:
            before, whole = (self.margin, self._valid(size)) if self.padding == "valid" else (0, self._even(size))
            sides.append((before, whole - size - before))
        return mirrored(image, *sides)

    def _even(self, size: int) -> int:
        return math.ceil(size / 2**self.depth) * 2**self.depth

    def _valid(self, size: int) -> int:
        """The smallest input for an output of at least `size`; the coarsest map must have a whole number of pixels."""
        step = 2**self.depth
        return math.ceil((size - 4) / step) * step + 4 + 2 * self.margin

    def _tile(self, continued: Tensor, top: int, left: int) -> Tensor:
        """The scores of one tile, from the part of the continued image on which they depend.

        A tile begins at a multiple of 2^depth, so the max pooling takes the same pixels together as in the whole image.
        """
        cuts, kept = zip(*map(self._part, (top, left), continued.shape[-2:]), strict=True)
        scores = self._decode(self.encode(continued[..., slice(*cuts[0]), slice(*cuts[1])]))
        return scores[..., slice(*kept[0]), slice(*kept[1])]

    def _part(self, start: int, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """The pixels of the continued image that the tile at `start` needs, and the pixels of its scores that count."""
        if self.padding == "valid":
            return (start, min(start + self._valid(self.tile), size)), (0, self.tile)
        border = 7 * 2**self.depth  # at least the margin and the 2^depth - 1 other pixels of a coarsest one
        first = max(0, start - border)
        return (first, min(start + self.tile + border, size)), (start - first, start - first + self.tile)


class Encoder(nn.Module):
    """The contracting path of a U-Net, which other models may use alone: image -> maps, from fine to coarse.

    channels: those of the image, then those of each map. pad: pixels of zeros around every map. Raises BadInput for
    images with other channels.
    """

    def __init__(self, channels: list[int], pad: int, dropout: float) -> None:
        super().__init__()
        self.channels = channels[0]
        self.contracting = nn.ModuleList(_twice(*ends, pad) for ends in pairwise(channels))
        self.dropout = nn.Dropout(dropout)

    def forward(self, image: Tensor) -> list[Tensor]:
        if image.ndim != 4 or not min(image.shape[-2:]):
            raise BadInput(f"models.UNet is given the shape {tuple(image.shape)}", expected="images (B, C, H, W)")
        if image.shape[1] != self.channels:
            said = f"models.UNet.channels is {self.channels}"
            raise BadInput(
                said, expected=f"{image.shape[1]}, as the images have", parameter="channels", value=self.channels
            )
        found = [self.contracting[0](image)]
        for level in self.contracting[1:]:
            found.append(level(functional.max_pool2d(found[-1], 2)))
        return [*found[:-1], self.dropout(found[-1])]


def mirrored(image: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    """The image (..., H, W) continued by mirroring at its border pixels, by (before, after) rows and columns.

    A continuation that is longer than the image is mirrored again at its other border.

    >>> mirrored(torch.tensor([[0.0, 1.0, 2.0]]), (0, 0), (3, 2))
    tensor([[1., 2., 1., 0., 1., 2., 1., 0.]])
    """
    down = _mirrored_places(image.shape[-2], *rows, image.device)
    right = _mirrored_places(image.shape[-1], *columns, image.device)
    return image[..., down[:, None], right]


def _mirrored_places(size: int, before: int, after: int, device: torch.device) -> Tensor:
    """The index in the image for each index of the continued side."""
    last = size - 1
    places = torch.arange(-before, size + after, device=device)
    return last - ((places % (2 * last)) - last).abs() if last else torch.zeros_like(places)


def _twice(channels: int, width: int, pad: int) -> nn.Sequential:
    """Two 3 x 3 convolutions, each with ReLU."""
    first, second = nn.Conv2d(channels, width, 3, padding=pad), nn.Conv2d(width, width, 3, padding=pad)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


def _cropped(wide: Tensor, like: Tensor) -> Tensor:
    """The middle of `wide`, with the rows and columns of `like`."""
    top, left = ((a - b) // 2 for a, b in zip(wide.shape[-2:], like.shape[-2:], strict=True))
    return wide[..., top : top + like.shape[-2], left : left + like.shape[-1]]


def _initialise(layer: nn.Module) -> None:
    """Gaussian weights with variance 2 / N, N the inputs of a unit (Section 3 of the paper)."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        taps = layer.kernel_size[0] ** 2 if isinstance(layer, nn.Conv2d) else 1  # each pixel of an up-convolution has 1
        nn.init.normal_(layer.weight, std=math.sqrt(2 / (layer.in_channels * taps)))
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # every layer has one
