"""What an adversarial training has twice, a network with its optimizer; and the curves that show its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from repro.errors import BadInput
from repro.trainers.loop import Loop
from repro.training import processes
from repro.training.finite import NotFinite
from repro.training.metrics_log import EVERY, MetricsLog

LOSS, ACCURACY, DIVERSITY = "discriminator", "accuracy of the discriminator", "diversity"


class Player:
    """One of the two networks, with its optimizer and schedule. `name`: in messages.

    Raises BadInput if the network has no weights to train, or if the schedule needs a validation loss.
    """

    def __init__(
        self, name: str, network: nn.Module, optimizer: Callable[..., Any], schedule: Callable[..., Any] | None
    ) -> None:
        self.name = name
        self.named = [(f"{name}.{key}", one) for key, one in network.named_parameters() if one.requires_grad]
        if not self.named:
            raise BadInput(f"the {name} has no weights to train", expected="a network with weights")
        self.weights = [one for _, one in self.named]
        self.optimizer: torch.optim.Optimizer = optimizer(self.weights)
        self.schedule = schedule(self.optimizer) if schedule else None
        if isinstance(self.schedule, ReduceLROnPlateau):
            said = f"trainers.Adversarial.{name}_schedule is ReduceLROnPlateau"
            raise BadInput(said, expected="a schedule that depends on the step alone")

    def state(self) -> dict[str, Any]:
        """What a checkpoint must contain, by name."""
        return {f"{self.name}_optimizer": self.optimizer, f"{self.name}_schedule": self.schedule}

    @property
    def rate(self) -> float:
        """The present learning rate."""
        return float(self.optimizer.param_groups[0]["lr"])

    def update(self, value: Tensor, loop: Loop) -> None:
        """One step down the scalar `value`, which changes this network alone. Raises NotFinite."""
        self.optimizer.zero_grad()
        value.backward(inputs=self.weights)
        found = [(name, weight.grad) for name, weight in self.named if weight.grad is not None]
        try:
            loop.check(value, found)
        except NotFinite as error:
            if not value.is_cuda:  # on a GPU, it is found one check later, so in the step of the other network
                error.add_note(f"(found in the step of the {self.name})")
            raise
        self.optimizer.step()
        if self.schedule:
            self.schedule.step()


class Curves:
    """The loss and the accuracy of the discriminator, as means of `EVERY` steps, and the diversity of the samples."""

    def __init__(self) -> None:
        self.values: list[Tensor] = []

    def state_dict(self) -> dict[str, Any]:
        return {"values": [one.cpu() for one in self.values]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.values = list(state["values"])

    def add(self, metrics: MetricsLog, value: Tensor, accuracy: Tensor, fake: Tensor, real: Tensor) -> None:
        """Add the numbers of the present step; log them after each `EVERY` steps and after the last one."""
        self.values.append(torch.stack([value.detach(), accuracy]))
        if metrics.done % EVERY and metrics.done != metrics.steps:
            return
        mean = torch.stack([one.to(accuracy.device) for one in self.values]).mean(0)
        self.values.clear()
        distances = torch.stack([distance(fake), distance(real)])
        processes.average([mean, distances])
        for name, one in zip((LOSS, ACCURACY), mean.tolist(), strict=True):
            metrics.note(name, metrics.done, one)
        between, usual = distances.tolist()
        if usual > 0:
            metrics.note(DIVERSITY, metrics.done, between / usual)


def distance(images: Tensor) -> Tensor:
    """The mean distance (root of the sum of squares) between each image of a batch (B, ...) and the next one.

    >>> distance(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    tensor(5.)
    """
    flat = images.flatten(1)
    return (flat - flat.roll(1, 0)).square().sum(1).sqrt().mean()
