"""Losses of adversarial training: what a generator and a discriminator minimise.

Letters: B items, s scores of real images, t scores of generated ones (samples).

Scores are logits of any shape whose first axis is B. D = sigmoid(score) is the probability that an image is real. Such
a loss is for `trainers.Adversarial`. It has

- `discriminator(real, fake) -> scalar`, from the scores of real images and samples, and `generator(fake) -> scalar`,
- if it needs them, `penalty(judge, real, fake) -> scalar`, which is added to the loss of the discriminator, from
  `judge(images) -> scores` and the images themselves, and `distance(fake, target) -> scalar`, which is added to the
  loss of the generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from repro.errors import BadInput
from repro.registry import LOSSES, name_of, wrong_value

Judge = Callable[[Tensor], Tensor]


def _refuse(loss: nn.Module, estimate: Any, target: Any) -> NoReturn:
    """Raise BadInput: the loss compares no estimate with a target, so other trainers cannot use it."""
    raise BadInput(f"{name_of(loss)} is a loss of scores", expected="it with experiment.trainer = trainers.Adversarial")


@LOSSES.register
class Minimax(nn.Module):
    """The game of equation 1 of Goodfellow et al. 2014: the discriminator maximises V, the generator minimises it.

    V = mean log D(s) + mean log(1 - D(t)). The discriminator minimises -V, the generator mean log(1 - D(t)). If real
    images have the density p and samples q, the best discriminator is D = p / (p + q); if p = q, V is -log 4. The
    gradient of the generator vanishes where the discriminator is right: see `losses.NonSaturating`.

    Example: a discriminator that knows nothing.

        >>> loss, unsure = Minimax(), torch.zeros(4)
        >>> round(-loss.discriminator(unsure, unsure).item(), 4), round(-math.log(4), 4)
        (-1.3863, -1.3863)
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        return -softplus(fake).mean()

    forward = _refuse


@LOSSES.register
class NonSaturating(nn.Module):
    """The loss that trains a generator in practice (Goodfellow et al. 2014, Section 3): it maximises log D.

    The discriminator minimises -mean log D(s) - mean log(1 - D(t)), the generator -mean log D(t). It has the same fixed
    point as `losses.Minimax`, with a large gradient where the discriminator recognises the samples.

    Example: the gradient of a score that is clearly recognised, with both losses.

        >>> def slope(loss):
        ...     score = torch.tensor([-5.0], requires_grad=True)
        ...     loss.generator(score).backward()
        ...     return round(score.grad.item(), 3)
        >>> slope(NonSaturating()), slope(Minimax())
        (-0.993, -0.007)
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        return softplus(-fake).mean()

    forward = _refuse


@LOSSES.register
class LeastSquares(nn.Module):
    """Least squares: real images should have the score 1, samples 0 (Mao et al. 2017, equation 9).

    The discriminator minimises mean (s - 1)^2 / 2 + mean t^2 / 2, the generator mean (t - 1)^2 / 2. Here a score is no
    logit. The best discriminator has the score p / (p + q).

    Example:

        >>> LeastSquares().discriminator(torch.ones(2), torch.zeros(2)).item(), LeastSquares().generator(torch.zeros(2))
        (0.0, tensor(0.5000))
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    def generator(self, fake: Tensor) -> Tensor:
        return (fake - 1).square().mean() / 2

    forward = _refuse


@LOSSES.register
class WassersteinGP(nn.Module):
    """The Wasserstein distance with a gradient penalty (Gulrajani et al. 2017, equation 3).

    The discriminator minimises mean t - mean s + weight mean (|gradient| - 1)^2, the generator -mean t. The gradient is
    that of the score at a random point between a real image and a sample. Scores are no probabilities. `weight`: above
    0. Use a discriminator without batch normalisation: it would mix the gradients of the items.

    Example: a judge with slope 1 has no penalty, one with slope 3 has weight (3 - 1)^2.

        >>> loss, images = WassersteinGP(weight=10.0), torch.rand(5, 1)
        >>> [round(loss.penalty(lambda x: k * x, images, 1 - images).item(), 3) for k in (1, 3)]
        [0.0, 40.0]
    """

    def __init__(self, weight: float = 10.0) -> None:
        super().__init__()
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
            raise wrong_value(self, "weight", weight, "a number above 0")
        self.weight = weight

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor) -> Tensor:
        return -fake.mean()

    def penalty(self, judge: Judge, real: Tensor, fake: Tensor) -> Tensor:
        """The weighted penalty, from real images and samples (B, ...); torch's random state chooses the points."""
        place = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
        between = (place * real + (1 - place) * fake).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(judge(between).sum(), between, create_graph=True)
        size = (gradient.flatten(1).square().sum(1) + 1e-12).sqrt()  # without it, the gradient at 0 is not a number
        return self.weight * (size - 1).square().mean()

    forward = _refuse


@LOSSES.register
class Translation(nn.Module):
    """An adversarial loss plus a distance to the target: for translating images (Isola et al. 2017, equation 4).

    The generator minimises its adversarial loss + `weight` `reconstruction(sample, target)`. `adversarial`: such as
    `@losses.NonSaturating()`. `reconstruction`: None is the mean absolute difference (L1) of the paper. `weight`: above
    0, 100 in the paper. The loss of the discriminator is that of `adversarial`. Called as a function it is the weighted
    distance alone, so that `trainers.Supervised` trains the same generator without a discriminator.

    Example:

        >>> loss = Translation(NonSaturating(), weight=100.0)
        >>> loss.distance(torch.zeros(2, 3), torch.full((2, 3), 0.5)), loss.generator(torch.zeros(2))
        (tensor(50.), tensor(0.6931))
    """

    def __init__(
        self,
        adversarial: Annotated[Any, LOSSES],
        reconstruction: Annotated[Any, LOSSES] = None,
        weight: float = 100.0,
    ) -> None:
        super().__init__()
        if not hasattr(adversarial, "generator") or hasattr(adversarial, "distance"):
            raise BadInput(
                f"{name_of(self)}.adversarial is {name_of(adversarial)}",
                expected="a loss of scores alone, such as losses.NonSaturating",
            )
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
            raise wrong_value(self, "weight", weight, "a number above 0")
        self.adversarial, self.weight = adversarial, weight
        self.reconstruction = nn.L1Loss() if reconstruction is None else reconstruction
        if hasattr(adversarial, "penalty"):
            self.penalty = adversarial.penalty

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.adversarial.discriminator(real, fake)

    def generator(self, fake: Tensor) -> Tensor:
        return self.adversarial.generator(fake)

    def distance(self, fake: Tensor, target: Tensor) -> Tensor:
        """The weighted distance of samples to their targets, both (B, ...)."""
        return self.weight * self.reconstruction(fake, target)

    def forward(self, estimate: Tensor, target: Tensor) -> Tensor:
        return self.distance(estimate, target)
