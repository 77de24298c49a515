"""The sliding-window network: the dense answer is that of the windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from repro.errors import BadInput
from repro.models.sliding_window import SlidingWindow
from repro.testing import check_model


@pytest.mark.parametrize(("window", "blocks"), [(9, 1), (21, 2), (23, 2), (37, 3), (41, 3)])
def test_dense_scores_are_those_of_the_windows(window: int, blocks: int) -> None:
    torch.manual_seed(0)
    model = SlidingWindow(2, 3, window, width=4, blocks=blocks, hidden=5).double().eval()
    image = torch.rand(2, 19, 26, dtype=torch.float64)
    half = window // 2
    wide = torch.from_numpy(np.pad(image.numpy(), ((0, 0), (half, half), (half, half)), mode="reflect"))
    cut = wide.unfold(1, window, 1).unfold(2, window, 1)  # (C, H, W, S, S)
    with torch.inference_mode():
        one_by_one = model(cut.permute(1, 2, 0, 3, 4).flatten(0, 1)).T.reshape(3, 19, 26)
        assert one_by_one.std() > 1e-3
        torch.testing.assert_close(model.estimate(image), one_by_one, rtol=0, atol=1e-10)


def test_the_published_network_has_a_window_of_95() -> None:
    """95 pixels become 46, 21, 9 and 3 in the four blocks, as in the network N3 of the source but for its kernels."""
    with torch.device("meta"):
        model = SlidingWindow(1, 2)
    assert model.hidden.weight.shape == (200, 48, 3, 3)


def test_contract() -> None:
    check_model(SlidingWindow(1, 2, 21, width=4, blocks=2, hidden=8), torch.rand(4, 1, 21, 21))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in ("channels", "classes", "width", "hidden", "blocks") for value in (0, -1, 1.5)],
        *[("window", value) for value in (0, 64, 65.0, 13, math.inf)],
    ],
)
def test_wrong_values_are_refused(name: str, value: Any) -> None:
    with pytest.raises(BadInput) as refused:
        SlidingWindow(**{"channels": 1, "classes": 2, "window": 65, "blocks": 3, name: value})
    assert f"SlidingWindow.{name}" in str(refused.value)


def test_a_window_of_another_size_is_refused() -> None:
    with pytest.raises(BadInput):
        SlidingWindow(1, 2, 21, width=4, blocks=2)(torch.rand(1, 1, 23, 23))
