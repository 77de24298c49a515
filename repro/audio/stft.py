"""The short-time Fourier transform and resampling: the one file that imports torchaudio.

T samples, N frames, F = n_fft // 2 + 1 frequencies; `...` is any number of leading dimensions.
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
    """torchaudio, with its compiled extension left out where (and only where) that cannot be loaded."""
    try:
        return importlib.import_module("torchaudio")
    except (OSError, ImportError, RuntimeError) as error:
        if not _is_about_extension(error):
            raise
    # The wheel is linked against one version of CUDA: beside a CPU-only torch its library does not load, and beside a
    # torch for another CUDA it refuses to (a RuntimeError that names both versions). What we use
    # (Spectrogram, InverseSpectrogram, resample) is plain torch and does not miss it.
    sys.modules[_EXTENSION] = _extension_stub()
    return importlib.import_module("torchaudio")


def _is_about_extension(error: Exception) -> bool:
    """Whether `error` names torchaudio's shared library, or one that it is linked against."""
    libraries = ("_torchaudio", "libtorchaudio", "libtorch", "libc10", "libcud", "different CUDA versions")
    return any(library in str(error) for library in libraries)


def _extension_stub() -> ModuleType:
    """What `torchaudio._extension` would be in a build without compiled code."""
    stub: Any = ModuleType(_EXTENSION, "Stands in for the compiled extension (see repro.audio.stft).")
    stub._IS_TORCHAUDIO_EXT_AVAILABLE = False
    stub._IS_ALIGN_AVAILABLE = False
    stub._check_cuda_version = lambda: None
    stub._load_lib = lambda name: False
    stub.fail_if_no_align = _fail_if_no_align
    return stub


def _fail_if_no_align(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: torchaudio's forced alignment says that it needs the extension, instead of failing inside."""

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
"""Windows by name. All are periodic: shifted copies of a symmetric window do not add up to a constant."""


class STFT(nn.Module):
    """Centred short-time Fourier transform and its inverse, in the float type and on the device of the module.

    n_fft: window length in samples, even. hop_length: samples between frames, from 1 to n_fft / 2.
    window: a name in `WINDOWS`. The defaults are 32 ms and 8 ms at 8 kHz.

    Frame n is centred on sample n * hop_length; the ends are reflected. Values are not normalised: a unit
    sine at a bin's centre has magnitude sum(window) / 2. The inverse is exact to rounding while hop_length
    <= n_fft / 4. Above that (Hann windows) the last samples lie under one vanishing window end and come back
    noisy, or are refused by torch, unless T is a multiple of hop_length: pad it. ValueError for bad values.
    """

    def __init__(self, n_fft: int = 256, hop_length: int = 64, window: str = "sqrt_hann") -> None:
        super().__init__()
        _check(n_fft, hop_length, window)
        self.n_fft, self.hop_length, self.window = n_fft, hop_length, window
        frames = {"n_fft": n_fft, "hop_length": hop_length, "window_fn": WINDOWS[window]}
        self._spectrogram = torchaudio.transforms.Spectrogram(**frames, power=None)
        self._inverse = torchaudio.transforms.InverseSpectrogram(**frames)

    def forward(self, waveform: Tensor) -> Tensor:
        """(..., T) -> complex (..., N, F) with N = 1 + T // hop_length. Needs T > n_fft / 2, to reflect."""
        if waveform.shape[-1] <= self.n_fft // 2:
            raise ValueError(f"STFT needs more than n_fft / 2 = {self.n_fft // 2} samples, got {waveform.shape[-1]}")
        return self._spectrogram(waveform).mT

    def inverse(self, spectrogram: Tensor, length: int) -> Tensor:
        """Complex (..., N, F) -> (..., T) with T = length; `inverse(forward(x), T)` is x (see above)."""
        return self._inverse(spectrogram.mT, length)

    def extra_repr(self) -> str:
        return f"n_fft={self.n_fft}, hop_length={self.hop_length}, window='{self.window}'"


def _check(n_fft: int, hop_length: int, window: str) -> None:
    if window not in WINDOWS:
        raise ValueError(f"no window '{window}'{nearest(window, WINDOWS)}")
    if n_fft < 2 or n_fft % 2:
        raise ValueError(f"n_fft must be even and at least 2, got {n_fft}")
    # Beyond half a window, the samples between two frames are lost to the window's ends.
    if not 1 <= hop_length <= n_fft // 2:
        raise ValueError(f"hop_length must lie between 1 and n_fft / 2 = {n_fft // 2}, got {hop_length}")


def resample(waveform: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Band-limited (windowed sinc) resampling: (..., T) at `from_rate` Hz -> (..., ceil(T * to_rate / from_rate))."""
    if from_rate < 1 or to_rate < 1:
        raise ValueError(f"sample rates must be at least 1 Hz, got {from_rate} and {to_rate}")
    return torchaudio.functional.resample(waveform, from_rate, to_rate)
