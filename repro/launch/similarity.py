"""How similar two configs are in what their time depends on: model, data, trainer and metrics. Read as text.

>>> small, large = (parts(f"experiment.model = @models.Net()\\nmodels.Net.width = {width}") for width in (10, 20))
>>> small.shared(large), round(small.distance(large)[1], 2)
(['model', 'data', 'trainer', 'metrics'], 0.69)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from repro import config as configs
from repro.config.syntax import Macro, Reference

ROOTS = {
    "model": ("experiment.model",),
    "data": ("experiment.train", "experiment.test"),
    "trainer": ("experiment.trainer",),
    "metrics": ("experiment.metrics",),
}
"""The settings that name each kind of part, the most important kind for the time first."""
WORK = ("steps", "batch_size")
"""The settings of a trainer whose product is the number of training items."""
ROUNDS = {"folds": 0, "acquisitions": 1}
"""The settings of a model that is trained several times in a run: so many times, and once more for acquisitions."""


@dataclass(frozen=True)
class Parts:
    """The parts of a config: the classes of each kind, and the values that are bound for them."""

    classes: dict[str, frozenset[str]]
    values: dict[str, Any]  # without those of the trainer, except for the batch size: they do not change the speed
    work: float | None  # the number of training items; None if the config does not bind the number of steps
    network: dict[str, Any]  # the values of the model that may change its size

    def shared(self, other: Parts) -> list[str]:
        """The kinds of parts that have the same classes in both configs."""
        return [kind for kind in ROOTS if self.classes[kind] == other.classes[kind]]

    def times(self, other: Parts) -> float:
        """How many times as many training items as `other`; 1 if a number is unknown."""
        return self.work / other.work if self.work and other.work else 1.0

    def distance(self, other: Parts) -> tuple[tuple[bool, ...], float]:
        """Which kinds of parts have other classes, and how much the values differ."""
        shared = self.shared(other)
        names = self.values.keys() | other.values.keys()
        values = sum(_apart(self.values.get(name), other.values.get(name)) for name in names)
        return tuple(kind not in shared for kind in ROOTS), values


@functools.lru_cache(maxsize=4096)
def parts(text: str) -> Parts:
    """The parts of a config, from its text with all includes."""
    known = configs.values(text)
    found = {kind: dict(reached(known, roots)) for kind, roots in ROOTS.items()}
    classes = {kind: frozenset(rows) for kind, rows in found.items()}
    trainer = {name.rpartition(".")[2]: value for bound in found["trainer"].values() for name, value in bound.items()}
    steps, batch = (trainer[name] if _number(trainer.get(name)) else None for name in WORK)
    rows = [bound for kind in ("model", "data", "metrics") for bound in found[kind].values()]
    values = {"batch": batch} | {name: value for bound in rows for name, value in bound.items()}
    model = {name.rpartition(".")[2]: value for bound in found["model"].values() for name, value in bound.items()}
    rounds = math.prod(model[name] + more for name, more in ROUNDS.items() if _number(model.get(name)))
    work = None if steps is None else float(steps) * (batch or 1) * rounds
    network = {name: value for name, value in model.items() if name not in ROUNDS}
    return Parts(classes, values, work, network)


def reached(known: dict[str, Any], roots: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(class, its bound values) of each part that the settings `roots` name, directly or through other parts."""
    waiting = [reference for root in roots for reference in _references(known.get(root), known)]
    done: set[str] = set()
    while waiting:
        selector = waiting.pop()
        if selector in done:
            continue
        done.add(selector)
        bound = {name: configs.resolved(value, known) for name, value in known.items() if _binds(name, selector)}
        yield selector, bound
        waiting += [found for value in bound.values() for found in _references(value, known)]


def _binds(name: str, selector: str) -> bool:
    """Whether the setting `name` is a parameter of the part `selector`: in any scope, by its full or short name."""
    part = name.rpartition("/")[2].rpartition(".")[0]
    return part != "" and f".{selector}".endswith(f".{part}")


def _references(value: Any, known: dict[str, Any]) -> Iterator[str]:
    """The parts that a value names."""
    if isinstance(value, Macro):
        value = configs.resolved(value, known)
    if isinstance(value, Reference):
        yield value.selector
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _references(inner, known)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _references(inner, known)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _apart(one: Any, other: Any) -> float:
    """How much two values differ: for numbers, the logarithm of their ratio; for other values 1, or 0 if equal."""
    if one == other:
        return 0.0
    if _number(one) and _number(other):
        return abs(math.log(one / other))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return sum(map(_apart, one, other)) + abs(len(one) - len(other))
    return 1.0
