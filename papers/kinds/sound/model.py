"""A network that removes noise with a mask, as an example of a paper's own model.

Letters: B items of a batch, T samples, N frames, F frequencies.
"""

from __future__ import annotations

import torch
from torch import nn

from repro.audio.stft import STFT
from repro.registry import MODELS, wrong_value


@MODELS.register
class NoiseMask(nn.Module):
    """Recurrent network that predicts a mask: `forward(noisy (B, 1, T)) -> estimate (B, 1, T)` (Section 3).

    A GRU with `hidden` units in each direction reads the logarithm of the magnitudes (B, N, F). The mask (B, N, F) in
    [0, 1] is multiplied with the spectrogram. `n_fft`: length of a frame in samples, at least 4 and even; T must be
    larger than half of it. Raises BadInput if `hidden` is below 1.

    Example:

        >>> NoiseMask(hidden=4)(torch.randn(2, 1, 4000)).shape
        torch.Size([2, 1, 4000])
    """

    def __init__(self, hidden: int = 64, n_fft: int = 256) -> None:
        super().__init__()
        if hidden < 1:
            raise wrong_value(self, "hidden", hidden, "a whole number above 0")
        if n_fft < 4 or n_fft % 2:
            raise wrong_value(self, "n_fft", n_fft, "an even number from 4")
        self.stft = STFT(n_fft, n_fft // 2, window="hann")
        self.recurrent = nn.GRU(n_fft // 2 + 1, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, n_fft // 2 + 1)

    def forward(self, noisy: torch.Tensor) -> torch.Tensor:
        length, hop = noisy.shape[-1], self.stft.hop_length
        spectrogram = self.stft(nn.functional.pad(noisy[:, 0], (0, -length % hop)))  # (B, N, F)
        features = (spectrogram.abs() + 1e-5).log()
        hidden, _ = self.recurrent(features - features.mean(dim=(1, 2), keepdim=True))
        mask = self.out(hidden).sigmoid()  # (B, N, F)
        return self.stft.inverse(mask * spectrogram, length)[:, None]
