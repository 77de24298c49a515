"""A multilayer perceptron on images, as an example of a paper's own model.

Letters: B images of a batch, K classes.
"""

from __future__ import annotations

import itertools

from torch import nn

from repro.registry import MODELS


@MODELS.register
class MultilayerPerceptron(nn.Sequential):
    """Multilayer perceptron: `forward(images (B, 1, 28, 28)) -> scores (B, K)` (Section 2).

    Each hidden layer has a ReLU. `hidden`: units per hidden layer; `()` gives a linear classifier. `classes`: K.

    Example:

        >>> import torch
        >>> MultilayerPerceptron(hidden=(8,))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(self, hidden: tuple[int, ...] = (64,), classes: int = 10) -> None:
        sizes = itertools.pairwise((28 * 28, *hidden, classes))
        layers = [layer for size in sizes for layer in (nn.Linear(*size), nn.ReLU())]
        super().__init__(nn.Flatten(), *layers[:-1])
