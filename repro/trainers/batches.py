"""Batches of the training set in random order: an endless sequence whose position a checkpoint can save."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from accelerate import skip_first_batches
from torch.utils.data import DataLoader, RandomSampler

from repro import interruption


class Batches:
    """An endless sequence of batches of `size` items of `train`, in a random order that depends only on `seed`.

    Every pass has another order. If the dataset has `set_epoch`, it is called with the number of the pass. workers:
    number of processes that read data; 0 means this process. The sequence can resume at any batch of any pass, because
    it saves the random states at the start of the pass.

    Example:

        >>> batches = iter(Batches(list(range(6)), size=2, seed=0))
        >>> one_pass = [next(batches) for _ in range(3)]
        >>> sorted(torch.cat(one_pass).tolist())
        [0, 1, 2, 3, 4, 5]
    """

    def __init__(self, train: Any, size: int, seed: int, workers: int = 0) -> None:
        self.train, self.size = train, size
        self.drawn = torch.Generator().manual_seed(seed)
        self.started = torch.Generator().manual_seed(seed)  # otherwise workers' seeds change dropout's random state
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
        self.epoch, self.batch = 0, 0  # number of the pass; number of its batches that were used
        self.began = self._generators()

    def __iter__(self) -> Iterator[Any]:
        while True:
            if hasattr(self.train, "set_epoch"):
                self.train.set_epoch(self.epoch)
            self.loader.iteration = self.epoch  # accelerate calls `set_epoch` with this
            self.began = self._generators()
            for batch in skip_first_batches(self.loader, self.batch) if self.batch else self.loader:
                self.batch += 1
                yield batch
            self.epoch, self.batch = self.epoch + 1, 0

    def _generators(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.drawn.get_state(), self.started.get_state()

    def last(self) -> dict[str, Any]:
        """The last batch: the number of its pass (`epoch`) and the indices of its `items`."""
        again = torch.Generator()
        again.set_state(self.began[0])
        drawn = list(RandomSampler(self.train, generator=again))
        return {"epoch": self.epoch, "items": drawn[(self.batch - 1) * self.size : self.batch * self.size]}

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "batch": self.batch, "began": self.began}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.batch, self.began = state["epoch"], state["batch"], state["began"]
        for generator, was in zip((self.drawn, self.started), self.began, strict=True):
            generator.set_state(was)


def _left_alone(worker: int) -> None:
    """Make a worker ignore signals: the trainer handles them, and still needs its workers."""
    interruption.ignore()
