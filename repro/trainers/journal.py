"""What a training leaves behind while it runs: `metrics.jsonl`, TensorBoard events, a progress bar, curves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Any

import torch

from repro import progress

EVERY = 10  # steps between two entries: reading the loss off an accelerator makes it wait
POINTS = 100  # of a curve that goes into the record


class Journal:
    """Open for the length of a training; `entries` holds `(step, loss)` pairs, each the mean of `EVERY` steps."""

    def __init__(self, folder: Path, steps: int, batch_size: int, quiet: bool = False) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.steps, self.batch_size = steps, batch_size
        self.entries: dict[str, list[list[float]]] = {"train": [], "valid": []}
        self.file = (folder / "metrics.jsonl").open("a", encoding="utf-8")
        self.events = SummaryWriter(str(folder / "tensorboard"))
        self.bar = progress.bar("train", total=steps * batch_size, unit="item", disable=quiet, smoothing=0.05)
        self.losses: list[torch.Tensor] = []
        self.done, self.began = 0, time.perf_counter()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.seconds = time.perf_counter() - self.began
        if self.losses and kind is None:  # training stopped between two entries
            self._enter(self.done)
        for sink in (self.file, self.events, self.bar):
            sink.close()

    def count(self, batches: Any) -> Iterator[tuple[int, Any]]:
        """`(step, batch)` from 1 to the last step, with the bar."""
        for number, batch in zip(range(1, self.steps + 1), batches, strict=False):
            self.done = number
            yield number, batch
            self.bar.update(self.batch_size)

    def step(self, number: int, loss: torch.Tensor, rate: float, norm: float | None) -> None:
        """Remember the loss of one step. Raises FloatingPointError when it is not finite."""
        self.losses.append(loss.detach())
        if number % EVERY == 0 or number == self.steps:
            self._enter(number, lr=rate, **({} if norm is None else {"gradient_norm": norm}))

    def _enter(self, number: int, **more: float) -> None:
        value = float(torch.stack(self.losses).mean())
        self.losses.clear()
        if not abs(value) < float("inf"):
            raise FloatingPointError(f"the loss is {value} within the {EVERY} steps up to step {number}")
        self.bar.set_postfix_str(f"loss {value:.4f}", refresh=False)
        self.note("train", number, value, **more)

    def note(self, name: str, number: int, value: float, **more: float) -> None:
        """One line of `metrics.jsonl` and the same numbers for TensorBoard."""
        self.entries[name].append([number, value])
        self.file.write(json.dumps({"curve": name, "step": number, "loss": value, **more}) + "\n")
        self.file.flush()
        for key, scalar in {"loss": value, **more}.items():
            self.events.add_scalar(f"{name}/{key}", scalar, number)

    def history(self) -> dict[str, Any]:
        """What the trainer returns: steps, items per second, curves of at most `POINTS` points each."""
        curves = {name: _thin(entries) for name, entries in self.entries.items() if entries}
        return {
            "steps": self.done,
            "items_per_second": round(self.done * self.batch_size / self.seconds, 1),
            "curves": curves,
        }


def _thin(entries: list[list[float]]) -> list[list[float]]:
    """Means of neighbouring entries, so that a long curve keeps its shape in few points."""
    size = -(-len(entries) // POINTS)
    groups = [entries[start : start + size] for start in range(0, len(entries), size)]
    return [[int(group[-1][0]), round(fmean(value for _, value in group), 6)] for group in groups]
