"""LibriSpeech (Panayotov et al. 2015, CC BY 4.0): English audiobooks at 16 kHz, one speaker per recording.

Letters: T samples.

Two layouts can be read. One is that of OpenSLR (openslr.org/12), complete or in part:
`librispeech/LibriSpeech/<subset>/<speaker>/<chapter>/` in the data folder. The other is an excerpt with a
`metadata.csv` that lists its files and their splits.

The excerpt `librispeech_8k` has one utterance of each of 251 speakers of train-clean-100, at 8 kHz, in one tar. The
selection is that of the Resemblyzer repository, commit 15d828e. No speaker is in two splits.
"""

from __future__ import annotations

import logging
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

OPENSLR, TREE, SPLITS = "librispeech", "LibriSpeech", "metadata.csv"
NAME = re.compile(r"([0-9]{1,9})-[0-9]+-[0-9]+")

log = logging.getLogger("repro")

Subset = Literal[
    "dev-clean", "dev-other", "test-clean", "test-other", "train-clean-100", "train-clean-360", "train-other-500"
]


@DATASETS.register
class LibriSpeech(Dataset[tuple[torch.Tensor, int]]):
    """LibriSpeech: recordings of read English, of 1 to 35 s each.

    Item: `(samples (T,) float32, speaker int)`. The levels are as recorded; they differ by a factor of up to 26.

    sample_rate: in Hz. If the files have another rate (16,000; 8,000 in `librispeech_8k`), they are resampled once.
    root: the name of the data set in the data folder or the mirror.
    split: only the recordings of this split in the `metadata.csv` of the data set.

    The recordings are sorted by name, in the layout of OpenSLR and in that with a `metadata.csv`. Raises BadInput if
    there are no recordings, or if a recording in `metadata.csv` is missing. Source: Panayotov et al. 2015.

    Example: a folder with one recording in place of the real ones (`repro data get librispeech/dev-clean`).

        >>> import os
        >>> from repro.audio.files import write_flac
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> folder = Path("librispeech/LibriSpeech/dev-clean/84/121123")
        >>> folder.mkdir(parents=True)
        >>> gain = write_flac(folder / "84-121123-0000.flac", torch.zeros(16000), 16000)
        >>> samples, speaker = LibriSpeech("dev-clean", sample_rate=8000)[0]
        >>> samples.shape, speaker
        (torch.Size([8000]), 84)
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
    """The folder or tar whose paths begin with `subset`. Raises BadInput if there is none, or if two tars differ."""
    trees = [place for place in (folder / TREE, folder) if (place / subset).is_dir()]
    tars = [path for path in folder.glob("[!.]*") if path.name.startswith(subset) and path.suffix.lower() == ".tar"]
    tars.sort(key=lambda path: (len(path.name), path.name))  # copies have longer names
    if not (found := [*trees, *tars]):
        raise BadInput(f"contains neither {TREE}/{subset}/ nor {subset}/ nor a {subset}*.tar", str(folder))
    if not trees and (others := [tar for tar in tars[1:] if not walk.same(tar, tars[0])]):
        raise BadInput(
            f"contains {tars[0].name} and {others[0].name}, which differ", str(folder), expected="one of the two"
        )
    if found[1:]:
        said = ", ".join(place.name for place in found[1:])
        log.info("%s: %s is read, and left out is %s", folder, found[0].name, said)
    return found[0]


def _paths(folder: Path, place: Path, subset: str, split: str | None) -> list[PurePosixPath]:
    """The recordings in `place` that `metadata.csv` lists; all of them if there is no such file."""
    listed = folder / SPLITS
    if not listed.is_file():
        if split or not place.is_dir():
            raise BadInput(f"contains no {SPLITS}, which says what is in {split or place.name}", str(folder))
        found = walk.files(place / subset, ".flac").values()
        return [PurePosixPath(path.relative_to(place).as_posix()) for path in found]
    rows = [{**row, "file": tables.slashed(row["file"])} for row in tables.read(listed, ["file", "split"])]
    whole = tables.once(rows, listed, lambda row: PurePosixPath(row["file"]).stem.lower())
    paths = [PurePosixPath(row["file"]) for row in whole if split in (None, row["split"])]
    return [path for path in paths if path.parts[:1] == (subset,)]


def _speaker(place: Path, path: PurePosixPath) -> int:
    found = NAME.fullmatch(path.stem)
    if not found:
        raise BadInput(f"{path} is not called <speaker>-<chapter>-<utterance>{path.suffix}", str(place))
    return int(found[1])
