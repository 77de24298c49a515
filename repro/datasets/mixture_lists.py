"""Mixtures of speech from a list: a csv file with the utterances, start samples and gains of each mixture.

    mixture_ID,length,source_1_path,source_1_start,source_1_gain,source_2_path,source_2_start,source_2_gain
    00000_103-1240-0000_1034-121119-0000,19200,103-1240-0000,5120,0.81,1034-121119-0000,0,0.46

A row is a mixture. `source_1_path` is the name of an utterance, or a path that ends with this name. The gain is linear
and above 0. `start` and `length` are in samples and optional. Without them, each utterance starts at its first sample,
and the mixture ends with the shortest utterance. So you can use the metadata that LibriMix publishes as lists. Their
noise is ignored.

Letters: C sources, T samples.
"""

from __future__ import annotations

import copy
import csv
import io
import math
import os
from collections import Counter
from pathlib import Path, PurePath, PureWindowsPath
from typing import Annotated, Any, NamedTuple

import torch
from torch.utils.data import Dataset

from repro.audio.files import LONGEST
from repro.claim import paper
from repro.data import store
from repro.data.sound_panels import illustrate
from repro.datasets.mixtures import Item, Part, SpeechMixtures, called, digest
from repro.errors import BadInput
from repro.files import disk
from repro.registry import DATASETS


class Listed(NamedTuple):
    """A row of a list: the mixture's name, its length in samples (None if not given), its sources."""

    name: str
    length: int | None
    parts: list[Part]


@DATASETS.register
class ListedMixtures(Dataset[Item]):
    """Mixtures of the utterances of `corpus` that a csv file lists.

    Item: `({"mixture": (T,), "num_sources": C}, sources (C, T))`, as of `datasets.SpeechMixtures`.

    path: `papers/<paper>/<file>.csv`; or `<data set>/<file>.csv` in the data folder or the mirror; or an absolute path.
    The module's docstring describes the format.

    Raises BadInput, with file and line, if the list cannot be read or names an utterance that the corpus does not have.
    An item raises BadInput if a source is silent or starts after the end of its utterance.

    Example: a list of one mixture of two synthetic voices.

        >>> from repro.datasets.voices import SyntheticVoices
        >>> voices = SyntheticVoices("test", speakers=2, utterances=1, seconds=0.5)
        >>> path = Path.cwd() / "list.csv"
        >>> write_list(SpeechMixtures(voices, size=1, seconds=0.25), path)
        >>> mixtures = ListedMixtures(voices, str(path))
        >>> inputs, sources = mixtures[0]
        >>> len(mixtures), sources.shape
        (1, torch.Size([2, 2000]))
    """

    illustrate = staticmethod(illustrate)

    def __init__(self, corpus: Annotated[Any, DATASETS], path: str) -> None:
        self.corpus = self.source = corpus
        self.sample_rate = corpus.sample_rate
        self.rows = read_list(_located(path), _indices(corpus))
        self.names = [row.name for row in self.rows]
        self.num_sources = len(self.rows[0].parts)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        _, length, parts = self.rows[index]
        voices = [self._rest(part, self.names[index]) for part in parts]
        length = length or min(map(len, voices))
        cut = [voice[:length] * part.gain for voice, part in zip(voices, parts, strict=True)]
        sources = torch.stack([torch.nn.functional.pad(voice, (0, length - len(voice))) for voice in cut])
        for part, source in zip(parts, sources, strict=True):
            if not source.any():
                raise BadInput(f"{called(self.corpus, part.utterance)} is silent in {self.names[index]}")
        return {"mixture": sources.sum(0), "num_sources": self.num_sources}, sources

    def _rest(self, part: Part, name: str) -> torch.Tensor:
        """The samples of the utterance after `start`. Raises BadInput if there are none."""
        samples: torch.Tensor = self.corpus[part.utterance][0]
        if part.start >= len(samples):
            utterance = called(self.corpus, part.utterance)
            raise BadInput(f"{name} begins at sample {part.start} of {utterance}, which has {len(samples)}")
        return samples[part.start :]

    def fingerprint(self) -> str:
        """Digest of the corpus and of every mixture with its name."""
        return digest((self[index] for index in range(len(self))), f"{self.corpus.fingerprint()} {self.names}")


