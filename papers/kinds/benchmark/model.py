"""The models that are compared.

Letters: B images of a batch, K classes.
"""

from __future__ import annotations

from torch import nn

from repro.registry import MODELS

PIXELS = 28 * 28


@MODELS.register
class FirstModel(nn.Sequential):
    """A linear classifier: `forward(images (B, 1, 28, 28)) -> scores (B, K)`. `classes`: K. Source: Section 2.

    Example:

        >>> import torch
        >>> FirstModel()(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__(nn.Flatten(), nn.Linear(PIXELS, classes))


@MODELS.register
class SecondModel(nn.Sequential):
    """One hidden layer: `forward(images (B, 1, 28, 28)) -> scores (B, K)`. `hidden`: its units. Source: Section 3.

    Example:

        >>> import torch
        >>> SecondModel(hidden=8)(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(self, hidden: int = 64, classes: int = 10) -> None:
        super().__init__(nn.Flatten(), nn.Linear(PIXELS, hidden), nn.ReLU(), nn.Linear(hidden, classes))
