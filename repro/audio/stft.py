"""Short-time Fourier transform and resampling. Only this file imports torchaudio.

Letters: T samples, N frames, F = n_fft // 2 + 1 frequencies; `...` is any number of leading dimensions.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from repro.errors import nearest

_EXTENSION = "torchaudio._extension"


def _import_torchaudio() -> ModuleType:
    """Import torchaudio; if its compiled extension cannot be loaded, import it without the extension."""
    try:
        return importlib.import_module("torchaudio")
    except (OSError, ImportError, RuntimeError) as error:
        if not _is_about_extension(error):
            raise
    # torchaudio's wheel is linked against one version of CUDA. With a CPU-only torch its library does not load. With a
    # torch for another CUDA it raises a RuntimeError that names both versions. The functions that we use
    # (Spectrogram, InverseSpectrogram, resample) are plain torch and do not need the extension.
    sys.modules[_EXTENSION] = _extension_stub()
    return importlib.import_module("torchaudio")


def _is_about_extension(error: Exception) -> bool:
    """Whether `error` names torchaudio's shared library or a library that it is linked against."""
    libraries = ("_torchaudio", "libtorchaudio", "libtorch", "libc10", "libcud", "different CUDA versions")
    return any(library in str(error) for library in libraries)


def _extension_stub() -> ModuleType:
    """A replacement for `torchaudio._extension`, as in a build without compiled code."""
    stub: Any = ModuleType(_EXTENSION, "Stands in for the compiled extension (see repro.audio.stft).")
    stub._IS_TORCHAUDIO_EXT_AVAILABLE = False
    stub._IS_ALIGN_AVAILABLE = False
    stub._check_cuda_version = lambda: None
    stub._load_lib = lambda name: False
    stub.fail_if_no_align = _fail_if_no_align
    return stub


def _fail_if_no_align(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for torchaudio's forced alignment: raises an error that says that the extension is missing."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"{function.__name__} needs torchaudio's compiled extension, which this torch cannot load")

    return fail


torchaudio: Any = _import_torchaudio()


def _sqrt_hann(length: int) -> Tensor:
    return torch.hann_window(length).sqrt()


WINDOWS: dict[str, Callable[[int], Tensor]] = {
    "sqrt_hann": _sqrt_hann,
    "hann": torch.hann_window,
    "hamming": torch.hamming_window,
}
"""The windows by name. All are periodic, so that shifted copies add up to a constant."""


class STFT(nn.Module):
    """Centred short-time Fourier transform and its inverse, in the float type and on the device of the module.

    n_fft: window length in samples, even. hop_length: samples between frames, from 1 to n_fft / 2.
    window: a name in `WINDOWS`. The defaults are 32 ms and 8 ms at 8 kHz.

    Frame n is centred on sample n * hop_length. The signal is reflected at both ends. Values are not normalised: a
    sine of amplitude 1 at the centre of a bin has magnitude sum(window) / 2.

    The inverse is exact up to rounding if hop_length <= n_fft / 4. With a larger hop and a Hann window, pad T to a
    multiple of hop_length. Otherwise the last samples are noisy, or torch raises an error, because the window is
    nearly 0 there. Raises ValueError for values outside these ranges.

    Example: one second at 8 kHz, and back.

        >>> waveform, stft = torch.randn(8000), STFT()
        >>> spectrogram = stft(waveform)
        >>> spectrogram.shape, spectrogram.dtype
        (torch.Size([126, 129]), torch.complex64)
        >>> torch.allclose(stft.inverse(spectrogram, 8000), waveform, atol=1e-5)
        True
    """

    def __init__(self, n_fft: int = 256, hop_length: int = 64, window: str = "sqrt_hann") -> None:
        super().__init__()
        _check(n_fft, hop_length, window)
        self.n_fft, self.hop_length, self.window = n_fft, hop_length, window
        frames = {"n_fft": n_fft, "hop_length": hop_length, "window_fn": WINDOWS[window]}
        self._spectrogram = torchaudio.transforms.Spectrogram(**frames, power=None)
        self._inverse = torchaudio.transforms.InverseSpectrogram(**frames)

    def forward(self, waveform: Tensor) -> Tensor:
        """(..., T) -> complex (..., N, F), N = 1 + T // hop_length. Raises ValueError unless T > n_fft / 2."""
        if waveform.shape[-1] <= self.n_fft // 2:
            raise ValueError(f"STFT needs more than n_fft / 2 = {self.n_fft // 2} samples, got {waveform.shape[-1]}")
        return self._spectrogram(waveform).mT

    def inverse(self, spectrogram: Tensor, length: int) -> Tensor:
        """Complex (..., N, F) -> (..., T), where T is `length` in samples. `inverse(forward(x), T)` is x."""
        return self._inverse(spectrogram.mT, length)

    def extra_repr(self) -> str:
        return f"n_fft={self.n_fft}, hop_length={self.hop_length}, window='{self.window}'"


def _check(n_fft: int, hop_length: int, window: str) -> None:
    if window not in WINDOWS:
        raise ValueError(f"no window '{window}'{nearest(window, WINDOWS)}")
    if n_fft < 2 or n_fft % 2:
        raise ValueError(f"n_fft must be even and at least 2, got {n_fft}")
    # With a hop above half a window, the window is nearly 0 at the samples between two frames, and they are lost.
    if not 1 <= hop_length <= n_fft // 2:
        raise ValueError(f"hop_length must lie between 1 and n_fft / 2 = {n_fft // 2}, got {hop_length}")


def resample(waveform: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Band-limited (windowed sinc) resampling: (..., T) at `from_rate` Hz -> (..., ceil(T * to_rate / from_rate)).

    Raises ValueError if a rate is below 1 Hz.

    Example:

        >>> resample(torch.zeros(16000), 16000, 8000).shape
        torch.Size([8000])
    """
    if from_rate < 1 or to_rate < 1:
        raise ValueError(f"sample rates must be at least 1 Hz, got {from_rate} and {to_rate}")
    return torchaudio.functional.resample(waveform, from_rate, to_rate)
