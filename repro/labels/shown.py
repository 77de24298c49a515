"""What an annotator sees or hears of an item: a text, a picture, or a sound with its spectrogram."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.audio.files import write_flac
from repro.data.panels import show_image
from repro.data.sound_panels import write_spectrogram
from repro.datasets import label_table
from repro.errors import BadInput
from repro.untrusted import UNSEEN


@dataclass(frozen=True)
class Shown:
    """An item for people: its complete text, or the files of its picture and its sound. Empty if it has none."""

    text: str = ""
    image: Path | None = None
    sound: Path | None = None


def show(dataset: Any, index: int, scores: Any, stem: Path) -> Shown:
    """Write the files of item `index` of `dataset`; their names start with `stem`.

    scores: those of the model (K,). The item is shown as that of the first dataset which can show it: the dataset, or
    one that it was made from item by item (`label_table.origins`). A dataset can if its items are texts, if it has
    `illustrate`, or if it has a `sample_rate` and items of samples (T,). If none can, the item must be an image.
    Raises BadInput if it is not.
    """
    origins = list(label_table.origins(dataset))
    own = next((one for one in origins if _can(one, one[index][0])), dataset)
    inputs, target = own[index]
    if isinstance(inputs, str):
        return Shown(text=visible(inputs))
    try:
        return _panel(own, inputs, target, scores, stem)
    except (ValueError, TypeError) as error:
        what = f"item {index} of {type(dataset).__name__} cannot be shown: {error}"
        expected = "a text, an image, samples with a sample_rate, or a dataset with illustrate"
        raise BadInput(what, expected=expected) from None


def _can(dataset: Any, inputs: Any) -> bool:
    sound = hasattr(dataset, "sample_rate") and getattr(inputs, "ndim", 0) == 1
    return isinstance(inputs, str) or hasattr(dataset, "illustrate") or sound


def visible(text: str) -> str:
    """The text with a replacement character for each control character and each invisible one."""
    return UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _panel(dataset: Any, inputs: Any, target: Any, scores: Any, stem: Path) -> Shown:
    if hasattr(dataset, "illustrate"):
        panel = dataset.illustrate(inputs, target, scores, stem)[0]
    elif hasattr(dataset, "sample_rate"):
        panel = _sound(inputs, dataset.sample_rate, stem)
    else:
        panel = show_image(inputs, target, scores, stem)[0]
    files = {key: stem.parent / panel[key] for key in ("image", "sound") if key in panel}
    return Shown(visible(panel.get("text", "")), **files)


def _sound(samples: Any, rate: int, stem: Path) -> dict[str, str]:
    write_flac(stem.with_suffix(".flac"), samples, rate)
    write_spectrogram(stem.with_suffix(".png"), samples, rate)
    return {"sound": f"{stem.name}.flac", "image": f"{stem.name}.png"}
