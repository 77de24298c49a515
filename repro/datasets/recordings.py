"""Recordings of a corpus: audio files in a folder or a tar, decoded and resampled once (`repro.data.cache`).

Letters: N recordings, T samples of one recording, S samples of all recordings in one piece of the cache.
"""

from __future__ import annotations

import bisect
import functools
import hashlib
import io
import itertools
import os
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import torch

from repro.audio.files import AudioFile, decode, read_audio
from repro.data import cache, unpack
from repro.errors import BadInput

PIECE = 128 << 20  # bytes of audio files decoded together: one or two hours of speech, below 1 GB when decoded


class Recordings:
    """N waveforms `(T,)` float32 at `sample_rate` Hz, in the order of `names`.

    place: a folder or a tar. names: paths in `place`.

    No file is read before the first waveform is used. Then each piece of the corpus is decoded once on this machine,
    and later processes map the result into memory. Raises BadInput, with the file, if a file is missing, cannot be
    decoded, is empty, is not mono, or contains NaN. Raises BadInput if `names` is empty or repeats a name.

    Example:

        >>> from repro.audio.files import write_wav
        >>> write_wav("a.wav", np.full(8000, 16384, dtype=np.int16), 8000)
        >>> recordings = Recordings(Path.cwd(), ["a.wav"], sample_rate=8000)
        >>> len(recordings), recordings[0][:3]
        (1, tensor([0.5000, 0.5000, 0.5000]))
    """

    def __init__(self, place: Path, names: list[str], sample_rate: int) -> None:
        if not names:
            raise BadInput("contains none of the requested recordings", str(place))
        twice, times = Counter(names).most_common(1)[0]
        if times > 1:
            raise BadInput(f"{twice} is requested {times} times", str(place), expected="each recording once")
        self.place, self.names, self.sample_rate = place, names, sample_rate
        self._opened: dict[int, tuple[np.ndarray, list[int]]] = {}  # by piece: samples (S,), ends of recordings

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> torch.Tensor:
        if not 0 <= index < len(self):
            raise IndexError(f"recording {index} of {len(self)}")
        number = bisect.bisect_right(self._pieces, index, key=lambda piece: piece.first) - 1
        samples, ends = self._open(number)
        within = index - self._pieces[number].first
        return torch.from_numpy(samples[ends[within - 1] if within else 0 : ends[within]])

    @cached_property
    def _pieces(self) -> list[Piece]:
        firsts = [*_firsts(self.place, self.names), len(self)]
        spans = [(first, self.names[first:end]) for first, end in itertools.pairwise(firsts)]
        return [Piece(first, names, source(self.place, names)) for first, names in spans]

    def _open(self, number: int) -> tuple[np.ndarray, list[int]]:
        if number not in self._opened:
            piece = self._pieces[number]
            made = cache.arrays(piece.source, functools.partial(waveforms, self.place, piece, self.sample_rate))
            self._opened[number] = made["samples"], made["ends"].tolist()
        return self._opened[number]

    def fingerprint(self) -> str:
        """Digest of all samples as 16-bit integers at the rates of the files, and of the resampling if there is any."""
        known = " ".join(piece.source for piece in self._pieces)
        build = functools.partial(content, self.place, self._pieces, self.sample_rate)
        return bytes(cache.arrays(known, build)["digest"]).hex()[:16]


class Piece(NamedTuple):
    """Recordings that are decoded together: the index of the first, their names, and a digest of their files."""

    first: int
    names: list[str]
    source: str


def _firsts(place: Path, names: list[str]) -> list[int]:
    """The index of the first recording of each piece. A tar is one piece, because it must be read from its start."""
    if not place.is_dir():
        return [0]
    firsts, size = [0], 0
    for index, path in enumerate(_present(place, names)):
        size += path.stat().st_size
        if size > PIECE and index > firsts[-1]:
            firsts.append(index)
            size = path.stat().st_size
    return firsts


def waveforms(place: Path, piece: Piece, sample_rate: int) -> cache.Arrays:
    """Decode a piece: `samples (S,)` float32 at `sample_rate`, all recordings in a row; `ends (N,)`, their ends."""
    read = [_named(read_audio, file, sample_rate).numpy() for file in files(place, piece.names)]
    _refuse_changed(place, piece)
    return {"samples": np.concatenate(read), "ends": np.cumsum([len(samples) for samples in read])}


def content(place: Path, pieces: list[Piece], sample_rate: int) -> cache.Arrays:
    """`digest (32,)` bytes: SHA-256 of the decoded samples, 16 bits each, before any resampling."""
    digest, rates = hashlib.sha256(), set()
    for piece in pieces:
        for file in files(place, piece.names):
            samples, rate = _named(decode, file)
            digest.update((samples * 32768).round().clip(-32768, 32767).to(torch.int16).numpy().tobytes())
            rates.add(rate)
        _refuse_changed(place, piece)
    if rates != {sample_rate}:
        digest.update(f"{sorted(rates)} Hz as {sample_rate} Hz".encode())
    return {"digest": np.frombuffer(digest.digest(), np.uint8)}


def _refuse_changed(place: Path, piece: Piece) -> None:
    """Raise BadInput if the files changed during decoding: the cache entry has the digest that they had before."""
    if source(place, piece.names) != piece.source:
        raise BadInput("changed while it was read", str(place))


def _named(read, file: AudioFile, *arguments):  # type: ignore[no-untyped-def]  # the types of `read`
    try:
        return read(file, *arguments)
    except ValueError as error:  # it names the file
        raise BadInput(str(error)) from None


def files(place: Path, names: list[str]) -> Iterator[AudioFile]:
    """The audio files in the order of `names`. Raises BadInput for a missing one and for a broken archive."""
    if place.is_dir():
        yield from _present(place, names)
    else:
        held = _members(place, set(names))
        _refuse_missing(place, [name for name in names if name not in held])
        for name in names:
            file = io.BytesIO(held[name])
            file.name = f"{place}/{name}"  # the name for error messages
            yield file


def _members(archive: Path, names: set[str]) -> dict[str, bytes]:
    """The content of the files called `names`, read in one pass, because a compressed tar has no random access."""
    held: dict[str, bytes] = {}
    try:
        for member in unpack.tar_members(archive):
            name = str(PurePosixPath(member.name))
            if name in names and member.kind == "file" and (file := member.open()):
                content = file.read()
                if held.setdefault(name, content) != content:
                    raise BadInput(f"contains two files called {name} that differ", str(archive))
    except (*unpack.BROKEN, OSError) as error:
        raise BadInput(f"cannot be read as an archive: {type(error).__name__}: {error}", str(archive)) from None
    return held


def _present(folder: Path, names: list[str]) -> list[Path]:
    _refuse_missing(folder, [name for name in names if not os.path.isfile(folder / name)])
    return [folder / name for name in names]


def _refuse_missing(place: Path, missing: list[str]) -> None:
    if missing:
        raise BadInput(f"contains no {missing[0]}, the first of {len(missing)} missing files", str(place))


def source(place: Path, names: list[str]) -> str:
    """Digest of the names and of the bytes of the files (for a tar: of the tar).

    Equal digests mean equal samples. The same samples can have two digests, for example in a tar and in a folder. Then
    they are decoded twice.
    """
    digest = hashlib.sha256("\n".join(names).encode(errors="surrogateescape"))
    for path in _present(place, names) if place.is_dir() else [place]:
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise BadInput(f"cannot be read: {error.strerror}", str(path)) from None
    return digest.hexdigest()
