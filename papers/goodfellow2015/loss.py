"""Costs of networks that give log probabilities, and the costs of training with adversarial examples or noise.

Letters: B items, M networks, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from repro.errors import BadInput
from repro.registry import LOSSES, name_of, wrong_value

LEAST = 1e-7  # the smallest distance of a probability from 1, so that the logarithm of the rest is finite


@LOSSES.register
class NegativeLogLikelihood(nn.Module):
    """Mean negative log probability of the true class, summed over the networks: the cost of softmax outputs.

    `forward(log probabilities (B, M, K), target (B,)) -> scalar`.

    Example: two networks that give the true class the probability 1/2.

        >>> half = torch.full((1, 2, 2), 0.5).log()
        >>> round(NegativeLogLikelihood()(half, torch.tensor([0])).item(), 4)
        1.3863
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        _refuse(self, output)
        return -output[torch.arange(len(output)), :, target].sum(1).mean()


@LOSSES.register
class IndependentUnits(nn.Module):
    """Binary cross entropy of every class, summed over classes and networks: the cost of independent units.

    `forward(log probabilities (B, M, K), target (B,)) -> scalar`.

    Example: one network that gives both classes the probability 1/2.

        >>> round(IndependentUnits()(torch.full((1, 1, 2), 0.5).log(), torch.tensor([0])).item(), 4)
        1.3863
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        _refuse(self, output)
        wanted = one_hot(target, output.shape[-1]).to(output.dtype).unsqueeze(1)
        rest = torch.log(-torch.expm1(output.clamp(max=-LEAST)))
        return -(wanted * output + (1 - wanted) * rest).sum((1, 2)).mean()


@LOSSES.register
class PerNetwork(nn.Module):
    """The sum of the costs of several networks, each with its own: `costs[m]` is that of network m.

    `forward(log probabilities (B, M, K), target (B,)) -> scalar`. Raises BadInput if the numbers of costs and networks
    differ.

    Example:

        >>> both = PerNetwork([NegativeLogLikelihood(), IndependentUnits()])
        >>> round(both(torch.full((1, 2, 2), 0.5).log(), torch.tensor([0])).item(), 4)
        2.0794
    """

    def __init__(self, costs: Annotated[Sequence[Any], LOSSES]) -> None:
        super().__init__()
        if not costs:
            raise BadInput(f"{name_of(self)}.costs is empty", expected="one cost for each network")
        self.costs = nn.ModuleList(costs)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        if output.shape[1] != len(self.costs):
            said = f"{name_of(self)}.costs has {len(self.costs)} costs for {output.shape[1]} networks"
            raise BadInput(said, expected="one for each")
        parts = [cost(output[:, number : number + 1], target) for number, cost in enumerate(self.costs)]
        return torch.stack(parts).sum()


@LOSSES.register
class Adversarial(nn.Module):
    """Cost of adversarial training: alpha J(x, y) + (1 - alpha) J(x + epsilon sign(gradient of J), y).

    `of(model, images (B, ...), target (B,)) -> scalar`, for `trainers.OnPerturbed`; model: a `models.UnderAttack`.
    The examples are made again in every step, with dropout, and no gradient passes through them. `networks`: the
    numbers of the networks that get adversarial examples; the others get the images again. None: all of them.
    `forward` is the cost J, for the validation and the attack. Source: Section 6.

    Example: with epsilon 0 it is the cost itself.

        >>> from papers.goodfellow2015.model import SoftmaxRegression, UnderAttack
        >>> cost, target = NegativeLogLikelihood(), torch.tensor([3])
        >>> model = UnderAttack([SoftmaxRegression()], cost)
        >>> images = torch.rand(1, 784)
        >>> bool(Adversarial(cost, epsilon=0.0).of(model, images, target) == cost(model(images), target))
        True
    """

    def __init__(
        self,
        cost: Annotated[Any, LOSSES],
        epsilon: float = 0.25,
        alpha: float = 0.5,
        networks: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= alpha <= 1:
            raise wrong_value(self, "alpha", alpha, "a number from 0 to 1")
        if networks is not None and (not networks or not all(_is_number(one) for one in networks)):
            raise wrong_value(self, "networks", networks, "the numbers of networks from 0, or None for all")
        self.cost, self.alpha, self.networks = cost, alpha, networks
        self.epsilon = _checked(self, epsilon)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        value: Tensor = self.cost(output, target)
        return value

    def of(self, model: Any, images: Tensor, target: Tensor) -> Tensor:
        gradients = model.gradients(images, target)
        if self.networks is not None and max(self.networks) >= len(gradients):
            raise wrong_value(self, "networks", self.networks, f"numbers from 0 to {len(gradients) - 1}")
        chosen = range(len(gradients)) if self.networks is None else self.networks
        changed = [
            images + self.epsilon * gradient.sign() if number in chosen else images
            for number, gradient in enumerate(gradients)
        ]
        clean, fooled = (self.cost(model.of(given), target) for given in (images, changed))
        return self.alpha * clean + (1 - self.alpha) * fooled


@LOSSES.register
class Noisy(nn.Module):
    """Cost of images with noise: `kind` "sign" adds +epsilon or -epsilon to every pixel, "uniform" a number between.

    `of(model, images (B, ...), target (B,)) -> scalar`, for `trainers.OnPerturbed`. `forward` is the cost without
    noise. Source: Section 6, control experiments.

    Example: with epsilon 0 it is the cost itself.

        >>> from papers.goodfellow2015.model import SoftmaxRegression, UnderAttack
        >>> cost, images, target = NegativeLogLikelihood(), torch.rand(1, 784), torch.tensor([3])
        >>> model = UnderAttack([SoftmaxRegression()], cost)
        >>> bool(Noisy(cost, "sign", epsilon=0.0).of(model, images, target) == cost(model(images), target))
        True
    """

    def __init__(self, cost: Annotated[Any, LOSSES], kind: Literal["sign", "uniform"], epsilon: float = 0.25) -> None:
        super().__init__()
        if kind not in ("sign", "uniform"):
            raise wrong_value(self, "kind", kind, "'sign' or 'uniform'")
        self.cost, self.kind = cost, kind
        self.epsilon = _checked(self, epsilon)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        value: Tensor = self.cost(output, target)
        return value

    def of(self, model: nn.Module, images: Tensor, target: Tensor) -> Tensor:
        drawn = 2 * torch.rand_like(images) - 1
        noise = drawn.sign() if self.kind == "sign" else drawn
        value: Tensor = self.cost(model(images + self.epsilon * noise), target)
        return value


def _refuse(loss: nn.Module, output: Tensor) -> None:
    if not isinstance(output, Tensor) or output.ndim != 3:
        found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise BadInput(f"{name_of(loss)} is given {found}", expected="log probabilities (B, M, K), as of UnderAttack")


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _checked(loss: nn.Module, epsilon: float) -> float:
    if not (epsilon >= 0 and math.isfinite(epsilon)):
        raise wrong_value(loss, "epsilon", epsilon, "a number from 0")
    return float(epsilon)
