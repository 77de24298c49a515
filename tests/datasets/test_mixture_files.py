"""Mixtures that a list fixes or that lie on disk: lists, wsj0-mix and LibriMix layouts, and writing them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from repro.datasets.layouts import LibriMix, WSJ0Mix, write_mixtures
from repro.datasets.mixture_lists import ListedMixtures, write_list
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.testing import check_dataset
from tests.datasets.test_datasets import NOISE, Corpus

LSB = 1 / 32768  # one step of 16 bits, of full scale


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no mirror."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    (tmp_path / "data/own").mkdir(parents=True)
    return tmp_path / "data"


def mixed(num_sources: int = 2, **changed: Any) -> SpeechMixtures:
    corpus = SyntheticVoices("test", speakers=4, utterances=2, seconds=1.0)
    return SpeechMixtures(corpus, **{"size": 5, "num_sources": num_sources, "seconds": 0.6, **changed})


@pytest.mark.parametrize("num_sources", [2, 3])
@pytest.mark.parametrize("seconds", [0.6, 1.3])
def test_a_written_list_gives_the_same_mixtures(data: Path, num_sources: int, seconds: float) -> None:
    mixtures = mixed(num_sources, seconds=seconds)
    write_list(mixtures, data / "own/test.csv")
    listed = ListedMixtures(mixtures.corpus, "own/test.csv")
    check_dataset(listed)
    assert len(listed) == 5 and listed.num_sources == num_sources and len(set(listed.names)) == 5
    for (inputs, sources), (expected, wanted) in zip((listed[i] for i in range(5)), mixtures, strict=False):
        assert sources.shape == wanted.shape and torch.allclose(sources, wanted, atol=1e-6)
        assert torch.equal(inputs["mixture"], sources.sum(0)) and inputs["num_sources"] == num_sources
        assert torch.allclose(inputs["mixture"], expected["mixture"], atol=1e-6)


def test_a_list_as_librimix_publishes_it(data: Path) -> None:
    """Paths instead of names, linear gains, no starts and lengths: the mixture ends with the shorter; no noise."""
    corpus = Corpus(NOISE[:9000], NOISE[1000:9000], NOISE[:500])
    rows = "7_1,dev-clean/7/198/utterance-1.flac,0.25,dev-clean/19/1/utterance-0.flac,1.5,tt/noise.wav,0.7\n"
    header = "mixture_ID,source_1_path,source_1_gain,source_2_path,source_2_gain,noise_path,noise_gain\n"
    (data / "own/dev.csv").write_text(f"\ufeff{header}{rows}", encoding="utf-8")
    listed = ListedMixtures(corpus, str(data / "own/dev.csv"))
    inputs, sources = listed[0]
    assert listed.names == ["7_1"] and sources.shape == (2, 8000)
    assert torch.allclose(sources[0], 0.25 * NOISE[1000:9000]) and torch.allclose(sources[1], 1.5 * NOISE[:8000])
    assert torch.equal(inputs["mixture"], sources.sum(0))


def test_a_list_is_found_wherever_its_paper_stands(paper: Any, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mixtures = mixed()
    write_list(mixtures, paper.folder / "configs/test.csv")
    monkeypatch.chdir("/")
    assert len(ListedMixtures(mixtures.corpus, f"papers/{paper.name}/configs/test.csv")) == 5
    with pytest.raises(BadInput, match="no paper 'copi'"):
        ListedMixtures(mixtures.corpus, "papers/copi/test.csv")
    with pytest.raises(
        BadInput, match=r"'test\.csv' is not a list of mixtures; expected papers/<paper>/<file>\.csv or <data set>/"
    ):
        ListedMixtures(mixtures.corpus, "test.csv")
    with pytest.raises(BadInput, match=r"own/none\.csv: cannot be read: No such file"):
        ListedMixtures(mixtures.corpus, "own/none.csv")


def test_the_fingerprint_of_a_list_is_of_what_it_gives(data: Path) -> None:
    mixtures = mixed()
    write_list(mixtures, data / "own/test.csv")
    text = (data / "own/test.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    before = ListedMixtures(mixtures.corpus, "own/test.csv").fingerprint()
    (data / "own/same.csv").write_text(text.replace("\n", "\r\n"))
    assert ListedMixtures(mixtures.corpus, "own/same.csv").fingerprint() == before
    for old, new in ((rows[2]["source_2_gain"], "0.5"), (rows[1]["mixture_ID"], "other"), (",4800,", ",4700,")):
        assert old in text
        (data / "own/other.csv").write_text(text.replace(old, new))
        assert ListedMixtures(mixtures.corpus, "own/other.csv").fingerprint() != before


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "a,100,utterance-0,0,1,utterance-7,0,1",
            "source_2_path is not an utterance of the corpus: 'utterance-7'; did",
        ),
        ("a,100,utterance-0,0,1,,0,1", "source_2_path is not an utterance of the corpus: ''"),
        ("a,100,utterance-0,0,loud,utterance-1,0,1", "source_1_gain is 'loud'; expected a number above 0"),
        ("a,100,utterance-0,0,0,utterance-1,0,1", "source_1_gain is '0'; expected a number above 0"),
        ("a,100,utterance-0,0,nan,utterance-1,0,1", "source_1_gain is 'nan'; expected a number above 0"),
        ("a,100,utterance-0,-1,1,utterance-1,0,1", "source_1_start is '-1'; expected a number of samples"),
        ("a,0.5,utterance-0,0,1,utterance-1,0,1", "length is '0.5'; expected a number of samples"),
        ("a,100,utterance-0,0,1,utterance-1,0", "source_2_gain is 'None'; expected a number above 0"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(data: Path, row: str, said: str) -> None:
    header = "mixture_ID,length,source_1_path,source_1_start,source_1_gain,source_2_path,source_2_start,source_2_gain\n"
    good = "b,100,utterance-0,0,1,utterance-1,0,1\n"
    (data / "own/bad.csv").write_text(f"{header}{good}{row}\n")
    with pytest.raises(BadInput, match=rf"own/bad\.csv:3: {said}"):
        ListedMixtures(Corpus(NOISE, NOISE), "own/bad.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: has no column mixture_ID; it has none"),
        ("mixture_ID,path\n", "1: has no column source_1_path; it has mixture_ID, path"),
        ("mixture_ID,source_1_path\n", "1: has no column source_1_gain"),
        ("mixture_ID,source_1_path,source_1_gain\n", " lists no mixture"),
        ("mixture_ID,source_1_path,source_1_gain\na,utterance-0,1\na,utterance-1,1\n", " lists a twice"),
        ("mixture_ID,source_1_path,source_1_gain\n\x80", " is not a CSV file in UTF-8"),
    ],
)
def test_what_is_no_list_is_said(data: Path, text: str, said: str) -> None:
    (data / "own/bad.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=rf"own/bad\.csv:{said}"):
        ListedMixtures(Corpus(NOISE, NOISE), "own/bad.csv")


def test_a_listed_source_that_cannot_be_heard_is_said(data: Path) -> None:
    header = "mixture_ID,length,source_1_path,source_1_start,source_1_gain\n"
    (data / "own/bad.csv").write_text(f"{header}a,100,utterance-0,16000,1\nb,100,utterance-0,8000,1\n")
    listed = ListedMixtures(Corpus(torch.cat([NOISE[:8000], torch.zeros(8000)])), "own/bad.csv")
    with pytest.raises(BadInput, match="a begins at sample 16000 of utterance-0 of Corpus, which has 16000"):
        listed[0]
    with pytest.raises(BadInput, match="utterance-0 of Corpus is silent in b"):
        listed[1]


@pytest.mark.parametrize("num_sources", [2, 3])
@pytest.mark.parametrize("sample_rate", [8000, 16000])
def test_what_is_written_is_read_back(data: Path, num_sources: int, sample_rate: int) -> None:
    corpus = SyntheticVoices("test", speakers=3, utterances=1, seconds=1.0, sample_rate=sample_rate)
    mixtures = SpeechMixtures(corpus, size=12, num_sources=num_sources, seconds=0.5)
    folder = write_mixtures(mixtures, data / "own", "tt")
    assert folder == data / "own" / f"wav{sample_rate // 1000}k" / "min" / "tt"
    read = WSJ0Mix("tt", 12, "own", num_sources, sample_rate)  # type: ignore[arg-type]
    check_dataset(read)
    for index in range(12):
        (inputs, sources), (expected, wanted) = read[index], mixtures[index]
        assert torch.equal(inputs["mixture"], sources.sum(0))  # all are multiples of one step
        assert float((sources - wanted).abs().max()) <= LSB / 2
        assert float((inputs["mixture"] - expected["mixture"]).abs().max()) <= num_sources * LSB / 2 + 1e-7


def test_a_listed_set_is_written_under_its_names(data: Path) -> None:
    mixtures = mixed()
    write_list(mixtures, data / "own/test.csv")
    listed = ListedMixtures(mixtures.corpus, "own/test.csv")
    write_mixtures(listed, data / "own", "cv")
    assert WSJ0Mix("cv", 5, "own").names == [f"{name}.wav" for name in listed.names]


def test_writing_refuses_what_would_not_be_read_back(data: Path) -> None:
    with pytest.raises(BadInput, match="makes new mixtures in every pass; expected a fixed set"):
        write_mixtures(mixed(fresh=True), data / "own", "tr")
    spike = 0.003 * NOISE
    spike[8000] = 1.0
    loud = SpeechMixtures(Corpus(NOISE, spike), size=3, seconds=2.0)
    with pytest.raises(BadInput, match=r"of 00000\.wav has a peak of \d\.\d\d: it would be clipped in 16 bits"):
        write_mixtures(loud, data / "own", "tr")
    assert list((data / "own").rglob("*.wav")) == []  # not even those that were written before it
    write_mixtures(mixed(), data / "own", "tr")
    with pytest.raises(BadInput, match="own/wav8k/min/tr: exists already"):
        write_mixtures(mixed(), data / "own", "tr")
    (data / "file").write_text("in the way")
    with pytest.raises(BadInput, match=r"file/wav8k/min/tt: cannot be written: "):
        write_mixtures(mixed(), data / "file", "tt")


def libri(root: Path, count: int, sources: int = 2, metadata: bool = True) -> Path:
    """A small tree as LibriMix's scripts leave it: 16-bit files, absolute paths of another machine in the metadata."""
    split = root / f"Libri{sources}Mix/wav8k/min/dev"
    rows = ["mixture_ID,mixture_path," + ",".join(f"source_{c + 1}_path" for c in range(sources)) + ",length"]
    for number in range(count):
        name = f"84-121550-00{number}_19-198-00{number}"
        parts = 0.1 * np.random.default_rng(number).standard_normal((sources, 900 + number))
        for kind, samples in {"mix_clean": parts.sum(0), **{f"s{c + 1}": part for c, part in enumerate(parts)}}.items():
            (split / kind).mkdir(parents=True, exist_ok=True)
            soundfile.write(split / kind / f"{name}.wav", samples, 8000)
        rows.append(",".join([name, *(f"/elsewhere/{k}/{name}.wav" for k in range(sources + 1)), str(900 + number)]))
    if metadata:
        (split.parent / "metadata").mkdir()
        (split.parent / "metadata/mixture_dev_mix_clean.csv").write_text("\n".join(rows) + "\n")
    return split


