"""torch's own optimizers and learning-rate schedules, nameable in configs: `@torch.optim.Adam()`.

`torch.optim.Adam.lr = 1e-3` binds a parameter; a misspelt one is refused by its signature.
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
