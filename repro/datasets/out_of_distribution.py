"""Test sets with items from outside the distribution of the training data.

Letters: N items.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.errors import BadInput
from repro.registry import DATASETS, name_of, wrong_value

OUTSIDE = -1
"""The target of an item from outside the distribution of the training data."""

KINDS = ("normal", "uniform")


@DATASETS.register
class Noise(Dataset[tuple[torch.Tensor, int]]):
    """Random noise in place of images: `size` items of independent values.

    Item: `(values of the given shape float32, OUTSIDE)`. `kind`: "normal" has mean 0 and deviation 1; "uniform" is
    between 0 and 1. Raises BadInput for another `kind`, and if `size` is below 1.

    Example:

        >>> image, target = Noise(size=3, kind="uniform")[0]
        >>> image.shape, bool(0 <= image.min() and image.max() < 1), target
        (torch.Size([1, 28, 28]), True, -1)
    """

    def __init__(
        self, size: int, kind: Literal["normal", "uniform"], shape: tuple[int, ...] = (1, 28, 28), seed: int = 0
    ) -> None:
        if kind not in KINDS:
            raise wrong_value(self, "kind", kind, " or ".join(map(repr, KINDS)))
        if size < 1:
            raise wrong_value(self, "size", size, "a whole number from 1")
        self.size, self.kind, self.shape, self.seed = size, kind, tuple(shape), seed

    @cached_property
    def values(self) -> torch.Tensor:
        """(N, *shape) float32."""
        random, shape = np.random.default_rng(self.seed), (self.size, *self.shape)
        drawn = random.standard_normal(shape) if self.kind == "normal" else random.random(shape)
        return torch.from_numpy(drawn.astype(np.float32))

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.values[index], OUTSIDE

    def fingerprint(self) -> str:
        """Digest of all values."""
        return hashlib.sha256(self.values.numpy().tobytes()).hexdigest()[:16]

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "values"}


@DATASETS.register
class InAndOut(Dataset[tuple[Any, int]]):
    """The items of `inside`, then those of each dataset in `outside`, which get the target `OUTSIDE` (-1).

    Item: as of `inside`. The metrics of `repro.metrics.detection` measure whether a model is less confident of the
    items from outside. Raises BadInput if `outside` is empty.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> both = InAndOut(Digits("test"), [Noise(size=100, kind="normal")])
        >>> len(both), both[0][1], both[396][1]
        (397, 1, -1)
    """

    def __init__(self, inside: Annotated[Any, DATASETS], outside: Annotated[Sequence[Any], DATASETS]) -> None:
        if not outside:
            raise BadInput(f"{name_of(self)}.outside is empty", expected="a list of datasets")
        self.inside, self.outside = inside, list(outside)

    @cached_property
    def places(self) -> list[tuple[Any, int]]:
        """(N) pairs: the dataset of an item, and its index there."""
        return [(part, index) for part in (self.inside, *self.outside) for index in range(len(part))]

    def __len__(self) -> int:
        return len(self.inside) + sum(map(len, self.outside))

    def __getitem__(self, index: int) -> tuple[Any, int]:
        part, place = self.places[index]
        inputs, target = part[place]
        return inputs, int(target) if part is self.inside else OUTSIDE

    def fingerprint(self) -> str:
        """Digest of the fingerprints of all parts."""
        parts = "\0".join(part.fingerprint() for part in (self.inside, *self.outside))
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    def __getstate__(self) -> dict[str, Any]:
        return {"inside": self.inside, "outside": self.outside}
