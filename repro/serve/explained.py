"""What the page shows: pictures, the likely classes, and the explanation of an answer about an image.

Letters: C channels, H rows and W columns of an image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from repro.interval import interval
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
MOST = 5  # classes in the table

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


def overlay(one: Service, image: torch.Tensor, label: int, method: str) -> Picture:
    """The image in grey, and in red what counts for the class `label`."""
    device = next((p.device for p in one.trained.built.model.parameters()), None)
    found = METHODS[method].explain(one.trained.built.model.eval(), image.to(device), label).detach().cpu()
    share = (found / found.max().clamp(min=1e-12)).clamp(0, 1)  # (H, W)
    grey = image.detach().cpu().float().mean(0)
    grey = (grey - grey.min()) / (grey.max() - grey.min()).clamp(min=1e-12) / 2
    return _enlarged(torch.stack([grey + share / 2, grey, grey], 2).numpy())


def likely(probabilities: list[float], names: list[str]) -> list[dict[str, str]]:
    """The classes with the highest probabilities, as rows of a table.

    >>> likely([0.25, 0.75], ["cat", "dog"])
    [{'class': 'dog', 'probability': '75.0 %'}, {'class': 'cat', 'probability': '25.0 %'}]
    """
    order = sorted(range(len(names)), key=lambda number: -probabilities[number])[:MOST]
    return [{"class": names[number], "probability": f"{probabilities[number] * 100:.1f} %"} for number in order]


def truth(one: Service, index: int) -> str:
    """The name of the true class of a test item; "" if the model is no classifier."""
    target = one.dataset[index][1]
    return one.classes[int(target)] if one.classes is not None else ""


def measured(one: Service) -> str:
    """How good the model is on the test set of the page, with 95 % intervals."""
    rows = [row for row in one.trained.found.record.measurements if row.test == one.test]
    said = (f"{row.metric} {interval([row.values]).shown(str(row.identity.get('unit', '')))}" for row in rows[:3])
    return ", ".join(said) or "not measured on this test set"
