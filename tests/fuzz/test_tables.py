"""The csv files of the data sets: lists of recordings, lists of mixtures, reviews, the table of attempts."""

from __future__ import annotations

import csv
import io
import lzma
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import strategies as st

from papers.raff2019.dataset import Attempts, Breakdown, Features, SyntheticAttempts, Together
from repro.datasets import recordings
from repro.datasets.fsdd import Fsdd
from repro.datasets.imdb import Imdb
from repro.datasets.layouts import LibriMix
from repro.datasets.librispeech import LibriSpeech
from repro.datasets.mixture_lists import ListedMixtures
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutations import LONG, WORDS, spoilt
from tests.fuzz.referee import Referee

CELLS = [*WORDS[:-1], "1.5", "1,2", "a\nb", "\r", "N/A", "Yes", "2000000000000", "1e9", "x" * 140_000, f"1_ab_{LONG}"]


@st.composite
def tables(draw: st.DrawFn, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A csv file of these rows, with up to four edits of its cells, rows and columns, and of its bytes."""
    table = [list(columns), *map(list, rows)]
    for _ in range(draw(st.integers(0, 4))):
        row = table[draw(st.integers(0, len(table) - 1))]
        edit = draw(st.sampled_from(["cell", "cell", "short", "long", "double", "drop", "column", "swap"]))
        at = draw(st.integers(0, max(len(row) - 1, 0)))
        if edit == "cell" and row:
            row[at] = draw(st.sampled_from(CELLS))
        elif edit == "short":
            del row[at:]
        elif edit == "long":
            row.insert(at, draw(st.sampled_from(CELLS)))
        elif edit == "double":
            table.append(list(row))
        elif edit == "drop" and len(table) > 1:
            table.remove(row)
        elif edit == "swap":
            row.reverse()
        else:
            table = [[*one[:at], *one[at + 1 :]] for one in table]
    text = io.StringIO()
    csv.writer(text).writerows(table)
    content = text.getvalue().encode("utf-8", "surrogatepass")
    return draw(spoilt([content], 1)) if draw(st.integers(0, 4)) == 4 else content


def tone(length: int, kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.arange(length, dtype=np.int16) * 9, 8000, format=kind, subtype="PCM_16")
    return file.getvalue()


def tar(names: Sequence[str]) -> bytes:
    """The archive of FSDD; only what it is called says that it is compressed."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as packed:
        for name in names:
            info = tarfile.TarInfo(f"recordings/{name}")
            info.size = len(tone(40))
            packed.addfile(info, io.BytesIO(tone(40)))
    return file.getvalue()


class Corpus:
    """Three utterances."""

    sample_rate, names, speaker_of = 8000, ("a", "b", "c"), (0, 1, 2)

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.linspace(0.1, 0.5, 300), index

    def fingerprint(self) -> str:
        return "corpus"


@dataclass(frozen=True)
class Kind:
    """A table of one kind: where it stands, what stands beside it, what is in it, and what reads it."""

    name: str
    beside: dict[str, bytes]
    columns: list[str]
    rows: list[list[str]]
    read: Callable[[], object]
    pack: Callable[[bytes], bytes] = bytes


def found(dataset: Any) -> None:
    """Look for the recordings of a corpus, without decoding them."""
    list(recordings.files(dataset.recordings.place, dataset.recordings.names))


def heard(dataset: Any) -> None:
    for index in range(min(len(dataset), 3)):
        dataset[index]
    dataset.fingerprint()


def asked(attempts: Attempts) -> None:
    features = Features(attempts, {"Pages": "Pages", "Equations": "Normalized Number of Equations", "Type": "Type"})
    for dataset in (features, Breakdown(features, "pair"), Together(features)):
        [dataset[index] for index in range(len(dataset))]


DIGITS = [f"{digit}_ab_{take}.wav" for digit in range(2) for take in (1, 7)]
SPEECH = [f"train-clean-100/{speaker}-1-0000.flac" for speaker in (1, 22)]
PART = ("path", "start", "gain")
ATTEMPTS = SyntheticAttempts(size=3).rows
KINDS = [
    Kind(
        "fsdd/metadata.csv", {"fsdd/recordings.tar.xz": tar(DIGITS)}, ["file", "digit"],
        [[name, name[0]] for name in DIGITS], lambda: found(Fsdd("train"))),
    Kind(
        "librispeech_8k/metadata.csv", {f"librispeech_8k/{name}": tone(40, "FLAC") for name in SPEECH},
        ["file", "split"], [[name, "train"] for name in SPEECH],
        lambda: found(LibriSpeech(root="librispeech_8k", split="train"))),
    Kind(
        "Libri2Mix/wav8k/min/metadata/mixture_dev_mix_clean.csv",
        {f"Libri2Mix/wav8k/min/dev/{part}/m.wav": tone(40) for part in ("mix_clean", "s1", "s2")},
        ["mixture_ID", "length"], [["m", "40"]], lambda: LibriMix("dev", 1)),
    Kind(
        "own/list.csv", {}, ["mixture_ID", "length", *(f"source_{c}_{key}" for c in (1, 2) for key in PART)],
        [["m", "100", "a", "0", "0.5", "x/b.wav", "7", "1.5"], ["n", "400", "c", "0", "1", "a", "0", "1"]],
        lambda: heard(ListedMixtures(Corpus(), "own/list.csv"))),
    Kind(
        "imdb/train.csv.xz", {"imdb/test.csv.xz": b""}, ["id", "label", "rating", "text"],
        [["1", "0", "2", "Dull"], ["1", "1", "9", "Né\ne, and \"good\""]], lambda: heard(Imdb("train")),
        lambda content: lzma.compress(content, preset=0)),
    Kind("raff2019/reproducable_blind.csv", {}, list(ATTEMPTS[0]), [list(row.values()) for row in ATTEMPTS],
        lambda: asked(Attempts())),
]  # fmt: skip


@st.composite
def cases(draw: st.DrawFn) -> tuple[Kind, bytes]:
    kind = draw(st.sampled_from(KINDS))
    return kind, kind.pack(draw(tables(kind.columns, kind.rows)))


def test_any_table_is_read_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_MIRROR", str(fuzzed.resolve()))

    def case(referee: Referee, given: tuple[Kind, bytes]) -> None:
        kind, content = given
        referee.judge(kind.read, {**kind.beside, kind.name: content})

    fuzz(cases(), case)
