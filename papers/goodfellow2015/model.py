"""The networks of the paper, and the attack on them.

A network gives the logarithm of the probability of every class. Those of independent units and of radial units need
not have the sum 1, and the highest one is the confidence.

Letters: B items, M networks, U units, P pieces, F pixels, K classes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from papers.goodfellow2015.dataset import EVERY
from repro.errors import BadInput
from repro.registry import LOSSES, MODELS, name_of, wrong_value

PIXELS, DIGITS = 28 * 28, 10
SPREAD = 0.05  # initial weights of the maxout layers are uniform within this


@MODELS.register
class SoftmaxRegression(nn.Module):
    """Softmax regression: `forward(images (B, ..., F pixels)) -> log probabilities (B, K)`.

    With two classes it is the logistic regression of Section 5, with the difference of the two weights as its weight.
    The weights begin at 0.

    Example:

        >>> SoftmaxRegression()(torch.zeros(2, 1, 28, 28)).exp().sum(1)
        tensor([1., 1.], grad_fn=<SumBackward1>)
    """

    def __init__(self, pixels: int = PIXELS, classes: int = DIGITS) -> None:
        super().__init__()
        _sizes(self, pixels=pixels, classes=classes)
        self.layer = nn.Linear(pixels, classes)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.layer(_flat(self, images, self.layer.in_features)).log_softmax(-1)
        return scores


@MODELS.register
class Maxout(nn.Module):
    """Maxout network with dropout: `forward(images (B, ..., F pixels)) -> log probabilities (B, K)`.

    Two layers of `units` units; each is the largest of P = `pieces` linear functions. `outputs`: "softmax", or
    "sigmoid" for K independent units. `dropout`: the probabilities to drop an input pixel and a unit. `max_norm`: the
    largest norm of the weights of a linear function; `constrain` enforces it. Source: Goodfellow et al. 2013, *Maxout
    networks*; here the initial weights are larger, because the training is shorter.

    Example:

        >>> Maxout(units=4)(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        units: int = 240,
        pieces: int = 5,
        outputs: Literal["softmax", "sigmoid"] = "softmax",
        dropout: tuple[float, float] = (0.2, 0.5),
        max_norm: float = 1.9365,
        pixels: int = PIXELS,
    ) -> None:
        super().__init__()
        _sizes(self, units=units, pieces=pieces, pixels=pixels)
        if outputs not in ("softmax", "sigmoid"):
            raise wrong_value(self, "outputs", outputs, "'softmax' or 'sigmoid'")
        if not max_norm > 0:
            raise wrong_value(self, "max_norm", max_norm, "a number above 0")
        if len(dropout) != 2 or not all(0 <= share < 1 for share in dropout):
            raise wrong_value(self, "dropout", dropout, "two numbers from 0, below 1")
        self.pieces, self.outputs, self.max_norm = pieces, outputs, max_norm
        sizes = itertools.pairwise((pixels, units, units))
        self.hidden = nn.ModuleList(nn.Linear(before, after * pieces) for before, after in sizes)
        self.top = nn.Linear(units, DIGITS)
        self.drop = nn.ModuleList(nn.Dropout(p) for p in (dropout[0], dropout[1], dropout[1]))
        for layer in self._layers():
            nn.init.uniform_(layer.weight, -SPREAD, SPREAD)
            nn.init.zeros_(layer.bias)

    def _layers(self) -> list[Any]:
        return [*self.hidden, self.top]

    def forward(self, images: Tensor) -> Tensor:
        units = _flat(self, images, self.hidden[0].in_features)
        for drop, layer in zip(self.drop, self.hidden, strict=False):
            units = layer(drop(units)).unflatten(-1, (-1, self.pieces)).amax(-1)
        scores = self.top(self.drop[-1](units))
        return scores.log_softmax(-1) if self.outputs == "softmax" else logsigmoid(scores)

    @torch.no_grad()
    def constrain(self) -> None:
        """Shorten the weights of every linear function to at most `max_norm`."""
        for layer in self._layers():
            layer.weight.copy_(torch.renorm(layer.weight, 2, 0, self.max_norm))


