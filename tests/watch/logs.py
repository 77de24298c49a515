"""Logs for tests: answers of a made-up model whose inputs may drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from repro.watch import log

CLASSES = ["cat", "dog", "fox"]


def header(**changed: Any) -> log.Header:
    return log.Header(**{**vars(log.header(None, "papers/mine/configs/cnn.gin", "0f3a", CLASSES)), **changed})


def written(
    path: Path, answers: Any, numbers: Sequence[Mapping[str, float]], first: log.Header | None = None, at: int = 0
) -> Path:
    """Append answers (N, K) and summaries to the log at `path`."""
    with log.opened(path, first or header()) as writer:
        for place, (answer, summary) in enumerate(zip(np.asarray(answers), numbers, strict=True)):
            writer.add(f"{at + place:016x}", summary, answer.tolist(), 0.001)
    return path


def drawn(random: np.random.Generator, count: int, shift: float = 0.0) -> tuple[Any, list[dict[str, float]]]:
    """Probabilities and summaries; a shift makes the first class more frequent and the mean larger."""
    scores = random.normal(size=(count, 3)) * 2 + np.array([shift, 0, 0])
    grown = np.exp(scores)
    means = random.normal(shift, 1, count)
    return grown / grown.sum(1, keepdims=True), [{"mean": float(mean), "width": 28.0} for mean in means]
