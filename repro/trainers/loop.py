"""The training loop: batches in random order, checkpoints, metrics, and the best weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import nn

from repro import interruption
from repro.registry import wrong_value
from repro.trainers.batches import Batches
from repro.trainers.best import Best
from repro.training import processes
from repro.training.checkpoints import Checkpoints
from repro.training.device import moved
from repro.training.finite import FiniteCheck
from repro.training.metrics_log import MetricsLog


class Loop:
    """The steps of one training: iterate over it for `(number, batch)`, and use it in a `with` statement.

    It resumes from the newest checkpoint in `folder`, saves checkpoints and stops when a signal asks for it. It writes
    `metrics.jsonl` and the weights, and stops at the first number that is not finite. Steps are counted from 1.
    Batches are on the device of the model. If the run has several processes, each gets its part of every batch, and
    `check` averages the gradients.

    - `trainer`: has `steps` and `batch_size`. Its errors name the trainer.
    - `model`, `loss`: their state is saved; `loss` may be None. `train`: the training set.
    - `folder`, `order_seed`: the arguments of `fit`.
    - `patience`: validations without improvement before the training stops; 0: it never stops.
    - `workers`: processes that read data; 0: this process.
    - other arguments: objects with `state_dict` and `load_state_dict` that change during the training, by name.

    Raises BadInput if `steps` is below 1, or if `batch_size` is not between 1 and the size of the training set, or
    cannot be divided by the number of processes.

    Example: a trainer of one's own. It fits y = 2x with gradient descent.

        >>> class GradientDescent:
        ...     def __init__(self, steps, batch_size, lr):
        ...         self.steps, self.batch_size, self.lr = steps, batch_size, lr
        ...     def fit(self, model, loss, train, valid, folder, order_seed):
        ...         optimizer = torch.optim.SGD(model.parameters(), self.lr)
        ...         with Loop(self, model, loss, train, folder, order_seed, optimizer=optimizer) as loop:
        ...             for number, (inputs, target) in loop:
        ...                 optimizer.zero_grad()
        ...                 value = loss(model(inputs), target)
        ...                 value.backward()
        ...                 loop.check(value)
        ...                 optimizer.step()
        ...                 loop.log(value, self.lr)
        ...         return loop.history()
        >>> x, model = torch.linspace(-1, 1, 20)[:, None], nn.Linear(1, 1)
        >>> trainer = GradientDescent(steps=50, batch_size=20, lr=1.0)
        >>> history = trainer.fit(model, nn.MSELoss(), list(zip(x, 2 * x)), None, Path("."), order_seed=0)
        >>> history["steps"], round(model.weight.item(), 3)
        (50, 2.0)
    """

    def __init__(
        self,
        trainer: Any,
        model: nn.Module,
        loss: Any,
        train: Any,
        folder: Path,
        order_seed: int,
        /,
        *,
        patience: int = 0,
        workers: int = 0,
        **state: Any,
    ) -> None:
        _refuse(trainer, train)
        self.model, self.seed = model, order_seed
        self.batches = Batches(train, trainer.batch_size, order_seed, workers)
        self.best = Best(model, folder / "checkpoints", patience)
        self.metrics = MetricsLog(folder, trainer.steps, trainer.batch_size)
        self.finite = FiniteCheck(model, loss, self.batches, folder / "checkpoints")
        own = {"batches": self.batches, "best": self.best, "metrics": self.metrics}
        parts = {"model": model, "loss": loss, **state, **own}
        self.checkpoints = Checkpoints(folder / "checkpoints", parts, self.finite.check_weights)

    def __enter__(self) -> Loop:
        self.checkpoints.restore()
        with ExitStack() as stack:  # closed from the last line to the first
            stack.push(self._load_best)
            stack.enter_context(interruption.deferred())
            stack.enter_context(self.metrics)
            stack.push(self._save_last)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stack.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        device = next((parameter.device for parameter in self.model.parameters()), None)
        for number, batch in self.metrics.count(() if self.best.stopped else self.batches):
            processes.seed_step(self.seed, number)
            self.finite.begin()
            yield number, moved(batch, device)
            self.checkpoints.after(number)
            if self.best.stopped:
                break

    @property
    def done(self) -> int:
        """The number of steps that are done."""
        return self.metrics.done

    def check(
        self, loss: torch.Tensor, gradients: Iterable[tuple[str, torch.Tensor]] | None = None, scaled: bool = False
    ) -> None:
        """Check the loss and the gradients of the present step, before they change a weight. Raises NotFinite.

        If the run has several processes, the gradients are replaced by their mean over the processes.
        gradients: (name, tensor) pairs; None: those of the model's parameters. scaled: they are scaled for fp16, so
        they may be infinite.
        """
        named = list(_gradients(self.model) if gradients is None else gradients)
        mean = loss.detach().clone()
        processes.average([mean, *(gradient for _, gradient in named)])
        self.finite.check(self.done, mean, [] if scaled else named)

    def log(self, loss: torch.Tensor, rate: float, norm: float | torch.Tensor | None = None) -> None:
        """Log the loss of the present step. rate: the learning rate. norm: the norm of the gradient, if it is known."""
        mean = loss.detach().clone()
        processes.average([mean])
        self.metrics.step(self.done, mean, rate, norm)

    def validated(self, score: float) -> None:
        """Log the validation loss after the present step. The weights with the lowest one are kept."""
        self.metrics.note("valid", self.done, score)
        self.best.keep(self.done, score)

    def history(self) -> dict[str, Any]:
        """What `fit` returns (see `repro.trainers`)."""
        return self.metrics.history()

    def _save_last(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.checkpoints.save(self.done)

    def _load_best(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.best.close()
            processes.same(list(self.model.buffers()))  # each process has its own statistics of the inputs


def _refuse(trainer: Any, train: Any) -> None:
    """Raise BadInput, with the binding to change, if the settings do not allow a training."""
    if trainer.steps < 1:
        raise wrong_value(trainer, "steps", trainer.steps, "a whole number from 1")
    if not 0 < trainer.batch_size <= len(train):
        expected = f"1 to {len(train)}, the size of the training set"
        raise wrong_value(trainer, "batch_size", trainer.batch_size, expected)
    if trainer.batch_size % processes.count():
        expected = f"a multiple of {processes.count()}, the number of processes"
        raise wrong_value(trainer, "batch_size", trainer.batch_size, expected)


def _gradients(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    return ((name, p.grad) for name, p in model.named_parameters() if p.grad is not None)
