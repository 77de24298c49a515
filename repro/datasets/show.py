"""Files that show an item of a classification test set. Nothing here moves a number: a record does not go stale with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


def show_image(inputs: torch.Tensor, target: int, estimate: torch.Tensor, stem: Path) -> list[dict[str, str]]:
    """Nothing yet."""
    return []


def show_text(inputs: Any, target: int, estimate: torch.Tensor, stem: Path) -> list[dict[str, str]]:
    """Nothing yet."""
    return []
