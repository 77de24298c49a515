"""Files that show a separated mixture: a short FLAC and a spectrogram PNG for the mixture, estimates, references."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import torch

from repro.audio.files import spectrogram_peak, write_flac, write_spectrogram

SECONDS = 2.4  # of each sound: an example is to be heard, and the records stay small
RATE = 8000


def illustrate(inputs: dict[str, Any], target: torch.Tensor, estimate: torch.Tensor, stem: Path) -> list[dict[str, str]]:
    """Write the sounds and spectrograms of one test item beside `stem`; returns `{label, sound, image}` rows.

    The estimates are put in the order of the references that they correlate with most.
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


def _order(estimate: torch.Tensor, target: torch.Tensor) -> list[int]:
    agreement = estimate @ target.T
    orders = itertools.permutations(range(len(target)))
    return list(max(orders, key=lambda order: sum(float(agreement[e, t]) for t, e in enumerate(order))))
