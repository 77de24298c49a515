"""The released probabilities and crowd votes of the paper, and the inputs of our own networks.

Letters: K classes, T samples, M bands, N frames.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.audio.stft import STFT
from repro.data import store
from repro.errors import BadInput
from repro.registry import DATASETS, wrong_value

FOLDERS = {  # where the authors' repository has the files; a mirror may have them in one folder
    "pyx.npy": "cross_validated_predicted_probabilities",
    "labels.npy": "original_test_labels",
    "mturk.json": "mturk",
    "filename.json": "dataset_indexing",
}
MAJORITY = 3  # of five workers: a label with fewer votes is wrong by the crowd

Name = Literal["mnist", "imdb", "cifar10", "20news"]
Target = dict[str, Any]


class Shown(NamedTuple):
    """What the crowd said about an item: `votes` of five workers are for the given label."""

    votes: int

    @property
    def wrong(self) -> bool:
        """Whether fewer than three of the five workers chose the given label."""
        return self.votes < MAJORITY


@DATASETS.register
class Released(Dataset[tuple[torch.Tensor, Target]]):
    """The out-of-sample probabilities that the authors released for the test set of `name`.

    Item: `(probabilities (K,) float64, {"label": int, "shown": bool, "wrong": bool})`. "shown": five workers were shown
    the item. "wrong": fewer than three of them chose the given label. Raises BadInput if the files are missing and
    cannot be downloaded, or do not fit together. Source: github.com/cleanlab/label-errors.
    """

    def __init__(self, name: Name) -> None:
        self.name = name
        self.folder = store.folder("label_errors")

    @cached_property
    def probabilities(self) -> torch.Tensor:
        """(items, K)."""
        return torch.from_numpy(_array(self.folder, f"{self.name}_test_set_pyx.npy", 2).astype(np.float64))

    @cached_property
    def labels(self) -> list[int]:
        labels = [int(label) for label in _array(self.folder, f"{self.name}_test_set_original_labels.npy", 1)]
        if len(labels) != len(self.probabilities):
            raise BadInput(f"{self.folder} has {len(labels)} labels and {len(self.probabilities)} rows of {self.name}")
        return labels

    @cached_property
    def crowd(self) -> dict[int, Shown]:
        """What the crowd said, by the index of the item."""
        if self.name != "imdb":
            return _crowd(self.folder, self.name, map(str, range(len(self))))
        files = _json(self.folder, "imdb_test_set_index_to_filename.json")
        return _crowd(self.folder, self.name, (f"test/{str(file).removesuffix('.txt')}" for file in files))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, Target]:
        return self.probabilities[index], _target(self.labels[index], self.crowd.get(index))

    def fingerprint(self) -> str:
        """Digest of the probabilities, the labels and the votes."""
        digest = hashlib.sha256(self.probabilities.numpy().tobytes())
        digest.update(repr([self.name, self.labels, sorted(self.crowd.items())]).encode())
        return digest.hexdigest()[:16]


@DATASETS.register
class CrowdChecked(Dataset[tuple[Any, Target]]):
    """The items of a test set, with what the paper's crowd said about their labels.

    Item: `(inputs as in source, target as in datasets.Released)`. `source`: the test set, complete and in its published
    order. `reviews`: for "imdb", the `datasets.Imdb` whose reviews `source` has, because the votes name files. Raises
    BadInput if the crowd saw an item that the test set does not have.
    """

    def __init__(
        self,
        source: Annotated[Any, DATASETS],
        name: Literal["mnist", "imdb"],
        reviews: Annotated[Any, DATASETS] = None,
    ) -> None:
        if name == "imdb" and reviews is None:
            raise wrong_value(self, "reviews", reviews, "the datasets.Imdb of the source")
        self.source, self.name, self.reviews = source, name, reviews

    @cached_property
    def crowd(self) -> dict[int, Shown]:
        """What the crowd said, by the index of the item."""
        if self.reviews is None:
            identifiers = [str(index) for index in range(len(self))]
        else:
            classes = ("neg", "pos")
            identifiers = [f"test/{classes[row.label]}/{row.number}_{row.rating}" for row in self.reviews.reviews]
        return _crowd(store.folder("label_errors"), self.name, identifiers)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Any, Target]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        inputs, label = self.source[index]
        return inputs, _target(int(label), self.crowd.get(index))

    def fingerprint(self) -> str:
        return hashlib.sha256(repr([self.source.fingerprint(), sorted(self.crowd.items())]).encode()).hexdigest()[:16]


@DATASETS.register
class DigitSpectrograms(Dataset[tuple[torch.Tensor, int]]):
    """Recordings of digits as pictures of one size: the loudness in M bands and N frames.

    Item: `(spectrogram (1, M, N) float32, label int)`. The magnitudes of an STFT (32 ms, every 8 ms at 8 kHz) are
    averaged to M = `bands` bands of equal width and N = `frames` frames of equal length. Their logarithm has mean 0 and
    deviation 1 in each item. `source`: a dataset of `(samples (T,), label)`, such as `datasets.Fsdd`.

        >>> noise = [(torch.rand(4000), 3)]
        >>> DigitSpectrograms(noise)[0][0].shape
        torch.Size([1, 28, 28])
    """

    def __init__(self, source: Annotated[Any, DATASETS], bands: int = 28, frames: int = 28) -> None:
        self.source, self.bands, self.frames = source, bands, frames

    @cached_property
    def spectrograms(self) -> list[torch.Tensor]:
        return [self._spectrogram(self.source[index][0]) for index in range(len(self.source))]

    def _spectrogram(self, samples: torch.Tensor) -> torch.Tensor:
        magnitude = STFT()(samples).abs().T[None]  # (1, 129, frames)
        pooled = torch.nn.functional.adaptive_avg_pool2d(magnitude, (self.bands, self.frames))
        loudness = (pooled + 1e-4).log()
        return (loudness - loudness.mean()) / loudness.std()

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.spectrograms[index], int(self.source[index][1])

    def fingerprint(self) -> str:
        content = repr([self.source.fingerprint(), self.bands, self.frames])
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def _target(label: int, shown: Shown | None) -> Target:
    return {"label": label, "shown": shown is not None, "wrong": shown is not None and shown.wrong}


def _located(folder: Path, name: str) -> Path:
    """The path of a file, in the folder itself or in the subfolder of the authors' repository."""
    inner = next(place for ending, place in FOLDERS.items() if name.endswith(ending))
    found = next((path for path in (folder / name, folder / inner / name) if path.is_file()), None)
    if found is None:
        raise BadInput(f"contains neither {name} nor {inner}/{name}", str(folder))
    return found


def _array(folder: Path, name: str, dimensions: int) -> np.ndarray[Any, Any]:
    path = _located(folder, name)
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise BadInput(f"is not an array of numpy: {error}", str(path)) from None
    if found.ndim != dimensions:
        raise BadInput(f"has {found.ndim} dimensions", str(path), expected=str(dimensions))
    return np.asarray(found)


def _json(folder: Path, name: str) -> Any:
    path = _located(folder, name)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise BadInput(f"is not valid JSON: {error}", str(path)) from None


def _crowd(folder: Path, name: str, identifiers: Iterable[str]) -> dict[int, Shown]:
    """What the crowd said, by the index of the item. identifiers: those of all items, as the votes spell them."""
    place = f"{name}_mturk.json"
    try:
        votes = {str(row["id"]): Shown(int(row["mturk"]["given"])) for row in _json(folder, place)}
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{place} has a row without {error}", str(folder), expected="id and mturk.given") from None
    index = {identifier: number for number, identifier in enumerate(identifiers)}
    if unknown := votes.keys() - index.keys():
        said = f"{place} has votes on {min(unknown)}, which is not in the test set"
        raise BadInput(said, str(folder), expected="a complete test set in its published order")
    return {index[identifier]: shown for identifier, shown in votes.items()}