@pytest.mark.parametrize("num_sources", [2, 3])
@pytest.mark.parametrize("metadata", [True, False])
def test_librimix_is_read(data: Path, num_sources: int, metadata: bool) -> None:
    split = libri(data, 3, num_sources, metadata)
    read = LibriMix("dev", 3, num_sources)
    check_dataset(read)
    inputs, sources = read[2]
    assert sources.shape == (num_sources, 902) and inputs["num_sources"] == num_sources
    assert float((inputs["mixture"] - sources.sum(0)).abs().max()) <= (num_sources + 1) * LSB / 2
    expected = soundfile.read(split / f"s2/{read.names[2]}", dtype="float32")[0]
    assert np.array_equal(sources[1].numpy(), expected)
    with pytest.raises(BadInput, match="contains 3 wav files; expected 3000"):
        LibriMix("dev", 3000, num_sources)


def test_a_mixture_of_the_metadata_that_is_not_there_is_said(data: Path) -> None:
    split = libri(data, 3)
    next((split / "mix_clean").iterdir()).unlink()
    with pytest.raises(BadInput, match=r"mix_clean/84-.*\.wav is missing, the first of 1 missing"):
        LibriMix("dev", 3)


@pytest.mark.parametrize(
    ("kind", "samples", "rate", "said"),
    [
        ("s2", np.zeros(900), 8000, "is silent"),
        ("s2", 0.1 * np.ones(899), 8000, "has 899 samples, and its mixture 900"),
        ("s1", 0.1 * np.ones(900), 16000, "is at 16000 Hz; expected 8000 Hz"),
        ("s1", np.full(900, np.nan), 8000, "contains NaN or infinity"),
        ("mix_clean", 0.1 * np.ones(900), 8000, "is not the sum of its sources: they differ by up to 0."),
        ("mix_clean", np.ones((900, 2)), 8000, "has 2 channels, expected mono"),
    ],
)
def test_a_bad_file_of_a_mixture_is_named(data: Path, kind: str, samples: Any, rate: int, said: str) -> None:
    split = libri(data, 1)
    (path,) = (split / kind).iterdir()
    soundfile.write(path, samples, rate, subtype="FLOAT")
    with pytest.raises(BadInput, match=said) as caught:
        LibriMix("dev", 1)[0]
    assert f"{kind}/{path.name}" in str(caught.value)


