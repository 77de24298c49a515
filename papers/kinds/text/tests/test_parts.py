"""Tests of the parts of this paper, with the checks of repro.testing."""

from __future__ import annotations

import functools

import torch

from papers.kinds.text.dataset import PADDING, UNKNOWN, ToyTexts, WordNumbers
from papers.kinds.text.loss import SmoothedCrossEntropy
from papers.kinds.text.model import MeanEmbedding
from repro.datasets.imdb import Imdb
from repro.testing import check_dataset, check_loss, check_model, check_trainer, needs
from repro.trainers.supervised import Supervised

TEXTS = ToyTexts(size=24)


def test_a_number_means_the_same_word_in_both_sets() -> None:
    train, test = (WordNumbers(texts, TEXTS, words=30, length=5) for texts in (TEXTS, ToyTexts(size=6)))
    check_dataset(train)
    assert train.known[:4] == ["24", "film", "is", "of"] and test.known == train.known
    assert test[0][0].tolist() == [train.known.index(word) + 2 for word in ("the", "film", "is", "dull", "0")]


def test_the_share_of_hidden_words_is_the_one_that_is_asked_for() -> None:
    numbers = WordNumbers(ToyTexts(size=2000), TEXTS, words=30, length=9, hidden=0.5).numbers
    plain = WordNumbers(ToyTexts(size=2000), TEXTS, words=30, length=9).numbers
    known = plain > UNKNOWN
    assert abs((numbers[known] == UNKNOWN).float().mean() - 0.5) < 0.02
    assert torch.equal(numbers == PADDING, plain == PADDING)


def test_model() -> None:
    model = MeanEmbedding(words=30, embedding=8)
    check_model(model, inputs=torch.randint(1, 30, (4, 6)))
    text = torch.tensor([[2, 5, 7]])
    assert torch.allclose(model(text), model(torch.nn.functional.pad(text, (0, 4)))), "padding does not count"


def test_loss_is_that_of_torch() -> None:
    scores, target = torch.randn(5, 3), torch.tensor([0, 2, 1, 1, 0])
    loss = SmoothedCrossEntropy(smoothing=0.1)
    check_loss(loss, scores, target)
    wanted = torch.nn.functional.cross_entropy(scores, target, label_smoothing=0.1)
    assert torch.allclose(loss(scores, target), wanted)


def test_the_model_learns_the_toy_texts() -> None:
    trainer = Supervised(steps=1, batch_size=8, optimizer=functools.partial(torch.optim.Adam, lr=0.05))
    data = WordNumbers(TEXTS, TEXTS, words=30, length=6)
    check_trainer(trainer, MeanEmbedding(words=30, embedding=8), SmoothedCrossEntropy(), data)


@needs("imdb/test")
def test_the_real_texts() -> None:
    """Skipped if the data is not on this machine."""
    texts = Imdb("test", size=50)
    check_dataset(WordNumbers(texts, texts, words=1000))
