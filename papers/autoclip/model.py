"""A network that is trained on waveforms, as Section 4.2 of the paper describes it.

Letters: B batch, C sources, T samples, N frames, F frequencies.
"""

from __future__ import annotations

from typing import Annotated, Any

from torch import Tensor, nn

from repro.audio.stft import STFT
from repro.registry import MODELS


@MODELS.register
class AutoclipWaveformNetwork(nn.Module):
    """Network that applies masks to the spectrogram of the mixture and inverts it, inside the network.

    `forward(mixture (B, T)) -> estimates (B, C, T)`, for `losses.SNRLoss`. `masks` is a network from magnitudes
    (B, N, F) to masks (B, C, N, F), such as `models.MaskNetwork`. The phase is that of the mixture. `estimate` is that
    of `masks`. Source: Seetharaman et al. 2020, Section 4.2.

    Example: an untrained network.

        >>> import torch
        >>> from repro.models.separation import MaskNetwork
        >>> AutoclipWaveformNetwork(MaskNetwork(hidden=4, layers=1))(torch.randn(3, 2000)).shape
        torch.Size([3, 2, 2000])
    """

    def __init__(self, masks: Annotated[Any, MODELS]) -> None:
        super().__init__()
        self.masks, self.stft = masks, STFT()

    def forward(self, mixture: Tensor) -> Tensor:
        spectrogram = self.stft(mixture)  # (B, N, F)
        masked = self.masks(spectrogram.abs()) * spectrogram.unsqueeze(1)  # (B, C, N, F)
        return self.stft.inverse(masked, mixture.shape[-1])

    def estimate(self, inputs: dict[str, Any]) -> Tensor:
        """Separate one mixture: `{"mixture": (T,), "num_sources": C} -> (C, T)`."""
        return self.masks.estimate(inputs)
