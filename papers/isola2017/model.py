"""The generator of the paper, and real images in its place.

Letters: B images, C channels, H rows and W columns of an image.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.errors import BadInput
from repro.models.unet import mirrored
from repro.registry import DATASETS, MODELS, name_of, wrong_value

SLOPE = 0.2  # of a leaky ReLU below 0
WIDEST = 8  # no map has more channels than this times the width
SPREAD = 0.02  # standard deviation of the initial weights


@MODELS.register
class TranslationUNet(nn.Module):
    """The generator: labels (B, C, H, W) -> image (B, 1, H, W) in [0, 1], for images of any size.

    `depth` convolutions of 4 x 4 with stride 2, each with normalisation (but the first) and leaky ReLU. The channels
    double from `width`, up to 8 times the width. As many transposed convolutions lead back. The map of the same size is
    concatenated before each of them. The last layer ends with (tanh + 1) / 2.

    - `dropout`: the probability of dropout in the first `noisy` transposed convolutions: the only noise (Section 3.1).
      As in the paper it is also there in the test. There all images get one draw, which depends on `seed`.
    - Normalisation: each channel of each image to mean 0 and variance 1, then scaled and shifted. This is the paper's
      batch normalisation with the statistics of the test batch, for batches of one image (Section 3.3).

    Images whose sides are no multiples of 2^`depth` are continued by mirroring. Initial weights are Gaussian with
    standard deviation 0.02. Raises BadInput for wrong values, and for images with other channels.

    Source: Section 3.2.1; the layers are those of the paper's code (https://github.com/phillipi/pix2pix).

    Example:

        >>> model = TranslationUNet(width=4, depth=2, noisy=1).eval()
        >>> image = model(torch.rand(3, 1, 50, 41))
        >>> image.shape, bool(image.min() >= 0), bool(image.max() <= 1)
        (torch.Size([3, 1, 50, 41]), True, True)
    """

    def __init__(
        self, width: int = 64, depth: int = 8, dropout: float = 0.5, noisy: int = 3, channels: int = 1, seed: int = 0
    ) -> None:
        super().__init__()
        least = {"width": (width, 1), "depth": (depth, 2), "noisy": (noisy, 0), "channels": (channels, 1)}
        for name, (value, lowest) in {**least, "seed": (seed, 0)}.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
                raise wrong_value(self, name, value, f"a whole number from {lowest}")
        if noisy >= depth:
            raise wrong_value(self, "noisy", noisy, f"at most {depth - 1}: the last layer has no dropout")
        if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout < 1:
            raise wrong_value(self, "dropout", dropout, "a number from 0, below 1")
        self.channels, self.dropout, self.noisy, self.seed = channels, dropout, noisy, seed
        widths = [width * min(2**level, WIDEST) for level in range(depth)]
        self.down = nn.ModuleList(nn.Conv2d(*ends, 4, 2, 1) for ends in pairwise([channels, *widths]))
        into = [widths[-1], *(2 * wide for wide in widths[-2::-1])]
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(*ends, 4, 2, 1) for ends in zip(into, [*widths[-2::-1], 1], strict=True)
        )
        self.down_norms = nn.ModuleList(nn.InstanceNorm2d(wide, affine=True) for wide in widths[1:-1])
        self.up_norms = nn.ModuleList(nn.InstanceNorm2d(wide, affine=True) for wide in widths[-2::-1])
        for layer in [*self.down, *self.up]:
            nn.init.normal_(layer.weight, std=SPREAD)
            nn.init.zeros_(layer.bias)

    def forward(self, labels: Tensor) -> Tensor:
        if labels.ndim != 4 or labels.shape[1] != self.channels or not min(labels.shape[-2:]):
            expected = f"(B, {self.channels}, H, W), as channels is {self.channels}"
            raise BadInput(f"{name_of(self)} is given the shape {tuple(labels.shape)}", expected=expected)
        rows, columns = labels.shape[-2:]
        return (self._decode(self._encode(self._continued(labels))).tanh() + 1)[..., :rows, :columns] / 2

    def _continued(self, labels: Tensor) -> Tensor:
        step = 2 ** len(self.down)
        after = [math.ceil(size / step) * step - size for size in labels.shape[-2:]]
        return mirrored(labels, (0, after[0]), (0, after[1]))

    def _encode(self, labels: Tensor) -> list[Tensor]:
        """The maps of the convolutions, from fine to coarse, before their nonlinearity."""
        found = [self.down[0](labels)]
        for number, layer in enumerate(self.down[1:]):
            into = layer(functional.leaky_relu(found[-1], SLOPE))
            # the coarsest map may have one pixel, which normalisation would set to 0
            found.append(self.down_norms[number](into) if number < len(self.down_norms) else into)
        return found

    def _decode(self, found: list[Tensor]) -> Tensor:
        out = found[-1]
        for number, (layer, norm, beside) in enumerate(zip(self.up, self.up_norms, found[-2::-1], strict=False)):
            raised = norm(layer(out.relu()))
            out = torch.cat([self._dropped(raised, number) if number < self.noisy else raised, beside], dim=1)
        last: Tensor = self.up[-1](out.relu())
        return last

    def _dropped(self, maps: Tensor, number: int) -> Tensor:
        """Dropout. In the test all images get the same draw, so that an answer does not depend on other images."""
        if self.training:
            return functional.dropout(maps, self.dropout)
        random = torch.Generator().manual_seed(1000 * self.seed + number)
        kept = torch.rand(maps.shape[1:], generator=random) >= self.dropout
        return maps * kept.to(maps.device) / (1 - self.dropout)


@MODELS.register
class RealImages(nn.Module):
    """The real image of given labels, in place of a generator: labels (B, C, H, W) -> images (B, 1, H, W).

    It looks the labels up in `source`, a dataset of labels and images such as `datasets.LabelsToImages`. Its score is
    that of perfect answers (row "Ground truth" of Table 1). It learns nothing. Raises BadInput if two items have the
    same labels, and for labels that `source` does not have.

    Example:

        >>> from papers.isola2017.dataset import LabelsToImages
        >>> from repro.datasets.cells import Cells
        >>> source = LabelsToImages(Cells(count=2, size=32))
        >>> labels, image = source[1]
        >>> bool((RealImages(source)(labels[None])[0] == image).all())
        True
    """

    def __init__(self, source: Annotated[Any, DATASETS]) -> None:
        super().__init__()
        items = [source[index] for index in range(len(source))]
        self.images = {_key(labels): image for labels, image in items}
        if len(self.images) < len(items):
            raise BadInput(f"{name_of(self)}.source has two items with the same labels", expected="different labels")

    def forward(self, labels: Tensor) -> Tensor:
        if missing := [one for one in labels if _key(one) not in self.images]:
            said = f"{name_of(self)}.source has no item with the given labels of shape {tuple(missing[0].shape)}"
            raise BadInput(said, expected="the test set as the source")
        return torch.stack([self.images[_key(one)] for one in labels])


def _key(labels: Tensor) -> tuple[tuple[int, ...], bytes]:
    return tuple(labels.shape), labels.cpu().numpy().tobytes()
