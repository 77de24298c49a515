"""A sliding-window network: it classifies one pixel from the window around it.

Letters: B items, C channels, H rows and W columns of an image, S rows and columns of a window, K classes.

Source: Ciresan, Giusti, Gambardella and Schmidhuber 2012, *Deep Neural Networks Segment Neuronal Membranes in Electron
Microscopy Images*.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from repro.errors import BadInput
from repro.models.unet import mirrored
from repro.registry import MODELS, name_of, wrong_value

TAPS = 4  # pixels of a side of a convolution


@MODELS.register
class SlidingWindow(nn.Module):
    """The class of the middle pixel of a window: windows (B, C, S, S) in [0, 1] -> scores (B, K).

    Each of `blocks` blocks has a convolution of 4 x 4 to `width` channels, ReLU, and a 2 x 2 max pooling; then follow a
    layer of `hidden` units that sees the whole rest, and one of K scores. The network of the source has a `window` of
    95, 48 channels, 4 blocks and 200 units.

    `estimate` gives a score to each pixel of an image: image (C, H, W) -> scores (K, H, W), the image mirrored at its
    borders. It does not cut the windows out, because neighbouring ones share most of their computation: it does without
    the strides of the pooling, and puts the taps of all later layers twice as far apart instead. The scores are those
    of the windows.

    `window`: odd, and so large that a pixel is left after the last block. Raises BadInput for other values, and if a
    window of another size is given.

    Example:

        >>> import torch
        >>> model = SlidingWindow(channels=1, classes=2, window=21, width=4, blocks=2, hidden=8)
        >>> model(torch.rand(3, 1, 21, 21)).shape, model.estimate(torch.rand(1, 30, 40)).shape
        (torch.Size([3, 2]), torch.Size([2, 30, 40]))
    """

    def __init__(
        self, channels: int, classes: int, window: int = 95, width: int = 48, blocks: int = 4, hidden: int = 200
    ) -> None:
        super().__init__()
        sizes = {"channels": channels, "classes": classes, "width": width, "blocks": blocks, "hidden": hidden}
        for name, size in {**sizes, "window": window}.items():
            if not isinstance(size, int) or size < 1:
                raise wrong_value(self, name, size, "a whole number from 1")
        left = _left(window, blocks)
        if window % 2 == 0 or left < 1:
            least = next(size for size in range(1, 2**30, 2) if _left(size, blocks) >= 1)
            raise wrong_value(self, "window", window, f"an odd number from {least}, for {blocks} blocks")
        self.window = window
        counts = [channels] + blocks * [width]
        self.blocks = nn.ModuleList(nn.Conv2d(*pair, TAPS) for pair in pairwise(counts))
        self.hidden = nn.Conv2d(width, hidden, left)
        self.output = nn.Conv2d(hidden, classes, 1)

    def forward(self, windows: Tensor) -> Tensor:
        if windows.shape[-2:] != (self.window, self.window):
            said = f"{name_of(self)} is given windows of {windows.shape[-2]} x {windows.shape[-1]} pixels"
            raise BadInput(said, expected=f"{self.window} x {self.window} (its parameter window)")
        found = windows
        for block in self.blocks:
            found = functional.max_pool2d(functional.relu(block(found)), 2)
        return self.output(functional.relu(self.hidden(found)))[..., 0, 0]

    def estimate(self, image: Tensor) -> Tensor:
        """The scores (K, H, W) of all pixels of an image (C, H, W)."""
        reach = self.window // 2
        given = image[None].to(self.output.weight.device)
        found, apart = mirrored(given, (reach, reach), (reach, reach)), 1
        for block in self.blocks:
            found = functional.relu(_spread(block, found, apart))
            found = functional.max_pool2d(found, 2, stride=1, dilation=apart)
            apart *= 2
        found = self.output(functional.relu(_spread(self.hidden, found, apart)))
        return found[0, :, : image.shape[1], : image.shape[2]].cpu()


def _spread(layer: nn.Module, found: Tensor, apart: int) -> Tensor:
    """A convolution whose taps are `apart` pixels from each other."""
    assert isinstance(layer, nn.Conv2d)
    return functional.conv2d(found, layer.weight, layer.bias, dilation=apart)


def _left(size: int, blocks: int) -> int:
    """The rows of a window that are left after the blocks; 0 or less if a block has too few for its convolution."""
    for _ in range(blocks):
        size = (size - TAPS + 1) // 2
    return size
