"""Schedules that torch does not have, named in a config like those of torch.

For example `@repro.trainers.schedules.RisingMomentum()`.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler

from repro.errors import BadInput
from repro.registry import adopt


class RisingMomentum(LRScheduler):
    """A learning rate that falls by a constant factor per step, and a momentum that rises linearly.

    After n steps the rate is the optimizer's own / `factor`^n, and at least `least`. The momentum rises from
    the optimizer's own to `momentum` in `steps` steps, then stays. `factor`: from 1. `least`: from 0. `momentum`: from
    0, below 1. `steps`: from 1. The defaults are those of the code of Goodfellow et al. 2014 for MNIST: 250 passes of
    500 batches. There the momentum rises once per pass, here with every step. Raises BadInput for other values, and for
    an optimizer without a momentum.

    Example:

        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.5)
        >>> schedule = RisingMomentum(optimizer, momentum=0.7, steps=4)
        >>> for _ in range(2):
        ...     optimizer.step()
        ...     schedule.step()
        >>> round(optimizer.param_groups[0]["momentum"], 3), optimizer.param_groups[0]["lr"] < 0.1
        (0.6, True)
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        momentum: float = 0.7,
        steps: int = 125_000,
        factor: float = 1.000004,
        least: float = 1e-6,
    ) -> None:
        ranges = [
            ("momentum", momentum, 0 <= momentum < 1, "a number from 0, below 1"),
            ("steps", steps, isinstance(steps, int) and steps >= 1, "a whole number from 1"),
            ("factor", factor, 1 <= factor < math.inf, "a number from 1"),
            ("least", least, 0 <= least < math.inf, "a number from 0"),
        ]
        for name, value, good, expected in ranges:
            if not good:
                raise self._wrong(name, value, expected)
        if any("momentum" not in group for group in optimizer.param_groups):
            raise self._wrong("momentum", momentum, "an optimizer with a momentum, such as torch.optim.SGD")
        self.momentum, self.steps, self.factor, self.least = momentum, steps, factor, least
        self.first = [float(group["momentum"]) for group in optimizer.param_groups]
        super().__init__(optimizer)

    def _wrong(self, name: str, value: Any, expected: str) -> BadInput:
        """Like `wrong_value`, with the name that this class has in a config."""
        said = f"{__name__}.{type(self).__name__}.{name} is {value}"
        return BadInput(said, expected=expected, parameter=name, value=value)

    def get_lr(self) -> list[Any]:
        """The learning rate of each group after `last_epoch` steps."""
        return [max(float(rate) / self.factor**self.last_epoch, self.least) for rate in self.base_lrs]

    def step(self, epoch: int | None = None) -> None:
        """Called once after each step of the optimizer."""
        super().step(epoch)
        done = min(self.last_epoch / self.steps, 1.0)
        for group, first in zip(self.optimizer.param_groups, self.first, strict=True):
            group["momentum"] = first + done * (self.momentum - first)


adopt(sys.modules[__name__], ["RisingMomentum"])
