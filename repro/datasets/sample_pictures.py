"""Pictures of what a generator makes: drawn during a training, shown by the record.

A trainer draws them into the folder `samples` of its run with `SamplePictures`. `panels` copies them to the examples
of the record. A picture has at most `LIMIT` bytes: if it would be larger, it gets fewer colours, then fewer pixels.

Letters: N images, C channels, H rows and W columns of an image.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.utils.data import default_collate

from repro.errors import BadInput
from repro.files import disk
from repro.registry import name_of
from repro.training.device import moved

FOLDER, LIMIT = "samples", 8_000  # of the pictures in the folder of a run; bytes of a picture
MOST, ITEMS, COLUMNS = 6, 100, 10  # pictures of a dataset; images in a picture, and in a row of it
NAME = re.compile(r"(?P<name>[a-z][a-z0-9_]*)-(?P<step>\d+)\.png")

Panel = dict[str, Any]


class SamplePictures:
    """Draws the outputs for datasets of inputs, after at most `MOST` of `validations` validations, `every` steps apart.

    shown: datasets by name, of which the first `ITEMS` items are drawn. They get `columns` images in a row if the
    dataset has this attribute. folder: of the run. Raises BadInput for a name that cannot be that of a file.
    """

    def __init__(self, shown: Mapping[str, Any], folder: Path, validations: int, every: int) -> None:
        for name, dataset in shown.items():
            if not NAME.fullmatch(f"{name}-1.png"):
                raise BadInput(
                    f"trainers.Adversarial.shown has the name {name!r}", expected="lower-case letters, digits and _"
                )
            if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__") or not len(dataset):
                said = f"trainers.Adversarial.shown has {name_of(dataset)} as {name!r}"
                raise BadInput(said, expected="a dataset with items")
        self.shown, self.folder = shown, folder / FOLDER
        pictures = min(validations, MOST)
        self.steps = {every * round(validations * number / pictures) for number in range(1, pictures + 1)}

    def check(self, model: nn.Module) -> None:
        """Draw one image of each dataset without writing it, so that what does not fit is found before the training."""
        training = model.training
        with torch.random.fork_rng(), torch.no_grad():
            model.eval()
            for dataset in self.shown.values():
                picture(self._made(model, dataset, 1))
        model.train(training)

    def forget(self, done: int) -> None:
        """Delete the pictures of steps after `done`, which an interrupted training has left."""
        for path in self.folder.glob("*.png") if self.folder.is_dir() else ():
            if (found := NAME.fullmatch(path.name)) and int(found["step"]) > done:
                path.unlink()

    def draw(self, model: nn.Module, number: int) -> None:
        """Draw what `model` makes after step `number`, if it is one of `steps`."""
        for name, dataset in self.shown.items() if number in self.steps else ():
            images = self._made(model, dataset, ITEMS)
            self.folder.mkdir(exist_ok=True)
            disk.write(self.folder / f"{name}-{number}.png", picture(images, getattr(dataset, "columns", COLUMNS)))

    @staticmethod
    def _made(model: nn.Module, dataset: Any, items: int) -> Tensor:
        """The images of the first items of a dataset."""
        place = next((one.device for one in model.parameters()), None)
        inputs = default_collate([dataset[index][0] for index in range(min(len(dataset), items))])
        return model(moved(inputs, place)).cpu()


def picture(images: Tensor, columns: int = COLUMNS, limit: int = LIMIT) -> bytes:
    """The PNG of images (N, C, H, W) in rows of `columns`; C is 1 or 3.

    Values in [0, 1] are drawn unchanged; other values are scaled from the lowest to the highest. Raises BadInput for
    another shape.

    >>> made = Image.open(io.BytesIO(picture(torch.rand(25, 1, 28, 28), columns=10)))
    >>> made.size
    (280, 84)
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise BadInput(f"pictures of the shape {tuple(images.shape)} cannot be drawn", expected="(N, 1 or 3, H, W)")
    whole = Image.fromarray(_bytes(_grid(images.detach().float(), columns)).squeeze(2).numpy())
    for shrink, colours in ((1, 16), (1, 8), (1, 4), (2, 16), (2, 8), (2, 4), (4, 8)):
        size = max(1, whole.width // shrink), max(1, whole.height // shrink)
        kept = io.BytesIO()
        whole.resize(size, Image.Resampling.BOX).quantize(colours).save(kept, format="PNG", optimize=True)
        if len(kept.getvalue()) <= limit:
            break
    return kept.getvalue()


def _grid(images: Tensor, columns: int) -> Tensor:
    """The images (N, C, H, W) as one (C, rows H, columns W), from left to right; places that are left are 0."""
    columns = min(columns, len(images))
    full = pad(images, (0, 0, 0, 0, 0, 0, 0, -len(images) % columns))
    lines = full.unflatten(0, (-1, columns))  # (rows, columns, C, H, W)
    return lines.permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2)


def _bytes(image: Tensor) -> Tensor:
    """The image (C, H, W) as bytes (H, W, C)."""
    low, high = float(image.min()), float(image.max())
    if low < 0 or high > 1:
        image = (image - low) / (high - low or 1.0)
    return (255 * image).round().to(torch.uint8).permute(1, 2, 0)


def panels(stem: Path) -> list[Panel]:
    """Copy the pictures of the run next to `stem`, a path in its folder of examples; a panel for each, by step."""
    found = sorted(_found(stem.parents[1] / FOLDER)) if len(stem.parents) > 1 else []
    made = []
    for name, step, path in found:
        shutil.copyfile(path, copy := stem.with_name(f"{stem.name}-{path.name}"))
        made.append({"label": f"{name} after {step} steps", "image": copy.name})
    return made


def _found(folder: Path) -> list[tuple[str, int, Path]]:
    """The name, the step and the path of each picture in a folder."""
    hits = [(NAME.fullmatch(path.name), path) for path in (folder.iterdir() if folder.is_dir() else ())]
    return [(hit["name"], int(hit["step"]), path) for hit, path in hits if hit]
