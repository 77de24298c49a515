"""Perturbations of sounds: level, delay, sample rate, and noise. Each keeps the number of samples.

Letters: T samples.

A sound is `(..., T)` float32; all channels are changed in the same way. `linear` is true if the change of a sum is the
sum of the changes. Then `repro.datasets.pairs` changes the sources of a mixture too, so that the mixture stays their
sum. `repro.datasets.perturb_images` says what a perturbation is.
"""

from __future__ import annotations

import numpy as np
import torch

from repro.audio.stft import resample
from repro.registry import PERTURBATIONS, wrong_value

DECIBELS = 200  # the largest ratio of a sound and its noise; float32 has no more


@PERTURBATIONS.register
class Level:
    """Another level: `db` decibels louder or softer, each with probability 1/2. Nothing is clipped.

    db: above 0. 6 dB are a factor of 2.

    Example:

        >>> changed = Level(db=20)(torch.ones(3), np.random.default_rng(1))
        >>> bool(changed[0].isclose(torch.tensor(10.0)) or changed[0].isclose(torch.tensor(0.1)))
        True
    """

    linear = True

    def __init__(self, db: float) -> None:
        if not db > 0:
            raise wrong_value(self, "db", db, "a number above 0")
        self.db = db

    def __call__(self, sound: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        return sound * 10 ** ((self.db if random.random() < 0.5 else -self.db) / 20)


@PERTURBATIONS.register
class Delay:
    """A shift in time: the sound begins `samples` samples later, after silence; its end is cut off. Nothing is random.

    samples: at least 1. A sound that is not longer becomes silent, so an item of it raises BadInput.

    Example:

        >>> Delay(samples=2)(torch.tensor([1.0, 2.0, 3.0, 4.0]), np.random.default_rng(0))
        tensor([0., 0., 1., 2.])
    """

    linear = True

    def __init__(self, samples: int) -> None:
        if samples < 1:
            raise wrong_value(self, "samples", samples, "a whole number from 1")
        self.samples = samples

    def __call__(self, sound: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        if self.samples >= sound.shape[-1]:
            raise wrong_value(self, "samples", self.samples, f"less than the {sound.shape[-1]} samples of an item")
        return torch.nn.functional.pad(sound, (self.samples, 0))[..., : -self.samples]


@PERTURBATIONS.register
class Resampled:
    """As if recorded at another sample rate: resampled from `sample_rate` to `through` and back. Nothing is random.

    Frequencies above half of `through` are lost, and the highest third below it becomes softer. Both rates are in Hz,
    `through` from 1 to `sample_rate` - 1.

    Example:

        >>> Resampled(sample_rate=8000, through=6000)(torch.randn(2, 801), np.random.default_rng(0)).shape
        torch.Size([2, 801])
    """

    linear = True

    def __init__(self, sample_rate: int, through: int) -> None:
        if not 1 <= through < sample_rate:
            raise wrong_value(self, "through", through, f"a whole number from 1, below the sample rate, {sample_rate}")
        self.sample_rate, self.through = sample_rate, through

    def __call__(self, sound: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        length = sound.shape[-1]
        back = resample(resample(sound, self.sample_rate, self.through), self.through, self.sample_rate)
        return back[..., :length]  # each step rounds the number of samples up, so it is not shorter


@PERTURBATIONS.register
class SoundNoise:
    """White Gaussian noise, so that the energy of the sound over that of the noise is exactly `snr_db` decibels.

    Every channel gets noise of its own. The noise in silence is silence.

    Example:

        >>> sound = torch.ones(1000)
        >>> noise = SoundNoise(snr_db=20)(sound, np.random.default_rng(0)) - sound
        >>> round(float(sound.square().sum() / noise.square().sum()))
        100
    """

    linear = False

    def __init__(self, snr_db: float) -> None:
        if not abs(snr_db) <= DECIBELS:
            raise wrong_value(self, "snr_db", snr_db, f"a number of decibels from -{DECIBELS} to {DECIBELS}")
        self.snr_db = snr_db

    def __call__(self, sound: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        noise = torch.from_numpy(random.standard_normal(sound.shape, np.float32))
        gain = sound.norm(dim=-1, keepdim=True) / noise.norm(dim=-1, keepdim=True)
        return sound + gain * 10 ** (-self.snr_db / 20) * noise
