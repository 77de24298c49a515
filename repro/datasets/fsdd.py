"""Free Spoken Digit Dataset (CC BY-SA 4.0): six men say each digit 50 times, at 8 kHz, without long pauses.

Letters: T samples.

Two layouts can be read. The original repository has the files `recordings/<digit>_<speaker>_<take>.wav`. A mirror may
have them in `recordings.tar.xz`, with a `metadata.csv` that lists them.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import Literal

import torch
from torch.utils.data import Dataset

from repro.data import store
from repro.datasets import tables, walk
from repro.datasets.recordings import Recordings
from repro.errors import BadInput
from repro.registry import DATASETS

TREE, ARCHIVE, LIST = "recordings", "recordings.tar.xz", "metadata.csv"
NAME = re.compile(r"(\d)_([a-z]+)_(\d{1,9})")
TEST_TAKES = range(5)  # the authors' rule; each speaker is in both splits


@DATASETS.register
class Fsdd(Dataset[tuple[torch.Tensor, int]]):
    """Free Spoken Digit Dataset: recordings of the digits 0 to 9, of 0.1 to 2.3 s each.

    Item: `(samples (T,) float32 at 8 kHz, digit int)`. Takes 0 to 4 are `test`, the others `train`. `speaker_of` has
    the name of each item's speaker, so that `datasets.SpeechMixtures` can mix the items. The items are sorted by name
    in both layouts. Raises BadInput if there are no recordings, or if a listed recording is missing.

    Example: a folder with two recordings of silence. For the real ones, clone the repository of the data set.

        >>> import os
        >>> import numpy as np
        >>> from repro.audio.files import write_wav
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> Path("fsdd/recordings").mkdir(parents=True)
        >>> for name in ("7_theo_0", "3_jackson_9"):
        ...     write_wav(f"fsdd/recordings/{name}.wav", np.ones(800, dtype=np.int16), 8000)
        >>> test = Fsdd("test")
        >>> samples, digit = test[0]
        >>> test.names, samples.shape, digit, test.speaker_of
        (['7_theo_0'], torch.Size([800]), 7, ['theo'])
    """

    sample_rate = 8000

    def __init__(self, split: Literal["train", "test"]) -> None:
        self.split = split
        folder = store.folder("fsdd")
        files = _files(folder)
        found = {name: _parsed(folder, name) for name in files}
        self.names = sorted(name for name, (_, _, take) in found.items() if (take in TEST_TAKES) == (split == "test"))
        self.digits = [found[name][0] for name in self.names]
        self.speaker_of = [found[name][1] for name in self.names]
        place = folder if (folder / TREE).is_dir() else folder / ARCHIVE
        self.recordings = Recordings(place, [files[name] for name in self.names], self.sample_rate)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.recordings[index], self.digits[index]

    def fingerprint(self) -> str:
        """Digest of the decoded samples and of the names, which contain digit and speaker."""
        return hashlib.sha256(f"{self.recordings.fingerprint()} {self.names}".encode()).hexdigest()[:16]


def _files(folder: Path) -> dict[str, str]:
    """The path of each recording in the folder or the archive, by its name without `.wav`."""
    if (folder / TREE).is_dir():
        return {name: path.relative_to(folder).as_posix() for name, path in walk.files(folder / TREE, ".wav").items()}
    for needed in (ARCHIVE, LIST):
        if not (folder / needed).is_file():
            raise BadInput(f"contains neither {TREE}/ nor {needed}", str(folder))
    listed = [{**row, "file": tables.slashed(row["file"])} for row in tables.read(folder / LIST, ["file"])]
    paths = [PurePosixPath(row["file"]) for row in tables.once(listed, folder / LIST, _stem)]
    return {path.stem: f"{TREE}/{path.name}" for path in paths}


def _stem(row: tables.Row) -> str:
    return PurePosixPath(row["file"]).stem.lower()


def _parsed(folder: Path, name: str) -> tuple[int, str, int]:
    """Digit, speaker and take."""
    found = NAME.fullmatch(name)
    if not found:
        raise BadInput(f"{name}.wav is not called <digit>_<speaker>_<take>.wav", str(folder))
    return int(found[1]), found[2], int(found[3])
