"""Checks that two networks and their loss fit together, before an adversarial training begins.

A network of your own may take other arguments than those that the training gives it, or give something else than
scores. Without these checks torch raises an error, or the networks train with scores that mean nothing.

Letters: B items, C channels, H rows and W columns of an image.
"""

from __future__ import annotations

import inspect
from typing import Any

from torch import Tensor

from repro.errors import BadInput
from repro.registry import name_of


def takes(part: Any, method: str, *names: str) -> None:
    """Raise BadInput unless the method of a part can be called with as many positional arguments as there are `names`.

    >>> from torch import nn
    >>> takes(nn.Linear(1, 1), "forward", "inputs")
    >>> takes(nn.Linear(1, 1), "forward", "images", "inputs")
    Traceback (most recent call last):
    repro.errors.BadInput: Linear.forward takes (input: torch.Tensor); expected forward(images, inputs)
    """
    wanted = f"{method}({', '.join(names)})"
    if not callable(called := getattr(part, method, None)):
        raise BadInput(f"{name_of(part)} has no method '{method}'", expected=wanted)
    try:
        signature = inspect.signature(called)
    except ValueError:  # some functions of C have none
        return
    try:
        signature.bind(*names)
    except TypeError:
        given = ", ".join(map(str, signature.parameters.values()))
        raise BadInput(f"{name_of(part)}.{method} takes ({given})", expected=wanted) from None


def as_images(found: Any, items: int, network: Any) -> Tensor:
    """What a generator made of `items` inputs, if it is a tensor of as many images. Raises BadInput otherwise.

    >>> import torch
    >>> as_images((torch.zeros(2, 1, 8, 8), None), 2, None)
    Traceback (most recent call last):
    repro.errors.BadInput: NoneType gives a tuple for 2 inputs; expected a tensor (2, ...) of floating-point numbers
    """
    if _fits(found, items):
        return found
    expected = f"a tensor ({items}, ...) of floating-point numbers"
    raise BadInput(f"{name_of(network)} gives {_kind(found)} for {items} inputs", expected=expected)


def as_scores(found: Any, images: Tensor, network: Any) -> Tensor:
    """What a discriminator gave for images (B, ...), if these are scores of each image. Raises BadInput otherwise.

    Scores are (B,) or (B, 1), or a map (B, ..., h, w) with a score for each patch. Two numbers for an image, such as
    those of a classifier with the classes "real" and "generated", are no score.

    >>> import torch
    >>> as_scores(torch.zeros(3, 2), torch.zeros(3, 1, 8, 8), None)
    Traceback (most recent call last):
    repro.errors.BadInput: NoneType gives a tensor (3, 2) for 3 images; expected scores (3,), (3, 1) or (3, ..., h, w)
    """
    if _fits(found, len(images)) and (found.ndim != 2 or found.shape[1] == 1):
        return found
    given, items = _kind(found), len(images)
    expected = f"scores ({items},), ({items}, 1) or ({items}, ..., h, w)"
    raise BadInput(f"{name_of(network)} gives {given} for {items} images", expected=expected)


def _fits(found: Any, items: int) -> bool:
    return isinstance(found, Tensor) and found.is_floating_point() and found.ndim > 0 and len(found) == items


def _kind(found: Any) -> str:
    if not isinstance(found, Tensor):
        return f"a {type(found).__name__}"
    kind = "a tensor" if found.is_floating_point() else f"a tensor of {str(found.dtype).removeprefix('torch.')}"
    return f"{kind} {tuple(found.shape)}"
