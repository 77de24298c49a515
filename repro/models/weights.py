"""Weights from a file, for a model that was trained elsewhere, for example on more images.

Letters: B items, K classes.
"""

from __future__ import annotations

import hashlib
import pickle  # nosec B403  # only the error that torch.load raises
import struct
from pathlib import Path
from typing import Annotated, Any

import safetensors
import torch
from safetensors.torch import load
from torch import Tensor, nn

import papers
from repro.errors import BadInput
from repro.registry import MODELS, name_of, wrong_value

WRITTEN = "what torch.save(model.state_dict()) writes"
BROKEN = (safetensors.SafetensorError, RuntimeError, ValueError, LookupError, EOFError, struct.error)
"""What the readers raise for damaged files."""


@MODELS.register
class WithWeights(nn.Module):
    """A model that starts with the weights of a file: `forward` is that of `model`.

    `file`: a `.safetensors` file, or a `.pt` or `.pth` file with a dict of tensors; a relative path is relative to the
    working directory, to the nearest folder above it that has the file, or to the folder where the papers are.
    `checksum`: its SHA-256, from `sha256sum`. It is a part of the config, so a record says which weights were used.
    Names and shapes of the weights must be those of `model`. `head`: the layer that makes scores. If the file has no
    weights for it, or weights for another number of classes, the head keeps its random weights; `model.fresh` then
    names these weights. `head` "": no exception. Code in a file is never run.

    Raises BadInput if the file is missing, is broken or has another checksum, for a name or shape that differs, and
    for a weight that is not finite.

    Example: weights for two classes, and a model for three.

        >>> from safetensors.torch import save_file
        >>> from repro.models.image_classifiers import SmallCNN
        >>> save_file(SmallCNN(classes=2, width=4, blocks=1).state_dict(), "weights.safetensors")
        >>> checksum = hashlib.sha256(Path("weights.safetensors").read_bytes()).hexdigest()
        >>> model = WithWeights(SmallCNN(classes=3, width=4, blocks=1), "weights.safetensors", checksum)
        >>> model(torch.rand(2, 3, 8, 8)).shape, model.fresh
        (torch.Size([2, 3]), ['head.bias', 'head.weight'])
    """

    def __init__(self, model: Annotated[Any, MODELS], file: str, checksum: str, head: str = "head") -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise wrong_value(self, "model", model, "a model with weights")
        if head and head not in dict(model.named_modules()):
            names = [name for name, _ in model.named_modules() if name]
            said = f"{name_of(self)}.head: {name_of(model)} has no layer '{head}'"
            raise BadInput(said, given=head, known=names, parameter="head", value=head)
        self.model = model
        self.fresh = fill(model, read(Path(file), checksum), head, file)

    @property
    def features(self) -> Any:
        """The module `features` of the model."""
        return self.model.features

    def forward(self, inputs: Tensor) -> Any:
        return self.model(inputs)


def read(path: Path, checksum: str) -> dict[str, Tensor]:
    """The weights in a file, by name. Raises BadInput if it is missing or broken, or has another SHA-256."""
    if path.suffix not in (".safetensors", ".pt", ".pth"):
        raise BadInput("is not a file of weights", str(path), expected=".safetensors, .pt or .pth")
    roots = (Path(root).parent for root in papers.__path__)
    places = (folder / path for folder in (Path.cwd(), *Path.cwd().parents, *roots))
    path = next((place for place in places if place.is_file()), path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(path), expected="a file of weights") from None
    if (found := hashlib.sha256(content).hexdigest()) != checksum.lower().removeprefix("sha256:"):
        raise BadInput(f"has the SHA-256 {found}", str(path), expected=checksum)
    try:
        weights = load(content) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise BadInput("is damaged, or has more than tensors", str(path), expected=WRITTEN) from None
    except BROKEN as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(f"cannot be read: {reason:.100}", str(path)) from None
    if not isinstance(weights, dict) or not all(isinstance(one, Tensor) for one in weights.values()):
        raise BadInput("has no dict of tensors", str(path), expected=WRITTEN)
    if wrong := [name for name, one in weights.items() if not one.isfinite().all()]:
        raise BadInput(f"the weight '{wrong[0]}' has a value that is not finite", str(path))
    return weights


def fill(model: nn.Module, weights: dict[str, Tensor], head: str, place: str) -> list[str]:
    """Copy `weights` into `model`; returns the names of the weights of the layer `head` that stay as they are."""
    own = model.state_dict()
    of_head = [name for name in own if head and name.startswith(f"{head}.")]
    fresh = [name for name in of_head if name not in weights or weights[name].shape != own[name].shape]
    fresh = of_head if fresh else []
    if unknown := sorted(set(weights) - set(own)):
        raise BadInput(f"has a weight '{unknown[0]}'", place, given=unknown[0], known=own)
    if missing := sorted(set(own) - set(weights) - set(fresh)):
        raise BadInput(f"has no weight '{missing[0]}'", place, given=missing[0], known=weights)
    for name in sorted(set(own) - set(fresh)):
        if weights[name].shape != own[name].shape:
            said = f"the weight '{name}' has the shape {tuple(weights[name].shape)}"
            raise BadInput(said, place, expected=str(tuple(own[name].shape)))
    model.load_state_dict({name: own[name] if name in fresh else weights[name] for name in own})
    return sorted(fresh)
