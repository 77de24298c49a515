"""Corpora on disk: the Free Spoken Digit Dataset and LibriSpeech, in folders and in archives, small ones made here."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import soundfile
import torch

from repro.datasets import recordings
from repro.datasets.fsdd import Fsdd
from repro.datasets.librispeech import LibriSpeech
from repro.datasets.mixtures import SpeechMixtures
from repro.errors import BadInput
from repro.testing import check_dataset

RATE = 16000
DIGITS = [f"{digit}_{speaker}_{take}" for digit in (0, 7) for speaker in ("george", "lucas") for take in (0, 3, 5, 10)]
UTTERANCES = ["19/198/19-198-0000", "19/198/19-198-0001", "19/227/19-227-0000", "103/1240/103-1240-0000"]


def noise(seed: int, length: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.random.default_rng(seed).integers(-20000, 20000, length, dtype=np.int16)


def write(path: Path, samples: np.ndarray[Any, Any], rate: int, **how: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **how)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no mirror."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    return tmp_path / "data"


@pytest.fixture
def digits(data: Path) -> Path:
    """`recordings/` with two digits of two speakers, takes on both sides of the split."""
    for number, name in enumerate(DIGITS):
        write(data / "fsdd/recordings" / f"{name}.wav", noise(number, 2000 + number), 8000)
    return data / "fsdd"


@pytest.fixture
def speech(data: Path) -> Path:
    """A LibriSpeech tree with three chapters of one subset: tones below 4 kHz, 16 kHz."""
    for number, name in enumerate(UTTERANCES):
        seconds = np.arange(RATE * (3 + number) // 4) / RATE
        tone = 0.4 * np.sin(2 * np.pi * (400 + 700 * number) * seconds)
        write(data / "librispeech/LibriSpeech/dev-clean" / f"{name}.flac", tone, RATE, subtype="PCM_16")
    return data / "librispeech/LibriSpeech/dev-clean"


def entries(data: Path) -> set[str]:
    return {path.parent.name for path in data.glob("features/*/entry.json")}


def packed(folder: Path) -> None:
    """`recordings/` as a mirror may have it, in another order and under other spellings."""
    with tarfile.open(folder / "recordings.tar.xz", "w:xz") as archive:
        for name in reversed(DIGITS):
            archive.add(folder / "recordings" / f"{name}.wav", f"./recordings/{name}.wav")
    rows = "".join(f"{name}.wav,x\n" for name in DIGITS)
    (folder / "metadata.csv").write_text(f"file,more\n{rows}")
    shutil.rmtree(folder / "recordings")


def test_digits_are_split_by_take(digits: Path) -> None:
    train, test = Fsdd("train"), Fsdd("test")
    assert test.names == [name for name in DIGITS if name[-2:] in ("_0", "_3")]
    assert sorted(train.names + test.names) == sorted(DIGITS)
    assert [digit for _, digit in (test[i] for i in range(len(test)))] == [0, 0, 0, 0, 7, 7, 7, 7]
    assert test.speaker_of == ["george", "george", "lucas", "lucas"] * 2
    expected = soundfile.read(digits / "recordings" / f"{test.names[3]}.wav", dtype="float32")[0]
    assert np.array_equal(test[3][0].numpy(), expected)
    check_dataset(train)
    check_dataset(SpeechMixtures(train, size=4, seconds=0.2))


def test_the_wrapper_does_not_count(digits: Path) -> None:
    folder = {split: Fsdd(split) for split in ("train", "test")}  # type: ignore[arg-type]
    before = {split: ([item[0].clone() for item in one], one.fingerprint()) for split, one in folder.items()}
    packed(digits)
    for split, (samples, fingerprint) in before.items():
        archive = Fsdd(split)  # type: ignore[arg-type]
        assert archive.fingerprint() == fingerprint and archive.names == folder[split].names
        assert all(torch.equal(a, b) for (a, _), b in zip(archive, samples, strict=True))
    assert before["train"][1] != before["test"][1]


@pytest.mark.parametrize("wrapped", [False, True])
def test_one_flipped_sample_is_another_fingerprint(digits: Path, wrapped: bool) -> None:
    before = Fsdd("test").fingerprint()
    path = digits / "recordings" / f"{DIGITS[0]}.wav"
    samples, rate = soundfile.read(path, dtype="int16")
    samples[700] ^= 1
    write(path, samples, rate)
    if wrapped:
        packed(digits)
    assert Fsdd("test").fingerprint() != before


def test_another_label_is_another_fingerprint(digits: Path) -> None:
    before = Fsdd("test").fingerprint()
    for name in DIGITS:
        if name.startswith("7"):
            (digits / "recordings" / f"{name}.wav").rename(digits / "recordings" / f"8{name[1:]}.wav")
    assert Fsdd("test").fingerprint() != before


def test_digits_that_are_not_there_are_said(digits: Path) -> None:
    packed(digits)
    (digits / "metadata.csv").write_text("file\n0_george_1.wav\n0_george_0.wav\n")
    with pytest.raises(BadInput, match=r"recordings\.tar\.xz: contains no recordings/0_george_1\.wav, the first of 1"):
        Fsdd("test")[0]
    (digits / "recordings.tar.xz").write_bytes((digits / "recordings.tar.xz").read_bytes()[:-100])
    with pytest.raises(BadInput, match=r"recordings\.tar\.xz: cannot be read as an archive"):
        Fsdd("test")[0]
    (digits / "metadata.csv").write_text("file\n")
    with pytest.raises(BadInput, match="contains none of the requested recordings"):
        Fsdd("test")
    (digits / "metadata.csv").write_text("file\nseven.wav\n")
    with pytest.raises(BadInput, match=r"seven\.wav is not called <digit>_<speaker>_<take>\.wav"):
        Fsdd("test")


def test_librispeech_is_read_from_its_tree(speech: Path) -> None:
    corpus = LibriSpeech("dev-clean")
    assert corpus.names == ["103-1240-0000", "19-198-0000", "19-198-0001", "19-227-0000"]
    assert corpus.speaker_of == [103, 19, 19, 19] and corpus.sample_rate == RATE
    expected = soundfile.read(speech / "19/198/19-198-0001.flac", dtype="float32")[0]
    assert np.array_equal(corpus[2][0].numpy(), expected) and corpus[2][1] == 19
    check_dataset(corpus)
    shutil.rmtree(speech / "19/198")
    assert LibriSpeech("dev-clean").names == ["103-1240-0000", "19-227-0000"]


def test_it_is_resampled_once(speech: Path, data: Path) -> None:
    native, corpus = LibriSpeech("dev-clean"), LibriSpeech("dev-clean", sample_rate=8000)
    for index in range(len(corpus)):
        expected = scipy.signal.resample_poly(native[index][0].double().numpy(), 1, 2)  # another method: ends differ
        found = corpus[index][0].numpy()
        assert len(found) == len(expected)
        assert np.abs(found - expected)[100:-100].max() < 2e-3  # tones of 0.4 well below 4 kHz: 46 dB
    assert native.fingerprint() != corpus.fingerprint()
    known = entries(data)
    again = LibriSpeech("dev-clean", sample_rate=8000)
    assert torch.equal(again[1][0], corpus[1][0]) and again.fingerprint() == corpus.fingerprint()
    assert entries(data) == known and len(known) == 4


def test_large_corpora_are_decoded_piece_by_piece(speech: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [LibriSpeech("dev-clean")[index][0] for index in range(4)]
    sizes = [path.stat().st_size for path in speech.rglob("*.flac")]
    for piece in (1, max(sizes) + 1, sum(sizes) // 2, sum(sizes)):
        monkeypatch.setattr(recordings, "PIECE", piece)
        corpus = LibriSpeech("dev-clean")
        assert all(torch.equal(corpus[index][0], whole[index]) for index in (2, 0, 3, 1))
    known = entries(data)
    monkeypatch.setattr(recordings, "PIECE", 1)
    fresh = LibriSpeech("dev-clean")
    assert fresh[3][0].shape == whole[3].shape and entries(data) == known


def test_an_excerpt_is_split_by_its_metadata(speech: Path, data: Path) -> None:
    """`librispeech_8k`: a tar, and a csv that names its files and splits; unpacked, it is the same."""
    folder = data / "excerpt"  # a name of one's own: of `librispeech_8k` the catalogue knows the subset
    folder.mkdir()
    paths = [f"dev-clean/{name.split('/')[0]}/{name.split('/')[-1]}.flac" for name in UTTERANCES]
    with tarfile.open(folder / "dev-clean_8k.tar", "w") as archive:
        for name, path in zip(UTTERANCES, paths, strict=True):
            archive.add(speech / f"{name}.flac", path)
    splits = zip(paths, ("train", "train", "val", "test"), strict=True)
    (folder / "metadata.csv").write_text("file,split\n" + "".join(f"{path},{split}\n" for path, split in splits))
    given: dict[str, Any] = {"subset": "dev-clean", "root": "excerpt"}
    assert LibriSpeech(split="train", **given).names == ["19-198-0000", "19-198-0001"]
    assert LibriSpeech(split="val", **given).names == ["19-227-0000"]
    assert LibriSpeech(**given).fingerprint() == LibriSpeech("dev-clean").fingerprint()
    before = LibriSpeech(**given, sample_rate=8000)
    check_dataset(before)
    with tarfile.open(folder / "dev-clean_8k.tar") as archive:
        archive.extractall(folder, filter="data")
    after = LibriSpeech(**given, sample_rate=8000)
    assert after.recordings.place.is_dir() and after.fingerprint() == before.fingerprint()
    (folder / paths[3]).unlink()
    with pytest.raises(BadInput, match=rf"contains no {paths[3]}, the first of 1 missing"):
        LibriSpeech(split="test", **given)[0]


def test_what_is_no_librispeech_is_said(speech: Path, data: Path) -> None:
    with pytest.raises(BadInput, match=r"contains no metadata\.csv, which says what is in train"):
        LibriSpeech("dev-clean", split="train")
    (data / "own").mkdir()
    with pytest.raises(
        BadInput, match=r"own: contains neither LibriSpeech/dev-clean/ nor dev-clean/ nor a dev-clean\*"
    ):
        LibriSpeech("dev-clean", root="own")
    (data / "own/dev-clean").mkdir()
    with pytest.raises(BadInput, match="contains none of the requested recordings"):
        LibriSpeech("dev-clean", root="own")
    write(data / "own/dev-clean/take1.flac", noise(1, 10), 8000)
    with pytest.raises(BadInput, match=r"dev-clean/take1\.flac is not called <speaker>-<chapter>-<utterance>\.flac"):
        LibriSpeech("dev-clean", root="own")


@pytest.mark.parametrize(
    ("samples", "how", "said"),
    [
        (np.zeros((100, 2)), {}, "has 2 channels, expected mono"),
        (np.zeros(0), {}, "contains no samples"),
        (np.array([0.1, np.nan]), {"subtype": "FLOAT"}, "contains NaN or infinity"),
        (np.array([0.1, np.inf]), {"subtype": "FLOAT"}, "contains NaN or infinity"),
        (b"RIFF, or so it says", {}, "cannot read audio from"),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_bad_file_is_named(digits: Path, samples: Any, how: dict[str, str], said: str, wrapped: bool) -> None:
    path = digits / "recordings" / f"{DIGITS[4]}.wav"
    if isinstance(samples, bytes):
        path.write_bytes(samples)
    else:
        write(path, samples, 8000, **how)
    if wrapped:
        packed(digits)
    with pytest.raises(BadInput, match=said) as caught:
        Fsdd("test")[0]
    assert f"recordings/{DIGITS[4]}.wav" in str(caught.value) and "\n" not in str(caught.value)


def test_files_of_another_rate_are_resampled_and_another_content(digits: Path) -> None:
    corpus = Fsdd("test")
    before, length = corpus.fingerprint(), len(corpus[0][0])
    path = digits / "recordings" / f"{corpus.names[0]}.wav"
    write(path, soundfile.read(path, dtype="int16")[0], 16000)
    assert len(Fsdd("test")[0][0]) == length // 2 and Fsdd("test").fingerprint() != before


def test_what_changes_while_it_is_read_is_not_kept(digits: Path, data: Path) -> None:
    corpus = Fsdd("test")
    assert corpus.recordings._pieces and not entries(data)
    write(digits / "recordings" / f"{corpus.names[0]}.wav", noise(99, 2000), 8000)
    for read in (corpus.fingerprint, lambda: corpus[0]):
        with pytest.raises(BadInput, match="fsdd: changed while it was read"):
            read()
    assert not entries(data)


def test_a_waveform_out_of_reach_is_refused(digits: Path) -> None:
    corpus = Fsdd("test")
    for index in (-1, 8):
        with pytest.raises(IndexError):
            corpus[index]
    assert isinstance(next(recordings.files(digits, ["recordings/0_george_0.wav"])), Path)
    packed(digits)
    (file,) = recordings.files(digits / "recordings.tar.xz", ["recordings/0_george_0.wav"])
    assert isinstance(file, io.BytesIO)
