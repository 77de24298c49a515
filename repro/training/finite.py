"""Stop a training at the first step with a loss, gradient or weight that is not finite.

The step is saved for `repro debug --failed-step RUN`: the weights, the random state before the step, and the items of
the batch. If the loss or a gradient is not finite, the weights are those before the step. If a weight is not finite,
they are those after it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from repro.training import checkpoint_file
from repro.training.checkpoints import RngState

KIND = "failed"  # the start of the file name: failed-<step>-<digest>.safetensors
Named = Iterable[tuple[str, torch.Tensor]]


class NotFinite(FloatingPointError):
    """A number is not finite; `str(error)` names the step and the first such number."""


class FiniteCheck:
    """Checks every step of a training of `model`, and saves a failed step into `folder`.

    batch: returns the number of the pass and the indices of the items of the present batch.
    """

    def __init__(self, model: nn.Module, loss: Any, batch: Callable[[], dict[str, Any]], folder: Path) -> None:
        self.model, self.loss, self.batch, self.folder = model, loss, batch, folder
        self.before = RngState().state_dict()

    def begin(self) -> None:
        """Call it before a step: it stores the random state."""
        self.before["torch"] = torch.get_rng_state()

    def check_loss(self, number: int, loss: torch.Tensor) -> None:
        """Check the loss of step `number`. Raises NotFinite; the cause may be a weight after the previous step."""
        if not math.isfinite(loss.detach()):
            self.check_weights(number - 1)
            self._stop(number, f"the loss is {loss.item()}")

    def check_gradients(self, number: int, named: Named) -> None:
        """Check the gradients of step `number`, before clipping. Raises NotFinite."""
        self._look(number, "the gradient of", list(named))

    def check_weights(self, number: int) -> None:
        """Check the weights after step `number`. Raises NotFinite.

        This is only called if the next loss is not finite, because the loss is cheaper to check.
        """
        self._look(number, "the weight", list(self.model.named_parameters()))

    def _look(self, number: int, what: str, rows: list[tuple[str, torch.Tensor]]) -> None:
        if math.isfinite(sum(tensor.detach().sum() for _, tensor in rows)):  # one number that is not finite is enough
            return
        for name, tensor in rows:  # check each one, because a sum of finite numbers may overflow
            if not bool(tensor.isfinite().all()):
                self._stop(number, f"{what} '{name}' is not finite")

    def _stop(self, number: int, said: str) -> None:
        kept = {
            "model": self.model.state_dict(),
            "loss": self.loss.state_dict() if isinstance(self.loss, nn.Module) else {},
            "rng": self.before,
            "batch": self.batch(),
            "step": number,
            "said": said,
        }
        checkpoint_file.write(self.folder, KIND, number, kept)
        raise NotFinite(f"step {number}: {said}")
