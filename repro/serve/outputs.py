"""What a model returns, as JSON. The answer of a classifier has its class and the probability of each class.

Letters: K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
import torch

from repro.errors import BadInput

TOLERANCE = 0.01  # by how much the sum of scores may differ from 1 if they are probabilities
MOST = 4_000_000  # numbers in an answer


def classes(test: Any, output: Any) -> list[str] | None:
    """The names of the classes of a classifier, for people: the dataset's, else numbers. None for another model.

    A model is a classifier if the targets of the test set are whole numbers and it returns one score for each class.
    """
    target = test[0][1]
    whole = isinstance(target, (int, np.integer)) or (isinstance(target, torch.Tensor) and target.ndim == 0)
    if not whole or not isinstance(output, torch.Tensor) or output.ndim != 1 or len(output) < 2:
        return None
    names = next((list(one.class_names) for one in _sources(test) if hasattr(one, "class_names")), [])
    return [str(name) for name in names] if len(names) == len(output) else [str(n) for n in range(len(output))]


def _sources(dataset: Any) -> Sequence[Any]:
    found = [dataset]
    while (source := getattr(found[-1], "source", None)) is not None and len(found) < 100:
        found.append(source)
    return found


def probabilities(scores: Any) -> list[float]:
    """The probability of each class. Scores that are no probabilities are logits: their softmax is taken.

    Raises BadInput if a score is not finite.

    >>> probabilities(torch.tensor([0.25, 0.75])), probabilities(torch.tensor([0.0, 0.0]))
    ([0.25, 0.75], [0.5, 0.5])
    """
    found = torch.as_tensor(scores).detach().cpu().double()
    if not found.isfinite().all():
        raise BadInput("the answer of the model is not finite", expected="another input")
    if not (found.min() >= 0 and abs(float(found.sum()) - 1) <= TOLERANCE):
        found = found.softmax(0)
    return [float(f"{one:.6g}") for one in found.tolist()]


def shown(output: Any, names: list[str] | None) -> dict[str, Any]:
    """The answer as JSON. names: those of the classes, None if the model is no classifier.

    >>> shown(torch.tensor([0.25, 0.75]), ["cat", "dog"])
    {'class': 'dog', 'number': 1, 'probability': 0.75, 'probabilities': [0.25, 0.75]}
    >>> shown({"mask": torch.tensor([[1]])}, None)
    {'answer': {'mask': [[1]]}}
    """
    if names is None:
        return {"answer": plain(output)}
    found = probabilities(output)
    number = int(np.argmax(found))
    return {"class": names[number], "number": number, "probability": found[number], "probabilities": found}


def plain(value: Any) -> Any:
    """A value of a model as lists, dicts, numbers and texts. Raises BadInput for others, and if it is too large."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        array = torch.as_tensor(value).detach().cpu()
        if array.numel() > MOST or (array.is_floating_point() and not array.isfinite().all()) or array.is_complex():
            raise BadInput("the answer of the model is not finite, or too large", expected="another input")
        return array.tolist()
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise BadInput(f"the answer of the model is a {type(value).__name__}", expected="numbers, texts, or lists of these")


def numbers(output: Any, names: list[str] | None) -> list[float]:
    """The answer as a list of numbers, for the log: probabilities, else all numbers in it.

    >>> numbers({"boxes": torch.zeros(1, 2), "scores": [0.5]}, None)
    [0.0, 0.0, 0.5]
    """
    if names is not None:
        return probabilities(output)
    return _flat(plain(output))


def _flat(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for one in value.values() for number in _flat(one)]
    if isinstance(value, list):
        return [number for one in value for number in _flat(one)]
    return [float(value)] if isinstance(value, (int, float)) else []
