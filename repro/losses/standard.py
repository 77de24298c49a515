"""Losses of torch that a config can name: BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss.

A config names them as `@losses.CrossEntropyLoss()`.

Example:

    >>> import torch
    >>> LOSSES["MSELoss"]()(torch.zeros(2), torch.ones(2))
    tensor(1.)
"""

from torch import nn

from repro.registry import LOSSES

for loss in (nn.BCEWithLogitsLoss, nn.CrossEntropyLoss, nn.L1Loss, nn.MSELoss):
    LOSSES.register(loss)
