"""Tests of reviews as word numbers, compared with scikit-learn's counts, and of the held-out reviews."""

from __future__ import annotations

import collections
import itertools
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from papers.imdb_ladder.dataset import HeldOut, ToyReviews, WordIds, frequent, numbered, padded
from repro.errors import BadInput
from repro.testing import check_dataset

TOKEN = r"\w+|[^\w\s]+"
SPECIAL = ["[padding]", "[unknown]"]
TEXTS = st.lists(st.text("abcA B.!'éÉ<>", max_size=30).map(lambda text: text + "<br />b"), min_size=1, max_size=6)


@dataclass
class Reviews:
    """Reviews from a list, with the interface of `datasets.Imdb`."""

    texts: list[str]
    labels: list[int]

    def __len__(self) -> int:
        return len(self.texts)

    def fingerprint(self) -> str:
        return repr((self.texts, self.labels))


def reviews(*texts: str) -> Reviews:
    return Reviews(list(texts), [index % 2 for index in range(len(texts))])


@pytest.fixture(autouse=True)
def _data(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path_factory.getbasetemp() / "imdb_ladder"))  # for cached features


def tokens(text: str) -> list[str]:
    return re.findall(TOKEN, text.replace("<br />", " ").lower())


@settings(max_examples=50, deadline=None)
@given(TEXTS)
def test_counts_are_those_of_scikit_learn(texts: list[str]) -> None:
    known = [str(word) for word in frequent(reviews(*texts), words=12)["words"]]
    found = numbered(reviews(*texts), known)
    theirs = CountVectorizer(
        token_pattern=TOKEN, vocabulary=known[2:], preprocessor=lambda text: text.replace("<br />", " ").lower()
    )
    ours = np.zeros((len(texts), len(known)), int)
    for row, ids in enumerate(np.split(found["ids"], found["ends"][:-1])):
        np.add.at(ours[row], ids, 1)
    np.testing.assert_array_equal(ours[:, 2:], theirs.transform(texts).toarray())
    assert not ours[:, 0].any()
    assert ours.sum(1).tolist() == [len(tokens(text)) for text in texts], "an unknown word counts as one of number 1"


@settings(max_examples=50, deadline=None)
@given(TEXTS, st.integers(3, 15))
def test_the_known_words_are_the_most_frequent(texts: list[str], words: int) -> None:
    counts = collections.Counter(token for text in texts for token in tokens(text))
    known = [str(word) for word in frequent(reviews(*texts), words)["words"]]
    assert known == SPECIAL + sorted(counts, key=lambda word: (-counts[word], word))[: words - 2]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(1, 8))
def test_reviews_are_cut_at_their_end_and_filled_up_with_zeros(sizes: list[int], length: int) -> None:
    rows = [list(range(10 * row + 1, 10 * row + 1 + size)) for row, size in enumerate(sizes)]
    found = padded(np.array(list(itertools.chain(*rows)), int), np.cumsum(sizes), length)
    assert found.tolist() == [(row + [0] * length)[:length] for row in rows]


def test_the_battery() -> None:
    toy = ToyReviews(size=40)
    check_dataset(toy)
    check_dataset(HeldOut(toy, "valid"))
    check_dataset(WordIds(HeldOut(toy, "train"), HeldOut(toy, "train"), words=50, length=16))


def test_only_the_vocabulary_s_own_words_are_known() -> None:
    train, test = reviews("good film, good", "bad film"), reviews("good unheard", "unheard-of film")
    found = WordIds(test, vocabulary=train, words=20, length=4)
    assert "unheard" not in found.known
    number = {word: place for place, word in enumerate(found.known)}
    assert found[0][0].tolist() == [number["good"], 1, 0, 0]
    assert found[1][0].tolist() == [1, 1, 1, number["film"]], "unheard, -, of: none of them is in the training reviews"
    assert [found[index][1] for index in range(2)] == test.labels
    assert found[0][0].dtype == torch.int32


def test_a_line_break_is_no_word() -> None:
    (known,) = frequent(reviews("One<br /><br />Two br"), words=20).values()
    assert sorted(known[2:]) == ["br", "one", "two"]


@given(st.integers(2, 60), st.floats(0.1, 0.9), st.integers(0, 3))
def test_what_is_held_out_is_not_trained_on(size: int, share: float, seed: int) -> None:
    source = ToyReviews(size)
    train, valid = (HeldOut(source, part, share, seed) for part in ("train", "valid"))
    assert sorted(train.rows + valid.rows) == list(range(size))
    assert math.isclose(len(valid), share * size, abs_tol=0.5 + 1e-9)
    assert [valid[index] for index in range(len(valid))] == [source[row] for row in valid.rows]
    assert train.fingerprint() != valid.fingerprint()


def test_both_classes_are_held_out_although_the_source_is_sorted() -> None:
    source = Reviews([str(index) for index in range(1000)], [0] * 500 + [1] * 500)
    assert 0.3 < np.mean(HeldOut(source, "valid").labels) < 0.7
    assert HeldOut(source, "valid").rows != HeldOut(source, "valid", seed=1).rows


def test_the_fingerprint_tells_all_that_moves_an_item() -> None:
    one, other = ToyReviews(20), ToyReviews(20, seed=1)
    kinds = [
        WordIds(one, one, 30, 8),
        WordIds(other, one, 30, 8),
        WordIds(one, other, 30, 8),
        WordIds(one, one, 29, 8),
        WordIds(one, one, 30, 9),
        HeldOut(one, "train"),
        HeldOut(one, "train", seed=1),
        HeldOut(one, "train", share=0.2),
    ]
    assert len({dataset.fingerprint() for dataset in kinds}) == len(kinds)


def test_a_shown_item_is_the_words_that_the_model_saw() -> None:
    found = WordIds(reviews("A good film, unheard"), reviews("a good film, a good"), words=20, length=4)
    (panel,) = found.illustrate(*found[0], torch.tensor([0.2, 0.8]), Path("unused"))
    assert panel["text"] == "a good film ,"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: HeldOut(ToyReviews(4), "train", share=1.0), "HeldOut.share is 1.0; expected a number between 0 and 1"),
        (lambda: WordIds(ToyReviews(4), ToyReviews(4), words=2), "has 2 words and length 256; expected at least 3"),
        (lambda: WordIds(ToyReviews(4), ToyReviews(4), length=0), "length 0; expected"),
    ],
)
def test_what_cannot_be_meant_is_refused(make: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make()  # type: ignore[operator]