def test_one_sample_anywhere_is_another_fingerprint(data: Path) -> None:
    """Of twenty mixtures each in turn: a sample of a source and the mixture moved by a step."""
    corpus = SyntheticVoices("test", speakers=3, utterances=1, seconds=0.6)
    folder = write_mixtures(SpeechMixtures(corpus, size=20, seconds=0.1), data / "own", "tt")
    before = WSJ0Mix("tt", 20, "own").fingerprint()
    for index in (0, 3, 19):
        for kind in ("mix", "s2"):
            path = folder / kind / f"{index:05d}.wav"
            content = bytearray(path.read_bytes())
            content[-40] ^= 1
            path.write_bytes(content)
        assert WSJ0Mix("tt", 20, "own").fingerprint() != before
        before = WSJ0Mix("tt", 20, "own").fingerprint()


def test_a_list_holds_the_first_pass_whatever_the_pass(data: Path) -> None:
    mixtures = mixed(fresh=True)
    write_list(mixtures, data / "own/first.csv")
    mixtures.set_epoch(3)
    write_list(mixtures, data / "own/third.csv")
    assert (data / "own/first.csv").read_text() == (data / "own/third.csv").read_text()
    assert mixtures.epoch == 3


def test_utterances_of_one_name_are_refused(data: Path) -> None:
    mixtures = mixed()
    write_list(mixtures, data / "own/test.csv")
    mixtures.corpus.names = ["a"] * len(mixtures.corpus)  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match="SyntheticVoices has two utterances with the same name"):
        ListedMixtures(mixtures.corpus, "own/test.csv")
