"""Fully connected networks, and LeNet-1, LeNet-4 and LeNet-5.

We could not read the PDF of the paper. We read only its results on the page of the MNIST database. All other
statements about the paper are from memory, so the numbers of the sections are left out.

Letters: B images, M feature maps, H x W pixels, K classes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, conv2d, linear

from papers.lecun1998.model.bitmaps import CODES
from repro.registry import MODELS

CLASSES = 10
PAIRS = [(i, j) for i in range(CLASSES) for j in range(i + 1, CLASSES)]


def pair_signs() -> torch.Tensor:
    """`(45, K)`: in the row of the pair i/j, +1 for class i, -1 for class j, 0 for all other classes."""
    return torch.tensor([[float(k == i) - float(k == j) for k in range(CLASSES)] for i, j in PAIRS])


def squashed(activations: torch.Tensor) -> torch.Tensor:
    """The sigmoid `A tanh(S a)`. With A = 1.7159 and S = 2/3, f(1) = 1 and f(-1) = -1."""
    return 1.7159 * torch.tanh(2 / 3 * activations)


def drawn(*shape: int, inputs: int) -> nn.Parameter:
    """Weights drawn uniformly from [-2.4 / `inputs`, 2.4 / `inputs`], where `inputs` is the number per unit."""
    limit = 2.4 / inputs
    return nn.Parameter(torch.empty(*shape).uniform_(-limit, limit))


class Dense(nn.Module):
    """Fully connected layer: `forward(x (B, I)) -> (B, O)`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = drawn(outputs, inputs, inputs=inputs)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return linear(x, self.weight, self.bias)


