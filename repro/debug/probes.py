"""Examine tensors: find the first one that is not finite, and which outputs depend on which inputs.

B is the number of items in a batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from repro.testing import apply, seeded


def leaves(values: Any) -> Iterator[torch.Tensor]:
    """Every tensor in a nested structure of dicts, lists and tuples."""
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, dict | list | tuple):
        for value in values.values() if isinstance(values, dict) else values:
            yield from leaves(value)


def finite(values: Any) -> bool:
    """Whether every tensor in `values` contains neither NaN nor infinity."""
    return all(bool(tensor.isfinite().all()) for tensor in leaves(values))


class Watch:
    """Hooks on the modules of a model; `first` names the place of the first tensor that is not finite.

    In the forward pass, it is the first module whose output is not finite. In the backward pass, it is the module for
    which the gradient of the output is finite, but the gradient of the input is not.
    """

    def __init__(self, model: nn.Module) -> None:
        self.first = ""
        self.seen: dict[int, Passed] = {}
        for name, module in model.named_modules():
            module.register_forward_pre_hook(functools.partial(self._take, name))
            module.register_forward_hook(functools.partial(self._make, name))

    def _take(self, name: str, module: nn.Module, inputs: Any) -> None:
        for tensor in leaves(inputs):
            self._follow(tensor).takers[name] = _called(name, module)

    def _make(self, name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        if not finite(output):
            self._note(f"{_called(name, module)}, in the forward pass")
        for tensor in leaves(output):
            self._follow(tensor).makers.append(_called(name, module))

    def _follow(self, tensor: torch.Tensor) -> Passed:
        if id(tensor) not in self.seen:
            self.seen[id(tensor)] = passed = Passed(tensor)
            if tensor.requires_grad:
                tensor.register_hook(lambda gradient: None if finite(gradient) else self._note(passed.place))
        return self.seen[id(tensor)]

    def _note(self, place: str) -> None:
        self.first = self.first or place


@dataclass
class Passed:
    """A tensor with the modules that returned it (the innermost first) and the modules that received it, by name."""

    tensor: torch.Tensor  # stored, so that no other tensor gets the same id
    makers: list[str] = field(default_factory=list)
    takers: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The place from which this tensor's gradient came, in words: the innermost modules that received it."""
        inner = [
            called
            for name, called in self.takers.items()
            if not any(other != name and (not name or other.startswith(f"{name}.")) for other in self.takers)
        ]
        return f"{' or '.join(inner) or f'what follows {self.makers[0]}'}, in the backward pass"


def _called(name: str, module: nn.Module) -> str:
    return f"'{name}' ({type(module).__name__})" if name else f"the model itself ({type(module).__name__})"


def not_finite(model: nn.Module, loss: Callable[[nn.Module], torch.Tensor]) -> str:
    """The place of the first tensor of a forward and a backward pass that is not finite; empty if all are finite.

    The function leaves hooks on `model`, so pass a copy.
    """
    watch = Watch(model)
    value = loss(model)
    if watch.first:
        return watch.first
    if not finite(value):
        return f"the loss, which is {value.item()}"
    value.backward()
    bad = [name for name, p in model.named_parameters() if p.grad is not None and not finite(p.grad)]
    return watch.first or (f"the gradient of '{bad[0]}'" if bad else "")


def floating(values: Any) -> bool:
    """Whether `values` contains only floating-point tensors, which can have gradients."""
    if isinstance(values, dict | list | tuple):
        return all(map(floating, values.values() if isinstance(values, dict) else values))
    return isinstance(values, torch.Tensor) and values.is_floating_point()


def by_gradient(model: nn.Module, inputs: Any) -> torch.Tensor:
    """A matrix (B, B): on how many numbers of input j the output of item i depends.

    inputs: floating-point tensors (B, ...). A number counts if its gradient is not zero. The output may be a dict of
    tensors (B, ...); then all of them count.
    """
    given = apply(inputs, lambda x: x.detach().clone().requires_grad_())
    tensors = list(leaves(given))
    outputs = list(leaves(seeded(model, given)))
    random = torch.Generator().manual_seed(0)
    rows = []
    for index in range(len(outputs[0])):
        rated = [output[index] * torch.randn(output[index].shape, generator=random) for output in outputs]
        total = torch.stack([one.sum() for one in rated]).sum()
        gradients = torch.autograd.grad(total, tensors, retain_graph=True, allow_unused=True, materialize_grads=True)
        rows.append(sum(gradient.ne(0).flatten(1).sum(1) for gradient in gradients))
    return torch.stack(rows)  # type: ignore[arg-type]


def by_exchange(model: nn.Module, inputs: Any) -> torch.Tensor:
    """A matrix (B, B): 1 if the output of item i changes when input j is replaced by the next input, else 0.

    For inputs without gradients, such as token ids or texts. The output may be a dict of tensors (B, ...).
    """
    with torch.no_grad():
        before = list(leaves(seeded(model, inputs)))
        count = len(before[0])
        columns = []
        for index in range(count):
            after = leaves(seeded(model, exchanged(inputs, index, (index + 1) % count)))
            columns.append(torch.stack([_moved(*pair) for pair in zip(after, before, strict=True)]).any(0).long())
    return torch.stack(columns, 1)


def _moved(after: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """(B,): whether the output of each item has changed."""
    near = torch.isclose(after, before, rtol=1e-4, atol=1e-5, equal_nan=True)
    return near.logical_not().reshape(len(near), -1).any(1)


def exchanged(values: Any, index: int, other: int) -> Any:
    """A copy of the batch `values` in which item `index` is replaced by item `other`."""
    if isinstance(values, dict):
        return {key: exchanged(value, index, other) for key, value in values.items()}
    changed = values.clone() if isinstance(values, torch.Tensor) else list(values)
    changed[index] = values[other]
    return changed
