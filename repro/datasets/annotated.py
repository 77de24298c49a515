"""A training set, and the items of another dataset that people gave a label."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated, Any

from torch.utils.data import Dataset

from repro.datasets import label_table
from repro.errors import BadInput
from repro.registry import DATASETS, name_of, wrong_value


@DATASETS.register
class WithAnnotated(Dataset[tuple[Any, int]]):
    """The items of `dataset`, then those items of `more` that the table `labels` has, with the labels given there.

    Item: as of `dataset`; `more` must have items of the same form. labels: `papers/<paper>/labels/<name>.csv`, as
    `repro labels import` writes it. The majority of the annotators decides; an item whose answers are tied is left out,
    and so is every item of `more` that the table does not have. `times`: each item of `more` comes so often, from 1,
    because a few new labels are hardly seen among many old ones.

    Raises BadInput for another path, an unknown paper, and a `times` below 1. Reading an item raises BadInput if the
    table has no item of `more`, and, with file and line, if it names an unknown item or another old label.

    Example: as if the table said that image 1 of the test set is a 7.

        >>> from repro.datasets.digits import Digits
        >>> train, test = Digits("train", size=8), Digits("test", size=8)
        >>> both = WithAnnotated(train, test, "papers/template/labels/first.csv", times=2)
        >>> both.given = {1: 7}
        >>> len(both) - len(train), both[len(train)][1], bool((both[len(train)][0] == test[1][0]).all())
        (2, 7, True)
    """

    def __init__(
        self, dataset: Annotated[Any, DATASETS], more: Annotated[Any, DATASETS], labels: str, times: int = 1
    ) -> None:
        if isinstance(times, bool) or not isinstance(times, int) or times < 1:
            raise wrong_value(self, "times", times, "a whole number from 1")
        self.dataset, self.more, self.times = dataset, more, times
        self.path = label_table.place(labels)

    @cached_property
    def given(self) -> dict[int, int]:
        """The label that people gave to each item of `more`, by its index."""
        answers = label_table.read(self.path)
        places = [label_table.at(self.path, number) for number in range(len(answers))]
        found = label_table.indices(answers, self.more, places)
        known = dict(zip((one.item for one in answers), found, strict=True))
        decided = {known[item]: label for item, label in label_table.decided(answers).items()}
        if not decided:
            raise BadInput(f"{name_of(self)}: no item has a label that most annotators gave", str(self.path))
        return dict(sorted(decided.items()))

    @cached_property
    def added(self) -> list[int]:
        """The indices in `more` of the items that follow those of `dataset`."""
        return list(self.given) * self.times

    def __len__(self) -> int:
        return len(self.dataset) + len(self.added)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        place = index % len(self) - len(self.dataset)
        if place < 0:
            item: tuple[Any, int] = self.dataset[place + len(self.dataset)]
            return item
        at = self.added[place]
        return self.more[at][0], self.given[at]

    def fingerprint(self) -> str:
        """Digest of both datasets, and of the labels that people gave."""
        rows = f"{self.dataset.fingerprint()} {self.more.fingerprint()} {self.times} {sorted(self.given.items())}"
        return hashlib.sha256(rows.encode()).hexdigest()[:16]
