"""Read audio files, and write FLAC and WAV. All audio is mono.

Letters: T samples.

Full scale is 1. Rates are in Hz.
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

LONGEST = 1 << 26  # samples, before and after resampling together: 12 minutes of stereo at 44.1 kHz, 256 MiB
SIZED = {"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "FLAC", "NIST", "OGG", "MP3"}  # their headers state the length
SHORT = re.compile(r"^ *(?:data|SSND|Data Size|Riff size|riff) *: (?P<said>-?\d+) \(should be (?P<there>\d+)\)", re.M)
OPEN = re.compile(r"^ *Data Size *: -1$", re.M)
SAMPLES = re.compile(rb"^sample_count +-i +(\d{1,18})", re.M)
UNCLOSED = re.compile(r"wasn't closed properly|Unknown chunk marker \([0-9A-F]{8}\)")
PAGE = 65307  # bytes: the largest Ogg page
KERNEL = 1 << 22  # largest resampling kernel: the product of the two rates over their common factor squared


def read_audio(file: AudioFile, sample_rate: int | None = None) -> Tensor:
    """Read a mono file as float32 (T,), resampled to `sample_rate` Hz if you give one.

    file: a path, or a binary file object.

    Raises ValueError if the file cannot be read, is empty, or contains NaN or infinity. Raises ValueError if it has
    more than one channel: the dataset must choose a channel or average them. Raises ValueError if the file is longer
    than `LONGEST` samples, or if its rate cannot be converted to `sample_rate`. A small file can have a header that
    claims a huge length or an unusual rate.

    Example:

        >>> write_wav("tone.wav", np.array([0, 16384, -16384], dtype=np.int16), 8000)
        >>> read_audio("tone.wav")
        tensor([ 0.0000,  0.5000, -0.5000])
    """
    waveform, rate = decode(file)
    if sample_rate in (None, rate):
        return waveform
    kernel = rate * sample_rate // math.gcd(rate, sample_rate) ** 2
    if kernel > KERNEL or len(waveform) * (rate + sample_rate) > LONGEST * rate:
        said = f"{len(waveform)} samples at {rate} Hz"
        raise ValueError(f"{_named(file)} has {said}, too many to resample to {sample_rate} Hz")
    return resample(waveform, rate, sample_rate)


def decode(file: AudioFile) -> tuple[Tensor, int]:
    """Read a mono file as float32 (T,) at its own rate; returns the samples and the rate in Hz.

    Raises ValueError as `read_audio` does.
    """
    try:
        with soundfile.SoundFile(file) as opened:
            _refuse_long(opened, file)
            samples = opened.read(opened.frames, dtype="float32", always_2d=True)  # (T, channels)
            rate = opened.samplerate
            _refuse_cut(opened, len(samples), file)
    except (soundfile.SoundFileError, OSError, TypeError) as error:  # TypeError: a format without a header, by its name
        raise ValueError(f"cannot read audio from {_named(file)}: {' '.join(str(error).split())}") from error
    if samples.shape[1] != 1:
        raise ValueError(f"{_named(file)} has {samples.shape[1]} channels, expected mono")
    if len(samples) == 0:
        raise ValueError(f"{_named(file)} contains no samples")
    if not np.isfinite(samples).all():
        raise ValueError(f"{_named(file)} contains NaN or infinity")
    return torch.from_numpy(samples[:, 0].copy()), int(rate)


def _refuse_long(opened: soundfile.SoundFile, file: AudioFile) -> None:
    if opened.frames * opened.channels > LONGEST:
        said = f"{opened.frames} samples in {opened.channels} channels"
        raise ValueError(f"{_named(file)} has {said} according to its header; expected at most {LONGEST} in total")


def _refuse_cut(opened: soundfile.SoundFile, length: int, file: AudioFile) -> None:
    """Raise ValueError for a file that was cut off.

    libsndfile reads such a file as a shorter sound, without an error. It also does so if the header leaves the length
    open, because the writing program wrote to a pipe or was killed.
    """
    if opened.format not in SIZED:
        raise ValueError(
            f"{_named(file)} has the format {opened.format}, which does not state its length; expected wav or flac"
        )
    noted = opened.extra_info  # libsndfile's log of the header
    lost = any(int(hit["said"]) % 2**32 > int(hit["there"]) for hit in SHORT.finditer(noted)) or OPEN.search(noted)
    if lost or length < max(opened.frames, _counted(opened, file)) or (opened.format == "OGG" and not _ends(file)):
        said = "ends early, or was written without its length"
        raise ValueError(f"{_named(file)} {said}: it contains {length} samples, but its header gives another number")
    if UNCLOSED.search(noted):
        raise ValueError(
            f"{_named(file)} contains more bytes than its header says: it was not closed, or it is damaged"
        )


def _counted(opened: soundfile.SoundFile, file: AudioFile) -> int:
    """The number of samples in the header of a NIST file; 0 for other formats, where libsndfile reads it."""
    hit = SAMPLES.search(_bytes(file, 0, 1024)) if opened.format == "NIST" else None
    return int(hit[1]) if hit else 0


def _ends(file: AudioFile) -> bool:
    """Whether the last page of an Ogg file is complete and marked as the last."""
    rest = _bytes(file, -PAGE, PAGE)
    page = rest[rest.rfind(b"OggS") :]
    return len(page) > 27 and bool(page[5] & 4) and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])


def _bytes(file: AudioFile, start: int, count: int) -> bytes:
    """`count` bytes of a file from position `start`; a negative `start` counts from the end."""
    with open(file, "rb") if isinstance(file, str | os.PathLike) else contextlib.nullcontext(file) as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(start if start >= 0 else max(0, size + start))
        return opened.read(count)


def write_wav(path: str | os.PathLike[str], samples: npt.NDArray[np.int16], sample_rate: int) -> None:
    """Write (T,) int16 as 16-bit mono WAV, without any scaling."""
    soundfile.write(path, samples, sample_rate, format="WAV", subtype="PCM_16")


def write_flac(path: str | os.PathLike[str], samples: Tensor, sample_rate: int) -> float:
    """Write (T,) as 16-bit mono FLAC and return the gain that was applied.

    The gain is 1 unless the peak exceeds full scale. Then it is 1 / peak, because clipping would be audible. If
    listeners will compare several files, scale them together before you call this. Raises ValueError if `samples` is
    not finite or does not have the shape (T,).

    Example:

        >>> write_flac("loud.flac", torch.tensor([0.0, 2.0, -1.0]), 8000)
        0.5
    """
    waveform = as_mono(samples)
    gain = 1.0 / max(1.0, float(np.abs(waveform).max()))
    soundfile.write(path, waveform * gain, sample_rate, format="FLAC", subtype="PCM_16")
    return gain


def as_mono(samples: Tensor) -> Samples:
    """Samples as a float32 array (T,). Raises ValueError if they are empty, not finite or not mono."""
    waveform = torch.as_tensor(samples).detach().to("cpu", torch.float32)
    if waveform.ndim != 1 or len(waveform) == 0:
        raise ValueError(f"expected mono samples of shape (T,), got {tuple(waveform.shape)}")
    if not waveform.isfinite().all():
        raise ValueError("the samples contain NaN or infinity")
    return waveform.numpy()


def _named(file: AudioFile) -> str:
    """The name of `file` for an error message: its path, or the name of the file object."""
    return os.fspath(file) if isinstance(file, str | os.PathLike) else str(getattr(file, "name", "the file object"))
