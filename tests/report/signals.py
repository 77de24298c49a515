"""A synthetic recording with true and found marks, as the examples of a record; for the tests of the strip."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from repro.data.signal_panels import illustrate

RATE, LONG = 250, 10  # Hz; seconds of a stretch
MISSED, OTHER, EXTRA = 17, (9, 30, 31), 45_100  # of the marks: one missed, three of kind V; the sample of an extra one


def recording(seconds: int, seed: int = 0) -> Any:
    """A peak about once a second, on noise. Every mark is N, except for `OTHER`."""
    draw = np.random.default_rng(seed)
    marks = np.arange(1, seconds) * RATE + draw.integers(-30, 30, seconds - 1)
    signal = 0.05 * draw.normal(size=seconds * RATE)
    for n in range(-3, 4):
        signal[marks + n] += 1 - abs(n) / 4
    kinds = ["V" if n in OTHER else "N" for n in range(len(marks))]
    made = torch.tensor(signal, dtype=torch.float32)
    return SimpleNamespace(signal=made, sample_rate=float(RATE), unit="mV", marks=torch.tensor(marks), kinds=kinds)


def examples(folder: Path, many: int = 20) -> list[dict[str, Any]]:
    """Write `many` stretches into `folder`; returns the examples of a record, with one missed and one extra mark."""
    folder.mkdir(parents=True, exist_ok=True)
    one, rows = recording(many * LONG), []
    found = np.sort(np.append(np.delete(one.marks.numpy(), MISSED), EXTRA))
    for n in range(many):
        start, stop = n * LONG * RATE, (n + 1) * LONG * RATE
        stretch = SimpleNamespace(recording=one, start=start, stop=stop)
        inside = [marks[(marks >= start) & (marks < stop)] for marks in (one.marks.numpy(), found)]
        rows.append({"test": "test", "item": n, "panels": illustrate(stretch, *inside, folder / f"test-{n}")})
    return rows
