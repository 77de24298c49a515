"""Test sets of two inputs per item, before and after a change, for behaviour tests (`repro.claim.behaviour`).

Letters: N items of the source, M of them that a perturbation changes, C sources and T samples of a mixture.

`BeforeAndAfter` applies a perturbation (`perturb_images`, `perturb_sounds`, `perturb_texts`). `Pairs` puts the two
versions of each item next to each other and says what must hold. Other datasets can be between the two: for texts, the
one that makes word numbers of them.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.errors import BadInput
from repro.registry import DATASETS, PERTURBATIONS, name_of

Item = tuple[Any, Any]


@DATASETS.register
class BeforeAndAfter(Dataset[Item]):
    """The items of `source`, followed by the same items after a perturbation: 2 M items.

    Item: as of `source`. Item i + M is item i after the change. Items that the perturbation does not change are left
    out, because they test nothing. The change of an item depends only on `(seed, index in source)`.

    The item of a mixture, `({"mixture": (T,), ...}, sources (C, T))`, stays a mixture: a linear perturbation changes
    the sources and the mixture is their sum; any other one changes only the mixture.

    If the inputs are texts, `texts` has all 2 M of them, and `labels` their classes. Raises BadInput if no item
    changes.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> from repro.datasets.perturb_images import Brightness
        >>> both = BeforeAndAfter(Digits("test", size=8), Brightness(factor=0.5))
        >>> (before, digit), (after, same) = both[0], both[len(both) // 2]
        >>> bool((after == before / 2).all()), digit == same
        (True, True)
    """

    def __init__(
        self, source: Annotated[Any, DATASETS], perturbation: Annotated[Any, PERTURBATIONS], seed: int = 0
    ) -> None:
        self.source, self.perturbation, self.seed = source, perturbation, seed

    @cached_property
    def rows(self) -> list[int]:
        """The indices in `source` of the M items that change."""
        found = [row for row in range(len(self.source)) if _differ(self.source[row][0], self._after(row)[0])]
        if not found:
            raise BadInput(f"{name_of(self.perturbation)} changes none of {len(self.source)} items")
        return found

    @property
    def texts(self) -> list[str]:
        """All 2 M texts, those before the change first."""
        return [self[index][0] for index in range(len(self))]

    @property
    def labels(self) -> list[int]:
        """The classes of the 2 M texts."""
        return [self[index][1] for index in range(len(self))]

    def __len__(self) -> int:
        return 2 * len(self.rows)

    def __getitem__(self, index: int) -> Item:
        if not 0 <= index < len(self):
            raise IndexError(index)
        later, place = divmod(index, len(self.rows))
        item: Item = self._after(self.rows[place]) if later else self.source[self.rows[place]]
        return item

    def _after(self, row: int) -> Item:
        inputs, target = self.source[row]
        random = np.random.default_rng((self.seed, row))
        if not isinstance(inputs, dict):
            return self.perturbation(inputs, random), target
        if not self.perturbation.linear:
            return {**inputs, "mixture": self.perturbation(inputs["mixture"], random)}, target
        sources = self.perturbation(target, random)
        return {**inputs, "mixture": sources.sum(0)}, sources

    def fingerprint(self) -> str:
        """Digest of the fingerprint of the source, the perturbation with its parameters, and the seed."""
        given = sorted(vars(self.perturbation).items())
        return _digest(self.source.fingerprint(), name_of(self.perturbation), given, self.seed)


@DATASETS.register
class Pairs(Dataset[Item]):
    """The two versions of each item of a `BeforeAndAfter`, and what must hold for the two outputs of the model.

    Item: `((inputs, changed inputs), {"before": target, "after": target, "expect": ..., "score": ...})`. The metrics
    of `repro.metrics.behaviour` read it.

    source: a `BeforeAndAfter`, or a dataset that is made from one and has as many items. expect: "same" if the output
    must not change, "lower" or "higher" if a score must. score: the class whose score that is; without it, the class
    of the item. Raises BadInput if the source has an odd number of items.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> from repro.datasets.perturb_images import Covered
        >>> pairs = Pairs(BeforeAndAfter(Digits("test"), Covered(share=0.5)), expect="lower")
        >>> (image, covered), target = pairs[0]
        >>> image.shape == covered.shape, target["expect"], target["score"] == target["before"]
        (True, 'lower', True)
    """

    paired = True

    def __init__(
        self,
        source: Annotated[Any, DATASETS],
        expect: Literal["same", "lower", "higher"] = "same",
        score: int | None = None,
    ) -> None:
        self.source, self.expect, self.score = source, expect, score

    def __len__(self) -> int:
        half, rest = divmod(len(self.source), 2)
        if rest:
            given = f"{name_of(self)}.source is {name_of(self.source)} with {len(self.source)} items"
            raise BadInput(given, expected="datasets.BeforeAndAfter, or a dataset made from it")
        return half

    def __getitem__(self, index: int) -> Item:
        if not 0 <= index < len(self):
            raise IndexError(index)
        (inputs, target), (changed, after) = self.source[index], self.source[index + len(self)]
        score = target if self.score is None else self.score
        return (inputs, changed), {"before": target, "after": after, "expect": self.expect, "score": score}

    def fingerprint(self) -> str:
        """Digest of the fingerprint of the source and of what must hold."""
        return _digest(self.source.fingerprint(), self.expect, self.score)


def _differ(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return _differ(one["mixture"], other["mixture"])
    return not torch.equal(one, other) if isinstance(one, torch.Tensor) else one != other


def _digest(*parts: Any) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]
