"""What a request sends, as the inputs of the model.

A request sends an image, a sound or a text as a file has it, or the numbers themselves. The test set says what the
model needs: its items may be made from another dataset (its `source`), such as word numbers from texts. Then the same
code makes the inputs from the text of a request. This is checked when the service starts: from the texts of two test
items it must make exactly these two items.

Letters: C channels, H rows and W columns of an image, T samples of a sound.
"""

from __future__ import annotations

import copy
import hashlib
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from repro.data import cache
from repro.errors import BadInput
from repro.serve import decoding

CHECKED = 2  # test items
_alone = threading.Lock()
SEEN = 10  # test items that are looked at to find out whether all have one shape


class One:
    """A dataset of one item, in place of the source of another dataset. It has what readers of texts and sounds have.

    raw: the inputs of the item. like: the dataset that it replaces.
    """

    def __init__(self, raw: Any, like: Any) -> None:
        self.item = (raw, like[0][1])
        self.texts, self.labels, self.names = [raw], [self.item[1]], ["request"]
        for name in ("sample_rate", "class_names"):
            if hasattr(like, name):
                setattr(self, name, getattr(like, name))

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        return [self.item][index]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        return [self[index] for index in indices]

    def fingerprint(self) -> str:
        raw = self.item[0]
        content = raw.numpy().tobytes() if isinstance(raw, Tensor) else repr(raw).encode()
        return hashlib.sha256(content).hexdigest()[:16]


class Reader:
    """Makes the inputs of a model from what a request sends. test: the test set that has the model's inputs.

    kind: "image", "sound" or "text"; "" if a request can only send numbers. `numbers`: whether it can send these.
    Raises BadInput if it can send neither.
    """

    def __init__(self, test: Any) -> None:
        if getattr(test, "paired", False):
            raise BadInput("the items of the test set are pairs", expected="a test set with one input for each item")
        self.chain = list(_chain(test))
        self.sample = test[0][0]
        self.numbers = isinstance(self.sample, Tensor)
        self.kept: dict[int, set[str]] = {}
        self.kind, self.depth = "", 0
        for depth in reversed(range(len(self.chain))):
            kind = _kind(self.chain[depth])
            if kind and self._makes(depth):
                self.kind, self.depth = kind, depth
                break
        if not self.kind and not self.numbers:
            what = f"the inputs of the model are {type(self.sample).__name__}, which no request can send"
            raise BadInput(what, expected="images, sounds, texts or numbers")

    @property
    def origin(self) -> Any:
        """The dataset whose items have the form that a request sends."""
        return self.chain[self.depth]

    @cached_property
    def shape(self) -> tuple[int, ...] | None:
        """The shape that an image or the numbers of a request must have; None if the shapes of test items differ."""
        source = self.origin if self.kind == "image" else self.chain[0]
        shapes = {tuple(source[index][0].shape) for index in range(min(SEEN, len(source)))}
        return shapes.pop() if len(shapes) == 1 else None

    @cached_property
    def vocabulary(self) -> frozenset[str] | None:
        """The words that the model knows, if a dataset has a list of them."""
        lists = (getattr(one, "known", None) for one in self.chain)
        words = next((one for one in lists if isinstance(one, list) and one and isinstance(one[0], str)), None)
        return None if words is None else frozenset(words)

    def read(self, kind: str, content: Any) -> tuple[Any, Any]:
        """(what was sent, the inputs of the model). content: the bytes of a file, or the numbers as nested lists.

        Raises BadInput if the model does not take this kind, and if the content is not of this kind.
        """
        if kind == "numbers":
            found = self._numbers(content)
            return found, found
        if kind != self.kind:
            raise BadInput(f"this model takes no {kind}", expected=" or ".join(self.kinds))
        raw = self._decoded(content)
        with _unsaved(self.chain):
            return raw, self.adapted(raw)

    @property
    def kinds(self) -> list[str]:
        """What a request can send."""
        return [*([self.kind] if self.kind else []), *(["numbers"] if self.numbers else [])]

    def _decoded(self, content: bytes) -> Any:
        if self.kind == "text":
            return decoding.text(content)
        if self.kind == "sound":
            return decoding.sound(content, int(self.origin.sample_rate))
        shape = self.shape or (self.origin[0][0].shape[0], 0, 0)
        return decoding.image(content, (shape[0], shape[1], shape[2]))

    def _numbers(self, content: Any) -> Tensor:
        if not self.numbers:
            raise BadInput("this model takes no numbers", expected=" or ".join(self.kinds))
        shape = tuple(self.chain[0][0][0].shape)
        shapes = {tuple(self.chain[0][index][0].shape) for index in range(min(SEEN, len(self.chain[0])))}
        return decoding.numbers(content, self.sample.dtype, shape, exactly=len(shapes) == 1)

    def adapted(self, raw: Any, depth: int | None = None) -> Any:
        """The inputs of the model, made from an item `raw` of the dataset at `depth` of the chain."""
        depth = self.depth if depth is None else depth
        found: Any = One(raw, self.chain[depth])
        for place in reversed(range(depth)):
            found = self._copied(place, found)
        return found[0][0]

    def _copied(self, place: int, source: Any) -> Any:
        """A copy of a dataset of the chain that has another source, without what was computed from its own source."""
        copied = copy.copy(self.chain[place])
        for name in _computed(copied) - self.kept.get(place, set()):
            del copied.__dict__[name]
        for name in [name for name, value in vars(copied).items() if value is self.chain[place + 1]]:
            setattr(copied, name, source)
        return copied

    def _makes(self, depth: int) -> bool:
        """Whether the first test items are made from items of the dataset at `depth`. Finds what need not be repeated.

        What a dataset computed for both items alike, such as a vocabulary, does not depend on the item.
        """
        try:
            seen = []
            for index in range(min(CHECKED, len(self.chain[0]))):
                copies: dict[int, Any] = {}
                found: Any = One(self.chain[depth][index][0], self.chain[depth])
                for place in reversed(range(depth)):
                    found = copies[place] = self._copied(place, found)
                if not _same(found[0][0], self.chain[0][index][0]):
                    return False
                seen.append(copies)
        except Exception:  # a dataset that needs more than One has: then the request must send something else
            return False
        self.kept = {place: _alike([copies[place] for copies in seen]) for place in range(depth)}
        return True


