"""The training loop by hand: batches, forward, loss, backward, step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, RandomSampler

from papers.mnist_quickstart import by_hand
from repro.errors import BadInput
from repro.registry import TRAINERS
from repro.trainers.journal import Journal
from repro.trainers.supervised import Checkpoints


@TRAINERS.register
class SGDByHand:
    """Minimise the cross entropy of a network of `by_hand.py` for `steps` steps of `batch_size` images.

    The model has `network()`, which gives its parameters' memory to a `by_hand.Network`. The loss is by hand too: an
    experiment with this trainer names none. The learning rate falls from `lr` to 0 in a straight line, as that of
    `torch.optim.lr_scheduler.LinearLR` does with `end_factor = 0`. The batches are those of `trainers.Supervised`.
    """

    def __init__(self, steps: int, batch_size: int, lr: float, momentum: float = 0.0) -> None:
        self.steps, self.batch_size, self.lr, self.momentum = steps, batch_size, lr, momentum

    def fit(self, model: Any, loss: Any, train: Any, valid: Any, folder: Path, order_seed: int) -> dict[str, Any]:
        """Train `model` in place; see `repro.trainers` for the contract."""
        if self.steps < 1:
            raise BadInput(f"trainers.SGDByHand.steps is {self.steps}; expected a whole number from 1")
        if not 0 < self.batch_size <= len(train):
            given = f"trainers.SGDByHand.batch_size is {self.batch_size}"
            raise BadInput(f"{given}; expected 1 to {len(train)}, the size of the training set")
        network, checkpoints = model.network(), Checkpoints(model, folder / "checkpoints", patience=0)
        optimizer = by_hand.SGD(network.parameters, self.momentum)
        with Journal(folder, self.steps, self.batch_size) as journal:
            for number, (images, target) in journal.count(self._batches(train, order_seed)):
                value, gradient = by_hand.softmax_cross_entropy(network.forward(images.numpy()), target.numpy())
                network.backward(gradient)
                lr = self.lr * (1 - (number - 1) / self.steps)
                optimizer.step(network.gradients, lr)
                journal.step(number, torch.tensor(value), lr, None)
        checkpoints.close(model)
        return journal.history()

    def _batches(self, train: Any, order_seed: int) -> Any:
        """Batches without end, in the order in which `trainers.Supervised` takes them."""
        sampler = RandomSampler(train, generator=torch.Generator().manual_seed(order_seed))
        loader = DataLoader(train, self.batch_size, sampler=sampler, drop_last=True, generator=torch.Generator())
        while True:
            yield from loader
