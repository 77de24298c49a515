"""Datasets with other labels: corrected by people, or wrong on purpose, to measure how well wrong ones are found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.datasets import label_table
from repro.registry import DATASETS, wrong_value

PASSED_ON = ("classes", "illustrate", "names", "paired", "sample_rate", "set_epoch", "speaker_of")
"""The attributes of a dataset that one with other labels has too. The labels are not among them."""


@DATASETS.register
class Relabelled(Dataset[tuple[Any, Any]]):
    """The items of `dataset` with the labels of the table `labels`, `papers/<paper>/labels/<name>.csv`.

    Item: as of `dataset`, whose target must be a class. The majority of the annotators decides; an item whose answers
    are tied keeps its label, and so does an item that is not in the table. `repro labels import` writes such tables;
    `repro.datasets.label_table` describes them. `source` is `dataset`, and `changed` has the new labels by index.

    Use it for training. As a test set it needs the published one next to it: a run measures both, and refuses a
    corrected test set alone.

    Raises BadInput for another path and for an unknown paper. Reading an item raises BadInput, with file and line, if
    the table names an unknown item, an old label that the data do not have, or a new label that is not a class.

    Example: as if the table said that item 2 of the digits is a 5.

        >>> from repro.datasets.digits import Digits
        >>> corrected = Relabelled(Digits("test"), "papers/template/labels/first.csv")
        >>> corrected.changed = {2: 5}
        >>> [int(label) for _, label in corrected.__getitems__([0, 1, 2, 3])], corrected.source[2][1]
        ([1, 7, 5, 6], 4)
    """

    relabelled = True

    def __init__(self, dataset: Annotated[Any, DATASETS], labels: str) -> None:
        self.source, self.path = dataset, label_table.place(labels)

    @cached_property
    def changed(self) -> dict[int, int]:
        """The new label of each item whose label was corrected, by index."""
        answers = label_table.read(self.path)
        places = [label_table.at(self.path, number) for number in range(len(answers))]
        known = dict(zip((one.item for one in answers), label_table.indices(answers, self.source, places), strict=True))
        old = {one.item: one.old for one in answers}
        return {known[item]: new for item, new in label_table.decided(answers).items() if new != old[item]}

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return _item(self.source, self.changed, index)

    def __getitems__(self, indices: list[int]) -> list[tuple[Any, Any]]:
        """Several items at once; a DataLoader calls this."""
        return _items(self.source, self.changed, indices)

    def __getattr__(self, name: str) -> Any:
        return _passed_on(self, name)

    def fingerprint(self) -> str:
        """Digest of the items of the dataset and of the corrected labels."""
        return _fingerprint(self.source, self.changed)


@DATASETS.register
class Mislabelled(Dataset[tuple[Any, Any]]):
    """The items of `dataset`; a `share` of them has the label of another class, drawn at random.

    Item: as of `dataset`, whose target must be a class. The nearest whole number of items is mislabelled. Which ones,
    and with which labels, depends on `seed` only; each wrong class is equally likely. `source` is `dataset`, and
    `changed` has the wrong labels by index. Raises BadInput if `share` is not between 0 and 1.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> digits = Mislabelled(Digits("test"), share=0.1)
        >>> len(digits), len(digits.changed)
        (297, 30)
        >>> all(digits[index][1] == wrong != digits.source[index][1] for index, wrong in digits.changed.items())
        True
    """

    def __init__(self, dataset: Annotated[Any, DATASETS], share: float, seed: int = 0) -> None:
        if not 0 <= share <= 1:
            raise wrong_value(self, "share", share, "a number from 0 to 1")
        self.source, self.share, self.seed = dataset, share, seed

    @cached_property
    def changed(self) -> dict[int, int]:
        """The wrong label of each mislabelled item, by index."""
        random, held = np.random.default_rng(self.seed), label_table.labels(self.source)
        number = len(label_table.classes(self.source, held))
        chosen = random.permutation(len(held))[: round(self.share * len(held))]
        steps = random.integers(1, number, len(chosen))
        return {int(at): (held[at] + int(step)) % number for at, step in zip(chosen, steps, strict=True)}

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return _item(self.source, self.changed, index)

    def __getitems__(self, indices: list[int]) -> list[tuple[Any, Any]]:
        """Several items at once; a DataLoader calls this."""
        return _items(self.source, self.changed, indices)

    def __getattr__(self, name: str) -> Any:
        return _passed_on(self, name)

    def fingerprint(self) -> str:
        """Digest of the items of the dataset and of the wrong labels."""
        return _fingerprint(self.source, self.changed)


def _item(source: Any, changed: dict[int, int], index: int) -> tuple[Any, Any]:
    return _with(source[index], changed.get(index if index >= 0 else len(source) + index))


def _items(source: Any, changed: dict[int, int], indices: list[int]) -> list[tuple[Any, Any]]:
    several: Callable[[list[int]], list[tuple[Any, Any]]] | None = getattr(source, "__getitems__", None)
    items = several(indices) if several else [source[index] for index in indices]
    return [_with(item, changed.get(index)) for index, item in zip(indices, items, strict=True)]


def _with(item: tuple[Any, Any], label: int | None) -> tuple[Any, Any]:
    """The item with another label, of the type that it had; None: unchanged."""
    inputs, target = item
    if label is None:
        return inputs, target
    return inputs, torch.full_like(target, label) if isinstance(target, torch.Tensor) else label


def _passed_on(dataset: Any, name: str) -> Any:
    """The attribute of the dataset's source. It has none while it is unpickled."""
    if name not in PASSED_ON or "source" not in vars(dataset):
        raise AttributeError(f"{type(dataset).__name__} has no attribute {name!r}")
    return getattr(dataset.source, name)


def _fingerprint(source: Any, changed: dict[int, int]) -> str:
    rows = f"{source.fingerprint()} {sorted(changed.items())}"
    return hashlib.sha256(rows.encode()).hexdigest()[:16]
