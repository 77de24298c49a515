"""Reviews as sequences of word numbers.

Letters: N reviews, L tokens per review (longer reviews are cut, shorter ones are padded with 0).

A dataset of reviews has `texts` (N str) and `labels` (N int, 1 for a positive review). Examples are `datasets.Imdb` and
`datasets.ToyReviews`, which needs no download.
"""

from __future__ import annotations

import functools
import hashlib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch.utils.data import Dataset

from repro.data import cache
from repro.data.panels import show_text
from repro.errors import BadInput
from repro.registry import DATASETS, name_of, wrong_value

PADDING, UNKNOWN = "[padding]", "[unknown]"  # numbers 0 and 1; no token of a text contains both brackets and letters
CLASSES = ("negative", "positive")
WORDS_OF = {
    0: ("dull", "awful", "boring", "clumsy", "lifeless"),
    1: ("lovely", "brilliant", "touching", "funny", "gripping"),
}
THINGS = ("plot", "cast", "music", "ending", "camera", "dialogue")

Ids = npt.NDArray[np.int32]


@DATASETS.register
class ToyReviews(Dataset[tuple[str, int]]):
    """Generated reviews of two to nine sentences, for tests without a download.

    Item: `(text str, label int)`; the labels alternate. Each sentence has one adjective of its class, so single words
    are enough to recognise the class. `size`: number of reviews.

    Example:

        >>> reviews = ToyReviews(size=4)
        >>> reviews.labels, reviews[1][0].startswith("The ")
        ([0, 1, 0, 1], True)
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.labels = [index % 2 for index in range(size)]
        self.texts = [
            "<br /><br />".join(_sentence(label, random) for _ in range(random.integers(2, 10)))
            for label in self.labels
        ]

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> tuple[str, int]:
        return self.texts[index], self.labels[index]

    def fingerprint(self) -> str:
        """Digest of the texts and labels."""
        return _digest(*self.texts, *self.labels)


def _sentence(label: int, random: np.random.Generator) -> str:
    return f"The {random.choice(THINGS)} of this film is {random.choice(WORDS_OF[label])}."


@DATASETS.register
class HeldOut(Dataset[tuple[str, int]]):
    """A random split of `source` into a training and a validation part.

    Item: as of `source`. `part`: "train" or "valid". `share`: the fraction of reviews in "valid", in (0, 1). `seed`:
    seed of the split. Within a part the reviews keep their order. Raises BadInput if `share` is out of range.

    Example:

        >>> reviews = ToyReviews(size=20)
        >>> len(HeldOut(reviews, "train", share=0.25)), len(HeldOut(reviews, "valid", share=0.25))
        (15, 5)
    """

    def __init__(
        self,
        source: Annotated[Any, DATASETS],
        part: Literal["train", "valid"],
        share: float = 0.1,
        seed: int = 0,
    ) -> None:
        if not 0 < share < 1:
            raise wrong_value(self, "share", share, "a number between 0 and 1")
        self.source, self.part, self.share, self.seed = source, part, share, seed

    @cached_property
    def rows(self) -> list[int]:
        """The indices in `source` of the reviews in this part."""
        order = np.random.default_rng(self.seed).permutation(len(self.source))
        first = round(len(order) * (1 - self.share))
        chosen = order[:first] if self.part == "train" else order[first:]
        return [int(row) for row in np.sort(chosen)]

    @cached_property
    def texts(self) -> list[str]:
        return [self.source.texts[row] for row in self.rows]

    @cached_property
    def labels(self) -> list[int]:
        return [self.source.labels[row] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[str, int]:
        return self.texts[index], self.labels[index]

    def fingerprint(self) -> str:
        return _digest(self.source.fingerprint(), self.part, self.share, self.seed)


@DATASETS.register
class WordIds(Dataset[tuple[torch.Tensor, int]]):
    """Reviews as word numbers, for the models that are trained from scratch.

    Item: `(ids (L,) int32, label int)`, the numbers of the first L = `length` tokens. 0 is padding, 1 is every unknown
    word. The other numbers are the `words` - 2 most frequent words in `vocabulary`, which should be the training
    reviews. A token is a sequence of letters and digits, or a sequence of other signs, in lower case. `<br />` counts
    as a blank. Raises BadInput if `words` is below 3 or `length` below 1.

    Example:

        >>> reviews = ToyReviews(size=20)
        >>> ids, label = WordIds(reviews, vocabulary=reviews, words=30, length=6)[0]
        >>> ids.shape, ids.dtype, label
        (torch.Size([6]), torch.int32, 0)
    """

    def __init__(
        self,
        source: Annotated[Any, DATASETS],
        vocabulary: Annotated[Any, DATASETS],
        words: int = 20_000,
        length: int = 256,
    ) -> None:
        if words < 3 or length < 1:
            raise BadInput(
                f"{name_of(self)} has {words} words and length {length}", expected="at least 3 words and length 1"
            )
        self.source, self.vocabulary, self.words, self.length = source, vocabulary, words, length

    @cached_property
    def known(self) -> list[str]:
        """The words, indexed by number: padding, unknown, then the most frequent first."""
        build = functools.partial(frequent, self.vocabulary, words=self.words)
        return [str(word) for word in cache.arrays(self.vocabulary.fingerprint(), build)["words"]]

    @cached_property
    def ids(self) -> torch.Tensor:
        """(N, L) int32."""
        build = functools.partial(numbered, self.source, known=self.known)
        found = cache.arrays(self.source.fingerprint(), build)
        return torch.from_numpy(padded(found["ids"], found["ends"], self.length))

    @cached_property
    def labels(self) -> list[int]:
        return list(self.source.labels)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.ids[index], self.labels[index]

    def illustrate(self, inputs: torch.Tensor, target: int, estimate: torch.Tensor, stem: Path) -> list[dict[str, Any]]:
        """A panel with the words that the model saw, and its answer."""
        seen = " ".join(self.known[number] for number in inputs.tolist() if number)
        return show_text(seen, target, estimate, stem, CLASSES)

    def fingerprint(self) -> str:
        return _digest(self.source.fingerprint(), self.vocabulary.fingerprint(), self.words, self.length)


def frequent(reviews: Any, words: int) -> dict[str, npt.NDArray[Any]]:
    """Find the vocabulary: padding, unknown, then the most frequent tokens of `reviews.texts`, `words` words together.

    Tokens that are equally frequent are in alphabetical order. Returns the vocabulary under the key `words`.
    """
    tokenizer = _tokenizer(models.WordLevel(unk_token=UNKNOWN))
    special = [PADDING, UNKNOWN]
    tokenizer.train_from_iterator(
        reviews.texts, trainers.WordLevelTrainer(vocab_size=words, special_tokens=special, show_progress=False)
    )
    numbers = tokenizer.get_vocab()
    return {"words": np.array(sorted(numbers, key=numbers.__getitem__))}


def numbered(reviews: Any, known: list[str]) -> dict[str, npt.NDArray[Any]]:
    """Replace each token of `reviews.texts` by its index in `known`; an unknown token gets the index of `UNKNOWN`.

    Returns `ids`: the indices of all N reviews, one review after the other, and `ends` (N,): where each review ends in
    `ids`.
    """
    tokenizer = _tokenizer(models.WordLevel({word: number for number, word in enumerate(known)}, unk_token=UNKNOWN))
    rows = [row.ids for row in tokenizer.encode_batch_fast(reviews.texts)]
    return {
        "ids": np.fromiter((number for row in rows for number in row), np.int32),
        "ends": np.cumsum([len(row) for row in rows]),
    }


def padded(ids: npt.NDArray[Any], ends: npt.NDArray[Any], length: int) -> Ids:
    """The first `length` numbers of each review, (N, L). Shorter reviews are padded with zeros at the end."""
    starts = np.concatenate([[0], ends[:-1]])
    places = starts[:, None] + np.arange(length)
    there = places < ends[:, None]
    found = np.zeros(places.shape, np.int32)
    found[there] = ids[places[there]]
    return found


def _tokenizer(model: Any) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace("<br />", " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def _digest(*parts: Any) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]
