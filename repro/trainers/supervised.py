"""Supervised learning: batches of `(inputs, target)`, a loss, an optimizer.

To change what a step computes, override `Supervised.step`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, Subset

from repro.errors import BadInput
from repro.registry import TRAINERS, name_of, wrong_value
from repro.trainers import optim as optim  # so that a config with this trainer can name torch's optimizers
from repro.trainers.clipping import AutoClip, ClipNorm
from repro.trainers.loop import Loop
from repro.trainers.precision import Autocast
from repro.training import device, processes


@TRAINERS.register
class Supervised:
    """Supervised training: minimise `loss(model(inputs), target)` for `steps` steps of `batch_size` items.

    - `batch_size`: items per step, in all processes together. With several processes the gradient is that of one
      process if the loss is a mean over the items, and if no layer mixes items (batch normalisation does).
    - `optimizer`, `schedule`: from torch, for example `@torch.optim.Adam()` and
      `@torch.optim.lr_scheduler.OneCycleLR()`. The schedule advances after each step, `ReduceLROnPlateau` after each
      validation.
    - `clip_norm`: largest norm of the gradient. `clip_percentile`: AutoClip instead, in (0, 100].
    - `valid_every`: steps between validations; 0: none. The model ends with the weights of the best validation.
    - `patience`: validations without improvement before the training stops; 0: it never stops.
    - `precision`: "no", "fp16" or "bf16": of the forward pass in training, by torch's autocast.
    - `workers`: processes that read data; 0: this process.

    Raises BadInput if both kinds of clipping are set. `fit` raises BadInput if `steps` or `batch_size` is out of range,
    or if `valid_every` is set without a validation set. It raises NotFinite if a loss, gradient or weight is NaN.

    Example: fit y = 2x with gradient descent.

        >>> import functools
        >>> x = torch.linspace(-1, 1, 20)[:, None]
        >>> data, model = list(zip(x, 2 * x)), nn.Linear(1, 1)
        >>> trainer = Supervised(steps=50, batch_size=20, optimizer=functools.partial(torch.optim.SGD, lr=1.0))
        >>> history = trainer.fit(model, nn.MSELoss(), data, None, Path("."), order_seed=0)
        >>> history["steps"], round(model.weight.item(), 3)
        (50, 2.0)
    """

    def __init__(
        self,
        steps: int,
        batch_size: int,
        optimizer: Callable[..., torch.optim.Optimizer],
        schedule: Callable[..., Any] | None = None,
        clip_norm: float | None = None,
        clip_percentile: float | None = None,
        valid_every: int = 0,
        patience: int = 0,
        precision: Literal["no", "fp16", "bf16"] = "no",
        workers: int = 0,
    ) -> None:
        if clip_norm is not None and clip_percentile is not None:
            raise BadInput(f"{name_of(self)} has both clip_norm and clip_percentile", expected="one of them")
        self.steps, self.batch_size, self.workers = steps, batch_size, workers
        self.optimizer, self.schedule, self.precision = optimizer, schedule, precision
        self.clip_norm, self.clip_percentile = clip_norm, clip_percentile
        self.valid_every, self.patience = valid_every, patience
        self.clip()  # raises for a wrong value before the training starts

    def step(self, model: nn.Module, loss: nn.Module, batch: tuple[Any, Any]) -> torch.Tensor:
        """The scalar loss of one batch. Override it for another training objective."""
        inputs, target = batch
        return loss(model(inputs), target)

    def after_step(self, model: nn.Module) -> None:
        """Called after each step of the optimizer, without gradients. The default does nothing.

        Override it for max-norm, averaged weights or masks. It may change the weights in place. If it needs state, the
        subclass must have `state_dict` and `load_state_dict`; then the state is in every checkpoint.
        """

    def fit(
        self, model: nn.Module, loss: nn.Module, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> dict[str, Any]:
        """Train `model` in place; resume from the newest checkpoint in `folder`. See `repro.trainers`."""
        if self.valid_every and valid is None:
            raise wrong_value(self, "valid_every", self.valid_every, "0, or an experiment.valid")
        return Fit(self, model, loss, train, valid, folder, order_seed).run()

    def clip(self) -> ClipNorm | AutoClip | None:
        """A new gradient clipper, or None if gradients are not clipped."""
        if self.clip_percentile is not None:
            return AutoClip(self.clip_percentile)
        return None if self.clip_norm is None else ClipNorm(self.clip_norm)


class Fit:
    """One training with a `Supervised`: the objects that change during it."""

    def __init__(
        self, trainer: Supervised, model: nn.Module, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> None:
        self.trainer, self.valid, self.device = trainer, valid, device.here()
        self.model, self.loss = model.to(self.device), loss.to(self.device)
        self.optimizer = trainer.optimizer(model.parameters())
        self.schedule = trainer.schedule(self.optimizer) if trainer.schedule else None
        self.clip = trainer.clip()
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=trainer.precision == "fp16")
        state = {"optimizer": self.optimizer, "schedule": self.schedule, "clip": self.clip}
        state |= {"scaler": self.scaler if self.scaler.is_enabled() else None}
        state |= {"trainer": trainer if _has_state(trainer) else None}
        self.loop = Loop(
            *(trainer, model, loss, train, folder, order_seed),
            patience=trainer.patience,
            workers=trainer.workers,
            **state,
        )

    def run(self) -> dict[str, Any]:
        """Do the remaining steps; returns the history."""
        with Autocast(self.model, self.device, self.trainer.precision), self.loop:
            self._validate(self.loop.done)  # if the run was interrupted during this validation
            for number, batch in self.loop:
                self._step(batch)
                self._validate(number)
        return self.loop.history()

    def _step(self, batch: Any) -> None:
        self.model.train()
        value = self.trainer.step(self.model, self.loss, batch)
        self.scaler.scale(value).backward()  # without fp16 the scaler changes nothing
        self.loop.check(value, scaled=self.scaler.is_enabled())  # the scaler skips a step that is not finite
        self.scaler.unscale_(self.optimizer)
        norm = self.clip(self.model.parameters()) if self.clip else None
        self.scaler.step(self.optimizer)
        self.scaler.update()
        with torch.no_grad():
            self.trainer.after_step(self.model)
        self.optimizer.zero_grad()
        self.loop.log(value, self.optimizer.param_groups[0]["lr"], norm)
        if self.schedule and not isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step()

    def _validate(self, number: int) -> None:
        """Validate after step `number`, if a validation is due and not done yet."""
        every = self.trainer.valid_every
        if not every or number % every or number <= self.loop.best.step:
            return
        score = self._score(number)
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(score)
        self.loop.validated(score)

    @torch.no_grad()
    def _score(self, number: int) -> float:
        """Mean loss over the validation set, in eval mode. Each process computes its share of the batches."""
        self.model.eval()
        processes.same(list(self.model.buffers()))
        total = torch.zeros((), device=self.device)
        size = min(self.trainer.batch_size, len(self.valid))
        valid = Subset(self.valid, processes.share(len(self.valid), size)) if processes.count() > 1 else self.valid
        for batch in DataLoader(valid, size, generator=torch.Generator()):
            inputs, target = device.moved(batch, self.device)
            total += self.trainer.step(self.model, self.loss, (inputs, target)).detach() * _length(inputs)
            self.loop.checkpoints.asked(number)
        return float(processes.add(total)) / len(self.valid)


def _has_state(trainer: Any) -> bool:
    return hasattr(trainer, "state_dict") or hasattr(trainer, "load_state_dict")


def _length(inputs: Any) -> int:
    first = next(iter(inputs.values())) if isinstance(inputs, dict) else inputs
    return len(first)
