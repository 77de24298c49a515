"""Log a training: `metrics.jsonl`, TensorBoard events, a progress bar, learning curves.

A resumed training reads `metrics.jsonl` again. It removes the lines after the checkpoint and rewrites the TensorBoard
events, so that no step appears twice.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Any

import torch

from repro import disk, progress
from repro.errors import BadInput

EVERY = 10  # steps between two entries, because reading the loss makes an accelerator wait
POINTS = 100  # largest number of points of a curve in the record
CURVES = ("train", "valid")


class Journal:
    """The log of one training; use it as a context manager.

    `entries` has the `[step, loss]` pairs of each curve. A training loss is the mean over `EVERY` steps. quiet: show no
    progress bar.
    """

    def __init__(self, folder: Path, steps: int, batch_size: int, quiet: bool = False) -> None:
        self.folder, self.steps, self.batch_size, self.quiet = folder, steps, batch_size, quiet
        self.path = folder / "metrics.jsonl"
        self.entries: dict[str, list[list[float]]] = {name: [] for name in CURVES}
        self.losses: list[torch.Tensor] = []
        self.done, self.earlier, self.seconds = 0, 0.0, 0.0  # steps; seconds: of earlier processes, of all

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done, "losses": [loss.cpu() for loss in self.losses], "seconds": self._seconds()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done, self.losses, self.earlier = state["done"], list(state["losses"]), state["seconds"]

    def __enter__(self) -> Journal:
        from torch.utils.tensorboard import SummaryWriter

        rows = [row for row in read(self.path) if row["step"] <= self.done]
        disk.write(self.path, "".join(json.dumps(row) + "\n" for row in rows))
        shutil.rmtree(self.folder / "tensorboard", ignore_errors=True)
        self.file = self.path.open("a", encoding="utf-8")
        self.events = SummaryWriter(str(self.folder / "tensorboard"))
        for row in rows:
            self._show(row)
        total = self.steps * self.batch_size
        done = self.done * self.batch_size
        self.bar = progress.bar("train", total=total, initial=done, unit="item", disable=self.quiet, smoothing=0.05)
        self.began = time.perf_counter()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.seconds = self._seconds()
        if self.losses and kind is None:  # the training ended between two entries
            self._enter(self.done)
        with disk.full(self.path), contextlib.ExitStack() as sinks:  # closes each of them, even if another one fails
            for sink in (self.file, self.events, self.bar):
                sinks.callback(sink.close)

    def _seconds(self) -> float:
        return self.earlier + time.perf_counter() - self.began

    def count(self, batches: Any) -> Iterator[tuple[int, Any]]:
        """Iterate over `(step, batch)` for the remaining steps, and update the progress bar."""
        for number, batch in zip(range(self.done + 1, self.steps + 1), batches, strict=False):
            self.done = number
            yield number, batch
            self.bar.update(self.batch_size)

    def step(self, number: int, loss: torch.Tensor, rate: float, norm: float | None) -> None:
        """Add the loss of one step; `rate` is the learning rate, `norm` the gradient norm or None."""
        self.losses.append(loss.detach())
        if number % EVERY == 0 or number == self.steps:
            self._enter(number, lr=rate, **({} if norm is None else {"gradient_norm": norm}))

    def _enter(self, number: int, **more: float) -> None:
        value = float(torch.stack(self.losses).mean())
        self.losses.clear()
        self.bar.set_postfix_str(f"loss {value:.4f}", refresh=False)
        self.note("train", number, value, **more)

    def note(self, name: str, number: int, value: float, **more: float) -> None:
        """Write one line to `metrics.jsonl`, and the same numbers to TensorBoard. Raises DiskFull."""
        row = {"curve": name, "step": number, "loss": value, "time": round(time.time(), 3), **more}
        with disk.full(self.path):
            self.file.write(json.dumps(row) + "\n")
            self.file.flush()
            self._show(row)

    def _show(self, row: dict[str, Any]) -> None:
        self.entries[row["curve"]].append([row["step"], row["loss"]])
        for key, scalar in row.items():
            if key not in ("curve", "step", "time"):
                self.events.add_scalar(f"{row['curve']}/{key}", scalar, row["step"], walltime=row["time"])

    def history(self) -> dict[str, Any]:
        """The history that the trainer returns: steps, earlier seconds, speed, curves of at most `POINTS` points."""
        curves = {name: _thin(entries) for name, entries in self.entries.items() if entries}
        return {
            "steps": self.done,
            "earlier_seconds": round(self.earlier, 1),
            "items_per_second": round(self.done * self.batch_size / self.seconds, 1),
            "curves": curves,
        }


def read(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a `metrics.jsonl`; an empty list if there is no file. An incomplete last line is ignored.

    Raises BadInput, with the line, if a line was not written by a journal.
    """
    if not path.is_file():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [_row(line, f"{path}:{number}") for number, line in enumerate(whole.splitlines(), 1)]


def _row(line: bytes, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        numbers = [value for key, value in row.items() if key != "curve"]
        good = row["curve"] in CURVES and {"step", "loss", "time"} <= row.keys()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        hint = "delete the line to go on without it"
        raise BadInput(f"no line of a journal ({type(error).__name__}: {error}); {hint}", place) from None
    if not good or not all(type(value) in (int, float) for value in numbers):
        raise BadInput("no line of a journal: expected a curve, its step, loss and time", place)
    return dict(row)


def _thin(entries: list[list[float]]) -> list[list[float]]:
    """Average neighbouring entries, so that a long curve has few points and the same shape."""
    size = -(-len(entries) // POINTS)
    groups = [entries[start : start + size] for start in range(0, len(entries), size)]
    return [[int(group[-1][0]), round(fmean(value for _, value in group), 6)] for group in groups]
