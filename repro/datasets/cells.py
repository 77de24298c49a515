"""Generated images of cells with membranes between them, as under an electron microscope. No download.

Letters: S rows and columns of an image, P cells.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from scipy import ndimage, spatial
from torch import Tensor
from torch.utils.data import Dataset

from repro.registry import DATASETS, wrong_value

Item = tuple[Tensor, Tensor]


@DATASETS.register
class Cells(Dataset[Item]):
    """Images of cells: `count` images of `size` x `size` pixels, each with `cells` cells and membranes between them.

    Item: `(image (1, S, S) float32 in [0, 1], mask (S, S) int64)`; the mask is 1 in a cell and 0 on a membrane. The
    cells are the regions that are nearest to one of `cells` random points (Voronoi); a membrane is dark. `noise`:
    standard deviation of the grain, 0 or above. `seed`: a whole number from 0; the image depends on it and on its
    index. Raises BadInput for other values.

    Example:

        >>> image, mask = Cells(count=3, size=48)[0]
        >>> image.shape, mask.unique(), 0.5 < float(mask.float().mean()) < 0.95
        (torch.Size([1, 48, 48]), tensor([0, 1]), True)
    """

    class_names = ("membrane", "cell")

    def __init__(self, count: int, size: int = 64, cells: int = 9, noise: float = 0.1, seed: int = 0) -> None:
        for name, value, least in (("count", count, 1), ("size", size, 8), ("cells", cells, 2), ("seed", seed, 0)):
            if not isinstance(value, int) or value < least:
                raise wrong_value(self, name, value, f"a whole number from {least}")
        if not 0 <= noise < np.inf:
            raise wrong_value(self, "noise", noise, "0 or a number above 0")
        self.count, self.size, self.cells, self.noise, self.seed = count, size, cells, noise, seed

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Item:
        if not 0 <= index < self.count:
            raise IndexError(index)
        random = np.random.default_rng((self.seed, index))
        points = random.uniform(0, self.size, (self.cells, 2))
        pixels = np.indices((self.size, self.size)).reshape(2, -1).T + 0.5
        away, nearest = spatial.KDTree(points).query(pixels, k=2)
        mask = (away[:, 1] - away[:, 0] > 3.0).reshape(self.size, self.size)
        grey = random.uniform(0.6, 0.9, self.cells)[nearest[:, 0]].reshape(mask.shape)
        clean = ndimage.gaussian_filter(np.where(mask, grey, 0.2), 0.7)
        image = np.clip(clean + self.noise * random.standard_normal(mask.shape), 0, 1)
        return torch.from_numpy(image).float()[None], torch.from_numpy(mask).long()

    def fingerprint(self) -> str:
        """Digest of all images, in 256 steps of grey, and masks."""
        digest = hashlib.sha256()
        for image, mask in (self[index] for index in range(len(self))):
            digest.update((image * 255).round().to(torch.uint8).numpy().tobytes() + mask.numpy().tobytes())
        return digest.hexdigest()[:16]
