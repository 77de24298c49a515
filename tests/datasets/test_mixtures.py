"""Tests of mixtures with the levels of wsj0-2mix, and of its layout of files."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import torch

from repro.datasets.layouts import WSJ0Mix
from repro.datasets.mixtures import SpeechMixtures, active_rms
from repro.datasets.spectrograms import SpectrogramSegments
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.testing import check_dataset


def wsj0(root: Path, split: str, count: int, sources: int = 2) -> None:
    """Write `count` mixtures in the layout of wsj0-2mix. The mixture is the sum of the sources."""
    folder = root / "wsj0-2mix" / "wav8k" / "min" / split
    for number in range(count):
        parts = 0.1 * torch.randn(sources, 4000 + 100 * number, generator=torch.Generator().manual_seed(number))
        for name, samples in {"mix": parts.sum(0), **{f"s{i + 1}": part for i, part in enumerate(parts)}}.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / name / f"u{number}_1.5_v{number}_-1.5.wav", samples.numpy(), 8000, subtype="FLOAT")


def test_wsj0_layout_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wsj0(tmp_path, "tt", count=3)
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path))
    data = WSJ0Mix("tt", size=3)
    check_dataset(data)
    inputs, sources = data[2]
    assert sources.shape == (2, 4200) and inputs["num_sources"] == 2
    assert torch.allclose(inputs["mixture"], sources.sum(0), atol=1e-6)
    check_dataset(SpectrogramSegments(data, frames=30))


def test_another_variant_of_wsj0_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wsj0(tmp_path, "tt", count=3)
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path))
    with pytest.raises(BadInput, match="contains 3 wav files; expected 3000"):
        WSJ0Mix("tt", size=3000)
    next((tmp_path / "wsj0-2mix/wav8k/min/tt/s2").iterdir()).unlink()
    with pytest.raises(BadInput, match=r"s2/u.* is missing, the first of 1"):
        WSJ0Mix("tt", size=3)


def test_levels_are_those_of_wsj0_2mix() -> None:
    corpus = SyntheticVoices("train", speakers=6, utterances=2, seconds=2.0)
    for index in range(len(corpus)):
        corpus[index][0].mul_(26 ** (index / (len(corpus) - 1)))  # as much as in a real corpus
    mixtures = SpeechMixtures(corpus, size=60, seconds=2.0)
    ratios = []
    for index in range(len(mixtures)):
        inputs, sources = mixtures[index]
        assert torch.allclose(inputs["mixture"], sources.sum(0))
        ratios.append(20 * torch.log10(torch.tensor(active_rms(sources[0]) / active_rms(sources[1]))))
    spread = torch.stack(ratios)
    assert float(spread.min()) > -0.01 and float(spread.max()) <= 5.01  # complete utterances have exact levels
    assert float(spread.min()) < 1 and float(spread.max()) > 4  # uniform over (0, 5]