def _chain(test: Any) -> Iterator[Any]:
    """The test set, and those that it was made from item by item."""
    size, dataset = len(test), test
    while dataset is not None and hasattr(type(dataset), "__getitem__") and len(dataset) == size:
        yield dataset
        dataset = getattr(dataset, "source", None)


def _kind(dataset: Any) -> str:
    """What the items of a dataset are, if a file can have it: "image", "sound", "text", or ""."""
    inputs = dataset[0][0]
    if isinstance(inputs, str):
        return "text"
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        return ""
    if inputs.ndim == 1:
        return "sound" if isinstance(getattr(dataset, "sample_rate", None), int) else ""
    return "image" if inputs.ndim == 3 and inputs.shape[0] in decoding.MODES and _of_bytes(inputs) else ""


def _of_bytes(image: Tensor) -> bool:
    """Whether an image is one of bytes, divided by 255."""
    return bool(torch.equal((image * 255).round() / 255, image) and image.min() >= 0 and image.max() <= 1)


def _computed(dataset: Any) -> set[str]:
    """The cached properties of a dataset that have been computed."""
    named = {name for kind in type(dataset).__mro__ for name, one in vars(kind).items() if type(one) is cached_property}
    return named & set(vars(dataset))


def _alike(copies: list[Any]) -> set[str]:
    """The cached properties that have the same value in all copies."""
    first, *others = copies
    names = set.intersection(*map(_computed, copies))
    return {name for name in names if others and all(_same(vars(first)[name], vars(one)[name]) for one in others)}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


@dataclass(frozen=True)
class _Built:
    """In place of `cache.arrays`: computes the arrays and saves nothing."""

    def __call__(self, source: str, build: Any, **parameters: Any) -> Any:
        return build()


@contextmanager
def _unsaved(chain: list[Any]) -> Iterator[None]:
    """Save no feature of a request on the disk: what people send is theirs. One thread at a time."""
    modules = {sys.modules[type(one).__module__] for one in chain}
    with _alone:
        saving = cache.arrays
        using = [cache, *(module for module in modules if getattr(module, "arrays", None) is saving)]
        for module in using:
            module.arrays = _Built()  # type: ignore[attr-defined]  # the modules that have the name
        try:
            yield
        finally:
            for module in using:
                module.arrays = saving  # type: ignore[attr-defined]
