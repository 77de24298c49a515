"""Stop a training at the first step with a loss, gradient or weight that is not finite.

The step is saved for `repro debug --failed-step RUN`: the weights, the random state before the step, and the items of
the batch. If the loss or a gradient is not finite, the weights are those before the step. If a weight is not finite,
they are those after it.

On a GPU, each step is judged while the next one is computed, because reading a number from a GPU waits until it has
computed everything before. So the training may have done one more step when it stops; what is saved is the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from repro.training import checkpoint_file
from repro.training.checkpoints import RngState
from repro.training.device import Later

KIND = "failed"  # the start of the file name: failed-<step>-<digest>.safetensors
Named = Iterable[tuple[str, torch.Tensor]]


class NotFinite(FloatingPointError):
    """A number is not finite; `str(error)` names the step and the first such number."""


@dataclass(frozen=True)
class Look:
    """The numbers of one step that say whether it is finite, and what is saved if it is not."""

    number: int
    names: list[str]  # of the gradients
    sizes: Later  # the loss, then a number for each gradient that is finite if all its numbers are
    rng: dict[str, Any]
    position: Any
    weights: dict[str, torch.Tensor] | None = None  # None: those of the model now


class FiniteCheck:
    """Checks every step of a training of `model`, and saves a failed step into `folder`.

    batches: has `position()`, and `at(position)`, the number of the pass and the indices of the items there.
    """

    def __init__(self, model: nn.Module, loss: Any, batches: Any, folder: Path) -> None:
        self.model, self.loss, self.batches, self.folder = model, loss, batches, folder
        self.rng = RngState().state_dict()
        self.waiting: Look | None = None  # on a GPU: the step that is not judged yet

    def begin(self) -> None:
        """Call it before a step: it stores the random state of torch."""
        self.rng = {**self.rng, **RngState.of_torch()}

    def check(self, number: int, loss: torch.Tensor, named: Named) -> None:
        """Check the loss and the gradients of step `number`, before they change a weight.

        Raises NotFinite. On a GPU it is the step before that is checked; `settle` checks the last one.
        """
        look = self._look(number, loss.detach(), list(named))
        if not loss.is_cuda:
            self._judge(look)
            return
        before, self.waiting = self.waiting, look
        if before:
            self._judge(before)

    def settle(self) -> None:
        """Check what waits to be checked. Raises NotFinite."""
        before, self.waiting = self.waiting, None
        if before:
            self._judge(before)

    def check_weights(self, number: int) -> None:
        """Check the weights after step `number`. Raises NotFinite.

        This is only called before a checkpoint, because the loss of the next step is cheaper to check.
        """
        self.settle()
        self._judge_weights(number, Look(number, [], Later(torch.zeros(0)), self.rng, self.batches.position()))

    def _look(self, number: int, loss: torch.Tensor, rows: list[tuple[str, torch.Tensor]]) -> Look:
        sizes = Later(torch.stack([loss.reshape(()), *_sizes([tensor.detach() for _, tensor in rows])]))
        look = Look(number, [name for name, _ in rows], sizes, self.rng, self.batches.position())
        if not loss.is_cuda:
            return look
        weights = self.model.state_dict()  # copied, because they will have changed when the step is judged
        return replace(look, weights={name: tensor.clone() for name, tensor in weights.items()})

    def _judge(self, look: Look) -> None:
        loss, *gradients = look.sizes.numbers()
        if not math.isfinite(loss):
            self._judge_weights(look.number - 1, look)  # the cause may be a weight after the previous step
            self._stop(look.number, look, f"the loss is {loss}")
        for name, size in zip(look.names, gradients, strict=True):
            if not math.isfinite(size):
                self._stop(look.number, look, f"the gradient of '{name}' is not finite")

    def _judge_weights(self, number: int, look: Look) -> None:
        weights = self.model.state_dict() if look.weights is None else look.weights
        for name, _ in self.model.named_parameters():
            if not bool(weights[name].isfinite().all()):
                self._stop(number, look, f"the weight '{name}' is not finite")

    def _stop(self, number: int, look: Look, said: str) -> None:
        kept = {
            "model": self.model.state_dict() if look.weights is None else look.weights,
            "loss": self.loss.state_dict() if isinstance(self.loss, nn.Module) else {},
            "rng": look.rng,
            "batch": self.batches.at(look.position),
            "step": number,
            "said": said,
        }
        checkpoint_file.write(self.folder, KIND, number, kept)
        raise NotFinite(f"step {number}: {said}")


def _sizes(gradients: list[torch.Tensor]) -> list[torch.Tensor]:
    """A number for each gradient, on its device; it is finite exactly if all numbers of the gradient are."""
    if gradients and gradients[0].is_cuda:
        return list(torch._foreach_norm(gradients, float("inf")))
    sums = [gradient.sum() for gradient in gradients]  # on a CPU ten times faster than the largest absolute value
    return sums if math.isfinite(sum(sums)) else [gradient.abs().max() for gradient in gradients]  # a sum may overflow
