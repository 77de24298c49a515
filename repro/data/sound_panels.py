"""Show a separated mixture: a short FLAC and a spectrogram PNG of the mixture, the estimates and the references.

C sources, T samples, N frames, F frequencies. Nothing here changes a number, so a change of this module does not make
a record stale.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from repro.audio.files import Samples, as_mono, write_flac
from repro.audio.stft import STFT
from repro.errors import nearest

SECONDS = 1.8  # length of each sound: long enough to listen to, short enough for small records
RATE = 8000  # Hz

COLORMAPS = ("cividis", "inferno", "magma", "plasma", "viridis")
"""The allowed colormaps of matplotlib. They are perceptually uniform: equal steps in dB look equal."""

_COLOURS = 32  # steps of about 2 dB, too fine to see; 256 colours would double the size of the file


def illustrate(inputs: dict[str, Any], target: Tensor, estimate: Tensor, stem: Path) -> list[dict[str, str]]:
    """Write the sounds and spectrograms of one test item; returns one `{label, sound, image}` row per signal.

    inputs: `inputs["mixture"]` is the mixture (T,). target, estimate: (C, T). stem: the path at which all file names
    start. The estimates are sorted to match the references: the order with the largest sum of inner products.
    """
    estimate = estimate[_order(estimate, target)]
    sounds = {"mixture": inputs["mixture"]}
    sounds.update({f"estimate {number}": samples for number, samples in enumerate(estimate, 1)})
    sounds.update({f"reference {number}": samples for number, samples in enumerate(target, 1)})
    peak = spectrogram_peak(inputs["mixture"], RATE)  # one colour scale for all
    panels = []
    for label, samples in sounds.items():
        path = stem.with_name(f"{stem.name}-{label.replace(' ', '')}")
        excerpt = samples[: round(SECONDS * RATE)]
        write_flac(path.with_suffix(".flac"), excerpt, RATE)
        write_spectrogram(path.with_suffix(".png"), excerpt, RATE, peak)
        panels.append({"label": label, "sound": f"{path.name}.flac", "image": f"{path.name}.png"})
    return panels


def _order(estimate: Tensor, target: Tensor) -> list[int]:
    agreement = estimate @ target.T
    orders = itertools.permutations(range(len(target)))
    return list(max(orders, key=lambda order: sum(float(agreement[e, t]) for t, e in enumerate(order))))


def spectrogram_peak(samples: Tensor, sample_rate: int) -> float:
    """The largest STFT magnitude of `samples` (T,): use it as `peak` to give several spectrograms one colour scale."""
    return float(_magnitude(samples, sample_rate).max())


def write_spectrogram(
    path: str | os.PathLike[str],
    samples: Tensor,
    sample_rate: int,
    peak: float | None = None,
    range_db: float = 70.0,
    colormap: str = "magma",
) -> None:
    """Draw `samples` (T,) as a log spectrogram: a palette PNG, low frequencies at the bottom, one pixel per bin.

    peak: the magnitude of the brightest colour, by default the largest of `samples`. Use the mixture's peak
    (`spectrogram_peak`) for the mixture and for all estimates, so that equal colours are equal levels.
    range_db: the darkest colour is this far below `peak`, in dB, > 0. colormap: a name in `COLORMAPS`.
    Raises ValueError for another range or colormap.

    The windows are 32 ms long, every 16 ms, at every sample rate. So 2 s at 8 kHz give 126 x 129 pixels, at most 10 kB.
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
    """STFT magnitude (N, F) of (T,). Short sounds are zero-padded to one window, so that they can be drawn."""
    n_fft = max(2, 2 * round(0.016 * sample_rate))
    waveform = torch.from_numpy(as_mono(samples))
    waveform = nn.functional.pad(waveform, (0, max(0, n_fft - len(waveform))))
    magnitude: Samples = STFT(n_fft, n_fft // 2, "hann")(waveform).abs().numpy()
    return magnitude


def _level_db(magnitude: Samples, peak: float) -> Samples:
    """Level in dB relative to `peak`. It is -inf for digital silence, and everywhere if `peak` is 0."""
    with np.errstate(divide="ignore"):
        return 20 * np.log10(magnitude / peak) if peak > 0 else np.full_like(magnitude, -np.inf)


def _palette(colormap: str) -> bytes:
    from matplotlib import colormaps  # imported here, because its import is slow

    return np.asarray(colormaps[colormap](np.linspace(0, 1, _COLOURS), bytes=True)[:, :3]).tobytes()
