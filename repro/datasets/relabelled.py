"""A dataset whose labels were corrected by people."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any

import torch
from torch.utils.data import Dataset

from repro.datasets import label_table
from repro.registry import DATASETS

PASSED_ON = ("class_names", "illustrate", "names", "paired", "sample_rate", "set_epoch", "speaker_of")
"""The attributes of a dataset that the corrected one has too. The labels are not among them."""


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
        return self._corrected(index if index >= 0 else len(self) + index, self.source[index])

    def __getitems__(self, indices: list[int]) -> list[tuple[Any, Any]]:
        """Several items at once; a DataLoader calls this."""
        several: Callable[[list[int]], list[tuple[Any, Any]]] | None = getattr(self.source, "__getitems__", None)
        items = several(indices) if several else [self.source[index] for index in indices]
        return [self._corrected(index, item) for index, item in zip(indices, items, strict=True)]

    def _corrected(self, index: int, item: tuple[Any, Any]) -> tuple[Any, Any]:
        """The item with its new label, of the type that the old one has."""
        inputs, target = item
        if (new := self.changed.get(index)) is None:
            return inputs, target
        return inputs, torch.full_like(target, new) if isinstance(target, torch.Tensor) else new

    def __getattr__(self, name: str) -> Any:
        if name not in PASSED_ON or "source" not in vars(self):  # without a source: while it is unpickled
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(self.source, name)

    def fingerprint(self) -> str:
        """Digest of the items of the dataset and of the corrected labels."""
        rows = f"{self.source.fingerprint()} {sorted(self.changed.items())}"
        return hashlib.sha256(rows.encode()).hexdigest()[:16]
