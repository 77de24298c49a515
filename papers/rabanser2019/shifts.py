"""The simulated shifts (Section 4, a to f).

Letters: N images, C channels, H rows, W columns. Pixels are in [0, 1].
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

SHIFTS = {
    "none": "",
    "small_gn": "gn 1",
    "medium_gn": "gn 10",
    "large_gn": "gn 100",
    "small_img": "img 10 0.05 0.1",
    "medium_img": "img 40 0.2 0.2",
    "large_img": "img 90 0.4 0.4",
    "adv": "adv",
    "ko": "ko",
    "medium_img+ko": "img 40 0.2 0.2 ko",
    "only_zero+medium_img": "img 40 0.2 0.2 zero",
}
"""What each shift does: noise (deviation, of 255), images (degrees, translation, zoom), classes that are removed."""
REMOVED = 0  # the class that is knocked out, and the only one of `only_zero`
FIXED = 0.5  # the share of changed images if the share of removed ones varies (shift e)


def shifted(
    shift: str,
    share: float,
    images: torch.Tensor,
    labels: torch.Tensor,
    attacked: torch.Tensor,
    random: torch.Generator,
) -> torch.Tensor:
    """The images (N, C, H, W) after a shift of a `share` of them; fewer than N if a class is removed.

    labels: (N,). attacked: the images as adversarial examples (N, C, H, W).

    >>> images, labels = torch.rand(8, 1, 4, 4), torch.arange(8) % 2
    >>> len(shifted("ko", 1.0, images, labels, images, torch.Generator()))
    4
    """
    words = SHIFTS[shift].split()
    kept = _kept(words, share, labels)
    images, attacked = images[kept].clone(), attacked[kept]
    share = FIXED if words[-1:] == ["ko"] and words[0] == "img" else share
    chosen = torch.randperm(len(images), generator=random)[: math.ceil(share * len(images))]
    if words[:1] == ["gn"]:
        images[chosen] = noisy(images[chosen], float(words[1]), random)
    elif words[:1] == ["img"]:
        images[chosen] = moved(images[chosen], *map(float, words[1:4]), random=random)
    elif words == ["adv"]:
        images[chosen] = attacked[chosen]
    return images


def _kept(words: list[str], share: float, labels: torch.Tensor) -> torch.Tensor:
    """The indices of the images that are not removed."""
    places = torch.arange(len(labels))
    if "zero" in words:
        return places[labels == REMOVED]
    if "ko" not in words:
        return places
    removed = places[labels == REMOVED]
    keep = torch.ones(len(labels), dtype=torch.bool)
    keep[removed[: math.ceil(share * len(removed))]] = False
    return places[keep]


def noisy(images: torch.Tensor, deviation: float, random: torch.Generator) -> torch.Tensor:
    """Gaussian noise of the `deviation` (of 255) in every pixel, clipped to [0, 1] (shift c)."""
    return (images + torch.randn(images.shape, generator=random) * deviation / 255).clamp(0, 1)


def moved(
    images: torch.Tensor, degrees: float, translation: float, zoom: float, random: torch.Generator
) -> torch.Tensor:
    """Each image rotated, moved and enlarged at random (shift d).

    The angle is up to `degrees` in both directions, the move up to `translation` of the side in x and in y, and the
    image becomes up to `1 + zoom` times as large. Pixels from outside are those of the border.
    """
    drawn = torch.rand((4, len(images)), generator=random)
    angle = (2 * drawn[0] - 1) * math.radians(degrees)
    scale = 1 / (1 + zoom * drawn[1])
    x, y = ((4 * one - 2) * translation for one in drawn[2:])  # the grid is from -1 to 1, so a side has the length 2
    cos, sin = scale * angle.cos(), scale * angle.sin()
    maps = torch.stack([torch.stack([cos, -sin, x], 1), torch.stack([sin, cos, y], 1)], 1)  # (N, 2, 3)
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def adversarial(
    images: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, epsilon: float = 0.25
) -> torch.Tensor:
    """Adversarial examples for a linear classifier: a step of `epsilon` in every pixel that increases its cost.

    weights: (C H W + 1, classes) of `linear`. The cost is the squared error. Source: shift a; Goodfellow et al. 2015.
    """
    pixels = images.flatten(1)
    errors = pixels @ weights[:-1] + weights[-1] - functional.one_hot(labels, weights.shape[1])
    return (images + epsilon * (errors @ weights[:-1].T).sign().reshape(images.shape)).clamp(0, 1)


def linear(images: torch.Tensor, labels: torch.Tensor, penalty: float = 10.0) -> torch.Tensor:
    """The weights of a linear classifier by least squares with a `penalty`, (C H W + 1, classes)."""
    pixels = torch.cat([images.flatten(1), torch.ones(len(images), 1)], 1)
    square = pixels.T @ pixels + penalty * torch.eye(pixels.shape[1])
    answers = functional.one_hot(labels).to(pixels)
    return torch.linalg.solve(square, pixels.T @ answers)
