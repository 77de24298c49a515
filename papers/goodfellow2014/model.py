"""How the generator begins; stored images, with which it is compared; and the classifier of the Fréchet distance.

Letters: N training images, S stored images, B items, D pixels, K classes, F features.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from repro.errors import BadInput
from repro.models.image_classifiers import SmallCNN
from repro.models.weights import fill, read
from repro.registry import DATASETS, MODELS, name_of, wrong_value

FAR = 1e-7  # pixels that are always 0 or 1 count as this far from it, so that their bias is finite
WEIGHTS = Path(__file__).parent / "weights" / "classifier.safetensors"


@MODELS.register
class MarginalStart(nn.Module):
    """A generator that begins with the mean training image: `forward(inputs) -> images` of `generator`.

    The biases of its module `pixels` are set so that a sigmoid of them is the mean of `images`, a dataset of (image,
    class). Source: the code of the paper (`mnist.yaml`: `init_sigmoid_bias_from_marginals`). Raises BadInput for a
    generator without `pixels`, and for images of another size.

    Example: two pixels, which are on in one of four images and in all of them.

        >>> from repro.models.adversarial import DenseGenerator
        >>> images = [(torch.tensor([[[float(n == 0), 1.0]]]), 0) for n in range(4)]
        >>> model = MarginalStart(DenseGenerator(noise=1, hidden=[2], shape=[1, 1, 2]), images)
        >>> [round(value, 3) for value in model(torch.zeros(1, 1)).flatten().tolist()]
        [0.25, 1.0]
    """

    def __init__(self, generator: Annotated[Any, MODELS], images: Annotated[Any, DATASETS]) -> None:
        super().__init__()
        if not isinstance(getattr(generator, "pixels", None), nn.Linear):
            raise wrong_value(self, "generator", name_of(generator), "models.DenseGenerator")
        sums = [batch.double().flatten(1).sum(0) for batch, _ in DataLoader(images, 1000, generator=torch.Generator())]
        mean = torch.stack(sums).sum(0) / len(images)
        if len(mean) != generator.pixels.out_features:
            expected = f"images of {generator.pixels.out_features} pixels"
            raise BadInput(f"{name_of(images)} has images of {len(mean)} pixels", expected=expected)
        self.generator = generator
        with torch.no_grad():
            generator.pixels.bias.copy_(mean.clamp(FAR, 1 - FAR).logit())

    def forward(self, inputs: Any) -> Tensor:
        return self.generator(inputs)  # type: ignore[no-any-return]


@MODELS.register
class StoredImages(nn.Module):
    """A "generator" that returns stored images: `forward(numbers (B,)) -> images (B, ...)`.

    `fit` stores S = `count` random training images. With `passes` above 0 these are only the initial centres of
    k-means: each pass assigns all training images to their nearest centre, and then moves each centre to the mean of
    its images (Lloyd's algorithm, scikit-learn). Theis, van den Oord and Bethge 2016, Table 1, compare both.

    `count`: from 1, at most N. `passes`: from 0. Raises BadInput for other values, and for a number from S.

    Example: the centres of two groups of one-pixel images.

        >>> images = torch.tensor([[0.0], [0.2], [0.8], [1.0]])
        >>> model = StoredImages(count=2, passes=5)
        >>> model.fit(images, torch.zeros(4))
        >>> sorted(round(float(one), 3) for one in model(torch.tensor([0, 1])))
        [0.1, 0.9]
    """

    def __init__(self, count: int = 10_000, passes: int = 0) -> None:
        super().__init__()
        for name, value, least in (("count", count, 1), ("passes", passes, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise wrong_value(self, name, value, f"a whole number from {least}")
        self.count, self.passes = count, passes
        self.seed = int(torch.randint(2**31, ()))  # from the run's seed
        self.register_buffer("images", torch.empty(0), persistent=False)

    def fit(self, inputs: Tensor, target: Tensor) -> None:
        """Store images (S, ...) from the training images `inputs` (N, ...). The classes `target` (N,) are not used."""
        if len(inputs) < self.count:
            raise wrong_value(self, "count", self.count, f"at most {len(inputs)}, the number of training images")
        drawn = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(self.seed))[: self.count]
        self.images = self._centres(inputs.flatten(1), drawn).view(self.count, *inputs.shape[1:])

    def _centres(self, points: Tensor, drawn: Tensor) -> Tensor:
        """The centres (S, D) after all passes, from the points (N, D) whose indices are `drawn`."""
        if not self.passes:
            return points[drawn]
        from sklearn.cluster import KMeans

        first = points[drawn].numpy()
        found = KMeans(self.count, init=first, n_init=1, max_iter=self.passes, tol=0, random_state=self.seed)
        return torch.from_numpy(found.fit(points.numpy()).cluster_centers_).to(points.dtype)

    def forward(self, numbers: Tensor) -> Tensor:
        if numbers.is_floating_point() or numbers.ndim != 1:
            said = f"{name_of(self)} got inputs of shape {tuple(numbers.shape)}"
            raise BadInput(said, expected="numbers of images: a test set datasets.Numbered")
        if int(numbers.max()) >= len(self.images):
            said = f"{name_of(self)} has {len(self.images)} images, but the test set has more"
            raise BadInput(said, expected="count = the number of test images")
        return self.images[numbers]


@MODELS.register
class DigitFeatures(SmallCNN):
    """The classifier of digits, with F = 64 features for `metrics.FrechetDistance`, and the weights of its record.

    images (B, 1, 28, 28) -> scores (B, 10). The weights are those of the record `goodfellow2014/classifier-seed0`, in
    `weights/classifier.safetensors`. `checksum`: the SHA-256 of this file. Raises BadInput if the file is missing or
    another one.

    Example:

        >>> import hashlib
        >>> model = DigitFeatures(checksum=hashlib.sha256(WEIGHTS.read_bytes()).hexdigest())
        >>> model.features(torch.zeros(2, 1, 28, 28)).mean((2, 3)).shape
        torch.Size([2, 64])
    """

    def __init__(self, checksum: str) -> None:
        super().__init__(classes=10, channels=1, width=16, blocks=3)
        fill(self, read(WEIGHTS, checksum), "", str(WEIGHTS))
