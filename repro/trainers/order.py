"""The order of the training data: batches without end, from a place that a checkpoint can hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from accelerate import skip_first_batches
from torch.utils.data import DataLoader, RandomSampler

from repro import interruption


class Order:
    """Batches of `size` items of `train`, without end, in an order that comes from `seed` alone.

    Every pass has another order; a dataset with `set_epoch` is told which pass this is. `workers` processes read. An
    order goes on at any batch of any pass: it remembers its generators as they were when the pass began.
    """

    def __init__(self, train: Any, size: int, seed: int, workers: int = 0) -> None:
        self.train, self.size = train, size
        self.drawn = torch.Generator().manual_seed(seed)
        self.started = torch.Generator().manual_seed(seed)  # else the workers' seeds come from dropout's stream
        sampler = RandomSampler(train, generator=self.drawn)
        self.loader: Any = DataLoader(
            train,
            size,
            sampler=sampler,
            drop_last=True,
            num_workers=workers,
            generator=self.started,
            worker_init_fn=_left_alone,
        )
        self.epoch, self.batch = 0, 0  # this pass; how many of its batches were taken
        self.began = self._generators()

    def __iter__(self) -> Iterator[Any]:
        while True:
            if hasattr(self.train, "set_epoch"):
                self.train.set_epoch(self.epoch)
            self.loader.iteration = self.epoch  # accelerate, too, tells the dataset
            self.began = self._generators()
            for batch in skip_first_batches(self.loader, self.batch) if self.batch else self.loader:
                self.batch += 1
                yield batch
            self.epoch, self.batch = self.epoch + 1, 0

    def _generators(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.drawn.get_state(), self.started.get_state()

    def items(self) -> list[int]:
        """Which items of the training set the batch taken last is made of."""
        again = torch.Generator()
        again.set_state(self.began[0])
        drawn = list(RandomSampler(self.train, generator=again))
        return drawn[(self.batch - 1) * self.size : self.batch * self.size]

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "batch": self.batch, "began": self.began}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.batch, self.began = state["epoch"], state["batch"], state["began"]
        for generator, was in zip((self.drawn, self.started), self.began, strict=True):
            generator.set_state(was)


def _left_alone(worker: int) -> None:
    """A worker that reads data: a signal to the whole group is the trainer's to answer, who still needs workers."""
    interruption.ignore()
