"""Readers on data as people have it: linked, copied, hidden, repeated, unpacked, cut short, from Windows."""

from __future__ import annotations

import logging
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from repro.datasets.fsdd import Fsdd
from repro.datasets.layouts import LibriMix, WSJ0Mix
from repro.datasets.librispeech import LibriSpeech
from repro.datasets.mixture_lists import ListedMixtures
from repro.datasets.recordings import Recordings
from repro.errors import BadInput
from tests.datasets.test_datasets import NOISE, Corpus

JUNK = b"\0\5\x16\7" + bytes(60)  # how a file of macOS begins


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Path:
    """An empty data folder, no mirror and no network."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    monkeypatch.setattr("repro.data.store._download", lambda *_: pytest.fail("it went to the network"))
    caplog.set_level(logging.INFO, logger="repro")
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def sound(path: Path, seed: int = 0, kind: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).integers(-9000, 9000, 900, dtype=np.int16)
    soundfile.write(path, samples, 16000 if "flac" in path.name.lower() else 8000, format=kind or None)
    return path


@pytest.fixture
def subset(data: Path) -> Path:
    """A subset of LibriSpeech with two speakers."""
    folder = data / "librispeech/LibriSpeech/dev-clean"
    for number, speaker in enumerate((84, 174)):
        sound(folder / f"{speaker}/1/{speaker}-1-0000.flac", number)
    return folder


def test_speakers_that_are_links_upper_case_and_copies_are_the_same_data(subset: Path, tmp_path: Path) -> None:
    names, fingerprint = LibriSpeech("dev-clean").names, LibriSpeech("dev-clean").fingerprint()
    (subset / "174").rename(tmp_path / "174")
    (subset / "174").symlink_to(tmp_path / "174")
    (subset / "84/1/84-1-0000.flac").rename(subset / "84/1/84-1-0000.FLAC")
    shutil.copytree(subset / "84", subset / "84 (1)")
    shutil.copy(subset / "84/1/84-1-0000.FLAC", subset / "84/1/84-1-0000 copy.flac")
    (subset / "84/1/._84-1-0000.flac").write_bytes(JUNK)
    corpus = LibriSpeech("dev-clean")
    assert corpus.names == names == ["174-1-0000", "84-1-0000"] and corpus.speaker_of == [174, 84]
    assert corpus.fingerprint() == fingerprint


def test_a_copy_that_is_no_copy_is_refused(subset: Path) -> None:
    sound(subset / "84 (1)/1/84-1-0000.flac", 9)
    with pytest.raises(BadInput, match=r"84 \(1\)/1/84-1-0000\.flac: has the same name as .* but other content"):
        LibriSpeech("dev-clean")
    shutil.rmtree(subset / "84 (1)")
    sound(subset / "84/1/84-1-0000 (1).flac", 9)
    with pytest.raises(BadInput, match=r"84-1-0000 \(1\)\.flac is not called <speaker>-<chapter>-<utterance>\.flac"):
        LibriSpeech("dev-clean")


def excerpt(data: Path, subset: Path, rows: list[str]) -> dict[str, Any]:
    shutil.copytree(subset, data / "own/dev-clean", dirs_exist_ok=True)
    (data / "own/metadata.csv").write_text("\ufefffile,split\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return {"subset": "dev-clean", "root": "own"}


def test_a_list_that_repeats_a_row_counts_it_once(data: Path, subset: Path, caplog: Any) -> None:
    row = "dev-clean/84/1/84-1-0000.flac,train"
    given = excerpt(data, subset, [row, row.replace("/", "\\"), "dev-clean\\174\\1\\174-1-0000.flac,test"])
    assert LibriSpeech(**given).names == ["174-1-0000", "84-1-0000"] and len(LibriSpeech(**given, split="train")) == 1
    assert f"{data}/own/metadata.csv: left out 1 repeated rows (the first: 84-1-0000)" in caplog.messages
    assert LibriSpeech(**given).fingerprint() == LibriSpeech("dev-clean").fingerprint()


@pytest.mark.parametrize("other", ["dev-clean/84/1/84-1-0000.flac,test", "dev-clean/84 (1)/1/84-1-0000.flac,train"])
def test_a_list_that_contradicts_itself_is_refused(data: Path, subset: Path, other: str) -> None:
    given = excerpt(data, subset, ["dev-clean/84/1/84-1-0000.flac,train", other])
    for split in ("train", "test", None):
        with pytest.raises(BadInput, match=r"metadata\.csv: has two rows of 84-1-0000 that differ"):
            LibriSpeech(**given, split=split)  # type: ignore[arg-type]


def test_of_two_archives_neither_is_guessed(data: Path, subset: Path, caplog: Any) -> None:
    given = excerpt(data, subset, ["dev-clean/84/1/84-1-0000.flac,train"])
    with tarfile.open(data / "own/dev-clean_8k.TAR", "w") as tar:
        tar.add(subset, "dev-clean")
    shutil.copy(data / "own/dev-clean_8k.TAR", data / "own/dev-clean_8k (1).tar")
    (data / "own/._dev-clean.tar").write_bytes(JUNK)
    assert LibriSpeech(**given).recordings.place == data / "own"
    shutil.rmtree(data / "own/dev-clean")
    assert LibriSpeech(**given).recordings.place.name == "dev-clean_8k.TAR"
    assert caplog.messages[-1].endswith("dev-clean_8k.TAR is read, and left out is dev-clean_8k (1).tar")
    with (data / "own/dev-clean_8k (1).tar").open("ab") as file:
        file.write(bytes(512))
    with pytest.raises(BadInput, match=r"own: contains dev-clean_8k\.TAR and dev-clean_8k \(1\)\.tar, which differ"):
        LibriSpeech(**given)


def test_an_archive_with_two_files_of_one_name_is_refused(tmp_path: Path, data: Path) -> None:
    for seed in (1, 2):
        sound(tmp_path / f"{seed}.wav", seed)
    for files, same in (((1, 1), True), ((1, 2), False)):
        with tarfile.open(tmp_path / f"{same}.tar", "w") as tar:
            for seed in files:
                tar.add(tmp_path / f"{seed}.wav", "a.wav")
        recordings = Recordings(tmp_path / f"{same}.tar", ["a.wav"], 8000)
        if same:
            assert len(recordings[0]) == 900
        else:
            with pytest.raises(BadInput, match=r"False\.tar: contains two files called a\.wav that differ"):
                recordings[0]
    with pytest.raises(BadInput, match=r"a\.wav is requested 2 times; expected each recording once"):
        Recordings(tmp_path, ["a.wav", "a.wav"], 8000)


def test_digits_in_either_case_with_copies_and_hidden_files(data: Path) -> None:
    folder = data / "fsdd/recordings"
    for number, name in enumerate(("0_george_0.wav", "1_george_0.WAV", "sub/2_george_1.wav")):
        sound(folder / name, number, "WAV")
    shutil.copy(folder / "0_george_0.wav", folder / "0_george_0 - Copy.wav")
    (folder / "._0_george_0.wav").write_bytes(JUNK)
    tree = Fsdd("test")
    assert tree.names == ["0_george_0", "1_george_0", "2_george_1"] and len(tree[1][0]) == 900
    with tarfile.open(data / "fsdd/recordings.tar.xz", "w:xz") as tar:
        for path in sorted(folder.rglob("*.[wW]*")):
            tar.add(path, f"recordings/{path.name}")
    rows = ["0_george_0.wav", "recordings\\1_george_0.WAV", "2_george_1.wav", "0_george_0.wav"]
    (data / "fsdd/metadata.csv").write_text("file\n" + "\n".join(rows))
    fingerprint = tree.fingerprint()
    shutil.rmtree(folder)
    assert Fsdd("test").names == tree.names and Fsdd("test").fingerprint() == fingerprint


def mixtures(folder: Path, mix: str, *names: str) -> None:
    for number, name in enumerate(names):
        one, two = (np.random.default_rng((number, c)).integers(-9000, 9000, 800, dtype=np.int16) for c in (1, 2))
        for kind, samples in {mix: one + two, "s1": one, "s2": two}.items():
            (folder / kind).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / kind / name, samples, 8000, format="WAV")
            (folder / kind / f"._{name}").write_bytes(JUNK)


def test_mixtures_on_disk_with_copies_hidden_files_and_upper_case(data: Path, caplog: Any) -> None:
    folder = data / "mine/wav8k/min/tr"
    mixtures(folder, "mix", "a.wav", "b.wav")
    fingerprint = WSJ0Mix("tr", 2, root="mine").fingerprint()
    (folder / "s1/a.wav").rename(folder / "s1/a.WAV")
    (folder / "s2").rename(data / "elsewhere")
    (folder / "s2").symlink_to(data / "elsewhere")
    shutil.copy(folder / "mix/a.wav", folder / "mix/a (1).wav")
    sound(folder / "s1/c.wav")
    found = WSJ0Mix("tr", 2, root="mine")
    assert found.names == ["a.wav", "b.wav"] and found.fingerprint() == fingerprint
    assert f"{folder}: left out 1 files of no mixture (the first: s1/c.wav)" in caplog.messages
    (folder / "mix/b.wav").write_bytes((folder / "mix/b.wav").read_bytes()[:800])
    with pytest.raises(BadInput, match=r"mix/b\.wav ends early"):
        WSJ0Mix("tr", 2, root="mine")[1]


def test_the_metadata_of_librimix_may_repeat_a_row_but_not_contradict(data: Path, caplog: Any) -> None:
    folder = data / "Libri2Mix/wav8k/min"
    mixtures(folder / "dev", "mix_clean", "a.wav", "b.wav", "c.wav")
    listed = folder / "metadata/mixture_dev_mix_clean.csv"
    listed.parent.mkdir()
    listed.write_text("mixture_ID,length\na,800\nb,800\na,800\n")
    assert LibriMix("dev", 2).names == ["a.wav", "b.wav"]
    assert f"{listed}: left out 1 repeated rows (the first: a)" in caplog.messages
    assert "left out 3 files of no mixture" in caplog.text
    listed.write_text("mixture_ID,length\na,800\na,700\n")
    with pytest.raises(BadInput, match="has two rows of a that differ"):
        LibriMix("dev", 2)


def test_a_list_of_mixtures_from_windows_is_read(data: Path) -> None:
    header = "mixture_ID,source_1_path,source_1_gain,source_2_path,source_2_gain"
    row = r"a,dev-clean\7\198\utterance-1.FLAC,0.5,C:\LibriSpeech\dev-clean/19\1\utterance-0.flac,1"
    (data / "list.csv").write_bytes(f"\ufeff{header}\r\n{row}\r\n".encode())
    listed = ListedMixtures(Corpus(NOISE[:900], NOISE[900:1800]), str(data / "list.csv"))
    assert [part.utterance for part in listed.rows[0].parts] == [1, 0]
