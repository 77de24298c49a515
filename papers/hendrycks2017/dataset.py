"""Reviews as the word numbers of the authors' code, and the two collections of sentences from outside.

Letters: N reviews, L words per review, V words of the vocabulary.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from repro.data import cache, store
from repro.errors import BadInput
from repro.registry import DATASETS, name_of

FILES = {"customer": "CR", "movie": "MR"}
PADDING = 0  # 1 to V - 1 are words, the most frequent first; V is every other word

# The English stop words of NLTK in 2016, which the authors' code lists.
_LISTED = """
i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers
herself it its itself they them their theirs themselves what which who whom this that these those am is are
was were be been being have has had having do does did doing a an the and but if or because as until while of
at by for with about against between into through during before after above below to from up down in out on
off over under again further then once here there when where why how all any both each few more most other
some such no nor not only own same so than too very s t can will just don should now d ll m o re ve y ain aren
couldn didn doesn hadn hasn haven isn ma mightn mustn needn shan shouldn wasn weren won wouldn
"""
STOP_WORDS = frozenset(_LISTED.split())


@DATASETS.register
class ReviewSentences(Dataset[tuple[str, int]]):
    """Sentences of customer reviews of products, or of movie reviews by professional critics.

    Item: `(text str, label int)`, label 1 for a positive sentence. `collection`: "customer" (Hu and Liu 2004) or
    "movie" (Pang and Lee 2005). `split`: a split of the authors; "test" has 500 and 1,000 sentences, "train" 2,775 and
    8,662. Raises BadInput if the file is missing and cannot be downloaded, or if a line has another form.

    Example: a file with one sentence in place of the real ones (`repro data get reviews`).

        >>> import os
        >>> from pathlib import Path
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> Path("reviews").mkdir()
        >>> size = Path("reviews/CR.test").write_text("i love the thing .\\t1\\n")
        >>> ReviewSentences("customer", "test")[0]
        ('i love the thing .', 1)
    """

    def __init__(self, collection: Literal["customer", "movie"], split: Literal["train", "test"]) -> None:
        self.collection, self.split = collection, split
        self.folder = store.folder(f"reviews/{collection}-{split}")

    @cached_property
    def rows(self) -> list[tuple[str, int]]:
        """The sentences and labels, in the order of the file."""
        path = self.folder / f"{FILES[self.collection]}.{self.split}"
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"cannot be read: {error}", str(path)) from None
        rows = []
        for number, line in enumerate(lines[: -1 if not lines[-1] else None], 1):
            text, tab, label = line.rpartition("\t")
            if not tab or label not in ("0", "1"):
                raise BadInput("is not a labelled sentence", f"{path}:{number}", expected="a text, a tab, and 0 or 1")
            rows.append((text.strip(), int(label)))
        if not rows:
            raise BadInput("contains no sentence", str(path))
        return rows

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self.rows]

    @property
    def labels(self) -> list[int]:
        return [label for _, label in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[str, int]:
        return self.rows[index]

    def fingerprint(self) -> str:
        """Digest of texts and labels."""
        return _digest(*self.rows)


@DATASETS.register
class FrequentWordIds(Dataset[tuple[torch.Tensor, int]]):
    """Reviews as word numbers, as in the authors' code: without stop words, the last L = `length` words of each review.

    Item: `(ids (L,) int32, label int)`. 0 is padding at the end. 1 to `words` - 1 are the most frequent words of
    `vocabulary`, which should be the training reviews; `words` is every other word. A word is a sequence of letters,
    digits and underscores in lower case; `<br />` counts as a blank. Raises BadInput if `words` is below 2 or `length`
    below 1.

    Example:

        >>> from types import SimpleNamespace
        >>> reviews = SimpleNamespace(texts=["A good film, a good plot."], labels=[1], fingerprint=lambda: "one")
        >>> ids, label = FrequentWordIds(reviews, vocabulary=reviews, words=3, length=6)[0]
        >>> ids.tolist(), label  # good, film, good, another word
        ([1, 2, 1, 3, 0, 0], 1)
    """

    def __init__(
        self,
        source: Annotated[Any, DATASETS],
        vocabulary: Annotated[Any, DATASETS],
        words: int = 5000,
        length: int = 400,
    ) -> None:
        if words < 2 or length < 1:
            raise BadInput(
                f"{name_of(self)} has {words} words and length {length}", expected="at least 2 words and length 1"
            )
        self.source, self.vocabulary, self.words, self.length = source, vocabulary, words, length

    @cached_property
    def known(self) -> list[str]:
        """The words with the numbers 1 to V - 1."""
        build = functools.partial(frequent, self.vocabulary, words=self.words - 1)
        return [str(word) for word in cache.arrays(self.vocabulary.fingerprint(), build)["words"]]

    @cached_property
    def ids(self) -> torch.Tensor:
        """(N, L) int32."""
        build = functools.partial(numbered, self.source, known=self.known, other=self.words, length=self.length)
        return torch.from_numpy(np.array(cache.arrays(self.source.fingerprint(), build)["ids"]))

    @cached_property
    def labels(self) -> list[int]:
        return list(self.source.labels)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.ids[index], self.labels[index]

    def __getitems__(self, indices: list[int]) -> list[tuple[torch.Tensor, int]]:
        """Several items at once; a DataLoader calls this."""
        return list(zip(self.ids[indices], (self.labels[index] for index in indices), strict=True))

    def fingerprint(self) -> str:
        """Digest of both sources and the parameters."""
        return _digest(self.source.fingerprint(), self.vocabulary.fingerprint(), self.words, self.length)


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without stop words.

    >>> words_of("It was AMAZING!<br />I don't know...")
    ['amazing', 'know']
    """
    return [word for word in re.findall(r"\w+", text.replace("<br />", " ").lower()) if word not in STOP_WORDS]


def frequent(reviews: Any, words: int) -> dict[str, npt.NDArray[Any]]:
    """The `words` most frequent words of `reviews.texts`, under the key `words`. Equally frequent: by the alphabet."""
    counts = Counter(word for text in reviews.texts for word in words_of(text))
    found = sorted(counts, key=lambda word: (-counts[word], word))[:words]
    return {"words": np.array(found, dtype=str)}


def numbered(reviews: Any, known: list[str], other: int, length: int) -> dict[str, npt.NDArray[Any]]:
    """The numbers of the last `length` words of each review, under the key `ids`: (N, `length`), padded at the end.

    Words that are not `known` have the number `other`.
    """
    number = {word: place for place, word in enumerate(known, 1)}
    ids = np.full((len(reviews.texts), length), PADDING, np.int32)
    for row, text in zip(ids, reviews.texts, strict=True):
        found = [number.get(word, other) for word in words_of(text)][-length:]
        row[: len(found)] = found
    return {"ids": ids}


def _digest(*parts: Any) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]
