"""The values of metrics on items: in the test of a run, and after each validation of a training."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from numbers import Real
from typing import Any

import torch
from torch.utils.data import default_collate

from repro.errors import BadInput
from repro.registry import name_of
from repro.training import processes
from repro.training.device import moved
from repro.training.metrics_log import LOSSES


def values(
    model: Any, metrics: Sequence[Any], dataset: Any, indices: Iterable[int], batch: int = 1
) -> Iterator[list[float]]:
    """The values of all metrics for each of the items `indices` of `dataset`, computed `batch` items at a time.

    Raises BadInput if a metric returns no number, FloatingPointError if a value is not finite.
    """
    waiting = iter(indices)
    while chosen := list(itertools.islice(waiting, batch)):
        inputs, targets = zip(*(dataset[index] for index in chosen), strict=True)
        for estimate, target, given in zip(estimates(model, inputs), targets, inputs, strict=True):
            yield [_number(metric, metric(estimate, target, given)) for metric in metrics]


def means(model: Any, metrics: Sequence[Any], dataset: Any, batch: int = 1) -> dict[str, float]:
    """The mean of each metric over all items of `dataset`, by the metric's name; each process computes its share.

    Raises BadInput if a metric has the name of a curve of the loss.
    """
    if not metrics:
        return {}
    if taken := {metric.identity.name for metric in metrics} & {*LOSSES}:
        raise BadInput(f"a metric is called {min(taken)!r}", expected=f"not {' or '.join(LOSSES)}: these are losses")
    indices = processes.share(len(dataset), batch)
    rows = processes.merged(dict(zip(indices, values(model, metrics, dataset, indices, batch), strict=True)))
    columns = zip(metrics, zip(*rows, strict=True), strict=True)
    return {metric.identity.name: math.fsum(column) / len(column) for metric, column in columns}


def estimates(model: Any, inputs: Sequence[Any]) -> Iterable[Any]:
    """The model's output for each item: from `model.estimate` if the model has it, otherwise from `forward`.

    Without a model, the output is the input. The model is in eval mode afterwards.
    """
    if model is None:
        return inputs
    model.eval()
    with torch.inference_mode():
        if hasattr(model, "estimate"):
            return [model.estimate(given) for given in inputs]
        device = next((p.device for p in model.parameters()), None)
        return model(moved(default_collate(list(inputs)), device)).detach().cpu()


def _number(metric: Any, value: Any) -> float:
    """The value of one item with nine digits, as a record has it. Raises FloatingPointError if it is not finite."""
    if isinstance(value, bool) or not isinstance(value, Real):
        said = f"{name_of(metric)} returned a {type(value).__name__} for an item"
        raise BadInput(said, expected="a float, for example float(value)")
    if not math.isfinite(value):
        raise FloatingPointError(f"{metric.identity.name} of an item is {value}")
    return float(f"{value:.9g}")
