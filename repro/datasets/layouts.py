"""Mixtures in wav files: read the layouts of wsj0-2mix and LibriMix, and write the layout of wsj0-2mix.

Letters: C sources, T samples.

An item is `({"mixture": (T,), "num_sources": C}, sources (C, T))`.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from repro.audio.files import decode, write_wav
from repro.data import store
from repro.data.sound_panels import illustrate
from repro.datasets import tables, walk
from repro.datasets.mixtures import Item, digest
from repro.errors import BadInput
from repro.registry import DATASETS

TOLERANCE = 1e-3  # of full scale: rounding to 16 bits is 1.5e-5 per file, noise or clipping is far more


@DATASETS.register
class WSJ0Mix(Dataset[Item]):
    """wsj0-2mix or wsj0-3mix in the published layout: `<root>/wav8k/min/{tr,cv,tt}/{mix,s1,s2}/*.wav`.

    Item: `({"mixture": (T,), "num_sources": C}, sources (C, T))`, float32, full scale 1.

    size: the number of mixtures that the split must have. The paper's are 20,000, 5,000 and 3,000. Another number is
    an error, because it means another variant of the data. root: a folder in the data folder or the mirror.
    sample_rate: in Hz. mode: "min" data cut the longer utterance, "max" data pad the shorter one.

    Raises BadInput if files are missing or their number is not `size`. An item raises BadInput, with the file, if it
    has another rate, a silent source, or files of different lengths. It also raises BadInput if the mixture is not the
    sum of its sources; then it contains noise or was clipped. Source: Hershey et al. 2016 (the data, not this code).

    Example: one mixture that `write_mixtures` writes. wsj0-2mix itself is not free.

        >>> import os
        >>> from repro.datasets.mixtures import SpeechMixtures
        >>> from repro.datasets.voices import SyntheticVoices
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> voices = SyntheticVoices("test", speakers=2, utterances=1, seconds=0.5)
        >>> folder = write_mixtures(SpeechMixtures(voices, size=1, seconds=0.5), Path("wsj0-2mix"), "tt")
        >>> inputs, sources = WSJ0Mix("tt", size=1)[0]
        >>> inputs["mixture"].shape, sources.shape
        (torch.Size([4000]), torch.Size([2, 4000]))
    """

    illustrate = staticmethod(illustrate)

    def __init__(
        self,
        split: Literal["tr", "cv", "tt"],
        size: int,
        root: str = "wsj0-2mix",
        num_sources: int = 2,
        sample_rate: Literal[8000, 16000] = 8000,
        mode: Literal["min", "max"] = "min",
    ) -> None:
        self.num_sources, self.sample_rate = num_sources, sample_rate
        self.mix, self.folder = "mix", store.folder(root) / _rate(sample_rate) / mode / split
        found = self._found()
        self._check(sorted(found[self.mix]), found, size)

    def _found(self) -> dict[str, dict[str, Path]]:
        """The files of each source and of the mixtures, by their names without `.wav`."""
        kinds = [*(f"s{number}" for number in range(1, self.num_sources + 1)), self.mix]
        return {kind: walk.files(self.folder / kind, ".wav") for kind in kinds}

    def _check(self, stems: list[str], found: dict[str, dict[str, Path]], size: int) -> None:
        """Use the mixtures called `stems`. Raises BadInput if their number is not `size`, or if a file is missing."""
        if len(stems) != size:
            raise BadInput(f"{self.folder / self.mix} contains {len(stems)} wav files", expected=str(size))
        missing = [self.folder / kind / f"{stem}.wav" for stem in stems for kind in found if stem not in found[kind]]
        if missing:
            raise BadInput(f"{missing[0]} is missing, the first of {len(missing)} missing files")
        wanted = set(stems)
        alone = [path for kind in found for stem, path in found[kind].items() if stem not in wanted]
        walk.say(self.folder, [walk.Found(path, "files of no mixture") for path in alone])
        self.names = [f"{stem}.wav" for stem in stems]
        # per mixture: the files of its sources, then its own
        self.files = [[str(found[kind][stem]) for kind in found] for stem in stems]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Item:
        files = self.files[index]
        *sources, mixture = (self._read(path) for path in files)
        for path, source in zip(files, sources, strict=False):
            if len(source) != len(mixture):
                raise BadInput(f"has {len(source)} samples, and its mixture {len(mixture)}", path)
            if not source.any():
                raise BadInput("is silent", path)
        rest = float((mixture - sum(sources)).abs().max())
        if rest > TOLERANCE:
            raise BadInput(f"is not the sum of its sources: they differ by up to {rest:.3g} of full scale", files[-1])
        return {"mixture": mixture, "num_sources": self.num_sources}, torch.stack(sources)

    def _read(self, path: str) -> torch.Tensor:
        try:
            samples, rate = decode(path)
        except ValueError as error:  # it names the file
            raise BadInput(str(error)) from None
        if rate != self.sample_rate:
            raise BadInput(f"is at {rate} Hz", path, expected=f"{self.sample_rate} Hz")
        return samples

    def fingerprint(self) -> str:
        """Digest of every mixture and its sources, with its name. It reads all files: minutes for wsj0-2mix."""
        return digest((self[index] for index in range(len(self))), " ".join(self.names))


@DATASETS.register
class LibriMix(WSJ0Mix):
    """Libri2Mix or Libri3Mix without noise: `<root>/wav8k/min/<split>/{mix_clean,s1,s2}/*.wav`.

    The items, `sample_rate`, `mode` and errors are as in `datasets.WSJ0Mix`. size: the number of mixtures. Libri2Mix
    has 13,900 (`train-100`), 50,800 (`train-360`) and 3,000 (`dev`, `test`). Libri3Mix has 9,300, 33,900 and 3,000.
    root: by default `Libri2Mix` or `Libri3Mix`. If the folder `metadata` exists next to the splits, it lists the
    mixtures, and every listed mixture must be on disk. Source: Cosentino et al. 2020.

    Example: a folder with one mixture of noise. The script of LibriMix makes the real ones from LibriSpeech.

        >>> import os
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> split = Path("Libri2Mix/wav8k/min/test")
        >>> samples = np.random.default_rng(0).integers(-9999, 9999, size=(2, 800)).astype(np.int16)
        >>> for kind, signal in {"s1": samples[0], "s2": samples[1], "mix_clean": samples.sum(0)}.items():
        ...     (split / kind).mkdir(parents=True)
        ...     write_wav(split / kind / "a_b.wav", signal.astype(np.int16), 8000)
        >>> inputs, sources = LibriMix("test", size=1)[0]
        >>> inputs["mixture"].shape, sources.shape
        (torch.Size([800]), torch.Size([2, 800]))
    """

    def __init__(
        self,
        split: Literal["train-100", "train-360", "dev", "test"],
        size: int,
        num_sources: int = 2,
        root: str | None = None,
        sample_rate: Literal[8000, 16000] = 8000,
        mode: Literal["min", "max"] = "min",
    ) -> None:
        self.num_sources, self.sample_rate = num_sources, sample_rate
        variant = store.folder(root or f"Libri{num_sources}Mix") / _rate(sample_rate) / mode
        self.mix, self.folder = "mix_clean", variant / split
        listed = variant / "metadata" / f"mixture_{split}_{self.mix}.csv"
        found = self._found()
        stems = sorted(_listed(listed) if listed.is_file() else found[self.mix])
        self._check(stems, found, size)


def _listed(path: Path) -> list[str]:
    """The names of the mixtures that the metadata of LibriMix lists."""
    rows = tables.once(tables.read(path, ["mixture_ID"]), path, lambda row: row["mixture_ID"])
    return [row["mixture_ID"] for row in rows]


def _rate(sample_rate: int) -> str:
    """The folder name of a rate: `wav8k` for 8000."""
    if sample_rate % 1000:
        raise BadInput(f"the layout of wsj0-2mix has no name for {sample_rate} Hz", expected="whole kilohertz")
    return f"wav{sample_rate // 1000}k"


def write_mixtures(dataset: Any, folder: Path, split: Literal["tr", "cv", "tt"]) -> Path:
    """Write every mixture of a fixed set to `<folder>/wav8k/min/<split>/{mix,s1,s2}/*.wav`, as `WSJ0Mix` reads it.

    The files have 16 bits. Each source is rounded, and the mixture is exactly the sum of the rounded sources. The
    files have the names of the items, or numbers if the dataset has no `names`. Returns the folder of the split, which
    appears only when all files are written.

    Raises BadInput if the split exists already, if the set changes from pass to pass, or if an item would be clipped.
    """
    if getattr(dataset, "fresh", False):
        raise BadInput(
            f"{type(dataset).__name__} makes new mixtures in every pass", expected="a fixed set (fresh = False)"
        )
    target = folder / _rate(dataset.sample_rate) / "min" / split
    if target.exists():
        raise BadInput("exists already", str(target), expected="a folder or split that does not exist")
    names = getattr(dataset, "names", None) or [f"{index:05d}" for index in range(len(dataset))]
    if odd := [name for name in names if Path(name).name != name]:
        raise BadInput(f"an item is called '{odd[0]}'", str(target), expected="the name of a file")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{split}.", dir=target.parent))  # used only by this process
        part.chmod(0o755)
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror or error}", str(target)) from None
    try:
        for index, name in enumerate(names):
            _write(part, f"{name.removesuffix('.wav')}.wav", dataset[index][1], dataset.sample_rate)
        part.rename(target)
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror or error}", str(target)) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _write(split: Path, name: str, sources: torch.Tensor, sample_rate: int) -> None:
    rounded = (sources.double().numpy() * 32768).round()  # (C, T)
    for kind, samples in {"mix": rounded.sum(0), **{f"s{i}": one for i, one in enumerate(rounded, 1)}}.items():
        peak = np.abs(samples).max()
        if peak > 32767:
            raise BadInput(f"{kind} of {name} has a peak of {peak / 32768:.2f}: it would be clipped in 16 bits")
        (split / kind).mkdir(parents=True, exist_ok=True)
        write_wav(split / kind / name, samples.astype(np.int16), sample_rate)
