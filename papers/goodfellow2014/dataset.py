"""The images of a dataset with their numbers as inputs, for models that only return stored images."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from repro.datasets import sample_pictures
from repro.registry import DATASETS


@DATASETS.register
class Numbered(Dataset[tuple[Tensor, Tensor]]):
    """The images of `source`, a dataset of (image, class), each with its number: `(n () int64, image n)`.

    It is the test set of `models.StoredImages`, as `datasets.Latent` is that of a generator.

    Example:

        >>> from repro.datasets.digits import Digits
        >>> number, image = Numbered(Digits("test"))[7]
        >>> number, image.shape
        (tensor(7), torch.Size([1, 28, 28]))
    """

    def __init__(self, source: Annotated[Any, DATASETS]) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        number = range(len(self))[index]
        return torch.tensor(number), self.source[number][0]

    def fingerprint(self) -> str:
        """Digest of the fingerprint of the source."""
        return hashlib.sha256(f"numbered {self.source.fingerprint()}".encode()).hexdigest()[:16]

    @staticmethod
    def illustrate(inputs: Tensor, target: Tensor, estimate: Tensor, stem: Path) -> list[dict[str, Any]]:
        """Write the stored image with the number of the item, and the test image with the same number."""
        made = []
        for label, image in (("stored image", estimate), ("test image with the same number", target)):
            path = stem.with_name(f"{stem.name}-{label.split()[0]}.png")
            path.write_bytes(sample_pictures.picture(image[None]))
            made.append({"label": label, "image": path.name})
        return made
