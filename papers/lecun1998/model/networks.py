"""The fully connected networks and LeNet-1, LeNet-4 and LeNet-5.

The PDF was not at hand: what is said of the paper is from memory, and the numbers of the sections are left out.

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
    """`(45, K)`: +1 where a pair's unit speaks for a class, -1 where it speaks against it, 0 elsewhere."""
    return torch.tensor([[float(k == i) - float(k == j) for k in range(CLASSES)] for i, j in PAIRS])


def squashed(activations: torch.Tensor) -> torch.Tensor:
    """`A tanh(S a)`, with A = 1.7159 and S = 2/3 so that f(1) = 1 and f(-1) = -1."""
    return 1.7159 * torch.tanh(2 / 3 * activations)


def drawn(*shape: int, inputs: int) -> nn.Parameter:
    """Weights drawn uniformly from +- 2.4 / `inputs` of a unit; zeros for a bias have no need of it."""
    limit = 2.4 / inputs
    return nn.Parameter(torch.empty(*shape).uniform_(-limit, limit))


class Dense(nn.Module):
    """`forward(x (B, I)) -> (B, O)`: a weighted sum and a bias for each unit."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = drawn(outputs, inputs, inputs=inputs)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return linear(x, self.weight, self.bias)


class Convolution(nn.Module):
    """`forward(x (B, M, H, W)) -> (B, M', H - 4, W - 4)`: 5 x 5 kernels from the maps that `table` connects.

    `table` holds for each output map the numbers of the input maps it sees; where it sees a map not, the weight is
    held at 0.
    """

    def __init__(self, maps: int, table: Sequence[Sequence[int]]) -> None:
        super().__init__()
        seen = torch.tensor([[float(number in row) for number in range(maps)] for row in table])
        self.register_buffer("seen", seen[:, :, None, None], persistent=False)
        fans = 25 * seen.sum(1)[:, None, None, None]  # inputs of a unit
        self.weight = nn.Parameter(torch.empty(len(table), maps, 5, 5).uniform_(-2.4, 2.4) / fans)
        self.bias = nn.Parameter(torch.zeros(len(table)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return conv2d(x, self.weight * self.seen, self.bias)

    @property
    def free(self) -> int:
        """How many of its parameters are free to learn."""
        return int(self.seen.sum()) * 25 + len(self.bias)


class Subsampling(nn.Module):
    """`forward(x (B, M, H, W)) -> (B, M, H / 2, W / 2)`: four neighbours are added, times one coefficient, plus a bias.

    Coefficient and bias are learnt, one of each for every map.
    """

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.ones(maps, 1, 1))  # of the mean: a fourth of it times the sum
        self.bias = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return avg_pool2d(x, 2) * self.coefficient + self.bias


@MODELS.register
class FullyConnected(nn.Module):
    """A network of `len(sizes) - 1` layers of weights: `forward(x (B, ...)) -> scores (B, K)`.

    `sizes`: the units of each layer from the input on. Hidden units are squashed; the output units are linear, or
    squashed too where `squash`.
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
    """45 units of one layer, one for each pair of classes: `forward(x (B, ...)) -> (B, 45)`.

    The unit i/j learns +1 for class i and -1 for class j, and nothing for the others (`losses.PairTargets`). What is
    measured are the scores `(B, K)`: for class i the sum of the units i/x less that of the units y/i. `pixels`: of an
    image.
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
    """LeNet-1: `forward(x (B, 1, 28, 28)) -> scores (B, K)`; digits of 16 x 16 in a frame.

    Four maps, twelve maps, ten units. The paper leaves out which of the four maps each of the twelve sees. 4 see one
    and 8 see two here, which comes to the 2,578 parameters and 98,442 connections of the network of 1990.
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

    Four maps, each subsampled by two maps of their own; sixteen maps of which each sees three of those eight; sixteen
    subsampled; 120 units; ten. Three, since then there are about 260,000 connections, as stated. About 17,000 free
    parameters are stated too, which cannot be: the 120 units alone, fully connected as stated, have 48,120.
    """

    TABLE = tuple((number % 8, (number + 1) % 8, (number + 3 + number // 8) % 8) for number in range(16))

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.s2 = Convolution(1, [(0,)] * 4), Subsampling(8)
        self.c3, self.s4 = Convolution(8, self.TABLE), Subsampling(16)
        self.c5, self.output = Dense(16 * 5 * 5, 120), Dense(120, CLASSES)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """`(B, 120)`: what the last layer sees."""
        x = squashed(self.c1(x)).repeat_interleave(2, dim=1)  # two subsampling maps for each map
        x = squashed(self.s4(squashed(self.c3(squashed(self.s2(x))))))
        return squashed(self.c5(x.flatten(1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(self.features(x))


@MODELS.register
class LeNet5(nn.Module):
    """LeNet-5: `forward(x (B, 1, 32, 32)) -> minus the penalties (B, K)`.

    The output units are radial basis functions: the penalty of a class is the squared distance of the 84 units of F6
    from that class's code, a drawing of the character on 7 x 12 pixels of -1 and +1; the codes are
    fixed.
    """

    # Which maps of S2 each map of C3 sees: three or four neighbours, four in two pairs, all six.
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
    """How many parameters of a network are free to learn: those that no table holds at 0."""
    held = sum(part.weight.numel() + part.bias.numel() - part.free for part in model.modules() if is_table(part))
    return sum(math.prod(parameter.shape) for parameter in model.parameters()) - held


def is_table(part: nn.Module) -> bool:
    """Is this a layer that may leave connections out?"""
    return isinstance(part, Convolution)
