"""The images that a service was sent, from its log.

Letters: C channels, H rows, W columns.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import re
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from repro.claim import paper
from repro.data.panels import show_image
from repro.errors import BadInput, where
from repro.files import regular
from repro.registry import DATASETS

FOLDER = "logs"
"""The folder of a paper with its logs."""
PATH = re.compile(r"papers/(?P<paper>\w{1,80})/logs/(?P<file>[\w-][\w.-]{0,80}\.jsonl)")
FORMATS = ("PNG", "JPEG", "BMP")  # those that a service reads
MODES = ("L", "RGB")
MOST = 500_000_000  # bytes of a log
PIXELS = 16_000_000

Item = tuple[Tensor, int]


@DATASETS.register
class LoggedImages(Dataset[Item]):
    """The images in the log of a service, with the class that its model answered.

    Item: `(image (C, H, W) float32 in [0, 1], class int)`. The class is that with the highest probability, not a true
    one: people correct it (`repro labels select`). log: `papers/<paper>/logs/<name>.jsonl`, a copy of the log that
    `repro serve --log FILE --log-inputs` wrote. `class_names`: the names of the classes, if the log has them.

    Raises BadInput for another path and for an unknown paper. Reading an item raises BadInput, with file and line, if
    the file is not such a log, if an answer is not of a classifier, or if an image is not in the log or is damaged.

    Example: a log with one black image of 2 x 2 pixels.

        >>> file = io.BytesIO()
        >>> Image.new("L", (2, 2), 0).save(file, format="PNG")
        >>> from pathlib import Path
        >>> rows = [{"repro_log": 1, "classes": ["cat", "dog"]}, {"answer": [0.25, 0.75]}]
        >>> rows[1]["input"] = base64.b64encode(file.getvalue()).decode()
        >>> images = LoggedImages("papers/template/logs/first.jsonl")
        >>> images.path = Path("first.jsonl")
        >>> size = images.path.write_text("".join(f"{json.dumps(row)}\\n" for row in rows))
        >>> len(images), images[0], images.class_names
        (1, (tensor([[[0., 0.],
                 [0., 0.]]]), 1), ['cat', 'dog'])
    """

    illustrate = staticmethod(show_image)

    def __init__(self, log: str) -> None:
        if not (hit := PATH.fullmatch(log)):
            raise BadInput(f"the log is {log!r:.120}", expected="papers/PAPER/logs/NAME.jsonl")
        self.path = paper.folder_of(hit["paper"]) / FOLDER / hit["file"]

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        """The lines of the log. A last line that is cut, because the service was killed, is left out."""
        regular.check(self.path, MOST)
        lines = self.path.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        rows = [_row(line, f"{where(self.path)}:{number}") for number, line in enumerate(whole, 1)]
        if not rows or rows[0].get("repro_log") != 1:
            raise BadInput("is not the log of a service", where(self.path), expected="a file that `repro serve` wrote")
        return rows

    @property
    def class_names(self) -> list[str]:
        """The names of the classes. Raises AttributeError if the log has none, as for a dataset without them."""
        names = self._rows[0].get("classes")
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise AttributeError("class_names")
        return names

    def __len__(self) -> int:
        return len(self._rows) - 1

    def __getitem__(self, index: int) -> Item:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        number = index % len(self) + 1
        row, place = self._rows[number], f"{where(self.path)}:{number + 1}"
        return _image(row.get("input"), place), _answer(row.get("answer"), place)

    def fingerprint(self) -> str:
        """Digest of the pixels and of the answered classes."""
        digest = hashlib.sha256(str(len(self)).encode())
        for image, answer in map(self.__getitem__, range(len(self))):
            digest.update(f"{tuple(image.shape)} {answer}".encode())
            digest.update((image * 255).round().to(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]


def _row(line: bytes, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise BadInput("is not a line of a log", place, expected="an object of JSON")
    return row


def _answer(given: Any, place: str) -> int:
    """The class with the highest probability."""
    if not isinstance(given, list) or len(given) < 2 or not all(map(_is_probability, given)):
        raise BadInput(f"its answer is {given!r:.60}", place, expected="a probability for each class")
    return int(np.argmax(given))


def _is_probability(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 <= value <= 1


def _image(given: Any, place: str) -> Tensor:
    """The pixels (C, H, W) of an image file in base64."""
    if not isinstance(given, str) or not given:
        raise BadInput("has no input", place, expected="a log of `repro serve --log FILE --log-inputs`")
    try:
        with Image.open(io.BytesIO(base64.b64decode(given, validate=True)), formats=FORMATS) as opened:
            if opened.mode not in MODES or opened.width * opened.height > PIXELS:
                raise ValueError(f"{opened.mode}, {opened.height} x {opened.width} pixels")
            pixels = np.array(opened)
    except Exception as error:  # Pillow raises errors of many kinds for damaged files
        what = f"its input is not an image: {' '.join(str(error).split()):.80}"
        raise BadInput(what, place, expected=f"a file of the kind {', '.join(FORMATS)}, grey or RGB") from None
    return torch.from_numpy(pixels).reshape(*pixels.shape[:2], -1).permute(2, 0, 1).contiguous() / 255