def write_list(mixtures: SpeechMixtures, path: Path) -> None:
    """Write a list of `mixtures` as they are in their first pass. `ListedMixtures` then returns the same mixtures.

    They are equal up to the rounding of float32, because a list has one gain per source and `SpeechMixtures` multiplies
    by two.
    """
    fields = ("path", "start", "gain")
    columns = [f"source_{c}_{field}" for c in range(1, mixtures.num_sources + 1) for field in fields]
    names = getattr(mixtures.corpus, "names", None) or [str(index) for index in range(len(mixtures.corpus))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["mixture_ID", "length", *columns])
    first = copy.copy(mixtures)
    first.set_epoch(0)
    for index in range(len(first)):
        parts = first.parts(index)
        name = "_".join([f"{index:05d}", *(names[part.utterance] for part in parts)])
        sources = [value for part in parts for value in (names[part.utterance], part.start, part.gain)]
        writer.writerow([name, first.length, *sources])
    disk.write(path, text.getvalue())


def read_list(path: Path, utterances: dict[str, int]) -> list[Listed]:
    """Read the mixtures of a list, in their order. `utterances` maps the name of each utterance to its index.

    Raises BadInput if the list has an error, is empty, or lists a mixture twice: with the file, and the line if one row
    is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            count = _sources(reader.fieldnames or [], path)
            rows = [_row(row, count, utterances, f"{path}:{reader.line_num}") for row in reader]
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(path)) from None
    except (ValueError, csv.Error) as error:
        raise BadInput(f"is not a CSV file in UTF-8: {error}", str(path)) from None
    if not rows:
        raise BadInput("lists no mixture", str(path))
    twice, times = Counter(row.name for row in rows).most_common(1)[0]
    if times > 1:
        raise BadInput(f"lists {twice} twice", str(path))
    return rows


def _sources(columns: Any, path: Path) -> int:
    """The number of sources per mixture. Raises BadInput if a column is missing."""
    count = 0
    while f"source_{count + 1}_path" in columns:
        count += 1
    needed = ["mixture_ID", "source_1_path", *(f"source_{c}_gain" for c in range(1, count + 1))]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise BadInput(f"has no column {missing[0]}; it has {', '.join(columns) or 'none'}", f"{path}:1")
    return count


def _row(row: dict[str, Any], count: int, utterances: dict[str, int], place: str) -> Listed:
    if any(row.pop(None, [])):  # type: ignore[call-overload]  # values after the last column
        raise BadInput("has more values than columns", place)
    parts = []
    for c in range(1, count + 1):
        given = row[f"source_{c}_path"] or ""
        name = given if given in utterances else PureWindowsPath(given).stem
        if name not in utterances:
            raise BadInput(
                f"source_{c}_path is not an utterance of the corpus: '{name}'", place, given=name, known=utterances
            )
        start = _number(row.get(f"source_{c}_start"), place, f"source_{c}_start", 0)
        gain = _number(row[f"source_{c}_gain"], place, f"source_{c}_gain")
        parts.append(Part(utterances[name], int(start), gain))
    length = int(_number(row.get("length"), place, "length", 0)) or None
    if not row["mixture_ID"]:
        raise BadInput("has no mixture_ID", place)
    if count * (length or 0) > LONGEST:
        raise BadInput(f"is {length} samples of {count} sources", place, expected=f"at most {LONGEST} in all")
    return Listed(row["mixture_ID"], length, parts)


def _number(text: str | None, place: str, column: str, absent: float | None = None) -> float:
    if text is None and absent is not None:
        return absent
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    counted = not column.endswith("_gain")
    if not 0 <= value < (LONGEST if counted else math.inf) or (value != int(value) if counted else value == 0):
        expected = f"a number of samples below {LONGEST}" if counted else "a number above 0"
        raise BadInput(f"{column} is '{text}'", place, expected=expected)
    return value


def _indices(corpus: Any) -> dict[str, int]:
    names = getattr(corpus, "names", None) or [str(index) for index in range(len(corpus))]
    if len(set(names)) < len(names):
        raise BadInput(
            f"{type(corpus).__name__} has two utterances with the same name, so a list cannot name one of them"
        )
    return {name: index for index, name in enumerate(names)}


def _located(name: str) -> Path:
    """The path of a list. It does not depend on the working directory."""
    path = PurePath(os.path.expanduser(name))
    if path.is_absolute():
        return Path(path)
    if path.parts[:1] == ("papers",) and len(path.parts) > 2:
        folders = paper.folders()
        if path.parts[1] not in folders:
            raise BadInput(f"no paper '{path.parts[1]}'", given=path.parts[1], known=folders)
        return folders[path.parts[1]].joinpath(*path.parts[2:])
    if len(path.parts) < 2:
        raise BadInput(
            f"'{name}' is not a list of mixtures", expected="papers/<paper>/<file>.csv or <data set>/<file>.csv"
        )
    return store.folder(str(path.parent)) / path.name
