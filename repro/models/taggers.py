"""Taggers: networks that give each sample of a signal a logit, for example whether it is a trigger.

Letters: B items, T samples, H hidden units, C channels, W samples of context.

A tagger has `forward(signal (B, T) float32) -> logits (B, T)` and three numbers:

- `past`: how many earlier samples the logit of a sample depends on. None: on all of them.
- `future`: how many later samples it depends on; 0 for a *causal* tagger. None: on all of them.

`repro.models.peaks` makes marks of the logits, and `repro.models.streaming` runs a causal tagger as the samples come.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.registry import MODELS, wrong_value

Cell = Literal["lstm", "gru"]
State = tuple[Tensor, ...] | Tensor | None


@MODELS.register
class RecurrentTagger(nn.Module):
    """A recurrent network with a linear layer: signal (B, T) -> logits (B, T).

    `cell`: "lstm" or "gru". `hidden`: H, from 1. `layers`: from 1. `causal`: if true, a logit depends only on earlier
    samples; if false, the network runs in both directions. Raises BadInput for another value.

    Example:

        >>> RecurrentTagger("gru", hidden=8)(torch.rand(3, 50)).shape
        torch.Size([3, 50])
    """

    past: int | None = None
    future: int | None

    def __init__(self, cell: Cell, hidden: int = 32, layers: int = 1, causal: bool = True) -> None:
        super().__init__()
        if cell not in ("lstm", "gru"):
            raise wrong_value(self, "cell", cell, "'lstm' or 'gru'")
        _from_one(self, hidden=hidden, layers=layers)
        kind = nn.LSTM if cell == "lstm" else nn.GRU
        self.recurrent = kind(1, hidden, layers, batch_first=True, bidirectional=not causal)
        self.output = nn.Linear(hidden * (1 if causal else 2), 1)
        self.future = 0 if causal else None

    def forward(self, signal: Tensor) -> Tensor:
        return self.after(signal, None)[0]

    def after(self, signal: Tensor, state: State) -> tuple[Tensor, State]:
        """The logits of the next samples (B, T), and the state after them. state: the state before; None: the first."""
        hidden, state = self.recurrent(signal[..., None], state)
        return self.output(hidden)[..., 0], state


@MODELS.register
class ConvolutionalTagger(nn.Module):
    """Residual convolutions with growing distances between their taps: signal (B, T) -> logits (B, T).

    Block n of `blocks` has kernels of 3 samples that are 2^n samples apart, so a logit depends on 2^(blocks + 1) - 1
    samples: the last ones if `causal`, else as many before as after. `channels`: C. All are from 1; raises BadInput
    for another value. Source: van den Oord et al. 2016, *WaveNet*, Section 2.1.

    Example:

        >>> model = ConvolutionalTagger(channels=8, blocks=4)
        >>> model(torch.rand(3, 50)).shape, model.past
        (torch.Size([3, 50]), 30)
    """

    def __init__(self, channels: int = 32, blocks: int = 6, causal: bool = True) -> None:
        super().__init__()
        _from_one(self, channels=channels, blocks=blocks)
        self.input = nn.Conv1d(1, channels, 1)
        self.blocks = nn.ModuleList(nn.Conv1d(channels, channels, 3, dilation=2**n) for n in range(blocks))
        self.output = nn.Conv1d(channels, 1, 1)
        reach = 2 ** (blocks + 1) - 2
        self.past, self.future = (reach, 0) if causal else (reach // 2, reach // 2)  # type: ignore[var-annotated]

    def forward(self, signal: Tensor) -> Tensor:
        found = self.input(signal[:, None])
        for number, block in enumerate(self.blocks):
            wide = 2 * 2**number
            sides = (wide, 0) if self.future == 0 else (wide // 2, wide // 2)
            found = found + block(functional.pad(functional.relu(found), sides))
        return self.output(functional.relu(found))[:, 0]


@MODELS.register
class TransformerTagger(nn.Module):
    """A transformer whose attention sees `context` samples: signal (B, T) -> logits (B, T).

    A sample attends to itself and the `context` - 1 samples before it; if not `causal`, also to as many after it. With
    `layers`, a logit depends on up to `layers` x (`context` - 1) samples on a side. Attention to a sample d away is
    lowered by slope x d, with another slope for each head: these are the positions (Press, Smith and Lewis 2022, *Train
    short, test long*). So the answer does not depend on where a window starts.

    `width`: size of a sample's vector, a multiple of `heads`. `norm`: "pre" or "post", where the layer normalisation is
    (Xiong et al. 2020). A first convolution over 9 samples (the last 9 if causal) makes the vectors. Raises BadInput
    for another value.

    Example:

        >>> model = TransformerTagger(width=8, heads=2, layers=2, context=10)
        >>> model(torch.rand(3, 50)).shape, model.past
        (torch.Size([3, 50]), 26)
    """

    TAPS = 9

    def __init__(
        self,
        width: int = 32,
        heads: int = 4,
        layers: int = 2,
        context: int = 120,
        causal: bool = True,
        norm: Literal["pre", "post"] = "pre",
    ) -> None:
        super().__init__()
        _from_one(self, width=width, heads=heads, layers=layers, context=context)
        if width % heads:
            raise wrong_value(self, "width", width, f"a multiple of the {heads} heads")
        if norm not in ("pre", "post"):
            raise wrong_value(self, "norm", norm, "'pre' or 'post'")
        self.context, self.causal = context, causal
        self.input = nn.Conv1d(1, width, self.TAPS)
        self.layers = nn.ModuleList(_Layer(width, heads, norm) for _ in range(layers))
        self.last = nn.LayerNorm(width) if norm == "pre" else nn.Identity()
        self.output = nn.Linear(width, 1)
        reach = layers * (context - 1)
        self.past, self.future = (reach + 8, 0) if causal else (reach + 4, reach + 4)

    def forward(self, signal: Tensor) -> Tensor:
        sides = (self.TAPS - 1, 0) if self.causal else (self.TAPS // 2, self.TAPS // 2)
        found = self.input(functional.pad(signal[:, None], sides)).transpose(1, 2)
        places = torch.arange(signal.shape[1], device=signal.device)
        away = places[:, None] - places  # how much earlier each sample is, (T, T)
        seen = (away >= 0 if self.causal else away.abs() < self.context) & (away < self.context)
        for layer in self.layers:
            found = layer(found, away.abs(), seen)
        return self.output(self.last(found))[..., 0]


class _Layer(nn.Module):
    """Attention and two linear layers, each added to its input: (B, T, width) -> (B, T, width)."""

    def __init__(self, width: int, heads: int, norm: str) -> None:
        super().__init__()
        self.heads, self.pre = heads, norm == "pre"
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.queries, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.linear = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, found: Tensor, away: Tensor, seen: Tensor) -> Tensor:
        first, second = self.norms
        if self.pre:
            found = found + self.attend(first(found), away, seen)
            return found + self.linear(second(found))
        found = first(found + self.attend(found, away, seen))
        return second(found + self.linear(found))

    def attend(self, found: Tensor, away: Tensor, seen: Tensor) -> Tensor:
        """Attention with a penalty for the distance `away` (T, T), over the samples that are `seen` (T, T)."""
        parts = self.queries(found).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (3, B, heads, T, size)
        slopes = 2.0 ** -torch.linspace(2, 8, self.heads, device=found.device)
        lowered = torch.where(seen, -slopes[:, None, None] * away, -math.inf)  # (heads, T, T)
        query, key, value = parts
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=lowered)
        return self.mixed(mixed.transpose(1, 2).flatten(2))


def _from_one(model: nn.Module, **sizes: int) -> None:
    """Raise BadInput for a size that is not a whole number from 1."""
    for name, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            raise wrong_value(model, name, size, "a whole number from 1")
