"""Tests of the parts of this paper: words as in the authors' code, initial weights, what padding does."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import auc, precision_recall_curve
from torch import nn

from papers.hendrycks2017.dataset import STOP_WORDS, FrequentWordIds, ReviewSentences, frequent, words_of
from papers.hendrycks2017.metric import InterpolatedAUPR, area
from papers.hendrycks2017.model import GeluPerceptron, MeanOfWords
from papers.hendrycks2017.trainer import BestAccuracy
from repro.datasets.digits import Digits
from repro.errors import BadInput
from repro.testing import check_dataset, check_model, check_trainer, needs

WORDS = ("good", "dull", "plot", "cast", "the", "ending", "film")
ADAM = functools.partial(torch.optim.Adam, lr=0.01)


@pytest.fixture(autouse=True)
def _data(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path_factory.getbasetemp() / "hendrycks2017"))  # for cached features


@dataclass
class Reviews:
    """Forty reviews of 5 to 24 random words, with the interface of `datasets.Imdb`."""

    labels: list[int] = field(default_factory=lambda: [index % 2 for index in range(40)])

    @property
    def texts(self) -> list[str]:
        random = np.random.default_rng(0)
        return [" ".join(random.choice(WORDS, random.integers(5, 25))) for _ in self.labels]

    def __len__(self) -> int:
        return len(self.labels)

    def fingerprint(self) -> str:
        return "forty"


def toy(**sizes: int) -> FrequentWordIds:
    reviews = Reviews()
    return FrequentWordIds(reviews, vocabulary=reviews, **sizes)


def test_the_batteries() -> None:
    check_dataset(toy(words=12, length=6))
    check_model(GeluPerceptron(hidden=(8, 8)), torch.rand(4, 1, 28, 28))
    ids = torch.randint(1, 13, (4, 6), dtype=torch.int32)
    for padding in ("counted", "left out"):
        check_model(MeanOfWords(12, 4, padding), ids)  # type: ignore[arg-type]
    trainer = BestAccuracy(steps=1, batch_size=20, optimizer=ADAM)
    check_trainer(trainer, GeluPerceptron((16,)), nn.CrossEntropyLoss(), Digits("train"))


def test_the_counts_are_those_of_scikit_learn() -> None:
    texts = ["It's a GOOD film, a good plot.<br /><br />Good!", "don't watch; the plot_twist is dull 2 2"]
    theirs = CountVectorizer(token_pattern=r"\w+", stop_words=list(STOP_WORDS))
    counts = theirs.fit_transform([text.replace("<br />", " ") for text in texts]).toarray()
    for text, row in zip(texts, counts, strict=True):
        words = words_of(text)
        assert {word: words.count(word) for word in words} == {
            word: row[place] for word, place in theirs.vocabulary_.items() if row[place]
        }


def test_frequent_words_have_numbers_and_the_others_the_last_one() -> None:
    reviews = Reviews()
    found = FrequentWordIds(reviews, vocabulary=reviews, words=4, length=100)
    known = [str(word) for word in frequent(reviews, 3)["words"]]
    for index in (0, 17, 39):
        wanted = [known.index(word) + 1 if word in known else 4 for word in words_of(reviews.texts[index])]
        assert found[index][0].tolist() == wanted + [0] * (100 - len(wanted))
        assert found[index][1] == reviews.labels[index]


def test_a_long_review_keeps_its_last_words() -> None:
    whole, cut = toy(words=12, length=60), toy(words=12, length=4)
    row = [number for number in whole[0][0].tolist() if number]
    assert len(row) > 4 and cut[0][0].tolist() == row[-4:]


def test_the_initial_weights_have_the_lengths_of_the_authors_code() -> None:
    layers = [layer for layer in GeluPerceptron() if isinstance(layer, nn.Linear)]
    lengths = [layer.weight.norm(dim=1) for layer in layers]
    for length, gain in zip(lengths, (1.425, 0.85, 0.85, 1.425), strict=True):
        assert torch.allclose(length, torch.full_like(length, gain**-0.5))
    vectors = MeanOfWords(words=30, embedding=7).mean.weight
    assert torch.allclose(vectors.norm(dim=0), torch.ones(7))


def test_the_activations_keep_their_size() -> None:
    """0.425 is the mean square of GELU of a normal number, so no layer shrinks or enlarges its input much."""
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
    assert nn.functional.gelu(z).square().mean().item() == pytest.approx(0.425, abs=0.005)


@torch.no_grad()
def test_counted_padding_draws_short_reviews_to_one_point() -> None:
    ids = torch.tensor([[3, 5, 0, 0, 0, 0, 0, 0]])
    torch.manual_seed(0)
    counted, words = MeanOfWords(9, 4, "counted"), MeanOfWords(9, 4, "left out")
    words.load_state_dict(counted.state_dict())
    vectors = counted.mean.weight
    assert torch.allclose(counted.mean(ids)[0], (vectors[3] + vectors[5] + 6 * vectors[0]) / 8)
    assert torch.allclose(words.mean(ids)[0], (vectors[3] + vectors[5]) / 2)
    assert torch.allclose(words(ids), words(ids[:, :3])), "the amount of padding does not matter"


def test_validation_measures_the_error_rate() -> None:
    model, trainer = nn.Linear(2, 2), BestAccuracy(steps=1, batch_size=1, optimizer=ADAM)
    inputs, target = torch.randn(50, 2), torch.randint(0, 2, (50,))
    wrong = (model(inputs).argmax(1) != target).float().mean()
    assert trainer.step(model.eval(), nn.CrossEntropyLoss(), (inputs, target)) == wrong
    value = trainer.step(model.train(), nn.CrossEntropyLoss(), (inputs, target))
    assert torch.equal(value, nn.functional.cross_entropy(model(inputs), target))


SCORES = st.lists(st.tuples(st.integers(1, 6).map(lambda sixths: sixths / 6), st.booleans()), min_size=2, max_size=30)


@given(SCORES.filter(lambda rows: len({kind for _, kind in rows}) == 2))
def test_the_interpolated_area_is_the_trapezoid_under_the_curve(rows: list[tuple[float, bool]]) -> None:
    scores, positive = np.array([score for score, _ in rows]), np.array([kind for _, kind in rows])
    precision, recall, _ = precision_recall_curve(positive, scores)
    value, influences = area(scores, positive)
    assert value == pytest.approx(auc(recall, precision)) and influences.mean() == pytest.approx(0, abs=1e-9)
    items = [(score, "correct" if kind else "from outside") for score, kind in rows]
    assert np.mean(InterpolatedAUPR().contributions(items)) == pytest.approx(value)


def test_the_influences_of_the_interpolated_area_are_its_derivatives() -> None:
    """An item that is counted a little more: here one of 10,000 is repeated once."""
    random = np.random.default_rng(0)
    positive = random.random(10_000) < 0.6
    scores = np.minimum(random.normal(0.5 + 0.3 * positive, 0.4), 1.0)  # many ties at 1
    value, influences = area(scores, positive)
    for index in range(0, 40):
        more = area(np.append(scores, scores[index]), np.append(positive, positive[index]))[0]
        assert 10_001 * (more - value) == pytest.approx(influences[index], abs=0.02)


@pytest.mark.parametrize(("content", "said"), [
    (b"good\n", "CR.test:1"), (b"good\t1\nbad\t2\n", "CR.test:2"), (b"", "no sentence"),
    (b"\xff\t1\n", "cannot be read"),
])  # fmt: skip
def test_a_file_of_another_form_is_one_line(
    content: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    (tmp_path / "reviews").mkdir()
    (tmp_path / "reviews" / "CR.test").write_bytes(content)
    with pytest.raises(BadInput, match=re.escape(said)) as caught:
        len(ReviewSentences("customer", "test"))
    assert "\n" not in str(caught.value)


@needs("reviews/customer-test")
def test_the_real_sentences() -> None:
    """Skipped if the data is not on this machine."""
    sentences = ReviewSentences("customer", "test")
    check_dataset(sentences)
    assert len(sentences) == 500 and 0.5 < np.mean(sentences.labels) < 0.8
