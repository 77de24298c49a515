"""Audio files in, FLAC and WAV out. All audio is mono.

T samples. Full scale is 1; rates are in Hz.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from torch import Tensor

from repro.audio.stft import resample

Samples = npt.NDArray[np.float32]
AudioFile = str | os.PathLike[str] | BinaryIO

LONGEST = 1 << 26  # samples of a file, with those it is resampled to: 12 minutes of stereo at 44.1 kHz, 256 MiB
SIZED = {"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "FLAC", "NIST", "OGG", "MP3"}  # these say how long they are
SHORT = re.compile(r"^ *(?:data|SSND|Data Size|Riff size|riff) *: (?P<said>-?\d+) \(should be (?P<there>\d+)\)", re.M)
OPEN = re.compile(r"^ *Data Size *: -1$", re.M)
SAMPLES = re.compile(rb"^sample_count +-i +(\d{1,18})", re.M)
UNCLOSED = re.compile(r"wasn't closed properly|Unknown chunk marker \([0-9A-F]{8}\)")
PAGE = 65307  # bytes of an Ogg page at most
KERNEL = 1 << 22  # values of a resampler: it has as many as the product of the two rates without their common factor


def read_audio(file: AudioFile, sample_rate: int | None = None) -> Tensor:
    """A mono file (path or binary file object) as float32 (T,), resampled to `sample_rate` Hz if that is given.

    Raises ValueError if the file cannot be read, is empty, holds NaN or infinity, or has more than one channel: which
    channel to take, or whether to average, is for the dataset to decide. Also for one that is longer than `LONGEST`, or
    whose rate cannot be brought to `sample_rate`: a file of a few bytes can say that it is and has.
    """
    waveform, rate = decode(file)
    if sample_rate in (None, rate):
        return waveform
    kernel = rate * sample_rate // math.gcd(rate, sample_rate) ** 2
    if kernel > KERNEL or len(waveform) * (rate + sample_rate) > LONGEST * rate:
        said = f"{len(waveform)} samples at {rate} Hz"
        raise ValueError(f"{_named(file)} has {said}, which are too long, or too odd, to bring to {sample_rate} Hz")
    return resample(waveform, rate, sample_rate)


def decode(file: AudioFile) -> tuple[Tensor, int]:
    """A mono file as float32 (T,) at its own rate, and that rate in Hz. Raises ValueError as `read_audio` does."""
    try:
        with soundfile.SoundFile(file) as opened:
            _refuse_long(opened, file)
            samples = opened.read(opened.frames, dtype="float32", always_2d=True)  # (T, channels)
            rate = opened.samplerate
            _refuse_cut(opened, len(samples), file)
    except (soundfile.SoundFileError, OSError, TypeError) as error:  # TypeError: its name says that it has no header
        raise ValueError(f"cannot read audio from {_named(file)}: {' '.join(str(error).split())}") from error
    if samples.shape[1] != 1:
        raise ValueError(f"{_named(file)} has {samples.shape[1]} channels, expected mono")
    if len(samples) == 0:
        raise ValueError(f"{_named(file)} holds no samples")
    if not np.isfinite(samples).all():
        raise ValueError(f"{_named(file)} holds NaN or infinity")
    return torch.from_numpy(samples[:, 0].copy()), int(rate)


def _refuse_long(opened: soundfile.SoundFile, file: AudioFile) -> None:
    if opened.frames * opened.channels > LONGEST:
        said = f"{opened.frames} samples in {opened.channels} channels"
        raise ValueError(f"{_named(file)} says that it has {said}; expected at most {LONGEST} in all")


def _refuse_cut(opened: soundfile.SoundFile, length: int, file: AudioFile) -> None:
    """Raise ValueError for a file that ends before its sound does: libsndfile takes what is there for a shorter sound.

    So it does with a header that leaves the length open, as of a program that wrote to a pipe or was killed.
    """
    if opened.format not in SIZED:
        raise ValueError(f"{_named(file)} is {opened.format}, which does not say how long it is; expected wav or flac")
    noted = opened.extra_info  # what libsndfile noted when it read the header
    lost = any(int(hit["said"]) % 2**32 > int(hit["there"]) for hit in SHORT.finditer(noted)) or OPEN.search(noted)
    if lost or length < max(opened.frames, _counted(opened, file)) or (opened.format == "OGG" and not _ends(file)):
        said = "ends early, or was written without its length"
        raise ValueError(f"{_named(file)} {said}: it holds {length} samples, and its header says otherwise")
    if UNCLOSED.search(noted):
        raise ValueError(f"{_named(file)} holds bytes that its header leaves out: it was not closed, or is damaged")


def _counted(opened: soundfile.SoundFile, file: AudioFile) -> int:
    """The number of samples that the header of a NIST file says; of others libsndfile knows it."""
    hit = SAMPLES.search(_bytes(file, 0, 1024)) if opened.format == "NIST" else None
    return int(hit[1]) if hit else 0


def _ends(file: AudioFile) -> bool:
    """Whether the last page of an Ogg file is whole, and marked as the last."""
    rest = _bytes(file, -PAGE, PAGE)
    page = rest[rest.rfind(b"OggS") :]
    return len(page) > 27 and bool(page[5] & 4) and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])


def _bytes(file: AudioFile, start: int, count: int) -> bytes:
    """`count` bytes of a file from `start` on, which is counted from its end if it is below 0."""
    with open(file, "rb") if isinstance(file, str | os.PathLike) else contextlib.nullcontext(file) as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(start if start >= 0 else max(0, size + start))
        return opened.read(count)


def write_wav(path: str | os.PathLike[str], samples: npt.NDArray[np.int16], sample_rate: int) -> None:
    """Write (T,) as 16-bit mono WAV, every sample as it is."""
    soundfile.write(path, samples, sample_rate, format="WAV", subtype="PCM_16")


def write_flac(path: str | os.PathLike[str], samples: Tensor, sample_rate: int) -> float:
    """Write (T,) as 16-bit mono FLAC and return the gain applied: 1, unless the peak exceeds full scale.

    Only then are the samples scaled, by 1 / peak, since clipping would be heard. Files that are to be compared by
    ear should be scaled together by the caller. Raises ValueError unless `samples` is finite and (T,).
    """
    waveform = as_mono(samples)
    gain = 1.0 / max(1.0, float(np.abs(waveform).max()))
    soundfile.write(path, waveform * gain, sample_rate, format="FLAC", subtype="PCM_16")
    return gain


def as_mono(samples: Tensor) -> Samples:
    """Samples as a float32 array (T,), or a ValueError that says what is wrong with them."""
    waveform = torch.as_tensor(samples).detach().to("cpu", torch.float32)
    if waveform.ndim != 1 or len(waveform) == 0:
        raise ValueError(f"expected mono samples of shape (T,), got {tuple(waveform.shape)}")
    if not waveform.isfinite().all():
        raise ValueError("the samples hold NaN or infinity")
    return waveform.numpy()


def _named(file: AudioFile) -> str:
    """What to call `file` in an error: its path, or the name a file object goes by."""
    return os.fspath(file) if isinstance(file, str | os.PathLike) else str(getattr(file, "name", "the file object"))
