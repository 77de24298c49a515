"""Tests of the models, compared with other computations: counts, scikit-learn, loops, layers of torch."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.data import default_collate

from papers.imdb_ladder.dataset import ToyReviews, WordIds
from papers.imdb_ladder.model import BagOfWords, Cnn, EncoderLayer, Rnn, Transformer, WordEmbeddings
from repro.testing import check_model, check_trainer
from repro.trainers.supervised import Supervised

V, L = 30, 12

MODELS = {
    "linear": lambda: BagOfWords(V),
    "perceptron": lambda: BagOfWords(V, hidden=5),
    "embeddings": lambda: WordEmbeddings(V, embedding=8),
    "cnn": lambda: Cnn(V, embedding=8, filters=4),
    "rnn": lambda: Rnn(V, embedding=8, hidden=4),
    "transformer": lambda: Transformer(V, length=20, embedding=8, heads=2, layers=2),
}
every_model = pytest.mark.parametrize("name", MODELS)


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    return MODELS[name]().eval()


def batch(*lengths: int) -> torch.Tensor:
    """Reviews with `lengths` words, padded at the end: (B, L) int32."""
    ids = torch.randint(1, V, (len(lengths), L), generator=torch.Generator().manual_seed(1), dtype=torch.int32)
    for row, length in enumerate(lengths):
        ids[row, length:] = 0
    return ids


def counts(ids: torch.Tensor) -> torch.Tensor:
    """(B, V): number of times each word occurs in a review, without padding."""
    found = torch.nn.functional.one_hot(ids.long(), V).sum(1).float()
    found[:, 0] = 0
    return found


@every_model
def test_the_battery(name: str) -> None:
    check_model(made(name), batch(12, 7, 12, 2))


@every_model
@torch.no_grad()
def test_how_much_padding_there_is_changes_nothing(name: str) -> None:
    model, ids = made(name), batch(12, 7, 1, 3)
    long = torch.nn.functional.pad(ids, (0, 8))
    torch.testing.assert_close(model(long), model(ids), atol=1e-6, rtol=0)
    torch.testing.assert_close(model(ids[1:2, :7])[0], model(ids)[1], atol=1e-6, rtol=0)


@every_model
@torch.no_grad()
def test_only_models_that_read_in_order_tell_orders_apart(name: str) -> None:
    model, ids = made(name), batch(12, 12)
    same = torch.allclose(model(ids), model(ids.flip(1)), atol=1e-6)
    assert same == (name in ("linear", "perceptron", "embeddings"))


@torch.no_grad()
def test_a_bag_of_words_is_counts_times_weights() -> None:
    ids, model = batch(12, 7, 0, 3), made("perceptron")
    hidden = counts(ids) @ model.weights.weight + model.bias
    torch.testing.assert_close(model(ids), model.out(hidden))
    model = made("linear")
    linear = nn.Linear(V, 2)
    linear.weight.copy_(model.weights.weight.T)
    linear.bias.copy_(model.bias)
    torch.testing.assert_close(model(ids), linear(counts(ids)))
    assert model.weights.weight.abs().max() <= V**-0.5, "the weights begin as those of nn.Linear"


@torch.no_grad()
def test_the_linear_model_holds_what_logistic_regression_finds() -> None:
    toy = ToyReviews(60)
    data = WordIds(toy, toy, words=V, length=L)
    ids = torch.stack([inputs for inputs, _ in data])
    theirs = LogisticRegression().fit(counts(ids).numpy(), data.labels)
    model = BagOfWords(V)
    model.weights.weight.copy_(torch.from_numpy(np.stack([0 * theirs.coef_[0], theirs.coef_[0]], 1)))
    model.bias.copy_(torch.tensor([0.0, theirs.intercept_[0]]))
    ours = model(ids).softmax(1).double().numpy()
    np.testing.assert_allclose(ours, theirs.predict_proba(counts(ids).numpy()), atol=1e-5)


@torch.no_grad()
def test_word_embeddings_are_averaged_over_the_words_alone() -> None:
    model, ids = made("embeddings"), batch(12, 5)
    rows = torch.stack([model.embed.weight[row[row != 0].long()].mean(0) for row in ids])
    torch.testing.assert_close(model(ids), model.out(rows))


@torch.no_grad()
def test_the_cnn_is_a_loop_over_windows() -> None:
    model, ids = made("cnn"), batch(12, 5, 1)
    rows = []
    for row in ids:
        words = model.embed.weight[row[row != 0].long()].T  # (E, words)
        answers = []
        for convolve in model.filters:
            (width,) = convolve.kernel_size
            wide = torch.nn.functional.pad(words, (width - 1, width - 1))
            windows = [wide[:, start : start + width] for start in range(words.shape[1] + width - 1)]
            found = [(convolve.weight * window).sum((1, 2)) + convolve.bias for window in windows]
            answers.append(torch.stack(found).amax(0).clamp(min=0))
        rows.append(model.out(torch.cat(answers)))
    torch.testing.assert_close(model(ids), torch.stack(rows))


@torch.no_grad()
def test_the_rnn_is_torch_s_bidirectional_lstm_on_packed_reviews() -> None:
    model, ids = made("rnn"), batch(12, 5, 1)
    theirs = nn.LSTM(8, 4, batch_first=True, bidirectional=True)
    for name, value in model.there.named_parameters():
        getattr(theirs, name).copy_(value)
    for name, value in model.back.named_parameters():
        getattr(theirs, f"{name}_reverse").copy_(value)
    packed = pack_padded_sequence(model.embed(ids), (ids != 0).sum(1), batch_first=True, enforce_sorted=False)
    outputs, lengths = pad_packed_sequence(theirs(packed)[0], batch_first=True)
    largest = torch.stack([row[:length].amax(0) for row, length in zip(outputs, lengths, strict=True)])
    torch.testing.assert_close(model(ids), model.out(largest))


@torch.no_grad()
def test_an_encoder_layer_is_that_of_torch() -> None:
    torch.manual_seed(0)
    ours = EncoderLayer(8, heads=2)
    theirs = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, norm_first=True)
    pairs = [
        (theirs.norm1, ours.first),
        (theirs.norm2, ours.second),
        (theirs.self_attn.out_proj, ours.mix),
        (theirs.linear1, ours.units[0]),
        (theirs.linear2, ours.units[2]),
    ]
    for one, other in pairs:
        one.load_state_dict(other.state_dict())
    theirs.self_attn.in_proj_weight.copy_(ours.query_key_value.weight)
    theirs.self_attn.in_proj_bias.copy_(ours.query_key_value.bias)
    x, words = torch.randn(3, L, 8), batch(12, 5, 1) != 0
    torch.testing.assert_close(ours(x, words)[words], theirs(x, src_key_padding_mask=~words)[words])


@pytest.mark.parametrize("name", ["cnn", "rnn", "transformer"])
def test_embedded_words_begin_near_zero(name: str) -> None:
    """The embedding of padding is 0."""
    rows = made(name).embed.weight.detach()
    assert 0.05 < rows[1:].std() < 0.15 and not rows[0].any()


@every_model
def test_it_learns_the_toy_reviews(name: str) -> None:
    """Every sentence has a word of its class, so the model fits a batch quickly and classifies other reviews."""
    toy = ToyReviews(32)
    data, model = WordIds(toy, toy, words=V, length=L), made(name)
    trainer = Supervised(steps=1, batch_size=32, optimizer=functools.partial(torch.optim.Adam, lr=0.05))
    check_trainer(trainer, model, nn.CrossEntropyLoss(), data, steps=60)
    unseen = WordIds(ToyReviews(64, seed=1), toy, words=V, length=L)
    inputs, labels = default_collate([unseen[index] for index in range(64)])
    with torch.no_grad():
        assert (model.eval()(inputs).argmax(1) == labels).float().mean() > 0.9