@MODELS.register
class RadialUnits(nn.Module):
    """Shallow network of radial units: `forward(images (B, ..., F pixels)) -> log probabilities (B, K)`.

    One unit per class: p(class | x) = exp(-(x - mu)^T diag(beta) (x - mu)), without a norm over the classes. Section 7
    gives this for one class. It does not say how ten classes are combined or what form beta has; `widths` is
    "diagonal", one number per pixel, or "one" for all pixels together.

    Example: far from its centre, a unit is certain that an image is not of its class.

        >>> bool(RadialUnits()(torch.full((1, 784), 9.0)).exp().max() < 1e-3)
        True
    """

    def __init__(
        self, widths: Literal["diagonal", "one"] = "diagonal", pixels: int = PIXELS, classes: int = DIGITS
    ) -> None:
        super().__init__()
        if widths not in ("diagonal", "one"):
            raise wrong_value(self, "widths", widths, "'diagonal' or 'one'")
        _sizes(self, pixels=pixels, classes=classes)
        self.centres = nn.Parameter(0.1 + 0.01 * torch.randn(classes, pixels))
        self.widths = nn.Parameter(torch.full((classes, pixels if widths == "diagonal" else 1), -5.0))

    def forward(self, images: Tensor) -> Tensor:
        away = _flat(self, images, self.centres.shape[1]).unsqueeze(1) - self.centres
        return -(softplus(self.widths) * away.square()).sum(-1)


@MODELS.register
class UnderAttack(nn.Module):
    """M networks side by side, and the fast gradient sign method that attacks them.

    `forward(images (B, ...)) -> log probabilities (B, M, K)`. From `datasets.Attacked`, `forward` gets a dict, and
    first makes the adversarial examples: x + epsilon sign(gradient of the cost). They are not clipped. `cost`: the
    loss that the networks are trained with, or the loss within it; its value is a sum over the networks. With `against`
    -1 the gradient is that of the sum. Source: Section 4; for all networks together, Section 9 does not give the rule.

    Raises BadInput if there is no network, or if an item attacks a network that does not exist.

    Example: an attack on an untrained network changes every pixel by 0 or by epsilon.

        >>> from papers.goodfellow2015.loss import NegativeLogLikelihood
        >>> model = UnderAttack([Maxout(units=4)], NegativeLogLikelihood()).eval()
        >>> images = torch.rand(2, 1, 28, 28)
        >>> given = {"images": images, "labels": torch.tensor([3, 5])}
        >>> changed = model.examples(**given, epsilon=torch.tensor([0.25, 0.1]), against=torch.tensor([0, 0])) - images
        >>> changed.abs().amax((1, 2, 3))
        tensor([0.2500, 0.1000])
    """

    def __init__(self, networks: Annotated[Sequence[Any], MODELS], cost: Annotated[Any, LOSSES]) -> None:
        super().__init__()
        if not networks:
            raise BadInput(f"{name_of(self)}.networks is empty", expected="a list of networks")
        self.networks, self.cost = nn.ModuleList(networks), cost

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        return self.of(self.examples(**inputs) if isinstance(inputs, dict) else inputs)

    def of(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        """The log probabilities (B, M, K) of the same images for all networks, or of one tensor per network."""
        given = [images] * len(self.networks) if isinstance(images, Tensor) else images
        return torch.stack([network(one) for network, one in zip(self.networks, given, strict=True)], 1)

    def gradients(self, images: Tensor, labels: Tensor) -> list[Tensor]:
        """For each network, the gradient of its cost with respect to the images."""
        with torch.inference_mode(False), torch.enable_grad():
            given = [images.detach().clone().requires_grad_() for _ in self.networks]
            return list(torch.autograd.grad(self.cost(self.of(given), labels.clone()), given))

    def examples(self, images: Tensor, labels: Tensor, epsilon: Tensor, against: Tensor) -> Tensor:
        """Adversarial examples of a batch; epsilon and against: one number per item, (B,)."""
        if int(against.max()) >= len(self.networks):
            said = f"datasets.Attacked.against is {int(against.max())}, and {name_of(self)} has {len(self.networks)}"
            raise BadInput(f"{said} networks", expected="a number below that, or -1")
        found = torch.stack(self.gradients(images, labels))  # (M, B, ...)
        chosen = torch.where(against == EVERY, 0, against)
        own = found[chosen, torch.arange(len(images))]
        shape = (-1, *[1] * (images.ndim - 1))
        gradient = torch.where((against == EVERY).view(shape), found.sum(0), own)
        return images + epsilon.to(images.dtype).view(shape) * gradient.sign()

    def constrain(self) -> None:
        """Enforce the largest norm of those networks that have one."""
        for network in self.networks:
            if isinstance(network, Maxout):
                network.constrain()


def _sizes(model: nn.Module, **sizes: int) -> None:
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise wrong_value(model, name, value, "a whole number from 1")


def _flat(model: nn.Module, images: Tensor, pixels: Any) -> Tensor:
    """The images as rows (B, F). Raises BadInput if they have another number of pixels."""
    flat = images.flatten(1)
    if flat.shape[1] != pixels:
        raise wrong_value(model, "pixels", pixels, f"{flat.shape[1]}, as the images have")
    return flat
