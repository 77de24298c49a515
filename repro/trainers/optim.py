"""Optimizers and learning-rate schedules of torch that a config can name, such as `@torch.optim.Adam()`.

`torch.optim.Adam.lr = 1e-3` sets a parameter. A misspelt parameter is an error.
"""

import torch

from repro.registry import adopt

adopt(torch.optim, [name for name in torch.optim.__all__ if isinstance(getattr(torch.optim, name), type)])
adopt(
    torch.optim.lr_scheduler,
    [
        "ConstantLR",
        "CosineAnnealingLR",
        "ExponentialLR",
        "LinearLR",
        "MultiStepLR",
        "OneCycleLR",
        "PolynomialLR",
        "ReduceLROnPlateau",
        "StepLR",
    ],
)
