"""The one training loop: batches of `(inputs, target)`, a loss, an optimizer. Read it in a minute, override `step`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration, send_to_device
from safetensors.torch import load_model, save_model
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, RandomSampler

from repro.errors import BadInput
from repro.registry import TRAINERS
from repro.trainers import optim as optim  # a config that names this trainer may name torch's optimizers
from repro.trainers.clipping import AutoClip, ClipNorm
from repro.trainers.journal import Journal

log = logging.getLogger("repro")


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
            raise BadInput("trainers.Supervised has both clip_norm and clip_percentile; expected one of them")
        self.steps, self.batch_size, self.workers = steps, batch_size, workers
        self.optimizer, self.schedule, self.precision = optimizer, schedule, precision
        self.clip_norm, self.clip_percentile = clip_norm, clip_percentile
        self.valid_every, self.patience = valid_every, patience
        self._clip()  # what it refuses is refused before anything is trained

    def step(self, model: nn.Module, loss: nn.Module, batch: tuple[Any, Any]) -> torch.Tensor:
        """The scalar loss of one batch: what a paper with a training of its own overrides."""
        inputs, target = batch
        return loss(model(inputs), target)

    def fit(
        self, model: nn.Module, loss: nn.Module, train: Any, valid: Any, folder: Path, order_seed: int
    ) -> dict[str, Any]:
        """Train `model` in place; see `repro.trainers` for the contract."""
        self._refuse(train, valid)
        accelerator = Accelerator(
            mixed_precision=self.precision, dataloader_config=DataLoaderConfiguration(split_batches=True)
        )
        if not accelerator.is_main_process:  # one process keeps the run's own files; the others keep theirs apart
            folder = folder / f"process{accelerator.process_index}"
            folder.mkdir(exist_ok=True)
        optimizer = self.optimizer(model.parameters())
        schedule = self.schedule(optimizer) if self.schedule else None
        clip = self._clip()
        raw, checkpoints = model, Checkpoints(model, folder / "checkpoints", self.patience)
        model, optimizer, loader = accelerator.prepare(model, optimizer, self._loader(train, order_seed))
        loss = loss.to(accelerator.device)

        with Journal(folder, self.steps, self.batch_size, quiet=not accelerator.is_main_process) as journal:
            for number, batch in journal.count(self._cycle(loader, train)):
                model.train()
                value = self.step(model, loss, batch)
                accelerator.backward(value)
                accelerator.unscale_gradients(optimizer)  # of no effect but with fp16
                norm = clip(model.parameters()) if clip else None
                optimizer.step()
                optimizer.zero_grad()
                journal.step(number, value, optimizer.param_groups[0]["lr"], norm)
                if self.valid_every and number % self.valid_every == 0:
                    score = self._validate(accelerator, model, loss, valid)
                    journal.note("valid", number, score)
                    if isinstance(schedule, ReduceLROnPlateau):
                        schedule.step(score)
                    if checkpoints.keep(score):
                        log.info("stopped at step %d: no improvement in %d validations", number, self.patience)
                        break
                if schedule and not isinstance(schedule, ReduceLROnPlateau):
                    schedule.step()
        checkpoints.close(raw)
        return journal.history()

    def _clip(self) -> ClipNorm | AutoClip | None:
        if self.clip_percentile is not None:
            return AutoClip(self.clip_percentile)
        return None if self.clip_norm is None else ClipNorm(self.clip_norm)

    def _refuse(self, train: Any, valid: Any) -> None:
        """What cannot be trained, each named by the binding to change."""
        if self.steps < 1:
            raise BadInput(f"trainers.Supervised.steps is {self.steps}; expected a whole number from 1")
        if not 0 < self.batch_size <= len(train):
            raise BadInput(
                f"trainers.Supervised.batch_size is {self.batch_size}; expected 1 to {len(train)}, "
                "the size of the training set"
            )
        if self.valid_every and valid is None:
            raise BadInput(f"trainers.Supervised.valid_every is {self.valid_every}; expected 0, or an experiment.valid")

    def _loader(self, train: Any, order_seed: int) -> DataLoader[Any]:
        sampler = RandomSampler(train, generator=torch.Generator().manual_seed(order_seed))
        return DataLoader(
            train,
            self.batch_size,
            sampler=sampler,
            drop_last=True,
            num_workers=self.workers,
            generator=torch.Generator().manual_seed(order_seed),  # else it draws from dropout's stream
        )

    def _cycle(self, loader: Any, train: Any) -> Iterator[Any]:
        """Batches without end; a dataset with `set_epoch` is told which pass this is."""
        for epoch in range(self.steps):
            if hasattr(train, "set_epoch"):
                train.set_epoch(epoch)
            yield from loader

    @torch.no_grad()
    def _validate(self, accelerator: Accelerator, model: nn.Module, loss: nn.Module, valid: Any) -> float:
        """Mean loss over the validation set, in eval mode; every process computes all of it."""
        model.eval()
        total = torch.zeros((), device=accelerator.device)
        for batch in DataLoader(valid, min(self.batch_size, len(valid)), generator=torch.Generator()):
            inputs, target = send_to_device(batch, accelerator.device)
            total += self.step(model, loss, (inputs, target)).detach() * _length(inputs)
        return float(total) / len(valid)


class Checkpoints:
    """`best.safetensors` and `last.safetensors`; the model ends with the best weights where validations chose them."""

    def __init__(self, model: nn.Module, folder: Path, patience: int) -> None:
        self.model, self.folder, self.patience = model, folder, patience
        self.best, self.waited = float("inf"), 0
        folder.mkdir(exist_ok=True)

    def keep(self, score: float) -> bool:
        """Save where `score` is the lowest so far; True when patience has run out."""
        self.waited = 0 if score < self.best else self.waited + 1
        if score < self.best:
            self.best = score
            save_model(self.model, str(self.folder / "best.safetensors"))
        return bool(self.patience) and self.waited >= self.patience

    def close(self, model: nn.Module) -> None:
        """Save the last weights, then put the best ones into the model."""
        save_model(model, str(self.folder / "last.safetensors"))
        if self.best < float("inf"):
            load_model(model, self.folder / "best.safetensors")


def _length(inputs: Any) -> int:
    first = next(iter(inputs.values())) if isinstance(inputs, dict) else inputs
    return len(first)
