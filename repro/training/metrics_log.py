"""The metrics log of a training: `metrics.jsonl`, TensorBoard events, a progress bar, and the curves of the record.

A resumed training reads `metrics.jsonl` again. It deletes the lines after the checkpoint and writes the TensorBoard
events again from the other lines, so that no step is logged twice.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Any

import torch

from repro import progress
from repro.errors import BadInput
from repro.files import disk
from repro.training import processes
from repro.training.device import Later

EVERY = 10  # steps between two entries, because reading the loss from a GPU makes it wait
POINTS = 100  # the maximum number of points of a curve in the record
LOSSES = ("train", "valid")  # the curves of the loss; other curves are those of metrics, by the metric's name


_measured: ContextVar[Callable[[], Mapping[str, float]]] = ContextVar("_measured", default=dict)


@contextlib.contextmanager
def at_validations(measure: Callable[[], Mapping[str, float]]) -> Iterator[None]:
    """Context in which `measure` is called at each validation; its values, by name, are logged as further curves."""
    token = _measured.set(measure)
    try:
        yield
    finally:
        _measured.reset(token)


class MetricsLog:
    """A context manager for one training.

    `entries` has `(step, value)` pairs for each curve: the training loss, as means of `EVERY` steps, and after each
    validation the loss and the metrics.
    """

    def __init__(self, folder: Path, steps: int, batch_size: int) -> None:
        self.folder, self.steps, self.batch_size = folder, steps, batch_size
        self.path = folder / "metrics.jsonl"
        self.entries: dict[str, list[list[float]]] = {name: [] for name in LOSSES}
        self.losses: list[torch.Tensor] = []
        self.waiting: list[tuple[int, float | None, Later]] = []  # entries whose numbers are not read from the GPU yet
        self.done, self.earlier, self.seconds = 0, 0.0, 0.0  # steps; seconds of earlier processes and of all processes

    def state_dict(self) -> dict[str, Any]:
        self._write()
        return {"done": self.done, "losses": [loss.cpu() for loss in self.losses], "seconds": self._seconds()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done, self.losses, self.earlier = state["done"], list(state["losses"]), state["seconds"]

    def __enter__(self) -> MetricsLog:
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
        self.bar = progress.bar(
            "train", total=total, initial=done, unit="item", smoothing=0.05, disable=processes.rank() > 0
        )
        self.began = time.perf_counter()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.seconds = self._seconds()
        if self.losses and kind is None:  # training ended between two entries
            self._enter(self.done, None, None)
        with disk.full(self.path), contextlib.ExitStack() as sinks:  # each is closed, even if closing another fails
            for sink in (self.file, self.events, self.bar):
                sinks.callback(sink.close)
            if kind is None:
                sinks.callback(self._write)  # the first that is called

    def _seconds(self) -> float:
        return self.earlier + time.perf_counter() - self.began

    def count(self, batches: Any) -> Iterator[tuple[int, Any]]:
        """`(step, batch)` for the remaining steps, with the progress bar. Steps are counted from 1."""
        for number, batch in zip(range(self.done + 1, self.steps + 1), batches, strict=False):
            self.done = number
            yield number, batch
            self.bar.update(self.batch_size)

    def step(self, number: int, loss: torch.Tensor, rate: float, norm: float | torch.Tensor | None) -> None:
        """Add the loss of one step. rate: the learning rate. norm: the norm of the gradient, or None."""
        self._write()
        self.losses.append(loss)
        if number % EVERY == 0 or number == self.steps:
            self._enter(number, rate, norm)

    def _enter(self, number: int, rate: float | None, norm: float | torch.Tensor | None) -> None:
        mean = torch.stack(self.losses).mean()
        self.losses.clear()
        norms = [] if norm is None else [torch.as_tensor(norm, dtype=mean.dtype, device=mean.device)]
        self.waiting.append((number, rate, Later(torch.stack([mean, *norms]))))
        if not mean.is_cuda:
            self._write()

    def _write(self) -> None:
        """Write the entries that wait. On a GPU this is in the step after, so that no step waits for its numbers."""
        while self.waiting:
            number, rate, found = self.waiting.pop(0)
            value, *norms = found.numbers()
            self.bar.set_postfix_str(f"loss {value:.4f}", refresh=False)
            more = {} if rate is None else {"lr": rate}
            self.note("train", number, value, **more, **({"gradient_norm": norms[0]} if norms else {}))

    def note(self, name: str, number: int, value: float, **more: float) -> None:
        """Write one line of `metrics.jsonl` and the same numbers for TensorBoard. Raises DiskFull.

        name: "train" or "valid" for a loss, else the name of a metric. Before a line of "valid" come those of
        `at_validations`.
        """
        self._write()
        for metric, mean in _measured.get()().items() if name == "valid" else ():
            self.note(metric, number, mean)
        row = {"curve": name, "step": number, _key(name): value, "time": round(time.time(), 3), **more}
        with disk.full(self.path):
            self.file.write(json.dumps(row) + "\n")
            self.file.flush()
            self._show(row)

    def _show(self, row: dict[str, Any]) -> None:
        name = row["curve"]
        self.entries.setdefault(name, []).append([row["step"], row[_key(name)]])
        for key, scalar in row.items():
            if key not in ("curve", "step", "time"):
                tag = f"valid/{name}" if key == "value" else f"{name}/{key}"
                self.events.add_scalar(tag, scalar, row["step"], walltime=row["time"])

    def history(self) -> dict[str, Any]:
        """What the trainer returns: steps, seconds of earlier processes, items per second, and thinned curves."""
        curves = {name: _thin(entries) for name, entries in self.entries.items() if entries}
        return {
            "steps": self.done,
            "batch_size": self.batch_size,
            "earlier_seconds": round(self.earlier, 1),
            "items_per_second": round(self.done * self.batch_size / self.seconds, 1),
            "curves": curves,
        }


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a `metrics.jsonl`; empty if there is no file. An incomplete last line is ignored.

    Raises BadInput, with the line number, for a line that is not a line of a metrics log.
    """
    if not path.is_file():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [_row(line, f"{path}:{number}") for number, line in enumerate(whole.splitlines(), 1)]


def _key(curve: str) -> str:
    """The key of a curve's number in `metrics.jsonl`."""
    return "loss" if curve in LOSSES else "value"


def _row(line: bytes, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        numbers = [value for key, value in row.items() if key != "curve"]
        good = isinstance(row["curve"], str) and {"step", _key(row["curve"]), "time"} <= row.keys()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadInput(
            f"not a line of a metrics log ({type(error).__name__}: {error}); delete the line to resume without it",
            place,
        ) from None
    if not good or not all(type(value) in (int, float) for value in numbers):
        raise BadInput("not a line of a metrics log", place, expected="a curve, its step, loss or value, and time")
    return dict(row)


def _thin(entries: list[list[float]]) -> list[list[float]]:
    """A curve of at most `POINTS` points: each is the mean of neighbouring entries."""
    size = -(-len(entries) // POINTS)
    groups = [entries[start : start + size] for start in range(0, len(entries), size)]
    return [[int(group[-1][0]), round(fmean(value for _, value in group), 6)] for group in groups]
