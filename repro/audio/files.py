"""Audio files in, FLAC and spectrogram pictures out. All audio is mono.

T samples, N frames, F frequencies. Full scale is 1; rates are in Hz, levels in dB.
"""

from __future__ import annotations

import os
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from PIL import Image
from torch import Tensor, nn

from repro.audio.stft import STFT, resample
from repro.errors import nearest

Samples = npt.NDArray[np.float32]
AudioFile = str | os.PathLike[str] | BinaryIO

COLORMAPS = ("cividis", "inferno", "magma", "plasma", "viridis")
"""matplotlib's perceptually uniform maps: equal steps in dB look equal."""

_COLOURS = 32  # steps of about 2 dB, finer than the eye resolves here; 256 would double the file


def read_audio(file: AudioFile, sample_rate: int | None = None) -> Tensor:
    """A mono file (path or binary file object) as float32 (T,), resampled to `sample_rate` Hz if that is given.

    Raises ValueError if the file cannot be read, is empty, or has more than one channel: which channel to take,
    or whether to average, is for the dataset to decide.
    """
    try:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)  # (T, channels)
    except (soundfile.SoundFileError, OSError) as error:
        raise ValueError(f"cannot read audio from {_named(file)}: {' '.join(str(error).split())}") from error
    if samples.shape[1] != 1:
        raise ValueError(f"{_named(file)} has {samples.shape[1]} channels, expected mono")
    if len(samples) == 0:
        raise ValueError(f"{_named(file)} holds no samples")
    waveform = torch.from_numpy(samples[:, 0].copy())
    return waveform if sample_rate in (None, rate) else resample(waveform, rate, sample_rate)


def write_flac(path: str | os.PathLike[str], samples: Tensor, sample_rate: int) -> float:
    """Write (T,) as 16-bit mono FLAC and return the gain applied: 1, unless the peak exceeds full scale.

    Only then are the samples scaled, by 1 / peak, since clipping would be heard. Files that are to be compared by
    ear should be scaled together by the caller. Raises ValueError unless `samples` is finite and (T,).
    """
    waveform = _mono(samples)
    gain = 1.0 / max(1.0, float(np.abs(waveform).max()))
    soundfile.write(path, waveform * gain, sample_rate, format="FLAC", subtype="PCM_16")
    return gain


def spectrogram_peak(samples: Tensor, sample_rate: int) -> float:
    """The largest STFT magnitude of (T,): the `peak` that puts several spectrograms on one colour scale."""
    return float(_magnitude(samples, sample_rate).max())


def write_spectrogram(
    path: str | os.PathLike[str],
    samples: Tensor,
    sample_rate: int,
    peak: float | None = None,
    range_db: float = 70.0,
    colormap: str = "magma",
) -> None:
    """Draw (T,) as a log spectrogram: a palette PNG, low frequencies at the bottom, one pixel per bin.

    peak: magnitude of the brightest colour, by default the largest of `samples`; give the mixture's
    (`spectrogram_peak`) to the mixture and to all estimates, so that equal colours are equal levels.
    range_db: the darkest colour lies this far below `peak`, in dB, > 0. colormap: a name in `COLORMAPS`.

    Windows of 32 ms every 16 ms, whatever the rate: 2 s at 8 kHz are 126 x 129 pixels, at most 10 kB.
    """
    if colormap not in COLORMAPS:
        raise ValueError(f"no colormap '{colormap}'{nearest(colormap, COLORMAPS)}")
    if range_db <= 0:
        raise ValueError(f"range_db must be above 0, got {range_db}")
    magnitude = _magnitude(samples, sample_rate)
    level = _level_db(magnitude, float(magnitude.max()) if peak is None else peak)
    colours = ((1 + level / range_db).clip(0, 1) * (_COLOURS - 1)).round().astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(colours.T[::-1]))  # row 0 is the top: high frequencies
    image.putpalette(_palette(colormap))
    image.save(path, format="PNG", optimize=True)


def _magnitude(samples: Tensor, sample_rate: int) -> Samples:
    """STFT magnitude (N, F) of (T,), zero-padded to one window at least, so that short sounds can be drawn."""
    n_fft = max(2, 2 * round(0.016 * sample_rate))
    waveform = torch.from_numpy(_mono(samples))
    waveform = nn.functional.pad(waveform, (0, max(0, n_fft - len(waveform))))
    magnitude: Samples = STFT(n_fft, n_fft // 2, "hann")(waveform).abs().numpy()
    return magnitude


def _level_db(magnitude: Samples, peak: float) -> Samples:
    """Level in dB relative to `peak`; digital silence, and all of it where `peak` is 0, is -inf."""
    with np.errstate(divide="ignore"):
        return 20 * np.log10(magnitude / peak) if peak > 0 else np.full_like(magnitude, -np.inf)


def _palette(colormap: str) -> bytes:
    from matplotlib import colormaps  # here, since reading audio should not wait for it

    return np.asarray(colormaps[colormap](np.linspace(0, 1, _COLOURS), bytes=True)[:, :3]).tobytes()


def _mono(samples: Tensor) -> Samples:
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
