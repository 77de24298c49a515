"""ONNX and TorchScript give the answers of the model, in batches of any size; speeds are measured with an interval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from repro.datasets.digits import Digits
from repro.errors import BadInput
from repro.export import translated
from repro.serve import trained
from repro.serve.trained import Trained
from tests.serve.conftest import project as project
from tests.serve.conftest import ran as ran

IMAGES = torch.stack([Digits("test", size=8)[index][0] for index in range(100)])


@pytest.fixture
def one(ran: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    monkeypatch.setattr(translated, "ROUNDS", 27)  # the fewest with an interval
    return trained.load(trained.find("served/digits"))


def onnx(path: Path, images: torch.Tensor) -> np.ndarray[Any, Any]:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: images.numpy()})[0])


def script(path: Path, images: torch.Tensor) -> np.ndarray[Any, Any]:
    return np.asarray(torch.jit.load(path)(images).detach().numpy())  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("form", "answers"), [("onnx", onnx), ("torchscript", script)])
def test_a_file_gives_the_answers_of_the_model(form: str, answers: Any, one: Trained) -> None:
    if form == "onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    path = Path(f"out/model.{form}")
    compared = translated.write(one, form, path)
    assert compared.difference < 1e-5 and compared.items == translated.ITEMS
    assert [speed.items for speed in compared.speeds] == list(translated.SIZES)
    for images in (IMAGES, IMAGES[:1], IMAGES[:3]):
        assert np.allclose(answers(path, images), one.built.model(images).detach().numpy(), atol=1e-5)
    assert one.checkpoint.encode() in path.read_bytes() or form == "torchscript"


def test_the_command_says_what_it_measured(one: Trained, repro: Any) -> None:
    code, out, err = repro("export", "served/digits-seed0", "--torchscript")
    assert (code, out.strip()) == (0, "exports/served/digits-seed0.pt")
    lines = err.splitlines()
    assert len(lines) == 3 and all("[" in line and "times as fast" in line for line in lines[1:])


def test_the_libraries_of_onnx_print_nothing(one: Trained, repro: Any) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    code, out, err = repro("export", "served/digits-seed0", "--onnx")
    assert (code, out.strip()) == (0, "exports/served/digits-seed0.onnx")
    assert len(err.splitlines()) == 3, err


def test_other_answers_are_refused(one: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    real = translated.FORMS["torchscript"]

    def other(given: Trained, images: torch.Tensor) -> Any:
        content, call = real(given, images)
        return content, lambda batch: call(batch) + 0.01

    monkeypatch.setitem(translated.FORMS, "torchscript", other)
    with pytest.raises(BadInput) as caught:
        translated.write(one, "torchscript", Path("model.pt"))
    assert "0.01" in caught.value.what and not Path("model.pt").exists()


def test_a_model_that_answers_by_code_is_refused(one: Trained) -> None:
    one.built.model.estimate = lambda given: given
    with pytest.raises(BadInput) as caught:
        translated.write(one, "torchscript", Path("model.pt"))
    assert "estimate" in caught.value.what


def test_a_licence_is_only_for_weights(ran: Path, refused: Any) -> None:
    assert "--licence" in refused("export", "served/digits", "--torchscript", "--licence", "MIT")
    assert "--licence" in refused("export", "served", "--as", "zip", "--licence", "MIT")


class Slow(nn.Module):
    """The same answer, after some multiplications of matrices."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times, self.matrix = times, torch.rand(100, 100)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        for _ in range(self.times):
            self.matrix @ self.matrix
        return given


def test_the_faster_one_is_found() -> None:
    found = translated.speed(Slow(30), Slow(10), IMAGES)
    assert 1.5 < found.low <= found.ratio <= found.high < 6 and "file is faster" in found.said
    assert "in torch is faster" in translated.speed(Slow(10), Slow(30), IMAGES).said


def test_equal_times_are_no_difference() -> None:
    """The interval of a ratio of 1 contains 1 in most cases: the numbers of the binomial distribution."""
    from scipy import stats

    random = np.random.default_rng(0)
    ratios = np.sort(np.exp(random.normal(size=(2000, translated.ROUNDS))), axis=1)
    covered = (ratios[:, translated.COVERED] <= 1) & (ratios[:, -translated.COVERED - 1] >= 1)
    assert covered.mean() == pytest.approx(
        1 - 2 * stats.binom.cdf(translated.COVERED, translated.ROUNDS, 0.5), abs=0.02
    )
    assert covered.mean() > 0.94
