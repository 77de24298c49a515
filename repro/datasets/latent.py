"""Noise as the input of a generator, with real images as targets.

Letters: N items, Z numbers of noise, K classes, C channels, H rows and W columns of an image.

The numbers of noise are independent. Their distribution is the `kind`:

- "normal": Gaussian with mean 0 and standard deviation 1, the default of the code of Goodfellow et al. 2014;
- "uniform": uniform in [-sqrt 3, sqrt 3], with standard deviation 1 too, as in the same code;
- "cube": uniform in [0, 1], the "unit hypercube" of Mirza and Osindero 2014, Section 4.1.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torch.utils.data import Dataset

from repro.datasets import sample_pictures
from repro.errors import BadInput
from repro.registry import DATASETS, name_of, wrong_value

Kind = Literal["normal", "uniform", "cube"]
MOST = 2**30  # numbers of noise in memory: 4 GiB


@DATASETS.register
class Latent(Dataset[tuple[Any, Tensor]]):
    """Noise for each image of `source`, a dataset of `(image, class)`: the training and test set of a generator.

    Item: `(noise (Z,), image)`. With `labels`: `({"noise": (Z,), "label": one-hot class (K,)}, image)`. The noise of
    item n depends on `seed`, n and the epoch alone: a training calls `set_epoch` and gets new noise in every pass; a
    test set keeps that of epoch 0. It is float32, N x Z numbers in memory.

    `size`: Z. `kind`: the distribution, see `repro.datasets.latent`. `classes`: K, only with `labels`. Raises BadInput
    for other values, for more than 2^30 numbers, for an item that is not `(image, class)`, and for a class that is no
    whole number from 0 to K - 1. The record of a run with `examples` shows the pictures that
    `trainers.Adversarial` drew during the training.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> data = Latent(Digits("test"), size=100)
        >>> noise, image = data[0]
        >>> noise.shape, image.shape
        (torch.Size([100]), torch.Size([1, 28, 28]))
        >>> inputs, _ = Latent(Digits("test"), labels=True, classes=10)[0]
        >>> inputs["label"]
        tensor([0., 1., 0., 0., 0., 0., 0., 0., 0., 0.])
    """

    def __init__(
        self,
        source: Annotated[Any, DATASETS],
        size: int = 100,
        kind: Kind = "normal",
        seed: int = 0,
        labels: bool = False,
        classes: int = 0,
    ) -> None:
        _check(self, kind, size=(size, 1), seed=(seed, 0), classes=(classes, 0))
        if not hasattr(source, "__getitem__") or not hasattr(source, "__len__"):
            raise wrong_value(self, "source", name_of(source), "a dataset of (image, class)")
        _check_memory(self, len(source), size)
        if not isinstance(labels, bool):
            raise wrong_value(self, "labels", labels, "True or False")
        if labels != bool(classes):
            raise wrong_value(self, "classes", classes, "the number of classes" if labels else "0 without labels")
        self.source, self.size, self.kind, self.seed, self.classes = source, size, kind, seed, classes
        self.epoch, self.noise = 0, torch.zeros(0, size)  # drawn when it is needed

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "noise": torch.zeros(0, self.size)}

    def set_epoch(self, epoch: int) -> None:
        """Draw new noise. `source` gets the epoch too, if it has `set_epoch`."""
        if epoch != self.epoch:
            self.epoch, self.noise = epoch, torch.zeros(0, self.size)
        if hasattr(self.source, "set_epoch"):
            self.source.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        return self._item(index, self.source[index])

    def __getitems__(self, indices: list[int]) -> list[tuple[Any, Tensor]]:
        """Several items at once; a DataLoader calls this."""
        if not hasattr(self.source, "__getitems__"):
            return [self[index] for index in indices]
        found = self.source.__getitems__(indices)
        return [self._item(index, item) for index, item in zip(indices, found, strict=True)]

    def _item(self, index: int, item: Any) -> tuple[Any, Tensor]:
        if not isinstance(item, tuple | list) or len(item) != 2:
            said = f"{name_of(self)}.source has an item that is a {type(item).__name__}"
            raise BadInput(said, expected="a pair (image, class)")
        image, label = item
        if not len(self.noise):
            self.noise = drawn(self.kind, (len(self.source), self.size), (self.seed, self.epoch))
        noise = self.noise[index]
        if not self.classes:
            return noise, image
        number = _class(self, label)
        if number >= self.classes:
            raise wrong_value(self, "classes", self.classes, f"at least {number + 1}, because an item has this class")
        return {"noise": noise, "label": _one_hot(number, self.classes)}, image

    def fingerprint(self) -> str:
        """Digest of the content of `source` and of what the noise depends on."""
        said = (self.source.fingerprint(), self.size, self.kind, self.seed, self.classes)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]

    @staticmethod
    def illustrate(inputs: Any, target: Tensor, estimate: Tensor, stem: Path) -> list[dict[str, Any]]:
        """Write the sample, next to the real image of the item; with the first item, copy the pictures of the training.

        The first item is the one whose folder, that of `stem`, is empty.
        """
        made, first = [], not any(stem.parent.iterdir())
        for label, image in (("sample", estimate), ("real image of this item", target)):
            path = stem.with_name(f"{stem.name}-{label.split()[0]}.png")
            path.write_bytes(sample_pictures.picture(torch.as_tensor(image)[None]))
            made.append({"label": label, "image": path.name})
        return made + (sample_pictures.panels(stem) if first else [])


@DATASETS.register
class LatentGrid(Dataset[tuple[Any, int]]):
    """Noise for a picture of samples, with `columns` of them in each of `rows` rows.

    Item: `(noise (Z,), number of the item)`, or with `classes` above 0 `({"noise": (Z,), "label": one-hot (K,)}, number
    of the item)`; row r has the class r modulo K. With `walk`, the noise of a row goes in equal steps on a straight
    line from one random point to another; otherwise each item has noise of its own. The noise is always the same. For
    `shown` of `trainers.Adversarial`, which draws the first 100 items. Raises BadInput for values out of range, and for
    more than 2^30 numbers.

    Example: one walk of ten images.

        >>> walk = LatentGrid(rows=1, columns=10, walk=True)
        >>> points = [noise for noise, _ in walk]
        >>> len(points), torch.allclose(points[3] - points[2], points[8] - points[7], atol=1e-5)
        (10, True)
    """

    def __init__(
        self,
        rows: int = 10,
        columns: int = 10,
        size: int = 100,
        kind: Kind = "normal",
        seed: int = 0,
        classes: int = 0,
        walk: bool = False,
    ) -> None:
        _check(self, kind, rows=(rows, 1), size=(size, 1), seed=(seed, 0), classes=(classes, 0))
        _check(self, kind, columns=(columns, 2))
        _check_memory(self, rows * columns, size)
        if not isinstance(walk, bool):
            raise wrong_value(self, "walk", walk, "True or False")
        self.rows, self.columns, self.size, self.kind = rows, columns, size, kind
        self.seed, self.classes, self.walk = seed, classes, walk
        if walk:
            ends = drawn(kind, (rows, 2, size), (seed,))
            self.noise = torch.lerp(ends[:, :1], ends[:, 1:], torch.linspace(0, 1, columns)[:, None]).flatten(0, 1)
        else:
            self.noise = drawn(kind, (rows * columns, size), (seed,))

    def __len__(self) -> int:
        return self.rows * self.columns

    def __getitem__(self, index: int) -> tuple[Any, int]:
        noise, number = self.noise[index], range(len(self))[index]
        if not self.classes:
            return noise, number
        return {"noise": noise, "label": _one_hot(number // self.columns % self.classes, self.classes)}, number

    def fingerprint(self) -> str:
        """Digest of the parameters."""
        said = (self.rows, self.columns, self.size, self.kind, self.seed, self.classes, self.walk)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def drawn(kind: Kind, shape: tuple[int, ...], seed: tuple[int, ...]) -> Tensor:
    """Noise of a `kind` (float32), which depends on `seed` alone.

    >>> drawn("cube", (2, 3), (0,)).shape
    torch.Size([2, 3])
    """
    random = np.random.default_rng(seed)
    if kind == "normal":
        return torch.from_numpy(random.standard_normal(shape, np.float32))
    found = torch.from_numpy(random.random(shape, np.float32))
    return found if kind == "cube" else (2 * found - 1) * math.sqrt(3)


def _class(dataset: Any, label: Any) -> int:
    """The class of an item, a whole number from 0. Raises BadInput for another label."""
    number = label.item() if hasattr(label, "item") and not np.ndim(label) else label
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise BadInput(f"{name_of(dataset)}.source has the label {number!r:.40}", expected="a whole number from 0")
    return number


def _check_memory(dataset: Any, items: int, size: int) -> None:
    if items * size > MOST:
        said = f"{name_of(dataset)} has {items:,} x {size:,} numbers of noise"
        raise BadInput(said, expected=f"at most {MOST:,}, which is 4 GiB")


def _one_hot(label: int, classes: int) -> Tensor:
    return one_hot(torch.tensor(label), classes).float()


def _check(dataset: Any, kind: str, **sizes: tuple[int, int]) -> None:
    """Raise BadInput for another kind, or for a value (with the least one) that is no whole number or too small."""
    for name, (value, least) in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise wrong_value(dataset, name, value, f"a whole number from {least}")
    if kind not in get_args(Kind):
        raise wrong_value(dataset, "kind", kind, " or ".join(map(repr, get_args(Kind))))
