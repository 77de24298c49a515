"""Pictures of the page: an image, and the explanation of an answer about it.

Letters: C channels, H rows and W columns of an image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from repro.models.explanations import Gradient, IntegratedGradients, SmoothGrad
from repro.serve.service import Service

METHODS: dict[str, Any] = {
    "Integrated gradients": IntegratedGradients(),
    "SmoothGrad": SmoothGrad(),
    "Gradient": Gradient(),
}
"""The explanations of `repro.models.explanations` that fit every image classifier in torch."""
MEANING = "Red: pixels that count for the answer, according to this method. Another method shows other pixels."
WIDTH = 280  # pixels of a picture

Picture = npt.NDArray[np.uint8]


def is_image(value: Any) -> bool:
    """Whether a value is an image (C, H, W) with one or three channels."""
    return isinstance(value, torch.Tensor) and value.ndim == 3 and value.shape[0] in (1, 3)


def possible(one: Service, inputs: Any) -> bool:
    """Whether the answer has an explanation: of an image classifier that answers by `forward`."""
    return one.classes is not None and is_image(inputs) and not hasattr(one.trained.built.model, "estimate")


def picture(image: torch.Tensor) -> Picture:
    """An image as large pixels (H', W', 3) from 0 to 255. Values outside [0, 1] are scaled.

    >>> picture(torch.zeros(1, 8, 8)).shape
    (280, 280, 3)
    """
    values = image.detach().cpu().float()
    if values.min() < 0 or values.max() > 1:
        values = (values - values.min()) / (values.max() - values.min()).clamp(min=1e-12)
    return _enlarged(values.expand(3, *values.shape[1:]).permute(1, 2, 0).numpy())


def _enlarged(values: npt.NDArray[np.float32]) -> Picture:
    times = max(1, WIDTH // max(values.shape[:2]))
    return np.asarray(values * 255).round().astype(np.uint8).repeat(times, 0).repeat(times, 1)


def overlay(one: Service, image: torch.Tensor, method: str) -> Picture:
    """The image in grey, and in red what counts for the class that the model answers."""
    label = int(one.trained.built.estimate(image).argmax())
    device = next((p.device for p in one.trained.built.model.parameters()), None)
    found = METHODS[method].explain(one.trained.built.model.eval(), image.to(device), label).detach().cpu()
    share = (found / found.max().clamp(min=1e-12)).clamp(0, 1)  # (H, W)
    grey = image.detach().cpu().float().mean(0)
    grey = (grey - grey.min()) / (grey.max() - grey.min()).clamp(min=1e-12) / 2
    return _enlarged(torch.stack([grey + share / 2, grey, grey], 2).numpy())
