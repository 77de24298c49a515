"""Taggers, peaks and streams: an answer depends on the samples that it says, however it is computed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.datasets.marked_signals import Pulses, Stretch
from repro.datasets.stretches import Stretches, Windows
from repro.errors import BadInput
from repro.experiment import Experiment, preflight
from repro.metrics.events import EventF1
from repro.models.peaks import PeakPicker, logits_of, peaks
from repro.models.streaming import Stream
from repro.models.taggers import ConvolutionalTagger, RecurrentTagger, TransformerTagger
from repro.testing import check_model

MAKE: dict[str, Callable[[bool], Any]] = {
    "lstm": lambda causal: RecurrentTagger("lstm", hidden=6, layers=2, causal=causal),
    "gru": lambda causal: RecurrentTagger("gru", hidden=6, causal=causal),
    "convolution": lambda causal: ConvolutionalTagger(channels=6, blocks=3, causal=causal),
    "transformer, pre": lambda causal: TransformerTagger(8, heads=2, context=12, causal=causal),
    "transformer, post": lambda causal: TransformerTagger(8, heads=2, context=12, causal=causal, norm="post"),
}
EVERY = pytest.mark.parametrize(("name", "causal"), list(itertools.product(MAKE, (True, False))))


def made(name: str, causal: bool) -> Any:
    torch.manual_seed(0)
    return MAKE[name](causal).eval()


@EVERY
def test_tagger_trains_and_uses_every_weight(name: str, causal: bool) -> None:
    check_model(made(name, causal), inputs=torch.randn(3, 40))


@EVERY
def test_logit_depends_on_exactly_the_samples_that_it_says(name: str, causal: bool) -> None:
    tagger, length, at = made(name, causal).double(), 120, 60
    signal = torch.randn(1, length, dtype=torch.float64, requires_grad=True)
    tagger(signal)[0, at].backward()
    seen = torch.nonzero(signal.grad[0]).flatten().tolist()  # type: ignore[index]
    past = at if tagger.past is None else tagger.past
    future = length - 1 - at if tagger.future is None else tagger.future
    assert (min(seen), max(seen)) == (at - past, at + future)


@EVERY
def test_logits_in_chunks_are_those_of_one_pass(name: str, causal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    tagger, signal = made(name, causal).double(), torch.randn(200, dtype=torch.float64)
    monkeypatch.setattr("repro.models.peaks.CHUNK", 37)
    torch.testing.assert_close(logits_of(tagger, signal), tagger(signal[None])[0])


@pytest.mark.parametrize("name", list(MAKE))
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=12), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_stream_finds_what_the_whole_signal_gives(name: str, sizes: list[int], seed: int) -> None:
    tagger = made(name, causal=True).double()
    signal = torch.from_numpy(np.random.default_rng(seed).standard_normal(sum(sizes)))
    middle = float(logits_of(tagger, signal).sigmoid().median())
    model = PeakPicker(tagger, sample_rate=10, threshold=middle + 1e-9, refractory=0.5)
    stream = Stream(model)
    stream.before = stream.before.double()
    pushed = [found for part in signal.split(sizes) for found in stream.push(part)]
    whole = model.find(signal)
    assert [*pushed, *stream.close()] == list(zip(whole.marks.tolist(), whole.known.tolist(), strict=True))  # type: ignore[union-attr]


def test_no_mark_is_reported_before_its_samples_have_come() -> None:
    model = PeakPicker(made("convolution", causal=True), sample_rate=10, threshold=0.4)
    stream, signal = Stream(model), torch.randn(300)
    for number in range(len(signal)):
        for mark, known in stream.push(signal[number : number + 1]):
            assert mark <= known == number


def test_stream_refuses_a_tagger_that_needs_later_samples() -> None:
    with pytest.raises(BadInput) as refused:
        Stream(PeakPicker(made("gru", causal=False), sample_rate=10))
    assert "causal" in refused.value.expected


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(0, 8))
def test_peaks_are_those_of_a_loop_over_the_runs(chances: list[float], refractory: int) -> None:
    kept: list[int] = []
    for above, run in itertools.groupby(range(len(chances)), key=lambda at: chances[at] >= 0.5):
        top = max(run, key=chances.__getitem__)
        if above and (not kept or top - kept[-1] >= refractory):
            kept.append(top)
    marks, known = peaks(np.array(chances), 0.5, refractory)
    assert marks.tolist() == kept
    assert all(mark <= end < len(chances) for mark, end in zip(marks, known, strict=True))


def test_marks_of_a_stretch_are_those_of_the_whole_recording() -> None:
    model, whole = PeakPicker(made("convolution", causal=False), 100, threshold=0.4), Pulses(seconds=20)[0][0]
    model.eval()
    parts = [Stretch(whole.recording, start, start + 500) for start in range(0, 2000, 500)]
    together = torch.cat([model.estimate(part).marks for part in parts])
    assert together.tolist() == model.estimate(whole).marks.tolist() != []


def test_a_recording_is_tagged_once_for_all_its_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    model, calls = PeakPicker(made("gru", causal=True), 100), []
    monkeypatch.setattr(model, "find", lambda signal: calls.append(1) or PeakPicker.find(model, signal))
    Experiment(test={"test": Stretches(Pulses(20), 2)}, metrics=[EventF1(50)], model=model).measure(lambda i, name: i)
    assert calls == [1]


def test_marks_are_found_again_after_training() -> None:
    model, stretch = PeakPicker(made("gru", causal=True), 100, threshold=0.01), Pulses(seconds=5)[0][0]
    before = model.eval().estimate(stretch).marks
    with torch.no_grad():
        model.tagger.output.bias -= 100
    assert len(before) > 0 == len(model.train().eval().estimate(stretch).marks)


def test_another_sample_rate_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        PeakPicker(made("gru", causal=True), sample_rate=360).estimate(Pulses(seconds=5)[0][0])
    assert "360 Hz" in refused.value.expected and "datasets.Pulses" in refused.value.what


@pytest.mark.parametrize(("train", "test"), [(50, 100), (100, 50), (50, 50)])
def test_another_sample_rate_is_refused_before_the_training(train: int, test: int) -> None:
    def built(train: int, test: int) -> Experiment:
        sets = {"train": Windows(Pulses(10, train), 1.0), "test": {"test": Stretches(Pulses(10, test), 5)}}
        model = PeakPicker(made("gru", causal=True), 100)
        return Experiment(**sets, metrics=[EventF1(50)], model=model, valid=None)  # not the one that gin has bound

    preflight.model(built(100, 100))
    with pytest.raises(BadInput) as refused:
        preflight.model(built(train, test))
    assert "50 Hz" in refused.value.what


@pytest.mark.parametrize(
    "samples",
    [np.zeros(5), [0.0], torch.zeros(2, 5), torch.zeros(5, dtype=torch.int64), torch.tensor([0.0, torch.nan])],
)
def test_stream_refuses_what_is_no_signal(samples: Any) -> None:
    stream = Stream(PeakPicker(made("gru", causal=True), sample_rate=10))
    with pytest.raises(BadInput):
        list(stream.push(samples))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: RecurrentTagger("rnn"), "cell"),  # type: ignore[arg-type]
        (lambda: RecurrentTagger("gru", hidden=0), "hidden"),
        (lambda: ConvolutionalTagger(blocks=0), "blocks"),
        (lambda: TransformerTagger(width=10, heads=4), "width"),
        (lambda: TransformerTagger(norm="no"), "norm"),  # type: ignore[arg-type]
        (lambda: PeakPicker(RecurrentTagger("gru"), 100, threshold=1.0), "threshold"),
        (lambda: PeakPicker(RecurrentTagger("gru"), 100, threshold=float("nan")), "threshold"),
        (lambda: PeakPicker(RecurrentTagger("gru"), 100, refractory=-1), "refractory"),
        (lambda: PeakPicker(RecurrentTagger("gru"), 100, refractory=float("inf")), "refractory"),
        (lambda: PeakPicker(RecurrentTagger("gru"), 0), "sample_rate"),
        (lambda: PeakPicker(RecurrentTagger("gru"), float("inf")), "sample_rate"),  # type: ignore[arg-type]
        (lambda: PeakPicker(None, 100), "tagger"),
        (lambda: PeakPicker(torch.nn.Linear(1, 1), 100), "tagger"),
        (lambda: RecurrentTagger("gru", hidden=8.5), "hidden"),  # type: ignore[arg-type]
        (lambda: RecurrentTagger("gru", layers=0), "layers"),
        (lambda: TransformerTagger(context=float("inf")), "context"),  # type: ignore[arg-type]
    ],
)
def test_wrong_parameter_is_named(make: Callable[[], Any], name: str) -> None:
    with pytest.raises(BadInput) as refused:
        make()
    assert refused.value.parameter == name
