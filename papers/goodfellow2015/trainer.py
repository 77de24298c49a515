"""Training whose cost may need the model: adversarial examples, noise, and the largest norm of the weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from repro.registry import TRAINERS
from repro.trainers.supervised import Supervised


@TRAINERS.register
class OnPerturbed(Supervised):
    """Supervised training of `models.UnderAttack`, with losses that change the images.

    A loss with a method `of(model, images, target)`, such as `losses.Adversarial`, gets the model. After each step,
    `model.constrain()` enforces the largest norm of the weights. Parameters and errors as of `trainers.Supervised`.

    Example: a step of adversarial training.

        >>> import functools
        >>> from pathlib import Path
        >>> from papers.goodfellow2015.loss import Adversarial, NegativeLogLikelihood
        >>> from papers.goodfellow2015.model import SoftmaxRegression, UnderAttack
        >>> data = [(torch.rand(784), index % 10) for index in range(20)]
        >>> trainer = OnPerturbed(steps=1, batch_size=20, optimizer=functools.partial(torch.optim.SGD, lr=0.1))
        >>> cost = NegativeLogLikelihood()
        >>> model = UnderAttack([SoftmaxRegression()], cost)
        >>> trainer.fit(model, Adversarial(cost), data, None, Path("."), order_seed=0)["steps"]
        1
    """

    def step(self, model: nn.Module, loss: nn.Module, batch: tuple[Any, Any]) -> torch.Tensor:
        if not hasattr(loss, "of"):
            return super().step(model, loss, batch)
        value: torch.Tensor = loss.of(model, *batch)
        return value

    def after_step(self, model: Any) -> None:
        model.constrain()
