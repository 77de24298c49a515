"""Training that keeps the weights with the highest accuracy on the validation set."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from repro.registry import TRAINERS
from repro.trainers.supervised import Supervised


@TRAINERS.register
class BestAccuracy(Supervised):
    """Supervised training; validation measures the error rate, not the loss. The weights with the lowest one are kept.

    Parameters and errors as of `trainers.Supervised`. The curve `valid` is the error rate, in [0, 1].

    Example: a classifier of two classes.

        >>> import functools
        >>> from pathlib import Path
        >>> x = torch.linspace(-1, 1, 20)[:, None]
        >>> data = list(zip(x, (x[:, 0] > 0).long()))
        >>> optimizer = functools.partial(torch.optim.SGD, lr=1.0)
        >>> trainer = BestAccuracy(steps=50, batch_size=20, optimizer=optimizer, valid_every=10)
        >>> history = trainer.fit(nn.Linear(1, 2), nn.CrossEntropyLoss(), data, data, Path("."), order_seed=0)
        >>> min(value for _, value in history["curves"]["valid"])
        0.0
    """

    def step(self, model: nn.Module, loss: nn.Module, batch: tuple[Any, Any]) -> torch.Tensor:
        if model.training:
            return super().step(model, loss, batch)
        inputs, target = batch
        return (model(inputs).argmax(1) != target).float().mean()
