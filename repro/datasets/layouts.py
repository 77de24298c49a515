"""Mixtures that lie on disk as wav files, in the layouts of wsj0-2mix and of LibriMix; and writing the first.

Letters: C sources, T samples. An item is `({"mixture": (T,), "num_sources": C}, sources (C, T))`.
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
from repro.audio.show import illustrate
from repro.datasets import store, tables, walk
from repro.datasets.mixtures import Item, digest
from repro.errors import BadInput
from repro.registry import DATASETS

TOLERANCE = 1e-3  # of full scale: 16-bit rounding of each file is 1.5e-5, noise or clipping is far more


@DATASETS.register
class WSJ0Mix(Dataset[Item]):
    """wsj0-2mix (or -3mix) as its makers lay it out: `<root>/wav8k/min/{tr,cv,tt}/{mix,s1,s2}/*.wav`.

    `root` is a folder of the data folder or of the mirror. `size` is how many mixtures the split must hold (20,000,
    5,000 and 3,000 in the paper): another count means another variant of the data, and is refused, as is a missing
    file. `mode`: where two utterances differ in length, the longer is cut ("min") or the shorter padded ("max").

    Raises BadInput, naming the file, for an item of another rate, with a silent source, whose files differ in length,
    or whose mixture is not the sum of its sources: then it has noise, or was clipped.
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
        """The files of each source and of the mixtures, by what they are called without `.wav`."""
        kinds = [*(f"s{number}" for number in range(1, self.num_sources + 1)), self.mix]
        return {kind: walk.files(self.folder / kind, ".wav") for kind in kinds}

    def _check(self, stems: list[str], found: dict[str, dict[str, Path]], size: int) -> None:
        """Take the mixtures called `stems`. Raises BadInput if they are not `size`, or lack a file."""
        if len(stems) != size:
            raise BadInput(f"{self.folder / self.mix} holds {len(stems)} wav files; expected {size}")
        missing = [self.folder / kind / f"{stem}.wav" for stem in stems for kind in found if stem not in found[kind]]
        if missing:
            raise BadInput(f"{missing[0]} is missing, the first of {len(missing)} missing files")
        wanted = set(stems)
        alone = [path for kind in found for stem, path in found[kind].items() if stem not in wanted]
        walk.say(self.folder, [walk.Found(path, "files of no mixture") for path in alone])
        self.names = [f"{stem}.wav" for stem in stems]
        # of each mixture: its sources, then itself
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
            raise BadInput(f"is at {rate} Hz; expected {self.sample_rate} Hz", path)
        return samples

    def fingerprint(self) -> str:
        """Digest of every mixture and its sources, with its name: reading all of wsj0-2mix takes minutes."""
        return digest((self[index] for index in range(len(self))), " ".join(self.names))


@DATASETS.register
class LibriMix(WSJ0Mix):
    """Libri2Mix or Libri3Mix without noise: `<root>/wav8k/min/<split>/{mix_clean,s1,s2}/*.wav` (Cosentino et al. 2020).

    `root` is `Libri2Mix` or `Libri3Mix` unless given. `size`: as its makers count, 13,900 for `train-100`, 50,800 for
    `train-360`, 3,000 for `dev` and `test` of Libri2Mix; 9,300, 33,900 and 3,000 of Libri3Mix. Where the folder
    `metadata` beside the splits is there, it lists the mixtures: one that is not on disk is refused. The rest is as in
    `WSJ0Mix`.
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
    """The mixtures that the metadata of LibriMix lists."""
    rows = tables.once(tables.read(path, ["mixture_ID"]), path, lambda row: row["mixture_ID"])
    return [row["mixture_ID"] for row in rows]


def _rate(sample_rate: int) -> str:
    """The folder of a rate: `wav8k`."""
    if sample_rate % 1000:
        raise BadInput(f"the layout of wsj0-2mix has no name for {sample_rate} Hz; expected whole kilohertz")
    return f"wav{sample_rate // 1000}k"


def write_mixtures(dataset: Any, folder: Path, split: Literal["tr", "cv", "tt"]) -> Path:
    """Write every mixture of a fixed set, so that `WSJ0Mix` reads it: `<folder>/wav8k/min/<split>/{mix,s1,s2}/*.wav`.

    Files are 16-bit; each source is rounded, and the mixture is the sum of what was rounded, exactly. They are named
    after the items where the dataset has `names`, else numbered. Returns the folder of the split, which is there whole
    or not at all. Raises BadInput where it is there already, for a set that changes from pass to pass, and for an item
    that would be clipped.
    """
    if getattr(dataset, "fresh", False):
        raise BadInput(f"{type(dataset).__name__} mixes anew in every pass; expected a fixed set (fresh = False)")
    target = folder / _rate(dataset.sample_rate) / "min" / split
    if target.exists():
        raise BadInput("is there already; expected a folder or a split that is not", str(target))
    names = getattr(dataset, "names", None) or [f"{index:05d}" for index in range(len(dataset))]
    if odd := [name for name in names if Path(name).name != name]:
        raise BadInput(f"an item is called '{odd[0]}'; expected the name of a file", str(target))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{split}.", dir=target.parent))  # of this process alone
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
