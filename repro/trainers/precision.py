"""Mixed precision: torch's autocast in the forward pass of a model."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Literal

import torch
from torch import nn

TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


class Autocast:
    """In a `with` block, `model` computes in lower precision; its outputs are float32, so the loss is computed in that.

    precision: "fp16", "bf16", or "no": nothing changes. device: that of the model.

    Example:

        >>> model = nn.Linear(2, 1)
        >>> with Autocast(model, torch.device("cpu"), "bf16"):
        ...     low = model(torch.ones(1, 2))
        >>> low.dtype, bool((low - model(torch.ones(1, 2))).abs() < 0.02)
        (torch.float32, True)
    """

    def __init__(self, model: nn.Module, device: torch.device, precision: Literal["no", "fp16", "bf16"]) -> None:
        self.model, self.device, self.type = model, device, TYPES.get(precision)
        self.hooks: list[Any] = []

    def __enter__(self) -> Autocast:
        if self.type is not None:
            self.hooks = [
                self.model.register_forward_pre_hook(self._begin, prepend=True),
                self.model.register_forward_hook(self._end, always_call=True),
            ]
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for hook in self.hooks:
            hook.remove()

    def _begin(self, model: nn.Module, given: Any) -> None:
        self.active = torch.autocast(self.device.type, self.type)
        self.active.__enter__()

    def _end(self, model: nn.Module, given: Any, output: Any) -> Any:
        self.active.__exit__(None, None, None)
        return _full(output)


def _full(output: Any) -> Any:
    """The tensors of lower precision in `output` as float32."""
    if isinstance(output, torch.Tensor):
        return output.float() if output.dtype in TYPES.values() else output
    if isinstance(output, dict):
        return {key: _full(one) for key, one in output.items()}
    if isinstance(output, (list, tuple)):
        return type(output)(_full(one) for one in output)
    return output
