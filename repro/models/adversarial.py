"""A generator and a discriminator, and networks for both.

Letters: B items, Z numbers of noise, K classes, C channels, H rows and W columns of an image, U units, P pieces.

A *generator* makes images (B, C, H, W) from the inputs of a dataset: noise (B, Z), a dict of `noise` and one-hot
`label` (B, K) as in `datasets.Latent`, or images. A *discriminator* is called with `(images, inputs)` and gives scores
(B,) or (B, 1), or a map (B, ..., h, w) with a score for each patch; higher is more like a real image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from repro.errors import BadInput
from repro.models.contract import as_images, as_scores, takes
from repro.registry import MODELS, name_of, wrong_value


@MODELS.register
class Adversarial(nn.Module):
    """A generator, with the discriminator that judges its images: `forward(inputs) -> images` of the generator.

    `judge(images, inputs)` gives the scores of the discriminator. `trainers.Adversarial` trains both. `generator`: a
    network that is called with `(inputs)`; `discriminator`: one that is called with `(images, inputs)`, see
    `repro.models.adversarial`. Raises BadInput if one of them is no network. `judge` and `check_data` raise it for
    networks that are called otherwise, or that give something else.

    Example:

        >>> model = Adversarial(DenseGenerator(noise=3, hidden=[8]), MaxoutDiscriminator(layers=[(4, 2)]))
        >>> images = model(torch.zeros(2, 3))
        >>> images.shape, model.judge(images, torch.zeros(2, 3)).shape
        (torch.Size([2, 1, 28, 28]), torch.Size([2, 1]))
    """

    def __init__(self, generator: Annotated[Any, MODELS], discriminator: Annotated[Any, MODELS]) -> None:
        super().__init__()
        for name, network in (("generator", generator), ("discriminator", discriminator)):
            if not isinstance(network, nn.Module):
                raise wrong_value(self, name, network, "a network, as @models.Name()")
        self.generator, self.discriminator = generator, discriminator

    def forward(self, inputs: Any) -> Tensor:
        return self.generator(inputs)

    def judge(self, images: Tensor, inputs: Any) -> Tensor:
        """The scores of images (B, ...) that belong to `inputs`; higher is more like a real image."""
        return as_scores(self.discriminator(images, inputs), images, self.discriminator)

    def check_data(self, dataset: Any) -> None:
        """Raise BadInput if a network cannot use the inputs of a dataset. A run calls it before the training."""
        if getattr(dataset, "paired", False):
            return
        if not len(dataset):
            raise BadInput(f"{name_of(dataset)} has no items")
        takes(self.generator, "forward", "inputs")
        takes(self.discriminator, "forward", "images", "inputs")
        inputs, training = default_collate([dataset[0][0]] * 2), self.training
        with torch.random.fork_rng(), torch.no_grad():
            self.eval()
            self.judge(as_images(self(inputs), 2, self.generator), inputs)
        self.train(training)


@MODELS.register
class DenseGenerator(nn.Module):
    """Fully connected generator: noise (B, Z) -> images (B, C, H, W) in [0, 1].

    Layers of `hidden` units with ReLU, then a sigmoid per pixel (Goodfellow et al. 2014; the sizes are those of its
    code). With `classes` above 0 the input is the dict of `datasets.Latent`: noise and label have a layer of their own
    with `paths` units each, and both together are the input of the hidden layers (Mirza and Osindero 2014, Section
    4.1: `paths` (200, 1000), `hidden` (1200,)).

    - `noise`: Z. `shape`: (C, H, W). `classes`: K; 0: no label. `paths`: two numbers with `classes`, else none.
    - `dropout`: the probability to drop a hidden unit, in [0, 1). `spread`: initial weights are uniform within this.
    - `mean_start`: `trainers.Adversarial` sets the initial biases of the pixels so that the images begin near the mean
      of the training set, as the code of Goodfellow et al. does. Otherwise they are 0, and the images begin grey.

    Raises BadInput for other values, and for inputs of another size.

    Example:

        >>> DenseGenerator(noise=100)(torch.randn(2, 100)).shape
        torch.Size([2, 1, 28, 28])
        >>> model = DenseGenerator(noise=5, hidden=[8], classes=10, paths=[4, 6])
        >>> model({"noise": torch.zeros(3, 5), "label": torch.eye(10)[:3]}).shape
        torch.Size([3, 1, 28, 28])
    """

    def __init__(
        self,
        noise: int = 100,
        hidden: Sequence[int] = (1200, 1200),
        shape: Sequence[int] = (1, 28, 28),
        classes: int = 0,
        paths: Sequence[int] = (),
        dropout: float = 0.0,
        spread: float = 0.05,
        mean_start: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(mean_start, bool):
            raise wrong_value(self, "mean_start", mean_start, "True or False")
        _check_sizes(self, hidden=hidden, shape=shape, noise=[noise])
        _check_numbers(self, classes, dropout, spread)
        if len(shape) != 3:
            raise wrong_value(self, "shape", shape, "channels, rows and columns, such as (1, 28, 28)")
        self.noise, self.classes, self.shape, self.mean_start = noise, classes, tuple(shape), mean_start
        first = noise
        if classes:
            _check_paths(self, paths)
            self.own = nn.ModuleList([nn.Linear(noise, paths[0]), nn.Linear(classes, paths[1])])
            first = sum(paths)
        elif paths:
            raise wrong_value(self, "paths", paths, "() without classes")
        layers = [(nn.Linear(*sizes), nn.ReLU(), nn.Dropout(dropout)) for sizes in pairwise([first, *hidden])]
        self.hidden = nn.Sequential(*(part for layer in layers for part in layer))
        self.drop = nn.Dropout(dropout if classes else 0.0)
        self.pixels = nn.Linear([first, *hidden][-1], math.prod(shape))
        _spread(self, spread)

    @torch.no_grad()
    def start(self, mean: Tensor) -> None:
        """Set the biases of the pixels so that hidden units of 0 give the image `mean` (C, H, W) in [0, 1]."""
        self.pixels.bias.copy_(mean.flatten().clamp(1e-7, 1 - 1e-7).logit())

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        noise, label = _parts(self, inputs)
        if noise.shape[1:] != (self.noise,):
            raise wrong_value(self, "noise", self.noise, f"{noise.shape[1]}, as the inputs have")
        joint = noise
        if label is not None:
            found = [layer(given).relu() for layer, given in zip(self.own, (noise, label), strict=True)]
            joint = self.drop(torch.cat(found, 1))
        return self.pixels(self.hidden(joint)).sigmoid().unflatten(1, self.shape)


@MODELS.register
class MaxoutDiscriminator(nn.Module):
    """Fully connected discriminator of maxout units with dropout: images (B, C, H, W) -> scores (B, 1).

    Each of `layers` is (units U, pieces P): a unit is the largest of P linear functions. With `classes` above 0 the
    label has a layer of its own, `label_layer`, whose units join those of the first layer (Mirza and Osindero 2014,
    Section 4.1: `layers` ((240, 5), (240, 4)), `label_layer` (50, 5)).

    - `shape`: (C, H, W). `classes`: K; 0: no label. `label_layer`: (U, P) with `classes`, else none.
    - `dropout`: the probabilities to drop a pixel and a unit, in [0, 1). `spread`: initial weights are uniform in it.

    The defaults are those of the code of Goodfellow et al. 2014 for MNIST. Raises BadInput for other values, and for
    inputs of another size.

    Example:

        >>> MaxoutDiscriminator()(torch.rand(2, 1, 28, 28), None).shape
        torch.Size([2, 1])
    """

    def __init__(
        self,
        layers: Sequence[tuple[int, int]] = ((240, 5), (240, 5)),
        shape: Sequence[int] = (1, 28, 28),
        classes: int = 0,
        label_layer: Sequence[int] = (),
        dropout: tuple[float, float] = (0.2, 0.5),
        spread: float = 0.005,
    ) -> None:
        super().__init__()
        _check_layers(self, layers)
        _check_sizes(self, shape=shape)
        if not isinstance(dropout, tuple | list) or len(dropout) != 2:
            raise wrong_value(self, "dropout", dropout, "two numbers from 0, below 1")
        for share in dropout:
            _check_numbers(self, classes, share, spread)
        self.classes, self.shape = classes, tuple(shape)
        joined = [layers[0][0], *(units for units, _ in layers[1:])]
        if classes:
            _check_label_layer(self, label_layer)
            self.label = Maxpieces(classes, *label_layer)
            joined[0] += label_layer[0]
        elif label_layer:
            raise wrong_value(self, "label_layer", label_layer, "() without classes")
        inputs = [math.prod(shape), *joined[:-1]]
        sizes = zip(inputs, layers, strict=True)
        self.layers = nn.ModuleList(Maxpieces(before, units, pieces) for before, (units, pieces) in sizes)
        self.drop = nn.ModuleList([nn.Dropout(dropout[0]), nn.Dropout(dropout[1])])
        self.score = nn.Linear(joined[-1], 1)
        _spread(self, spread)

    def forward(self, images: Tensor, inputs: Any) -> Tensor:
        if tuple(images.shape[1:]) != self.shape:
            raise wrong_value(self, "shape", self.shape, f"{tuple(images.shape[1:])}, as the images have")
        units = self.layers[0](self.drop[0](images.flatten(1)))
        if self.classes:
            _, label = _parts(self, inputs)
            units = torch.cat([units, self.label(label)], 1)
        for layer in self.layers[1:]:
            units = layer(self.drop[1](units))
        return self.score(self.drop[1](units))


class Maxpieces(nn.Module):
    """A layer of maxout units: each is the largest of `pieces` linear functions of its inputs."""

    def __init__(self, inputs: int, units: int, pieces: int) -> None:
        super().__init__()
        self.pieces, self.linear = pieces, nn.Linear(inputs, units * pieces)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.linear(inputs).unflatten(-1, (-1, self.pieces)).amax(-1)


def _parts(model: Any, inputs: Tensor | dict[str, Tensor]) -> tuple[Tensor, Any]:
    """The noise, and the label for a model with classes. Raises BadInput for inputs of another kind."""
    if not model.classes:
        if not isinstance(inputs, Tensor):
            raise wrong_value(model, "classes", 0, "the number of classes, because the inputs have labels")
        return inputs, None
    if not isinstance(inputs, dict) or not {"noise", "label"} <= inputs.keys():
        raise wrong_value(model, "classes", model.classes, "0, because the inputs have no label")
    if inputs["label"].shape[1:] != (model.classes,):
        raise wrong_value(model, "classes", model.classes, f"{inputs['label'].shape[-1]}, as the labels have")
    return inputs["noise"], inputs["label"]


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _check_sizes(model: nn.Module, **lists: Sequence[int]) -> None:
    """Raise BadInput unless each list has at least one whole number, all from 1."""
    for name, sizes in lists.items():
        if not isinstance(sizes, tuple | list) or not sizes or not all(_whole(size, 1) for size in sizes):
            given, expected = (
                (sizes[0], "a whole number from 1") if name == "noise" else (sizes, "whole numbers from 1")
            )
            raise wrong_value(model, name, given, expected)


def _check_numbers(model: nn.Module, classes: int, dropout: float, spread: float) -> None:
    if not _whole(classes, 0) or classes == 1:
        raise wrong_value(model, "classes", classes, "0 or a whole number from 2")
    if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise wrong_value(model, "dropout", dropout, "a number from 0, below 1")
    if not isinstance(spread, int | float) or not 0 < spread < math.inf:
        raise wrong_value(model, "spread", spread, "a number above 0")


def _check_paths(model: nn.Module, paths: Sequence[int]) -> None:
    if not isinstance(paths, tuple | list) or len(paths) != 2 or not all(_whole(size, 1) for size in paths):
        raise wrong_value(model, "paths", paths, "two whole numbers: the units for the noise and for the label")


def _check_layers(model: nn.Module, layers: Sequence[Sequence[int]]) -> None:
    good = isinstance(layers, tuple | list) and layers and all(map(_is_layer, layers))
    if not good:
        raise wrong_value(model, "layers", layers, "pairs of units and pieces, such as ((240, 5), (240, 5))")


def _check_label_layer(model: nn.Module, layer: Sequence[int]) -> None:
    if not _is_layer(layer):
        raise wrong_value(model, "label_layer", layer, "units and pieces, such as (50, 5)")


def _is_layer(layer: Any) -> bool:
    return isinstance(layer, tuple | list) and len(layer) == 2 and all(_whole(size, 1) for size in layer)


def _spread(model: nn.Module, spread: float) -> None:
    """Uniform initial weights within `spread`; biases are 0."""
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.uniform_(layer.weight, -spread, spread)
            nn.init.zeros_(layer.bias)
