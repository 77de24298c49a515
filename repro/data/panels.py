"""Show a classified item: the image or the shortened text, its class, the model's answer and the scores.

K classes, H height, W width. A dataset uses one of the two functions, with or without the names of its classes:

    illustrate = staticmethod(show_image)
    illustrate = staticmethod(functools.partial(show_text, classes=("negative", "positive")))

An image is written as a PNG. Class, answer and scores are in the returned panel, which the page draws. Nothing here
changes a number. But the module counts as core: after a change of it, run `repro renew`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

LONGEST = 96  # pixels: the maximum of the longer side; with it, a PNG is below 10 kB
COLOURS = 128  # the maximum number of colours of a colour image, to keep its PNG small
SHOWN = 10  # how many of the highest scores are shown; the score of the true class is always shown
HEAD, TAIL = 320, 160  # characters: how much of the beginning and of the end of a longer text is shown

Panel = dict[str, Any]
"""The description of one picture, text or sound on the page. `repro.report.examples` explains the keys."""


def show_image(inputs: Any, target: Any, estimate: Any, stem: Path, classes: Sequence[str] = ()) -> list[Panel]:
    """Write `<stem>.png` and return one panel with the image and the model's answer.

    inputs: the image (H, W), (1, H, W) or (3, H, W), or a flat square image (H * H,). Values in [0, 1] are shown
    unchanged; other values are scaled from the lowest (black) to the highest (white). target: the true class, an int in
    [0, K). estimate: scores (K,); the answer is the class with the highest score. Raises ValueError for another shape.
    """
    path = stem.with_name(f"{stem.name}.png")
    _picture(_pixels(np.asarray(inputs, dtype=float))).save(path, format="PNG", optimize=True)
    return [{"image": path.name, **_answer(target, estimate, classes)}]


def show_text(inputs: Any, target: Any, estimate: Any, stem: Path, classes: Sequence[str] = ()) -> list[Panel]:
    """Return one panel with the shortened text and the model's answer; no file is written.

    inputs: the text itself; a dataset of word indices must convert them back to text first. target: the true class, an
    int in [0, K). estimate: scores (K,); the answer is the class with the highest score. Raises ValueError if inputs is
    not a text.
    """
    if not isinstance(inputs, str):
        raise ValueError(f"show_text was given a {type(inputs).__name__}; expected the text itself")
    return [{"text": shortened(inputs), **_answer(target, estimate, classes)}]


def shortened(text: str, head: int = HEAD, tail: int = TAIL) -> str:
    """The first `head` and the last `tail` characters of `text`, in whole words, with … between them.

    >>> shortened("one two three four five six seven", head=8, tail=10)
    'one two … six seven'
    """
    words = " ".join(text.split())
    if len(words) <= head + tail:
        return words
    begin, end = words[:head], words[-tail:]
    return f"{begin.rpartition(' ')[0] or begin} … {end.partition(' ')[2] or end}"


def _answer(target: Any, estimate: Any, classes: Sequence[str]) -> Panel:
    """The true class, the answer, and the scores in the order of the classes; a score that is not finite is None."""
    scores, truth = np.asarray(estimate, dtype=float), int(target)
    if scores.ndim != 1:
        raise ValueError(f"the estimate has the shape {scores.shape}; expected a score per class (K,)")
    answer = int(scores.argmax())
    kept = sorted({answer, truth, *np.argsort(-scores, kind="stable")[:SHOWN].tolist()})
    names = [classes[index] if classes else str(index) for index in range(len(scores))]
    return {
        "truth": names[truth],
        "answer": names[answer],
        "scores": [[names[index], _rounded(float(scores[index]))] for index in kept],
    }


def _rounded(score: float) -> float | None:
    return float(f"{score:.4g}") if math.isfinite(score) else None


def _pixels(image: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """The image as bytes (H, W) or (H, W, 3)."""
    side = math.isqrt(image.size)
    if image.ndim == 1 and side * side == image.size:
        image = image.reshape(side, side)
    if image.ndim == 3 and image.shape[0] in (1, 3):
        image = image.squeeze(0) if image.shape[0] == 1 else image.transpose(1, 2, 0)
    elif image.ndim != 2:
        raise ValueError(f"an image has the shape {image.shape}; expected (H, W), (1, H, W), (3, H, W) or (H * H,)")
    low, high = float(image.min()), float(image.max())
    if low < 0 or high > 1:
        image = (image - low) / (high - low or 1.0)
    return (255 * image).round().astype(np.uint8)


def _picture(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    """The image, scaled down to at most `LONGEST` pixels; the page enlarges it."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    return picture.quantize(COLOURS) if picture.mode == "RGB" else picture
