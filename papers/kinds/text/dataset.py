"""Texts as sequences of word numbers, and short texts that need no download.

Letters: L words of a text.

A dataset of texts has `texts` (str each) and `labels` (int each), such as `datasets.Imdb`.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from functools import cached_property
from typing import Annotated, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.data import cache
from repro.registry import DATASETS, wrong_value

PADDING, UNKNOWN = 0, 1
WORD = re.compile(r"\w+")
ADJECTIVES = (("dull", "awful", "boring"), ("lovely", "brilliant", "funny"))


@DATASETS.register
class ToyTexts(Dataset[tuple[str, int]]):
    """Generated texts of two classes, for tests without a download. Item: `(text str, label int)`.

    The labels alternate. The text has an adjective of its class. `size`: the number of texts, at least 1.

    Example:

        >>> ToyTexts(size=2)[1]
        ('The film is lovely, 1 of 2.', 1)
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise wrong_value(self, "size", size, "a whole number above 0")
        self.labels = [index % 2 for index in range(size)]
        adjectives = [ADJECTIVES[label][index // 2 % 3] for index, label in enumerate(self.labels)]
        self.texts = [f"The film is {word}, {index} of {size}." for index, word in enumerate(adjectives)]

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> tuple[str, int]:
        return self.texts[index], self.labels[index]

    def fingerprint(self) -> str:
        return f"toy texts {len(self)}"


@DATASETS.register
class WordNumbers(Dataset[tuple[torch.Tensor, int]]):
    """Texts as word numbers (Section 2). Item: `(numbers (L,) int64, label int)`, of the first L = `length` words.

    0 is padding, 1 is every unknown word. The other numbers are the `words` - 2 most frequent words of `vocabulary`,
    which should be the training texts. `hidden`: this share of the words, drawn at random, is unknown (Section 4).
    Raises BadInput if `words` is below 3, `length` below 1, or `hidden` not in [0, 1].

    Example:

        >>> texts = ToyTexts(size=8)
        >>> numbers, label = WordNumbers(texts, vocabulary=texts, words=20, length=10)[0]
        >>> numbers.shape, label
        (torch.Size([10]), 0)
    """

    def __init__(
        self,
        source: Annotated[Any, DATASETS],
        vocabulary: Annotated[Any, DATASETS],
        words: int = 10_000,
        length: int = 200,
        hidden: float = 0.0,
    ) -> None:
        if words < 3:
            raise wrong_value(self, "words", words, "a whole number from 3")
        if length < 1:
            raise wrong_value(self, "length", length, "a whole number above 0")
        if not 0 <= hidden <= 1:
            raise wrong_value(self, "hidden", hidden, "a share from 0 to 1")
        self.source, self.vocabulary = source, vocabulary
        self.words, self.length, self.hidden = words, length, hidden

    @cached_property
    def known(self) -> list[str]:
        """The words with a number of their own; the first has the number 2."""
        build = functools.partial(frequent, self.vocabulary, words=self.words)
        return [str(word) for word in cache.arrays(self.vocabulary.fingerprint(), build)["words"]]

    @cached_property
    def numbers(self) -> torch.Tensor:
        """(texts, L) int64."""
        build = functools.partial(numbered, self.source, known=self.known, length=self.length)
        found = torch.from_numpy(cache.arrays(self.source.fingerprint(), build)["numbers"])
        hidden = torch.rand(found.shape, generator=torch.Generator().manual_seed(0)) < self.hidden
        return found.masked_fill(hidden & (found != PADDING), UNKNOWN)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.numbers[index], self.source.labels[index]

    def fingerprint(self) -> str:
        """That of the texts and of the vocabulary, with the settings."""
        return f"{self.source.fingerprint()}+{self.vocabulary.fingerprint()}:{self.words}:{self.length}:{self.hidden}"


def frequent(texts: Any, words: int) -> dict[str, Any]:
    """The `words` - 2 most frequent words of `texts.texts`, under the key `words`. Ties are in alphabetical order."""
    counts = Counter(word for text in texts.texts for word in WORD.findall(text.lower()))
    return {"words": np.array(sorted(counts, key=lambda word: (-counts[word], word))[: words - 2])}


def numbered(texts: Any, known: list[str], length: int) -> dict[str, Any]:
    """The numbers of the first `length` words of each text, under the key `numbers`; shorter texts end with 0."""
    number = {word: index for index, word in enumerate(known, UNKNOWN + 1)}
    found = np.full((len(texts.texts), length), PADDING)
    for row, text in zip(found, texts.texts, strict=True):
        numbers = [number.get(word, UNKNOWN) for word in WORD.findall(text.lower())[:length]]
        row[: len(numbers)] = numbers
    return {"numbers": found}
