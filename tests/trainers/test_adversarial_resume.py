"""An interrupted adversarial training resumes to the bit, wherever it was interrupted."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from repro.datasets.latent import LatentGrid
from repro.losses.adversarial import NonSaturating, WassersteinGP
from repro.testing import same
from tests.trainers.pairs import (
    ADAM,
    RISING,
    STEPS,
    dense,
    fit,
    pair,
)


class Stops(NonSaturating):
    """Sends a signal when the loss of the generator, or of the discriminator, is computed for the time `stop`."""

    def __init__(self, stop: int, phase: str) -> None:
        super().__init__()
        self.stop, self.phase, self.calls = stop, phase, 0

    def _count(self, phase: str) -> None:
        self.calls += phase == self.phase
        if self.calls == self.stop:
            os.kill(os.getpid(), signal.SIGTERM)

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        self._count("discriminator")
        return super().discriminator(real, fake)

    def generator(self, fake: Tensor) -> Tensor:
        self._count("generator")
        return super().generator(fake)


class StopsPenalty(WassersteinGP):
    """Sends a signal in the penalty of the step `stop`."""

    def __init__(self, stop: int) -> None:
        super().__init__()
        self.stop, self.calls = stop, 0

    def penalty(self, judge: Any, real: Tensor, fake: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == self.stop:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().penalty(judge, real, fake)


CASES: dict[str, dict[str, Any]] = {
    "norm": {"model": pair, "norm": True, **RISING},
    "every": {"model": pair, "generator_every": 3, "generator_optimizer": ADAM, "discriminator_optimizer": ADAM},
    "dropout": {"model": dense, "valid_every": 4, "shown": {"grid": LatentGrid(rows=1, columns=2, size=4)}},
}


def case(folder: Path, name: str, loss: Any) -> tuple[Any, dict[str, Tensor]]:
    more = dict(CASES[name])
    make, norm = more.pop("model"), {"norm": more.pop("norm")} if "norm" in more else {}
    return fit(folder, make(**norm), loss, **more)


@pytest.mark.parametrize("phase", ["discriminator", "generator"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("stop", [1, 4])
def test_it_resumes_to_the_bit(tmp_path: Path, name: str, phase: str, stop: int) -> None:
    whole = case(tmp_path / "whole", name, NonSaturating())
    assert case(tmp_path / "parts", name, Stops(stop, phase))[0] is None
    resumed = case(tmp_path / "parts", name, NonSaturating())
    assert same(whole[1], resumed[1]) and whole[0]["curves"] == resumed[0]["curves"]
    drawn = [
        sorted((path.name, path.read_bytes()) for path in (tmp_path / one).glob("samples/*"))
        for one in ("whole", "parts")
    ]
    assert drawn[0] == drawn[1] and len(drawn[0]) == (3 if name == "dropout" else 0)


@pytest.mark.parametrize("stop", [1, 7, STEPS])
def test_the_penalty_resumes_to_the_bit(tmp_path: Path, stop: int) -> None:
    whole = case(tmp_path / "whole", "every", WassersteinGP())
    assert case(tmp_path / "parts", "every", StopsPenalty(stop))[0] is None
    resumed = case(tmp_path / "parts", "every", WassersteinGP())
    assert same(whole[1], resumed[1]) and whole[0]["curves"] == resumed[0]["curves"]
