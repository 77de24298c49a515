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
from repro.experiment import Experiment
from repro.export import translated
from repro.metrics.classification import Accuracy
from repro.record import Record
from repro.serve import trained
from repro.serve.trained import Found, Trained
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
    assert lines[0].endswith("float32 (B, 1, 8, 8)")
    assert len(lines) == 4 and all("[" in line and "times as fast" in line for line in lines[2:])


def test_the_libraries_of_onnx_print_nothing(one: Trained, repro: Any) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    code, out, err = repro("export", "served/digits-seed0", "--onnx")
    assert (code, out.strip()) == (0, "exports/served/digits-seed0.onnx")
    assert len(err.splitlines()) == 4, err


class Mean(nn.Module):
    """The mean embedding of a text, where 0 is padding. fixed: with one weight for each place, so of one length."""

    def __init__(self, fixed: bool) -> None:
        super().__init__()
        self.fixed, self.weights = fixed, nn.Parameter(torch.rand(16))
        self.embed = nn.EmbeddingBag(30, 4, mode="mean", padding_idx=0)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.embed(tokens)
        return answer + ((tokens != 0) * self.weights).sum(1, keepdim=True) if self.fixed else answer


def texts(fixed: bool) -> Trained:
    """A model of texts. Their lengths are from 0 to 15, padded to 16."""
    torch.manual_seed(0)
    tokens = torch.randint(2, 30, (16, 16), dtype=torch.int32) * (torch.arange(16) < torch.arange(16)[:, None])
    test = [(one.int(), 0) for one in tokens]
    built = Experiment(test={"test": test}, metrics=[Accuracy()], model=Mean(fixed).eval())
    found = Found(Record("texts", "mean", 0, "0" * 64, []), Path(), Path(), published=False)
    return Trained(found, None, built, "0" * 64)  # type: ignore[arg-type]  # no config is read


@pytest.mark.parametrize("fixed", [False, True])
def test_a_model_of_texts_takes_token_numbers(fixed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    monkeypatch.setattr(translated, "ROUNDS", 27)
    monkeypatch.setattr(translated, "CALLS", 1)
    one, path = texts(fixed), tmp_path / "mean.onnx"
    tokens = torch.stack([row for row, _ in one.built.test["test"]])
    compared = translated.write(one, "onnx", path)
    assert compared.takes == ("int32 (B, 16)" if fixed else "int32 (B, L), any L") and compared.difference < 1e-6
    longer = [] if fixed else [tokens[:, :7], tokens[3:4, :1], nn.functional.pad(tokens, (0, 9))]
    for given in (tokens, tokens[:1], *longer):
        assert np.allclose(onnx(path, given.contiguous()), one.built.model(given).detach().numpy(), atol=1e-6)


def test_a_length_that_was_fixed_by_the_translation_is_found() -> None:
    tokens = torch.randint(1, 9, (4, 8))
    mean = lambda given: given.double().mean(1)  # noqa: E731
    assert translated.any_length(mean, lambda given: given.double().sum(1) / given.shape[1], tokens)
    assert not translated.any_length(mean, lambda given: given.double().sum(1) / 8, tokens)
    assert not translated.any_length(mean, lambda given: mean(given.reshape(4, 8)), tokens)


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
