"""An epoch from the feature cache against computing it: decoded and resampled speech, and its log magnitudes."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from repro.data import cache
from repro.datasets import recordings
from repro.datasets.voices import SyntheticVoices
from tests.conftest import CopiedPaper
from tests.features import Features

FEATURES = """
import torch
from repro.audio.stft import STFT

def log_magnitudes(corpus):
    waveforms = torch.stack([samples for samples, _ in corpus])
    return {"log_magnitude": STFT()(waveforms).abs().clamp(min=1e-5).log().numpy()}
"""
WANTED = 3.0


def seconds(read: Callable[[], cache.Arrays]) -> float:
    """How long an epoch takes: the arrays, and every value of them."""
    began = time.perf_counter()
    assert all(np.isfinite(array.sum()) for array in read().values())
    return time.perf_counter() - began


def ratio(source: str, build: cache.Build, benchmark: Any, name: str) -> float:
    """How many times as fast a cached epoch is, opened and checked anew; the best of seven, alternating."""
    cached = functools.partial(cache.arrays, source, build)
    cached()
    times = [(seconds(build), seconds(cached)) for _ in range(7)]
    computed, read = map(min, zip(*times, strict=True))  # what else runs on the machine only adds
    found = computed / read
    benchmark.extra_info[name] = round(found, 1)
    print(f"\n{name}: a cached epoch is {found:.1f} times as fast as computing it (wanted: at least {WANTED})")
    return found


@pytest.fixture
def speech(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SyntheticVoices:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    return SyntheticVoices("train", speakers=4, utterances=4, seconds=4.0, sample_rate=16000)


def test_decoding_and_resampling(benchmark: Any, speech: SyntheticVoices, tmp_path: Path) -> None:
    names = [f"{index}.flac" for index in range(len(speech))]
    for index, name in enumerate(names):
        soundfile.write(tmp_path / name, speech[index][0].numpy(), speech.sample_rate)
    piece = recordings.Piece(0, names, recordings.source(tmp_path, names))
    build = functools.partial(recordings.waveforms, tmp_path, piece, 8000)
    assert ratio(piece.source, build, benchmark, "decoded and resampled speech") >= WANTED
    benchmark.pedantic(functools.partial(cache.arrays, piece.source, build), rounds=3)


def test_log_magnitudes(benchmark: Any, speech: SyntheticVoices, paper: CopiedPaper, tmp_path: Path) -> None:
    features = Features(paper, tmp_path / "data")
    features.written(FEATURES)
    build = functools.partial(features.log_magnitudes, speech)
    assert ratio(speech.fingerprint(), build, benchmark, "log magnitudes of speech") >= WANTED
    benchmark.pedantic(functools.partial(cache.arrays, speech.fingerprint(), build), rounds=3)
