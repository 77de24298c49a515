"""Real speech from a mirror (`REPRO_MIRROR`): FSDD, LibriSpeech at 8 kHz, and mixtures of both. Skipped without one."""

from __future__ import annotations

import collections
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from repro.data import catalogue
from repro.datasets.fsdd import Fsdd
from repro.datasets.layouts import WSJ0Mix, write_mixtures
from repro.datasets.librispeech import LibriSpeech
from repro.datasets.mixtures import SpeechMixtures, active_rms
from repro.metrics.separation import IdealBinaryMask, SISDRImprovement
from repro.testing import check_dataset

MIRROR = Path(os.environ.get("REPRO_MIRROR") or "nowhere")


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (MIRROR / name).is_dir(), reason=f"REPRO_MIRROR names no folder with {name}/")


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder of these tests, so that what they decode is decoded now, and once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("data")
        patch.setenv("REPRO_DATA", str(folder))
        yield folder


def librispeech(split: str) -> LibriSpeech:
    return LibriSpeech(split=split, sample_rate=8000, root="librispeech_8k")  # type: ignore[arg-type]


@needs("fsdd")
def test_every_digit_is_there_and_is_that_of_the_catalogue() -> None:
    train, test = Fsdd("train"), Fsdd("test")
    assert (len(train), len(test)) == (2700, 300)
    counts = collections.Counter(zip(test.digits, test.speaker_of, strict=True))
    assert len(counts) == 60 and set(counts.values()) == {5}
    assert test.fingerprint() == catalogue.fingerprint("fsdd/test")
    assert train.fingerprint() == catalogue.fingerprint("fsdd/train")


@pytest.mark.slow  # 3,000 files are written
@needs("fsdd")
def test_unpacked_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Fsdd("test")
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    with tarfile.open(MIRROR / "fsdd/recordings.tar.xz") as archive:
        archive.extractall(tmp_path / "fsdd", filter="data")
    found = Fsdd("test")
    assert found.recordings.place.is_dir() and not expected.recordings.place.is_dir()
    assert found.fingerprint() == expected.fingerprint()
    assert all(torch.equal(found[index][0], expected[index][0]) for index in range(len(found)))


@needs("fsdd")
@pytest.mark.parametrize("num_sources", [2, 3])
def test_digits_are_mixed(num_sources: int) -> None:
    corpus = Fsdd("test")
    mixtures = SpeechMixtures(corpus, size=20, num_sources=num_sources, seconds=0.5)
    check_dataset(mixtures)
    for index in range(20):
        assert len({corpus.speaker_of[part.utterance] for part in mixtures.parts(index)}) == num_sources


@needs("librispeech_8k")
def test_librispeech_is_split_by_speaker() -> None:
    splits = {split: librispeech(split) for split in ("train", "val", "test")}
    assert {split: len(corpus) for split, corpus in splits.items()} == {"train": 203, "val": 24, "test": 24}
    speakers = [set(corpus.speaker_of) for corpus in splits.values()]
    assert sum(map(len, speakers)) == len(set.union(*speakers)) == 251
    for split, corpus in splits.items():
        assert corpus.fingerprint() == catalogue.fingerprint(f"librispeech_8k/{split}")


@needs("librispeech_8k")
def test_an_utterance_is_what_its_file_holds() -> None:
    corpus = librispeech("val")
    with tarfile.open(MIRROR / "librispeech_8k/train-clean-100_8k_flac.tar") as archive:
        for index in (0, 11, 23):
            speaker, name = corpus.speaker_of[index], corpus.names[index]
            file = archive.extractfile(f"train-clean-100/{speaker}/{name}.flac")
            assert file is not None
            expected = soundfile.read(io.BytesIO(file.read()), dtype="float32")[0]
            assert np.array_equal(corpus[index][0].numpy(), expected)


@needs("librispeech_8k")
def test_real_speech_mixes_at_one_level() -> None:
    corpus = librispeech("test")
    check_dataset(corpus)
    levels = [active_rms(corpus[index][0]) for index in range(len(corpus))]
    assert max(levels) / min(levels) > 3  # as recorded: 12 dB within one split
    mixtures = SpeechMixtures(corpus, size=10, seconds=2.4)
    check_dataset(mixtures)
    ceiling = IdealBinaryMask(SISDRImprovement())
    values = [ceiling(sources, sources, inputs) for inputs, sources in (mixtures[i] for i in range(10))]
    assert 8 < np.mean(values) < 18  # 13.5 dB on wsj0-2mix (nussl's oracle)


@needs("librispeech_8k")
def test_real_mixtures_are_written_and_read_back(data: Path) -> None:
    mixtures = SpeechMixtures(librispeech("test"), size=8, num_sources=3, seconds=1.0)
    write_mixtures(mixtures, data / "libri3", "tt")
    read = WSJ0Mix("tt", 8, "libri3", num_sources=3)
    for index in range(8):
        assert float((read[index][1] - mixtures[index][1]).abs().max()) <= 0.5 / 32768
