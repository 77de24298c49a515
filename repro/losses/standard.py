"""torch's own losses, nameable in configs as they are called there: `@losses.CrossEntropyLoss()`."""

from torch import nn

from repro.registry import LOSSES

for loss in (nn.BCEWithLogitsLoss, nn.CrossEntropyLoss, nn.L1Loss, nn.MSELoss):
    LOSSES.register(loss)
