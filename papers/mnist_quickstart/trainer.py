"""The training loop by hand: batches, forward, loss, backward, step (Section 4 of the assignment)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from papers.mnist_quickstart import by_hand
from repro import interruption
from repro.errors import BadInput
from repro.registry import TRAINERS
from repro.trainers.best import Best
from repro.trainers.checkpoints import Checkpoints
from repro.trainers.journal import Journal
from repro.trainers.order import Order
from repro.trainers.watch import Watch


@TRAINERS.register
class SGDByHand:
    """Stochastic gradient descent by hand: minimises the cross entropy for `steps` steps of `batch_size` images.

    The model needs `network()`, which returns a `by_hand.Network` that shares memory with its parameters. The loss is
    by hand too, so the experiment names no loss. The learning rate decreases linearly from `lr` to 0, as with
    `torch.optim.lr_scheduler.LinearLR` and `end_factor = 0`. The batches are those of `trainers.Supervised`.

    `fit` raises BadInput if `steps` or `batch_size` is out of range, and NotFinite if a number becomes NaN.

    Example:

        >>> from papers.mnist_quickstart.model import PerceptronByHand
        >>> from repro.datasets.digits import Digits
        >>> trainer = SGDByHand(steps=10, batch_size=50, lr=0.1)
        >>> history = trainer.fit(PerceptronByHand((8,)), None, Digits("train"), None, Path("."), order_seed=0)
        >>> history["steps"]
        10
    """

    def __init__(self, steps: int, batch_size: int, lr: float, momentum: float = 0.0) -> None:
        self.steps, self.batch_size, self.lr, self.momentum = steps, batch_size, lr, momentum

    def fit(self, model: Any, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int) -> dict[str, Any]:
        """Train `model` in place. `repro.trainers` describes the arguments and the result."""
        if self.steps < 1:
            raise BadInput(f"trainers.SGDByHand.steps is {self.steps}; expected a whole number from 1")
        if not 0 < self.batch_size <= len(train):
            given = f"trainers.SGDByHand.batch_size is {self.batch_size}"
            raise BadInput(f"{given}; expected 1 to {len(train)}, the size of the training set")
        network, order = model.network(), Order(train, self.batch_size, order_seed)
        optimizer = by_hand.SGD(network.parameters, self.momentum)
        journal, best = Journal(folder, self.steps, self.batch_size), Best(model, folder / "checkpoints")
        parts = {"model": model, "optimizer": Velocities(optimizer.velocities), "order": order, "journal": journal}
        watch = Watch(model, loss, order, folder / "checkpoints")
        checkpoints = Checkpoints(folder / "checkpoints", parts, watch.weights)
        checkpoints.restore()
        with journal, interruption.deferred():
            for number, (images, target) in journal.count(order):
                watch.begin()
                value, gradient = by_hand.softmax_cross_entropy(network.forward(images.numpy()), target.numpy())
                watch.value(number, torch.tensor(value))
                network.backward(gradient)
                watch.gradients(number, _named(model, network.gradients))
                lr = self.lr * (1 - (number - 1) / self.steps)
                optimizer.step(network.gradients, lr)
                journal.step(number, torch.tensor(value), lr, None)
                checkpoints.after(number)
            checkpoints.save(journal.done)
        best.close()
        return journal.history()


class Velocities:
    """The velocities of `by_hand.SGD` in the form of a checkpoint."""

    def __init__(self, arrays: list[by_hand.Array]) -> None:
        self.arrays = arrays

    def state_dict(self) -> dict[str, Any]:
        return {"velocities": [torch.from_numpy(array) for array in self.arrays]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for array, was in zip(self.arrays, state["velocities"], strict=True):
            array[...] = was.numpy()


def _named(model: Any, arrays: list[by_hand.Array]) -> Iterator[tuple[str, torch.Tensor]]:
    """The arrays of the network as tensors, with the names of the model's parameters."""
    names = (name for name, _ in model.named_parameters())
    return zip(names, map(torch.from_numpy, arrays), strict=True)
