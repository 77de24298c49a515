"""The two networks of the assignment, each in two versions: in torch, and by hand (`by_hand.py`).

Both versions start with the same weights if they have the same seed. The sections are those of the assignment,
`docs/guide/first-assignment.md`.

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
HE = 2**0.5  # keeps the variance of the activations equal from layer to layer with ReLU (He et al. 2015)


@MODELS.register
class PerceptronInTorch(nn.Sequential):
    """Multilayer perceptron in torch: `forward(images (B, 1, 28, 28)) -> scores (B, 10)`.

    Each hidden layer has a ReLU. `hidden`: units per hidden layer; `()` gives a linear classifier. `gain`: see
    `initialise`. Source: Section 3.

    Example:

        >>> PerceptronInTorch(hidden=(8,))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(self, hidden: tuple[int, ...] = (128,), gain: float = HE) -> None:
        sizes = itertools.pairwise((PIXELS, *hidden, DIGITS))
        layers = [layer for size in sizes for layer in (nn.Linear(*size), nn.ReLU())]
        super().__init__(nn.Flatten(), *layers[:-1])
        initialise(self, gain)


@MODELS.register
class CNNInTorch(nn.Sequential):
    """Small convolutional network in torch: `forward(images (B, 1, 28, 28)) -> scores (B, 10)`.

    For each number in `channels` it has a 5 x 5 convolution, 2 x 2 max pooling and a ReLU. A linear layer follows.
    `gain`: see `initialise`. Raises ValueError unless there are one or two numbers of channels. Source: Section 6.

    Example:

        >>> CNNInTorch(channels=(4,))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
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
    """Set biases to 0, and draw weights from a normal distribution with deviation gain / sqrt(inputs per unit)."""
    for parameter in network.parameters():
        if parameter.ndim == 1:
            nn.init.zeros_(parameter)
        else:
            nn.init.normal_(parameter, std=gain / parameter[0].numel() ** 0.5)


@MODELS.register
class PerceptronByHand(PerceptronInTorch):
    """Multilayer perceptron by hand: the network of `models.PerceptronInTorch`, computed by `by_hand.py` in numpy.

    It has the same parameters and initial weights. Forward and backward are those of `by_hand.py`. Source: Section 4.

    Example: both versions compute the same scores.

        >>> images, scores = torch.rand(2, 1, 28, 28), []
        >>> for cls in (PerceptronInTorch, PerceptronByHand):
        ...     _ = torch.manual_seed(0)
        ...     scores.append(cls(hidden=(8,))(images))
        >>> torch.allclose(*scores, atol=1e-5)
        True
    """

    def network(self) -> by_hand.Network:
        """The network in numpy. Its arrays share their memory with the parameters."""
        return by_hand.perceptron(parameter.detach().numpy() for parameter in self.parameters())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return _Through.apply(self.network(), images, *self.parameters())


@MODELS.register
class CNNByHand(CNNInTorch):
    """Convolutional network by hand: the network of `models.CNNInTorch`, computed by `by_hand.py` in numpy.

    It has the same parameters and initial weights. Source: Section 6.

    Example: both versions compute the same scores.

        >>> images, scores = torch.rand(2, 1, 28, 28), []
        >>> for cls in (CNNInTorch, CNNByHand):
        ...     _ = torch.manual_seed(0)
        ...     scores.append(cls(channels=(4,))(images))
        >>> torch.allclose(*scores, atol=1e-5)
        True
    """

    def network(self) -> by_hand.Network:
        """The network in numpy. Its arrays share their memory with the parameters."""
        return by_hand.cnn(parameter.detach().numpy() for parameter in self.parameters())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return _Through.apply(self.network(), images, *self.parameters())


class _Through(torch.autograd.Function):
    """Connects a numpy network to torch's autograd, which then uses the network's own `backward`."""

    @staticmethod
    def forward(ctx: Any, network: by_hand.Network, images: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        ctx.network = network
        return torch.from_numpy(network.forward(images.numpy()))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        images = ctx.network.backward(gradient.numpy())
        return None, *(torch.from_numpy(array) for array in (images, *ctx.network.gradients))
