"""The training loop by hand: batches, forward, loss, backward, step (Section 4 of the assignment)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from papers.mnist_quickstart import by_hand
from repro.registry import TRAINERS
from repro.trainers.loop import Loop


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
        network = model.network()
        optimizer = by_hand.SGD(network.parameters, self.momentum)
        velocities = Velocities(optimizer.velocities)
        with Loop(self, model, loss, train, folder, order_seed, optimizer=velocities) as loop:
            for number, (images, target) in loop:
                value, gradient = by_hand.softmax_cross_entropy(network.forward(images.numpy()), target.numpy())
                network.backward(gradient)
                loop.check(torch.tensor(value), _named(model, network.gradients))
                lr = self.lr * (1 - (number - 1) / self.steps)
                optimizer.step(network.gradients, lr)
                loop.log(torch.tensor(value), lr)
        return loop.history()


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