class Convolution(nn.Module):
    """Convolution with 5 x 5 kernels and a table of connections: `forward(x (B, M, H, W)) -> (B, M', H - 4, W - 4)`.

    `table` lists for each output map the indices of its input maps. The weights of all other input maps are fixed at 0.
    """

    def __init__(self, maps: int, table: Sequence[Sequence[int]]) -> None:
        super().__init__()
        seen = torch.tensor([[float(number in row) for number in range(maps)] for row in table])
        self.register_buffer("seen", seen[:, :, None, None], persistent=False)
        fans = 25 * seen.sum(1)[:, None, None, None]  # number of inputs per unit
        self.weight = nn.Parameter(torch.empty(len(table), maps, 5, 5).uniform_(-2.4, 2.4) / fans)
        self.bias = nn.Parameter(torch.zeros(len(table)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return conv2d(x, self.weight * self.seen, self.bias)

    @property
    def free(self) -> int:
        """The number of trainable parameters, without the weights that are fixed at 0."""
        return int(self.seen.sum()) * 25 + len(self.bias)


class Subsampling(nn.Module):
    """Trainable subsampling: `forward(x (B, M, H, W)) -> (B, M, H / 2, W / 2)`.

    It averages 2 x 2 pixels, multiplies by a coefficient and adds a bias. Every map has its own coefficient and bias.
    """

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.ones(maps, 1, 1))  # of the mean; a quarter of it would be that of the sum
        self.bias = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return avg_pool2d(x, 2) * self.coefficient + self.bias


@MODELS.register
class FullyConnected(nn.Module):
    """Fully connected network: `forward(x (B, ...)) -> scores (B, K)`.

    `sizes`: number of units per layer, from the pixels to the classes. Hidden units have the sigmoid `squashed`. The
    output units are linear, or have the same sigmoid if `squash`.

    Example: the linear classifier of the table has 7,850 parameters.

        >>> model = FullyConnected([784, 10])
        >>> model(torch.zeros(2, 1, 28, 28)).shape, free(model)
        (torch.Size([2, 10]), 7850)
    """

    def __init__(self, sizes: list[int], squash: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Dense(*pair) for pair in itertools.pairwise(sizes))
        self.squash = squash

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(1)
        for layer in list(self.layers)[:-1]:
            x = squashed(layer(x))
        scores: torch.Tensor = self.layers[-1](x)
        return squashed(scores) if self.squash else scores


@MODELS.register
class PairwiseLinear(nn.Module):
    """Pairwise linear classifier with 45 units, one per pair of classes.

    In training: `forward(x (B, ...)) -> (B, 45)`. The unit i/j learns +1 for class i and -1 for class j, and ignores
    the other classes (`losses.PairTargets`). In the test: `forward(x (B, ...)) -> scores (B, K)`. The score of class i
    is the sum of the units i/x minus the sum of the units y/i. `pixels`: pixels per image. `squash`: use the sigmoid.

    Example:

        >>> model, images = PairwiseLinear(pixels=784), torch.zeros(2, 1, 28, 28)
        >>> model.train()(images).shape, model.eval()(images).shape
        (torch.Size([2, 45]), torch.Size([2, 10]))
    """

    def __init__(self, pixels: int, squash: bool = True) -> None:
        super().__init__()
        self.units, self.squash = Dense(pixels, len(PAIRS)), squash
        self.register_buffer("signs", pair_signs(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        units: torch.Tensor = self.units(x.flatten(1))
        units = squashed(units) if self.squash else units
        return units if self.training else units @ self.signs


@MODELS.register
class LeNet1(nn.Module):
    """LeNet-1: `forward(x (B, 1, 28, 28)) -> scores (B, K)`, for digits of 16 x 16 pixels in a frame.

    The layers are 4 maps, 12 maps and 10 units. The paper does not state how the 12 maps are connected to the 4 maps.
    Here 4 of them see one map and 8 see two. This gives the 2,578 parameters and 98,442 connections of the network of
    1990.

    Example:

        >>> model = LeNet1()
        >>> model(torch.zeros(2, 1, 28, 28)).shape, free(model)
        (torch.Size([2, 10]), 2578)
    """

    TABLE = ((0,), (0, 1), (0, 1), (1,), (1, 2), (1, 2), (2,), (2, 3), (2, 3), (3,), (3, 0), (3, 0))

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.s2 = Convolution(1, [(0,)] * 4), Subsampling(4)
        self.c3, self.s4 = Convolution(4, self.TABLE), Subsampling(12)
        self.output = Dense(12 * 4 * 4, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = squashed(self.s2(squashed(self.c1(x))))
        x = squashed(self.s4(squashed(self.c3(x))))
        return self.output(x.flatten(1))


@MODELS.register
class LeNet4(nn.Module):
    """LeNet-4: `forward(x (B, 1, 32, 32)) -> scores (B, K)`.

    The layers are 4 maps; 8 subsampled maps, two per map; 16 maps, each of which sees three of the 8; 16 subsampled
    maps; 120 units; 10 units. With three maps each, there are about 260,000 connections, as the paper states.

    The paper also states about 17,000 free parameters. This is not possible: the 120 fully connected units alone have
    48,120.

    Example:

        >>> model = LeNet4()
        >>> model(torch.zeros(2, 1, 32, 32)).shape, free(model)
        (torch.Size([2, 10]), 50698)
    """

    TABLE = tuple((number % 8, (number + 1) % 8, (number + 3 + number // 8) % 8) for number in range(16))

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.s2 = Convolution(1, [(0,)] * 4), Subsampling(8)
        self.c3, self.s4 = Convolution(8, self.TABLE), Subsampling(16)
        self.c5, self.output = Dense(16 * 5 * 5, 120), Dense(120, CLASSES)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """The inputs of the last layer, `(B, 120)`."""
        x = squashed(self.c1(x)).repeat_interleave(2, dim=1)  # two subsampling maps for each map
        x = squashed(self.s4(squashed(self.c3(squashed(self.s2(x))))))
        return squashed(self.c5(x.flatten(1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(self.features(x))


@MODELS.register
class LeNet5(nn.Module):
    """LeNet-5: `forward(x (B, 1, 32, 32)) -> minus the penalties (B, K)`.

    The output units are radial basis functions. The penalty of a class is the squared distance of the 84 units of layer
    F6 from the code of that class. The codes are fixed: drawings of the digits on 7 x 12 pixels of -1 and +1.

    Example:

        >>> model = LeNet5()
        >>> model(torch.zeros(2, 1, 32, 32)).shape, free(model)
        (torch.Size([2, 10]), 60000)
    """

    # The maps of S2 that each map of C3 sees: three or four neighbours, two pairs of neighbours, or all six.
    TABLE = (
        *[tuple((number + step) % 6 for step in range(3)) for number in range(6)],
        *[tuple((number + step) % 6 for step in range(4)) for number in range(6)],
        *[tuple((number + step) % 6 for step in (0, 1, 3, 4)) for number in range(3)],
        tuple(range(6)),
    )

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.s2 = Convolution(1, [(0,)] * 6), Subsampling(6)
        self.c3, self.s4 = Convolution(6, self.TABLE), Subsampling(16)
        self.c5, self.f6 = Dense(16 * 5 * 5, 120), Dense(120, 84)
        self.register_buffer("codes", torch.tensor(CODES), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = squashed(self.s2(squashed(self.c1(x))))
        x = squashed(self.s4(squashed(self.c3(x))))
        f6 = squashed(self.f6(squashed(self.c5(x.flatten(1)))))
        return -(f6[:, None] - self.codes).pow(2).sum(2)


def free(model: nn.Module) -> int:
    """The number of trainable parameters of a network, without the weights that a table fixes at 0."""
    held = sum(part.weight.numel() + part.bias.numel() - part.free for part in model.modules() if is_table(part))
    return sum(math.prod(parameter.shape) for parameter in model.parameters()) - held


def is_table(part: nn.Module) -> bool:
    """Whether this layer has a table of connections."""
    return isinstance(part, Convolution)
