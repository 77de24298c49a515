"""Stop a training if a loss, gradient or weight is not finite.

The failed step is saved for `repro debug --replay RUN`: the weights, the random state before the step, and the indices
of the items in the batch. For a loss or a gradient, the saved weights are those before the step. For a weight, they
are those after it.
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

KIND = "failed"  # the file is failed-<step>-<digest>.safetensors
Named = Iterable[tuple[str, torch.Tensor]]


class NotFinite(FloatingPointError):
    """Raised if a number is not finite; the message has the step and the first such tensor."""


class Watch:
    """Check every step of a training of `model` on the batches of `order`; save a failed step in `folder`."""

    def __init__(self, model: nn.Module, loss: Any, order: Order, folder: Path) -> None:
        self.model, self.loss, self.order, self.folder = model, loss, order, folder
        self.chance = Chance()
        self.before = self.chance.state_dict()

    def begin(self) -> None:
        """Call this before each step: it saves the random state."""
        self.before["torch"] = torch.get_rng_state()

    def value(self, number: int, loss: torch.Tensor) -> None:
        """Check the loss of step `number`. Raises NotFinite; it names a weight if the previous step made it NaN."""
        if not math.isfinite(loss.detach()):
            self.weights(number - 1)
            self._stop(number, f"the loss is {loss.item()}")

    def gradients(self, number: int, named: Named) -> None:
        """Check the gradients of step `number`, before clipping. Raises NotFinite."""
        self._look(number, "the gradient of", list(named))

    def weights(self, number: int) -> None:
        """Check the weights after step `number`. Raises NotFinite. In most steps, checking the next loss is cheaper."""
        self._look(number, "the weight", list(self.model.named_parameters()))

    def _look(self, number: int, what: str, rows: list[tuple[str, torch.Tensor]]) -> None:
        if math.isfinite(sum(tensor.detach().sum() for _, tensor in rows)):  # a sum with NaN or infinity is not finite
            return
        for name, tensor in rows:  # a sum of finite numbers may overflow, so check each tensor
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
