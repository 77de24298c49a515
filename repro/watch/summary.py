"""The numbers that a log stores of an input, so that it need not store the image, the sound or the text itself.

Letters: T samples of a sound.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.errors import BadInput

WORD = re.compile(r"\w+")
DIGITS = 16  # hexadecimal digits of a digest

Array = npt.NDArray[np.float64]


def summary(
    inputs: Any, sample_rate: float | None = None, vocabulary: Container[str] | None = None
) -> dict[str, float]:
    """The summary of one input: a text (str), a sound (T,), or an image (H, W) or (channels, H, W).

    An image has `mean`, `deviation`, `minimum`, `maximum`, `height` and `width`. A sound has `rms` and `peak`; with its
    `sample_rate` in Hz, it also has `seconds` and `centroid` (Hz, the mean frequency of its power spectrum), and
    without one, `samples`. A text has `words` and `characters`; with the `vocabulary` of a model, in lower case, it
    also has `unseen`, the share of words that are not in it. A word is a sequence of letters and digits.

    Raises BadInput for an empty input, for one of another kind, for values that are not finite, and for a sample rate
    that is not above 0.

    Example:

        >>> summary("A dull film.", vocabulary={"a", "film"})
        {'words': 3.0, 'characters': 12.0, 'unseen': 0.3333}
        >>> summary(np.array([[0.0, 1.0]]))["mean"]
        0.5
        >>> tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
        >>> found = summary(tone, sample_rate=8000)
        >>> found["seconds"], round(found["centroid"])
        (1.0, 440)
    """
    if isinstance(inputs, str):
        return _text(inputs, vocabulary)
    values = _values(inputs)
    found = _sound(values, sample_rate) if values.ndim == 1 else _image(values)
    return {name: float(f"{value:.6g}") for name, value in found.items()}


def digest(content: bytes) -> str:
    """The name of an input in a log: the first 16 hexadecimal digits of the SHA-256 of what was sent.

    >>> digest(b"A dull film.")
    'e4cf52863c778cf3'
    """
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def _values(inputs: Any) -> Array:
    try:
        values = np.asarray(inputs, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadInput(f"no summary of a {type(inputs).__name__}", expected="a text, a sound or an image") from None
    if values.ndim not in (1, 2, 3) or not values.size:
        raise BadInput(f"no summary of an array of the shape {values.shape}", expected="a text, a sound or an image")
    if not np.isfinite(values).all():
        raise BadInput("the input has values that are not finite", expected="a finite number for each of them")
    return values


def _image(values: Array) -> dict[str, float]:
    found = {"mean": values.mean(), "deviation": values.std(), "minimum": values.min(), "maximum": values.max()}
    return {**found, "height": values.shape[-2], "width": values.shape[-1]}


def _sound(values: Array, sample_rate: float | None) -> dict[str, float]:
    found = {"rms": float(np.sqrt(np.mean(values**2))), "peak": float(np.abs(values).max())}
    if sample_rate is None:
        return {"samples": float(len(values)), **found}
    if not 0 < sample_rate < float("inf"):
        raise BadInput(f"the sample rate is {sample_rate}", expected="a number of Hz above 0")
    power = np.abs(np.fft.rfft(values)) ** 2
    total = power.sum()
    centroid = float(np.fft.rfftfreq(len(values), 1 / sample_rate) @ power / total) if total else 0.0
    return {"seconds": len(values) / sample_rate, **found, "centroid": centroid}


def _text(text: str, vocabulary: Container[str] | None) -> dict[str, float]:
    words = WORD.findall(text.lower())
    if not words:
        raise BadInput("the text has no word", expected="a text with at least one letter or digit")
    found = {"words": float(len(words)), "characters": float(len(text))}
    if vocabulary is not None:
        found["unseen"] = round(sum(word not in vocabulary for word in words) / len(words), 4)
    return found
