"""A stream of samples in parts of 100 ms, against real time and against the whole signal at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from repro.models.peaks import PeakPicker, logits_of
from repro.models.streaming import Stream
from repro.models.taggers import ConvolutionalTagger, RecurrentTagger, TransformerTagger

RATE, SECONDS = 360, 20
MAKE: dict[str, Callable[[], Any]] = {
    "lstm": lambda: RecurrentTagger("lstm"),
    "gru": lambda: RecurrentTagger("gru"),
    "convolution": ConvolutionalTagger,
    "transformer": TransformerTagger,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(MAKE))
def test_stream_keeps_up_with_the_samples(name: str, measured: Callable[[str, str, str], None]) -> None:
    tagger, signal = MAKE[name]().eval(), torch.randn(RATE * SECONDS)
    middle = float(logits_of(tagger, signal).sigmoid().median())  # so that the untrained network finds many marks
    model = PeakPicker(tagger, RATE, threshold=middle).eval()
    began = time.perf_counter()
    expected = model.find(signal).marks.tolist()
    whole = time.perf_counter() - began
    stream, began = Stream(model), time.perf_counter()
    found = [mark for part in signal.split(RATE // 10) for mark, _ in stream.push(part)]
    taken = time.perf_counter() - began
    assert found + [mark for mark, _ in stream.close()] == expected != []
    measured(f"stream, {name}: real time over time taken", f"{SECONDS / taken:.1f}", "above 1")
    measured(f"stream, {name}: time taken over that of the whole signal", f"{taken / whole:.1f}", "")
