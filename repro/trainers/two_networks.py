"""What an adversarial training has twice, a network with its optimizer; and the curves that show its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, ReduceLROnPlateau

from repro.errors import BadInput
from repro.registry import name_of
from repro.trainers.loop import Loop
from repro.training import processes
from repro.training.finite import NotFinite
from repro.training.metrics_log import EVERY, MetricsLog

LOSS, ACCURACY, DIVERSITY = "discriminator", "accuracy of the discriminator", "diversity"


class Player:
    """One of the two networks, with its optimizer and schedule. `name`: in messages. `steps`: of the optimizer.

    Raises BadInput if the network has no weights to train, if torch refuses a value of the optimizer or schedule, and
    for an optimizer or schedule that cannot be used: one that needs more than the gradient and the number of the step,
    or ends before the training.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        optimizer: Callable[..., Any],
        schedule: Callable[..., Any] | None,
        steps: int,
    ) -> None:
        self.name = name
        self.named = [(f"{name}.{key}", one) for key, one in network.named_parameters() if one.requires_grad]
        if not self.named:
            raise BadInput(f"the {name} has no weights to train", expected="a network with weights")
        self.weights = [one for _, one in self.named]
        self.optimizer: torch.optim.Optimizer = self._tried("optimizer", optimizer, lambda: optimizer(self.weights))
        if not isinstance(self.optimizer, torch.optim.Optimizer) or isinstance(self.optimizer, torch.optim.LBFGS):
            raise self._wrong("optimizer", name_of(self.optimizer), "an optimizer that needs the gradient alone")
        self.schedule: Any = None
        if schedule:
            self.schedule = self._tried("schedule", schedule, lambda: schedule(self.optimizer))
        self._check_schedule(steps)

    def state(self) -> dict[str, Any]:
        """What a checkpoint must contain, by name."""
        return {f"{self.name}_optimizer": self.optimizer, f"{self.name}_schedule": self.schedule}

    def _tried(self, kind: str, part: Any, call: Callable[[], Any]) -> Any:
        """`call()`, of an optimizer or schedule, or of what makes it. Raises BadInput if torch refuses a value."""
        try:
            return call()
        except (ValueError, TypeError, ZeroDivisionError) as error:
            made = getattr(part, "func", part)
            name = getattr(made, "__name__", name_of(made))
            raise self._wrong(kind, f"{name}: {error}", "one of torch, with values that it takes") from None

    def _check_schedule(self, steps: int) -> None:
        one = self.schedule
        if one is not None and (not isinstance(one, LRScheduler) or isinstance(one, ReduceLROnPlateau)):
            raise self._wrong("schedule", name_of(one), "a schedule that depends on the step alone")
        if isinstance(one, OneCycleLR) and one.total_steps < steps:
            said = f"OneCycleLR with {one.total_steps} steps"
            raise self._wrong("schedule", said, f"total_steps from {steps}, the steps of this optimizer")

    def _wrong(self, kind: str, value: str, expected: str) -> BadInput:
        return BadInput(f"trainers.Adversarial.{self.name}_{kind} is {value}", expected=expected)

    @property
    def rate(self) -> float:
        """The present learning rate."""
        return float(self.optimizer.param_groups[0]["lr"])

    def differentiate(self, value: Tensor, loop: Loop, again: bool = False) -> None:
        """Compute the gradient of the scalar `value` by the weights of this network alone.

        `again`: the other network's gradient of the same scores comes next. Raises NotFinite, and BadInput for a value
        that is no scalar or does not depend on the weights.
        """
        self.optimizer.zero_grad()
        if not isinstance(value, Tensor) or value.ndim:
            shape = f" of shape {tuple(value.shape)}" if isinstance(value, Tensor) else ""
            said = f"experiment.loss gives the {self.name} a {type(value).__name__}{shape}"
            raise BadInput(said, expected="a scalar tensor")
        if value.requires_grad:
            value.backward(inputs=self.weights, retain_graph=again)
        found = [(name, weight.grad) for name, weight in self.named if weight.grad is not None]
        if not found:
            said = f"no weight of the {self.name} gets a gradient from its loss"
            raise BadInput(said, expected="a loss that depends on its weights; look for detach() and no_grad()")
        try:
            loop.check(value, found)
        except NotFinite as error:
            if not value.is_cuda:  # on a GPU, it is found one check later, so in the step of the other network
                error.add_note(f"(found in the step of the {self.name})")
            raise

    def advance(self) -> None:
        """One step of the optimizer, down the gradient, and of the schedule."""
        self.optimizer.step()
        if self.schedule:
            self._tried("schedule", self.schedule, self.schedule.step)
            if self.rate < 0:
                raise self._wrong("schedule", f"one with the rate {self.rate:.3g}", "rates from 0")


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
