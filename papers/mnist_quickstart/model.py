"""The two networks of the assignment, each twice: in torch, and by hand (`by_hand.py`) with the same weights.

Letters: B images of a batch.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from papers.mnist_quickstart import by_hand
from repro.registry import MODELS

PIXELS, DIGITS = 28 * 28, 10
HE = 2**0.5  # keeps the size of what goes through a ReLU the same from layer to layer (He et al. 2015)


@MODELS.register
class PerceptronInTorch(nn.Sequential):
    """A multilayer perceptron: `forward(images (B, 1, 28, 28)) -> scores (B, 10)`, a ReLU after each hidden layer.

    `hidden`: the units of each hidden layer; none of them makes a linear classifier. `gain`: see `initialise`.
    """

    def __init__(self, hidden: tuple[int, ...] = (128,), gain: float = HE) -> None:
        sizes = itertools.pairwise((PIXELS, *hidden, DIGITS))
        layers = [layer for size in sizes for layer in (nn.Linear(*size), nn.ReLU())]
        super().__init__(nn.Flatten(), *layers[:-1])
        initialise(self, gain)


@MODELS.register
class CNNInTorch(nn.Sequential):
    """A small convolutional network: `forward(images (B, 1, 28, 28)) -> scores (B, 10)`.

    A convolution of 5 x 5 for each of `channels` (one or two), pooled to half the side and rectified, then a linear
    layer. `gain`: see `initialise`.
    """

    def __init__(self, channels: tuple[int, ...] = (16, 32), gain: float = HE) -> None:
        if len(channels) not in (1, 2):
            raise ValueError(f"channels is {channels}; expected one or two numbers: 28 pixels shrink to 12, then to 4")
        layers: list[nn.Module] = []
        side = 28
        for size in itertools.pairwise((1, *channels)):
            layers += [nn.Conv2d(*size, kernel_size=5), nn.MaxPool2d(2), nn.ReLU()]
            side = (side - 4) // 2
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels[-1] * side * side, DIGITS))
        initialise(self, gain)


def initialise(network: nn.Module, gain: float) -> None:
    """Biases of 0; weights drawn from a normal distribution of deviation gain / sqrt(inputs of a unit)."""
    for parameter in network.parameters():
        if parameter.ndim == 1:
            nn.init.zeros_(parameter)
        else:
            nn.init.normal_(parameter, std=gain / parameter[0].numel() ** 0.5)


@MODELS.register
class PerceptronByHand(PerceptronInTorch):
    """The same perceptron, with the same first weights; what goes through it, and back, is computed by `by_hand.py`."""

    def network(self) -> by_hand.Network:
        """The network in numpy. Its arrays are the memory of the parameters."""
        return by_hand.perceptron(parameter.detach().numpy() for parameter in self.parameters())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return _Through.apply(self.network(), images, *self.parameters())


@MODELS.register
class CNNByHand(CNNInTorch):
    """The same convolutional network, with the same first weights; computed by `by_hand.py`."""

    def network(self) -> by_hand.Network:
        """The network in numpy. Its arrays are the memory of the parameters."""
        return by_hand.cnn(parameter.detach().numpy() for parameter in self.parameters())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return _Through.apply(self.network(), images, *self.parameters())


class _Through(torch.autograd.Function):
    """A network in numpy as a function that torch can differentiate, by the network's own `backward`."""

    @staticmethod
    def forward(ctx: Any, network: by_hand.Network, images: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        ctx.network = network
        return torch.from_numpy(network.forward(images.numpy()))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        images = ctx.network.backward(gradient.numpy())
        return None, *(torch.from_numpy(array) for array in (images, *ctx.network.gradients))
