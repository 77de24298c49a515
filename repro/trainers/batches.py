"""Batches of the training set in random order: an endless sequence whose position a checkpoint can save."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, RandomSampler

from repro import interruption
from repro.training import processes


@dataclass(frozen=True)
class Position:
    """A batch of the sequence: the number of its pass (`epoch`), and its place in the pass, from 1.

    `began`: the random states at the start of the pass.
    """

    epoch: int
    batch: int
    began: tuple[torch.Tensor, torch.Tensor]


class Batches:
    """An endless sequence of batches of `size` items of `train`, in a random order that depends only on `seed`.

    Every pass has another order. If the dataset has `set_epoch`, it is called with the number of the pass. workers:
    number of processes that read data; 0 means this process. The sequence can resume at any batch of any pass, because
    it saves the random states at the start of the pass. If the run has several processes, each gets its part of every
    batch.

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
        self.loader: Any = DataLoader(
            train,
            batch_sampler=_Rest(self),
            num_workers=workers,
            generator=self.started,
            worker_init_fn=_left_alone,
            pin_memory=torch.cuda.is_available(),  # so that a copy to the GPU need not wait
        )
        self.epoch, self.batch = 0, 0  # number of the pass; number of its batches that were used
        self.began = self._generators()

    def __iter__(self) -> Iterator[Any]:
        while True:
            if hasattr(self.train, "set_epoch"):
                self.train.set_epoch(self.epoch)
            self.began = self._generators()
            for batch in _ahead(self.loader) if self.loader.pin_memory and not self.loader.num_workers else self.loader:
                self.batch += 1
                yield batch
            self.epoch, self.batch = self.epoch + 1, 0

    def _generators(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.drawn.get_state(), self.started.get_state()

    def position(self) -> Position:
        """The position of the last batch."""
        return Position(self.epoch, self.batch, self.began)

    def at(self, position: Position) -> dict[str, Any]:
        """The batch at a position: the number of its pass (`epoch`) and the indices of its `items`."""
        again = torch.Generator()
        again.set_state(position.began[0])
        order = list(RandomSampler(self.train, generator=again))
        return {"epoch": position.epoch, "items": order[(position.batch - 1) * self.size : position.batch * self.size]}

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "batch": self.batch, "began": self.began}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.batch, self.began = state["epoch"], state["batch"], state["began"]
        for generator, was in zip((self.drawn, self.started), self.began, strict=True):
            generator.set_state(was)


class _Rest:
    """The indices of this process's part of each batch of the present pass that was not used yet."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[int]]:
        size, used = self.batches.size, self.batches.batch
        order = list(RandomSampler(self.batches.train, generator=self.batches.drawn))
        for start in range(used * size, len(order) - size + 1, size):
            yield processes.part(order[start : start + size])


def _ahead(batches: Iterable[Any]) -> Iterator[Any]:
    """The same batches. A thread makes the next one while the GPU computes with the present one."""
    source = iter(batches)
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, source, None)
        while (batch := following.result()) is not None:
            following = thread.submit(next, source, None)
            yield batch


def _left_alone(worker: int) -> None:
    """Make a worker ignore signals: the trainer handles them, and still needs its workers."""
    interruption.ignore()
    interruption.end_with_parent()
