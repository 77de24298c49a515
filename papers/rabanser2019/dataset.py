"""Samples before and after a shift, and one digit in both splits of MNIST.

Letters: M images of the source, N images of the target, C channels, H rows, W columns, D = C H W pixels.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import torch
from torch.utils.data import Dataset

from papers.rabanser2019.shifts import SHIFTS, adversarial, linear, shifted
from repro.errors import BadInput
from repro.registry import DATASETS, wrong_value


@dataclass(frozen=True)
class Samples:
    """The images of the source (M, C, H, W) and those of the target (N, C, H, W), which may have shifted."""

    source: torch.Tensor
    target: torch.Tensor


@DATASETS.register
class Shifted(Dataset[tuple[Samples, float]]):
    """Pairs of samples: images, and other images after a simulated shift (Section 4).

    The items of `validation` and of `test` are mixed and split again at random, once for each of `splits`. The first
    part, as large as `validation`, is the source; the shift is applied to the other part. There is an item for each
    split, each of `shifts` (names of `SHIFTS`) and each of `shares`, the share of images that a shift changes. Item:
    `(Samples, share float)`; for the shift "none", the share is 0 whatever `shares` says.

    Adversarial examples are made for a linear classifier of the source, with a step of `epsilon` in each pixel.
    Raises BadInput for an unknown or missing shift, a share outside (0, 1], no split, and a negative `epsilon`.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> data = Shifted(Digits("test"), Digits("train"), shifts=["large_gn"], shares=[0.5, 1.0])
        >>> samples, share = data[1]
        >>> len(data), data.names[1], samples.source.shape, samples.target.shape, share
        (2, 'large_gn 1', torch.Size([297, 1, 28, 28]), torch.Size([1500, 1, 28, 28]), 1.0)
    """

    def __init__(
        self,
        validation: Annotated[Any, DATASETS],
        test: Annotated[Any, DATASETS],
        shifts: Sequence[str],
        shares: Sequence[float] = (0.1, 0.5, 1.0),
        splits: int = 1,
        epsilon: float = 0.25,
        seed: int = 0,
    ) -> None:
        for name in shifts:
            if name not in SHIFTS:
                raise BadInput(f"no shift '{name}'", given=str(name), known=SHIFTS)
        if not shifts or len(set(shifts)) < len(shifts):
            raise wrong_value(self, "shifts", list(shifts), "a list of different shifts, not empty")
        if not shares or not all(0 < one <= 1 for one in shares) or len(set(shares)) < len(shares):
            raise wrong_value(self, "shares", list(shares), "different numbers above 0 and at most 1")
        if splits < 1:
            raise wrong_value(self, "splits", splits, "a whole number from 1")
        if not 0 <= epsilon < math.inf:
            raise wrong_value(self, "epsilon", epsilon, "a number from 0")
        self.validation, self.test, self.seed, self.epsilon = validation, test, seed, epsilon
        pairs = [(shift, share) for shift in shifts for share in (shares if shift != "none" else [0.0])]
        self.cases = [(shift, share, split) for split, (shift, share) in itertools.product(range(splits), pairs)]
        self.names = [f"{shift} {share:g}" + f", split {split}" * (splits > 1) for shift, share, split in self.cases]

    @cached_property
    def pool(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The images (M + N, C, H, W) and labels (M + N,) of both sets."""
        items = [part[index] for part in (self.validation, self.test) for index in range(len(part))]
        images, labels = zip(*items, strict=True)
        return torch.stack(images), torch.tensor(labels)

    @cached_property
    def weights(self) -> torch.Tensor:
        """The linear classifier that the adversarial examples are made for. It is fitted on the images of split 0."""
        return linear(*(one[self.order(0)[: len(self.validation)]] for one in self.pool))

    def order(self, split: int) -> torch.Tensor:
        """The order of the pool in a split: first the source, then the target."""
        return torch.randperm(len(self.pool[0]), generator=_random(self.seed, "split", split))

    @cached_property
    def sources(self) -> dict[int, torch.Tensor]:
        """The source of each split that was used, so that a model can see that it is the same."""
        return {}

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> tuple[Samples, float]:
        shift, share, split = self.cases[index]
        images, labels = self.pool
        order = self.order(split)
        source, target = order[: len(self.validation)], order[len(self.validation) :]
        if split not in self.sources:
            self.sources[split] = images[source]
        attacked = images[target]
        if shift == "adv":
            attacked = adversarial(attacked, labels[target], self.weights, self.epsilon)
        random = _random(self.seed, shift, share, split)
        return Samples(
            self.sources[split], shifted(shift, share, images[target], labels[target], attacked, random)
        ), share

    def fingerprint(self) -> str:
        """Digest of both sets, and of what is done with them."""
        parts = (self.validation.fingerprint(), self.test.fingerprint(), self.cases, self.epsilon, self.seed, SHIFTS)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key not in ("pool", "weights", "sources")}


def _random(*parts: Any) -> torch.Generator:
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


@DATASETS.register
class OneClass(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """The images of one class in two data sets, such as the sixes of both splits of MNIST (Section 5).

    One item: `(images of the source (M, D), images of the target (N, D))`, float32. `digit`: the class. Raises BadInput
    if one of the sets has no such image.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> source, target = OneClass(Digits("train", size=8), Digits("test", size=8), digit=6)[0]
        >>> source.shape, target.shape
        (torch.Size([150, 64]), torch.Size([31, 64]))
    """

    names = ("all pixels",)

    def __init__(self, source: Annotated[Any, DATASETS], target: Annotated[Any, DATASETS], digit: int) -> None:
        self.source, self.target, self.digit = source, target, digit

    @cached_property
    def both(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self._images(self.source), self._images(self.target)

    def _images(self, dataset: Any) -> torch.Tensor:
        found = [
            image.flatten() for image, label in map(dataset.__getitem__, range(len(dataset))) if label == self.digit
        ]
        if not found:
            raise wrong_value(self, "digit", self.digit, "a class of both sets")
        return torch.stack(found)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        if index not in (0, -1):
            raise IndexError(index)
        return self.both

    def fingerprint(self) -> str:
        """Digest of both sets and the class."""
        parts = (self.source.fingerprint(), self.target.fingerprint(), self.digit)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@DATASETS.register
class Itself(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """The images of `source` with themselves as targets, for an autoencoder. Item: `(image, image)`.

    >>> from repro.datasets.digits import Digits
    >>> image, target = Itself(Digits("test"))[0]
    >>> image.shape == target.shape
    True
    """

    def __init__(self, source: Annotated[Any, DATASETS]) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image = self.source[index][0]
        return image, image

    def fingerprint(self) -> str:
        """Digest of the images."""
        return hashlib.sha256(f"itself {self.source.fingerprint()}".encode()).hexdigest()[:16]
