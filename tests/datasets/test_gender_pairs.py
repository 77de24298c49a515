"""Mixtures chosen by the genders of their speakers: from a corpus, from files, and on real speech."""

from __future__ import annotations

import collections
import csv
import os
from pathlib import Path

import pytest
import torch

from repro.datasets.gender_pairs import GenderPair
from repro.datasets.layouts import LibriMix, WSJ0Mix, write_mixtures
from repro.datasets.librispeech import LibriSpeech
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.testing import check_dataset

PAIRS = ("FF", "FM", "MM")
MIRROR = Path(os.environ.get("REPRO_MIRROR") or "nowhere")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with the genders of four voices, and no mirror."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    (tmp_path / "own").mkdir()
    (tmp_path / "own/SPEAKERS.TXT").write_text("; ID |SEX| SUBSET\n0   | F | test\n1|f|test\n2 , M\n3\tm\n")
    return tmp_path


def mixed(size: int = 20, num_sources: int = 2) -> SpeechMixtures:
    return SpeechMixtures(SyntheticVoices("test", speakers=4, utterances=1, seconds=0.3), size, num_sources, 0.2)


def test_every_mixture_is_in_the_test_set_of_its_pair(data: Path) -> None:
    mixtures = mixed()
    chosen = {pair: GenderPair(mixtures, pair, "own/SPEAKERS.TXT") for pair in PAIRS}  # type: ignore[arg-type]
    assert sorted(index for one in chosen.values() for index in one.chosen) == list(range(20))
    genders = dict(enumerate("FFMM"))
    for pair, one in chosen.items():
        check_dataset(one)
        for item, index in zip(one, one.chosen, strict=False):
            spoken = [mixtures.corpus.speaker_of[part.utterance] for part in mixtures.parts(index)]
            assert sorted(genders[speaker] for speaker in spoken) == list(pair)
            assert torch.equal(item[1], mixtures[index][1])
    assert len({one.fingerprint() for one in chosen.values()}) == 3


def test_files_of_wsj0_name_their_speakers(data: Path) -> None:
    mixtures = mixed(size=2)
    mixtures.names = ["01aa010a_1.31_422c0205_-1.31", "050o030c_0.5_051a0502_-0.5"]  # type: ignore[attr-defined]
    write_mixtures(mixtures, data / "wsj0-2mix", "tt")
    (data / "wsj0-2mix/spk2gender").write_text("01a m\n422 f\n050 f\n051 f\n")
    read = WSJ0Mix("tt", size=2)
    assert GenderPair(read, "FM", "wsj0-2mix/spk2gender").names == ["01aa010a_1.31_422c0205_-1.31.wav"]
    assert GenderPair(read, "FF", "wsj0-2mix/spk2gender").chosen == [1]


def test_files_of_librimix_name_their_speakers(data: Path) -> None:
    mixtures = mixed(size=1)
    mixtures.names = ["4077-13754-0001_5142-33396-0065"]  # type: ignore[attr-defined]
    split = write_mixtures(mixtures, data / "Libri2Mix", "tt")
    (split / "mix").rename(split / "mix_clean")
    split.rename(split.with_name("test"))
    (data / "own/speakers.csv").write_text("speaker,sex\n4077,M\n5142,F\n")
    assert len(GenderPair(LibriMix("test", size=1), "FM", "own/speakers.csv")) == 1


@pytest.mark.parametrize(
    ("text", "sources", "message"),
    [
        ("0 F\n1 M\n2 M\n", 2, "does not list speaker 3"),
        ("0 F\n1 F\n2 F\n3 F\n", 2, "none of the 20 mixtures has speakers with the genders MM"),
        ("speaker and sex\n", 2, "lists the gender of no speaker"),
        ("0 F\n1 M\n2 M\n3 M\n", 3, "num_sources"),
    ],
)
def test_what_cannot_be_chosen_is_refused(data: Path, text: str, sources: int, message: str) -> None:
    (data / "own/list.txt").write_text(text)
    with pytest.raises(BadInput, match=message):
        GenderPair(mixed(num_sources=sources), "MM", "own/list.txt")


def test_a_list_that_is_not_there_and_a_file_without_speakers_are_refused(data: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.txt"):
        GenderPair(mixed(), "MM", "own/none.txt")
    write_mixtures(mixed(size=1), data / "wsj0-2mix", "tt")
    with pytest.raises(BadInput, match="does not say who speaks"):
        GenderPair(WSJ0Mix("tt", size=1), "MM", "own/SPEAKERS.TXT")


@pytest.mark.skipif(
    not (MIRROR / "librispeech_8k").is_dir(), reason="REPRO_MIRROR names no folder with librispeech_8k/"
)
def test_the_genders_of_real_speakers() -> None:
    corpus = LibriSpeech(split="test", sample_rate=8000, root="librispeech_8k")
    mixtures = SpeechMixtures(corpus, size=60, seconds=1.0)
    with (MIRROR / "librispeech_8k/metadata.csv").open(newline="") as file:
        sexes = {row["file"].split("/")[-1][:-5]: row["sex"] for row in csv.DictReader(file)}
    expected = collections.Counter(
        "".join(sorted(sexes[corpus.names[part.utterance]] for part in mixtures.parts(index))) for index in range(60)
    )
    found = {pair: len(GenderPair(mixtures, pair, "librispeech_8k/metadata.csv")) for pair in PAIRS}  # type: ignore[arg-type]
    assert found == expected and min(found.values()) > 5
