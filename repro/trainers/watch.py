"""Numbers that go wrong stop a training at that step: the loss, a gradient or a weight that is not finite.

What the step was made of is kept for `repro debug --replay RUN`: the weights, the state of chance before the step, and
which items the batch has. Of a loss or a gradient, the weights are those before the step; of a weight, those after it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from repro.trainers import state
from repro.trainers.checkpoints import Chance
from repro.trainers.order import Order

KIND = "failed"  # of the file: failed-<step>-<digest>.safetensors
Named = Iterable[tuple[str, torch.Tensor]]


class NotFinite(FloatingPointError):
    """A number is not finite; `str(error)` says in which step, and where first."""


class Watch:
    """Looks at every step of a training of `model` on the batches of `order`; keeps one that fails in `folder`."""

    def __init__(self, model: nn.Module, loss: Any, order: Order, folder: Path) -> None:
        self.model, self.loss, self.order, self.folder = model, loss, order, folder
        self.chance = Chance()
        self.before = self.chance.state_dict()

    def begin(self) -> None:
        """Before a step: another one's draws are over."""
        self.before["torch"] = torch.get_rng_state()

    def value(self, number: int, loss: torch.Tensor) -> None:
        """The loss of step `number`. Raises NotFinite: for the weights, where the step before has spoilt them."""
        if not math.isfinite(loss.detach()):
            self.weights(number - 1)
            self._stop(number, f"the loss is {loss.item()}")

    def gradients(self, number: int, named: Named) -> None:
        """The gradients of step `number`, before they are clipped. Raises NotFinite."""
        self._look(number, "the gradient of", list(named))

    def weights(self, number: int) -> None:
        """The weights after step `number`. Raises NotFinite. The next loss shows it too, and costs less to look at."""
        self._look(number, "the weight", list(self.model.named_parameters()))

    def _look(self, number: int, what: str, rows: list[tuple[str, torch.Tensor]]) -> None:
        if math.isfinite(sum(tensor.detach().sum() for _, tensor in rows)):  # one number that is not spoils a sum
            return
        for name, tensor in rows:  # and a sum of finite ones may overflow
            if not bool(tensor.isfinite().all()):
                self._stop(number, f"{what} '{name}' is not finite")

    def _stop(self, number: int, said: str) -> None:
        batch = {"epoch": self.order.epoch, "items": self.order.items()}
        kept = {
            "model": self.model.state_dict(),
            "loss": self.loss.state_dict() if isinstance(self.loss, nn.Module) else {},
            "chance": self.before,
            "batch": batch,
            "step": number,
            "said": said,
        }
        state.write(self.folder, KIND, number, kept)
        raise NotFinite(f"step {number}: {said}")
