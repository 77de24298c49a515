"""The one training loop: batches of `(inputs, target)`, a loss, an optimizer. Read it in a minute, override `step`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DataLoaderConfiguration, send_to_device
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader

from repro import interruption
from repro.errors import BadInput
from repro.registry import TRAINERS, name_of, wrong_value
from repro.trainers import optim as optim  # a config that names this trainer may name torch's optimizers
from repro.trainers.best import Best
from repro.trainers.checkpoints import Checkpoints
from repro.trainers.clipping import AutoClip, ClipNorm
from repro.trainers.journal import Journal
from repro.trainers.order import Order
from repro.trainers.watch import Watch


@TRAINERS.register
class Supervised:
    """Minimise `loss(model(inputs), target)` for `steps` steps of `batch_size` items (over all processes together).

    - `optimizer`, `schedule`: torch's own, as `@torch.optim.Adam()`, `@torch.optim.lr_scheduler.OneCycleLR()`; the
      schedule advances once a step, `ReduceLROnPlateau` once a validation.
    - `clip_norm`: largest norm of the gradient; or `clip_percentile`: AutoClip, in (0, 100].
    - `valid_every`: steps between validations (0: none); the weights of the best one are kept, and after `patience`
      validations without improvement training stops (0: never).
    - `precision`: as accelerate names it.
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
            raise BadInput(f"{name_of(self)} has both clip_norm and clip_percentile; expected one of them")
        self.steps, self.batch_size, self.workers = steps, batch_size, workers
        self.optimizer, self.schedule, self.precision = optimizer, schedule, precision
        self.clip_norm, self.clip_percentile = clip_norm, clip_percentile
        self.valid_every, self.patience = valid_every, patience
        self.clip()  # what it refuses is refused before anything is trained

    def step(self, model: nn.Module, loss: nn.Module, batch: tuple[Any, Any]) -> torch.Tensor:
        """The scalar loss of one batch: what a paper with a training of its own overrides."""
        inputs, target = batch
        return loss(model(inputs), target)

    def after_step(self, model: nn.Module) -> None:
        """Called after each step of the optimizer, without gradients: for max-norm, an average of the weights, masks.

        It may change the weights in place. State that it keeps goes into `state_dict` and `load_state_dict` of the
        trainer: where a subclass has both, they are part of every checkpoint.
        """

    def fit(
        self, model: nn.Module, loss: nn.Module, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> dict[str, Any]:
        """Train `model` in place, from the newest checkpoint in `folder` on; see `repro.trainers` for the contract."""
        self._refuse(train, valid)
        return Fit(self, model, loss, train, valid, folder, order_seed).run()

    def clip(self) -> ClipNorm | AutoClip | None:
        """A clip that has seen no gradient yet; None where the gradient is left as it is."""
        if self.clip_percentile is not None:
            return AutoClip(self.clip_percentile)
        return None if self.clip_norm is None else ClipNorm(self.clip_norm)

    def _refuse(self, train: Any, valid: Any) -> None:
        """What cannot be trained, each named by the binding to change."""
        if self.steps < 1:
            raise wrong_value(self, "steps", self.steps, "a whole number from 1")
        if not 0 < self.batch_size <= len(train):
            expected = f"1 to {len(train)}, the size of the training set"
            raise wrong_value(self, "batch_size", self.batch_size, expected)
        if self.valid_every and valid is None:
            raise wrong_value(self, "valid_every", self.valid_every, "0, or an experiment.valid")


class Fit:
    """One training by a `Supervised`: all that changes while it lasts, each part with its state."""

    def __init__(
        self, trainer: Supervised, model: nn.Module, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> None:
        self.trainer, self.raw, self.valid = trainer, model, valid
        AcceleratorState._reset_state()  # else the precision of an earlier training in this process is the only one
        self.accelerator = accelerator = Accelerator(
            mixed_precision=trainer.precision, dataloader_config=DataLoaderConfiguration(split_batches=True)
        )
        alone = accelerator.num_processes == 1
        if not accelerator.is_main_process:  # one process keeps the run's own files; the others keep theirs apart
            folder = folder / f"process{accelerator.process_index}"
            folder.mkdir(exist_ok=True)
        optimizer = trainer.optimizer(model.parameters())
        self.schedule = trainer.schedule(optimizer) if trainer.schedule else None
        self.clip = trainer.clip()
        self.order = Order(train, trainer.batch_size, order_seed, trainer.workers)
        self.best = Best(model, folder / "checkpoints", trainer.patience)
        self.journal = Journal(folder, trainer.steps, trainer.batch_size, quiet=not accelerator.is_main_process)
        self.model, self.optimizer, self.order.loader = accelerator.prepare(model, optimizer, self.order.loader)
        self.loss = loss.to(accelerator.device)
        names = ("raw", "loss", "optimizer", "schedule", "clip", "order", "best", "journal")
        parts = {name: getattr(self, name) for name in names} | {"scaler": accelerator.scaler}
        if hasattr(trainer, "state_dict") or hasattr(trainer, "load_state_dict"):
            parts["trainer"] = trainer
        self.watch = Watch(model, loss, self.order, folder / "checkpoints")
        self.checkpoints = Checkpoints(folder / "checkpoints", parts, self.watch.weights, alone)

    def run(self) -> dict[str, Any]:
        """Every step that is not done yet; the history."""
        self.checkpoints.restore()
        with self.journal as journal, interruption.deferred():
            self._validate(journal.done)  # it was stopped in the midst of that
            for number, batch in journal.count(() if self.best.stopped else self.order):
                self._step(number, batch)
                self._validate(number)
                self.checkpoints.after(number)
                if self.best.stopped:
                    break
            self.checkpoints.save(journal.done)
        self.best.close()
        return journal.history()

    def _step(self, number: int, batch: Any) -> None:
        self.watch.begin()
        self.model.train()
        value = self.trainer.step(self.model, self.loss, batch)
        self.watch.value(number, value)
        self.accelerator.backward(value)
        self.accelerator.unscale_gradients(self.optimizer)  # of no effect but with fp16
        if self.trainer.precision != "fp16":  # whose scaler leaves out a step that would not be finite
            self.watch.gradients(number, _gradients(self.raw))
        norm = self.clip(self.model.parameters()) if self.clip else None
        self.optimizer.step()
        with torch.no_grad():
            self.trainer.after_step(self.raw)
        self.optimizer.zero_grad()
        self.journal.step(number, value, self.optimizer.param_groups[0]["lr"], norm)
        if self.schedule and not isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step()

    def _validate(self, number: int) -> None:
        """The validation after step `number`, where one is due and was not made."""
        every = self.trainer.valid_every
        if not every or number % every or number <= self.best.step:
            return
        score = self._score(number)
        self.journal.note("valid", number, score)
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(score)
        self.best.keep(number, score)

    @torch.no_grad()
    def _score(self, number: int) -> float:
        """Mean loss over the validation set, in eval mode; every process computes all of it."""
        self.model.eval()
        total = torch.zeros((), device=self.accelerator.device)
        size = min(self.trainer.batch_size, len(self.valid))
        for batch in DataLoader(self.valid, size, generator=torch.Generator()):
            inputs, target = send_to_device(batch, self.accelerator.device)
            total += self.trainer.step(self.model, self.loss, (inputs, target)).detach() * _length(inputs)
            self.checkpoints.asked(number)
        return float(total) / len(self.valid)


def _gradients(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    return ((name, p.grad) for name, p in model.named_parameters() if p.grad is not None)


def _length(inputs: Any) -> int:
    first = next(iter(inputs.values())) if isinstance(inputs, dict) else inputs
    return len(first)
