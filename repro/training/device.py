"""The device of a training (the GPU of this process, otherwise the processor), and copies from and to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch


class Later:
    """The numbers of a one-dimensional tensor, to be read later.

    Reading a number from a GPU waits until the GPU has done all that it was given before. Here the copy is ordered at
    once and read when it is complete, so the GPU always has work.

    >>> Later(torch.tensor([1.0, 2.0])).numbers()
    [1.0, 2.0]
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.copied: torch.cuda.Event | None = None
        self.tensor = tensor.to("cpu", non_blocking=tensor.is_cuda)
        if tensor.is_cuda:
            self.copied = torch.cuda.Event()
            self.copied.record()

    def numbers(self) -> list[float]:
        """The numbers; waits until they are copied."""
        if self.copied is not None:
            self.copied.synchronize()
        return list(map(float, self.tensor.tolist()))


def here() -> torch.device:
    """The accelerator of this process if there is one, otherwise the CPU.

    `CUDA_VISIBLE_DEVICES=` (empty) makes it the CPU.
    """
    found = torch.accelerator.current_accelerator(check_available=True)
    if found is None:
        return torch.device("cpu")
    return torch.device(found.type, torch.accelerator.current_device_index()) if found.type == "cuda" else found


def moved(value: Any, device: torch.device | None) -> Any:
    """`value` with all its tensors on `device`; other values are unchanged. None: no tensor is moved.

    value: a tensor, or a nested mapping, list or tuple of tensors. The copy to a GPU does not wait until it is complete
    if the tensor is in pinned memory.

    >>> moved({"x": torch.zeros(1), "name": "a"}, torch.device("cpu"))
    {'x': tensor([0.]), 'name': 'a'}
    """
    if isinstance(value, torch.Tensor):
        return value if device is None else value.to(device, non_blocking=device.type == "cuda")
    if isinstance(value, Mapping):
        return type(value)({key: moved(one, device) for key, one in value.items()})  # type: ignore[call-arg]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(moved(one, device) for one in value))
    if isinstance(value, (list, tuple)):
        return type(value)(moved(one, device) for one in value)
    return value
