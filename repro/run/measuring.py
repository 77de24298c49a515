"""Measure a trained model on its test sets, and choose the items that the record shows.

Before the training, each metric is tried on one item (`tried`), because a fault that is found after it wastes hours.
"""

from __future__ import annotations

import copy
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro import progress, record
from repro.errors import BadInput
from repro.record import Measurement
from repro.registry import name_of

log = logging.getLogger("repro")

Placed = Callable[[BadInput], BadInput]
"""Adds to an error the file and line of the binding that it is about."""


def tried(built: Any, placed: Placed) -> None:
    """Raise BadInput if a metric cannot score the first item of the first test set, with a copy of the model.

    Nothing that the training uses changes: neither the model nor a stream of random numbers. Without a trainer, nothing
    is tried, because the measurement comes at once. Nor is a metric tried on a model that cannot answer before it is
    trained. That a value is not finite is no fault of a model without training.
    """
    if built.trainer is None:
        return
    name, dataset = next(iter(built.test.items()))
    with _same_streams():
        inputs, target = dataset[0]
        try:
            estimate = _answer(replace(built, model=copy.deepcopy(built.model)), dataset, inputs)
        except Exception as error:
            log.debug("no metric is tried on '%s', because the model cannot answer yet: %r", name, error)
            return
        for metric in built.metrics:
            _try(metric, (estimate, target, inputs), name, placed)


def _answer(built: Any, dataset: Any, inputs: Any) -> Any:
    """The answer to one item; a pair of answers if the inputs are pairs."""
    return tuple(map(built.estimate, inputs)) if getattr(dataset, "paired", False) else built.estimate(inputs)


def _try(metric: Any, item: tuple[Any, Any, Any], test: str, placed: Placed) -> None:
    try:
        metric(*item)
    except FloatingPointError:
        pass
    except BadInput as error:
        raise _of(placed(error), test) from error
    except Exception as error:
        said = f"{name_of(metric)} cannot score what the model answers: {type(error).__name__}: {error}"
        raise _of(placed(BadInput(said)), test) from error


@contextmanager
def _same_streams() -> Iterator[None]:
    """Restore the streams of random numbers at the end."""
    from repro.training.checkpoints import RngState

    streams = RngState()
    before = streams.state_dict()
    try:
        yield
    finally:
        streams.load_state_dict(before)


def measured(built: Any, placed: Placed) -> list[Measurement]:
    """Every metric on every item of every test set. An error says which test set it is about."""
    at = [""]

    def show(indices: Iterable[int], name: str) -> Iterable[int]:
        at[0] = name
        return progress.bar(f"measure {name}", iterable=indices, unit="item")

    try:
        found: list[Measurement] = built.measure(show)
    except BadInput as error:
        raise _of(placed(error), at[0]) from error
    except FloatingPointError as error:
        error.args = (f"{error}, test set '{at[0]}'",)
        raise
    for one in found:
        mean = f"{one.mean:.4g} {one.identity.get('unit', '')}".rstrip()
        log.info("%s: %s %s, %d items", one.test, one.metric, mean, len(one.values))
    return found


def _of(error: BadInput, test: str) -> BadInput:
    return type(error)(f"{error.what} (test set '{test}')", error.where, expected=error.expected, known=error.known)


def examples(built: Any, measurements: Sequence[Measurement], folder: Path) -> list[dict[str, Any]]:
    """Panels of items of the first test set, up to `record.EXAMPLES_LIMIT` bytes.

    If a metric gives each item a value, the items are spread from the worst to the best in the first such metric, and
    `by` names it. Otherwise they are the first items. Empty if the dataset cannot show its items (it has no
    `illustrate`).
    """
    name, dataset = next(iter(built.test.items()))
    shown: list[dict[str, Any]] = []
    shutil.rmtree(folder, ignore_errors=True)  # left by an earlier, stopped process
    if not built.examples or not hasattr(dataset, "illustrate"):
        return shown
    chosen, by = _chosen(built, name, measurements)
    for index in chosen:
        inputs, target = dataset[index]
        folder.mkdir(exist_ok=True)
        before = set(folder.iterdir())
        panels = dataset.illustrate(inputs, target, built.estimate(inputs), folder / f"{name}-{index}")
        if sum(path.stat().st_size for path in folder.iterdir()) > record.EXAMPLES_LIMIT:
            log.warning("%d examples are saved: more would exceed %d bytes", len(shown), record.EXAMPLES_LIMIT)
            for path in set(folder.iterdir()) - before:
                path.unlink()
            break
        shown.append({"test": name, "item": index, **by, "panels": panels})
    return shown


def _chosen(built: Any, test: str, measurements: Sequence[Measurement]) -> tuple[list[int], dict[str, str]]:
    ranking = [metric.identity.name for metric in built.metrics if not hasattr(metric, "contributions")][:1]
    one = next((found for found in measurements if found.test == test and found.metric in ranking), None)
    if one is None:
        return list(range(min(built.examples, len(built.test[test])))), {}
    return spread(one.values, built.examples, one.identity["better"]), {"by": one.metric}


def spread(values: Sequence[float], number: int, better: str) -> list[int]:
    """The places of `number` of the values, spread evenly in rank from the worst to the best.

    The median, the worst and the best come first, then the others from worst to best. Of equal values, the first counts
    as worse. better: "higher", or "lower".

    >>> spread([0.5, 0.1, 0.9, 0.3, 0.7], 3, "higher"), spread([0.5, 0.1, 0.9], 1, "lower")
    ([0, 1, 2], [0])
    """
    sign = -1 if better == "lower" else 1
    ranked = sorted(range(len(values)), key=lambda place: sign * values[place])
    last, number = len(ranked) - 1, min(number, len(ranked))
    steps = [last // 2] if number == 1 else [round(last * step / (number - 1)) for step in range(number)]
    return [ranked[steps[n]] for n in dict.fromkeys([number // 2, 0, number - 1, *range(number)])]
