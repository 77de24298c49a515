"""nussl's network and nussl's separation, as a baseline. Our own network is `repro.models.separation.EmbeddingNetwork`.

Letters: B batch, N frames, F frequencies, D embedding, C sources, T samples.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from repro.audio.nussl import import_nussl
from repro.audio.stft import WINDOWS
from repro.errors import BadInput
from repro.registry import MODELS

SAMPLE_RATE = 8000  # in Hz; nussl's signals have a rate
WINDOW, HOP = 256, 64  # samples: 32 ms and 8 ms, the defaults of nussl and of `STFT`
ACTIVATION = ["sigmoid", "unit_norm"]  # of the embeddings, in nussl's recipe for deep clustering


@MODELS.register
class NusslDeepClustering(nn.Module):
    """nussl's network and nussl's separation, as a baseline for `EmbeddingNetwork`. `trainers.NusslTrainer` trains it.

    `forward(magnitude (B, N, F)) -> (B, N, F, D)`, with D = `embedding`. F is 129, as in `STFT`. `estimate` separates a
    mixture with `nussl.separation.deep.DeepClustering`.

    The network is `nussl.ml.networks.builders.build_recurrent_dpcl`: decibels, batch normalisation over all bins,
    `layers` BLSTM layers with `hidden` cells per direction, and a linear layer. Then a sigmoid and a division by the
    norm, so the embeddings have no negative number. In training, an item's output depends on its batch, because of the
    batch normalisation.

    The separation has nussl's defaults: k-means on the 10 % loudest bins, and soft masks from the distances to the
    means. The random state of k-means is fixed; its number of starts is the default of the installed scikit-learn.

    Raises BadInput if nussl is not installed. Source: the recipe `recipes/wham/deep_clustering.py` of nussl.

    Example: an untrained network.

        >>> model = NusslDeepClustering(hidden=4, embedding=3)
        >>> model(torch.rand(2, 5, 129)).shape
        torch.Size([2, 5, 129, 3])
        >>> model.eval().estimate({"mixture": torch.randn(2000), "num_sources": 2}).shape
        torch.Size([2, 2000])
    """

    def __init__(self, hidden: int = 600, layers: int = 4, embedding: int = 20, dropout: float = 0.3) -> None:
        super().__init__()
        build = nussl().ml.networks.builders.build_recurrent_dpcl
        self.network = nussl().ml.SeparationModel(
            build(WINDOW // 2 + 1, hidden, layers, True, dropout, embedding, ACTIVATION)
        )

    def forward(self, magnitude: torch.Tensor) -> torch.Tensor:
        embedding: torch.Tensor = self.network({"mix_magnitude": as_nussl(magnitude)})["embedding"]
        return embedding.squeeze(3)  # nussl's axis of channels

    def estimate(self, inputs: dict[str, Any]) -> torch.Tensor:
        """Separate one mixture: `{"mixture": (T,), "num_sources": C} -> (C, T)`."""
        signal = nussl().AudioSignal(audio_data_array=inputs["mixture"].cpu().numpy(), sample_rate=SAMPLE_RATE)
        separator = nussl().separation.deep.DeepClustering(signal, inputs["num_sources"], random_state=0)
        self._load_into(separator)
        return torch.stack([torch.from_numpy(one.audio_data[0]) for one in separator()]).float()

    def _load_into(self, separator: Any) -> None:
        """Do what `separator.load_model` does with a file, with the network in memory."""
        transforms = nussl().datasets.transforms
        separator.model, separator.device = self.network, next(self.network.parameters()).device
        separator.transform = transforms.Compose(
            [transforms.MagnitudeSpectrumApproximation(), transforms.ToSeparationModel()]
        )
        parameters = nussl().STFTParams(window_length=WINDOW, hop_length=HOP, window_type="sqrt_hann")
        separator.metadata.update(sample_rate=SAMPLE_RATE, num_channels=1, stft_params=parameters)


def nussl() -> Any:
    """The nussl package. Raises BadInput, with the command that installs it, if it is not there."""
    try:
        return import_nussl()
    except ImportError as error:
        raise BadInput(f"this part needs nussl: {error}") from error


def as_nussl(magnitude: torch.Tensor) -> torch.Tensor:
    """Magnitudes (..., F) of `STFT` in nussl's scale, and with its axis of channels: (..., F, 1)."""
    return (magnitude / WINDOWS["sqrt_hann"](WINDOW).sum().item()).unsqueeze(-1)  # nussl divides by the window's sum
