"""What a record says about the training: steps of an epoch, layers of the model, memory."""

from __future__ import annotations

from typing import Any

from repro.record import Record


def trained(found: Record) -> dict[str, Any]:
    """The facts about the training. Empty for a record that has none: those of older runs, or of a fit.

    - `steps_per_epoch`: the number of steps of an epoch.
    - `model`: a row `{"name": ..., "kind": ..., "parameters": ...}` per layer.
    - `peak_memory`: the largest memory that the training used, in MiB.
    """
    return dict(getattr(found, "training", None) or {})
