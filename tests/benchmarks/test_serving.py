"""A service under load: how long a request takes, what batches gain, and which form of a model is faster here.

The times in ms are of this machine. The ratios are of two measurements on the same machine at the same time, so they
can be compared with those of another machine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from repro.datasets.digits import Digits
from repro.experiment import Experiment
from repro.export import translated
from repro.metrics.classification import Accuracy
from repro.models.image_classifiers import SmallCNN
from repro.record import Record
from repro.serve.trained import Found, Trained

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from repro.serve.batches import Limits
from repro.serve.service import Service
from tests.serve.clients import on_loopback, png

DIGITS = Digits("test", size=32)
REQUESTS = 320
CLIENTS = 32


class Grey(nn.Module):
    """A convolutional network with 20,000 weights, on grey images."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = SmallCNN(classes=10, width=16, blocks=3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.inner(images.expand(-1, 3, -1, -1))
        return scores


MODELS: dict[str, Callable[[], nn.Module]] = {
    "perceptron": lambda: nn.Sequential(nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 10)),
    "convolution": Grey,
}


def trained(name: str) -> Trained:
    torch.manual_seed(0)
    built = Experiment(test={"test": DIGITS}, metrics=[Accuracy()], model=MODELS[name]().eval())
    found = Found(Record("speed", name, 0, "0" * 64, []), Path(), Path(), published=False)
    return Trained(found, None, built, "0" * 64)  # type: ignore[arg-type]  # no config is read


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


CLIENT = """
import http.client, json, sys, threading, time
port, clients, many, path = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
content, times = open(path, "rb").read(), []
def ask():
    made = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(many // clients):
        began = time.perf_counter()
        made.request("POST", "/predict", content, {"Content-Type": "image/png"})
        answer = made.getresponse()
        answer.read()
        assert answer.status == 200
        times.append(time.perf_counter() - began)
threads = [threading.Thread(target=ask) for _ in range(clients)]
began = time.perf_counter()
[one.start() for one in threads]
[one.join() for one in threads]
print(json.dumps([time.perf_counter() - began, times]))
"""


def loaded(served: Service, batch: int, clients: int, folder: Path) -> tuple[float, list[float]]:
    """(requests per second, the seconds of each request) of a service that so many clients call all the time.

    The clients are another process, so that they do not take turns with the service.
    """
    path = folder / "digit.png"
    path.write_bytes(png(DIGITS[0][0]))
    with on_loopback(served, Limits(batch=batch)) as address:
        port = address.rpartition(":")[2]
        words = [sys.executable, "-c", CLIENT, port, str(clients), str(REQUESTS), str(path)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    seconds, times = json.loads(done.stdout)
    assert len(times) == REQUESTS
    return REQUESTS / seconds, times


@pytest.mark.slow
@pytest.mark.parametrize("name", list(MODELS))
def test_latency_and_gain_of_batches(name: str, measured: Callable[[str, str, str], None], tmp_path: Path) -> None:
    model = trained(name)
    served, inputs = Service(model), [DIGITS[index][0] for index in range(32)]
    pairs = [(_seconds(lambda: model.built.estimates(inputs[:1])), _seconds(lambda: model.built.estimates(inputs)))
             for _ in range(50)]  # fmt: skip
    alone, together = (statistics.median(times) for times in zip(*pairs, strict=True))
    _, single = loaded(served, batch=1, clients=1, folder=tmp_path)
    few, _ = loaded(served, batch=1, clients=CLIENTS, folder=tmp_path)
    many, fast = loaded(served, batch=32, clients=CLIENTS, folder=tmp_path)
    for clients, times in (("one client", single), ("32 clients", fast)):
        p50, p99 = statistics.median(times), _share(times, 0.99)
        measured(f"{name}, {clients}: p50", f"{p50 * 1e3:.2f} ms", "")
        measured(f"{name}, {clients}: p99", f"{p99 * 1e3:.2f} ms", "")
        measured(f"{name}, {clients}: p99 over p50", f"{p99 / p50:.1f}", "")
    measured(f"{name}, the model alone: one item", f"{alone * 1e3:.2f} ms of processor time", "")
    measured(f"{name}, 32 clients: requests per second with batches over without", f"{many / few:.2f}", "above 0.7")
    measured(
        f"{name}, the model alone: items per second in a batch of 32 over one by one",
        f"{32 * alone / together:.2f}",
        "",
    )
    assert many / few > 0.7


@pytest.mark.slow
@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("form", ["onnx", "torchscript"])
def test_which_form_is_faster(form: str, name: str, measured: Callable[[str, str, str], None], tmp_path: Path) -> None:
    if form == "onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    compared = translated.write(trained(name), form, tmp_path / "model")
    for one in compared.speeds:
        found = f"{one.ratio:.2f} [{one.low:.2f}, {one.high:.2f}]"
        measured(f"{name}, batch of {one.items}: time of torch over that of {form}", found, "")
    assert compared.difference < 1e-3


def _seconds(call: Callable[[], Any]) -> float:
    """The time of a call in processor time, which other programs do not change."""
    began = time.thread_time()
    call()
    return time.thread_time() - began


def _share(times: list[float], share: float) -> float:
    return sorted(times)[int(share * len(times))]
