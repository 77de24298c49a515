"""LibriSpeech (Panayotov et al. 2015, CC BY 4.0): read English, from audiobooks; 16 kHz, one speaker a recording.

Either as OpenSLR offers it (openslr.org/12), whole or in part: `librispeech/LibriSpeech/<subset>/<speaker>/<chapter>/`
in the data folder. Or as an excerpt beside a `metadata.csv` that names its files and splits them: `librispeech_8k`, one
utterance of each of 251 speakers of train-clean-100 (the selection of the Resemblyzer repository, commit 15d828e) at
8 kHz in one tar, no speaker in two splits.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Literal

import torch
from torch.utils.data import Dataset

from repro.datasets import store, tables
from repro.datasets.recordings import Recordings
from repro.errors import BadInput
from repro.registry import DATASETS

OPENSLR, TREE, SPLITS = "librispeech", "LibriSpeech", "metadata.csv"

Subset = Literal[
    "dev-clean", "dev-other", "test-clean", "test-other", "train-clean-100", "train-clean-360", "train-other-500"
]


@DATASETS.register
class LibriSpeech(Dataset[tuple[torch.Tensor, int]]):
    """Item: `(samples (T,) float32, speaker int)`, 1 to 35 s, levels as recorded (they differ 26-fold).

    sample_rate: in Hz; another than that of the files (16,000; 8,000 in `librispeech_8k`) is resampled to, once.
    root: the data set, by its name in the data folder or the mirror.
    split: take these recordings alone, as the `metadata.csv` of the data set has it.

    The recordings are in the order of their names, whatever they are wrapped in. Raises BadInput where there are none,
    or where one that `metadata.csv` names is missing.
    """

    def __init__(
        self,
        subset: Subset = "train-clean-100",
        sample_rate: int = 16000,
        split: Literal["train", "val", "test"] | None = None,
        root: str = OPENSLR,
    ) -> None:
        folder = store.folder(f"{root}/{subset}" if root == OPENSLR else root)
        place = _place(folder, subset)
        paths = sorted(_paths(folder, place, subset, split), key=lambda path: path.stem)
        self.sample_rate, self.subset, self.split = sample_rate, subset, split
        self.names = [path.stem for path in paths]
        self.speaker_of = [_speaker(place, path) for path in paths]
        self.recordings = Recordings(place, [str(path) for path in paths], sample_rate)

    def __len__(self) -> int:
        return len(self.recordings)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.recordings[index], self.speaker_of[index]

    def fingerprint(self) -> str:
        """Digest of the decoded samples of all recordings."""
        return self.recordings.fingerprint()


def _place(folder: Path, subset: str) -> Path:
    """The folder or the tar in which paths begin with `subset`."""
    trees = [place for place in (folder / TREE, folder) if (place / subset).is_dir()]
    found = trees or sorted(folder.glob(f"{subset}*.tar"))
    if not found:
        raise BadInput(f"holds neither {TREE}/{subset}/ nor {subset}/ nor a {subset}*.tar", str(folder))
    return found[0]


def _paths(folder: Path, place: Path, subset: str, split: str | None) -> list[PurePosixPath]:
    """Of the recordings in `place`: those of `metadata.csv` where there is one, else all."""
    listed = folder / SPLITS
    if not listed.is_file():
        if split or not place.is_dir():
            raise BadInput(f"holds no {SPLITS}, which says what is in {split or place.name}", str(folder))
        return [PurePosixPath(path.relative_to(place).as_posix()) for path in (place / subset).rglob("*.flac")]
    rows = [(PurePosixPath(row["file"]), row["split"]) for row in tables.read(listed, ["file", "split"])]
    return [path for path, named in rows if path.parts[:1] == (subset,) and split in (None, named)]


def _speaker(place: Path, path: PurePosixPath) -> int:
    speaker = path.stem.partition("-")[0]
    if not (speaker.isdecimal() and len(speaker) < 10):
        raise BadInput(f"{path} is not called <speaker>-<chapter>-<utterance>{path.suffix}", str(place))
    return int(speaker)
