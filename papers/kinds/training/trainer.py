"""Supervised training with a limit for the weights, as an example of a paper's own trainer."""

from __future__ import annotations

from typing import Any

from torch import nn

from repro.registry import TRAINERS, wrong_value
from repro.trainers.supervised import Supervised


@TRAINERS.register
class WeightLimited(Supervised):
    """Supervised training; after each step, the weights of a unit have at most the norm `limit` (Section 3).

    `limit`: None means that there is no limit.

    Example:

        >>> import torch, functools
        >>> model, optimizer = nn.Linear(2, 1), functools.partial(torch.optim.SGD, lr=0.1)
        >>> trainer = WeightLimited(limit=0.5, steps=1, batch_size=1, optimizer=optimizer)
        >>> with torch.no_grad():
        ...     _ = model.weight.copy_(torch.tensor([[3.0, 4.0]]))
        ...     trainer.after_step(model)
        >>> round(model.weight.norm().item(), 4)
        0.5
    """

    def __init__(self, limit: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if limit is not None and not limit > 0:
            raise wrong_value(self, "limit", limit, "None, or a number above 0")
        self.limit = limit

    def after_step(self, model: nn.Module) -> None:
        for weight in model.parameters() if self.limit else ():
            if weight.ndim > 1:
                weight.copy_(weight.renorm(2, 0, self.limit))  # Section 3
