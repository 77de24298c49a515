"""The page for a person: it answers as the model does, explains, and sends nothing to another server."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import requests
import torch

from repro.datasets.digits import Digits
from repro.serve import explained, trained
from repro.serve.service import Service
from tests.serve.clients import png

PAGE = Path(explained.__file__).with_name("page.py")
ROOT = Path(__file__).parents[2]
DIGITS = Digits("test", size=8)
SPIED = """
import runpy, sys
def look(event, given):
    if event in ("socket.connect", "socket.getaddrinfo"):
        print("called", given[1] if event == "socket.connect" else given[0], flush=True)
sys.addaudithook(look)
sys.argv = ["streamlit", *sys.argv[1:]]
runpy.run_module("streamlit", run_name="__main__")
"""


@pytest.fixture
def page(ran: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page, as Streamlit's own test client sees it."""
    testing = pytest.importorskip("streamlit.testing.v1")
    monkeypatch.setattr(sys, "argv", [str(PAGE), "served/digits-seed0", "", "right"])
    return testing.AppTest.from_file(str(PAGE), default_timeout=60).run()


def test_a_test_item_gets_the_answer_of_the_model(page: Any, ran: Path) -> None:
    one = Service(trained.load(trained.find("served/digits")), "right")
    for index in (0, 7):
        page.number_input[0].set_value(index).run()
        assert not page.exception and not page.error
        scores = one.trained.built.estimate(DIGITS[index][0]).softmax(0)
        shown = {one.label: one.value for one in page.metric}
        expected = {"Answer": str(int(scores.argmax())), "Confidence": f"{float(scores.max()):.1%}"}
        assert shown == {**expected, "Truth": str(DIGITS[index][1])}
    for method in explained.METHODS:
        assert not page.selectbox[0].set_value(method).run().exception


def test_your_own_file_is_answered(page: Any) -> None:
    page.radio[0].set_value("Your own image").run()
    assert not page.metric and not page.error
    page.file_uploader[0].set_value(("a.png", png(DIGITS[7][0]), "image/png")).run()
    assert [one.label for one in page.metric] == ["Answer", "Confidence"] and not page.error


def test_a_wrong_file_is_one_line(page: Any) -> None:
    page.radio[0].set_value("Your own image").run()
    page.file_uploader[0].set_value(("a.png", b"no image", "image/png")).run()
    assert len(page.error) == 1 and "\n" not in page.error[0].value and not page.exception and not page.metric


def test_the_explanation_is_red_where_the_map_is_high(ran: Path) -> None:
    one = Service(trained.load(trained.find("served/digits")), "right")
    image = DIGITS[0][0]
    number = int(one.trained.built.estimate(image).argmax())
    assert explained.possible(one, image)
    for name, method in explained.METHODS.items():
        found = method.explain(one.trained.built.model, image, number)
        shown = explained.overlay(one, image, name).astype(float)
        redness = shown[..., 0] - shown[..., 1]
        row, column = np.unravel_index(int(found.argmax()), found.shape)
        size = shown.shape[0] // 8
        assert redness[row * size, column * size] >= redness.max() - 1
        assert shown.shape == (280, 280, 3)


def test_a_picture_has_the_pixels_of_the_image() -> None:
    image = torch.rand(3, 4, 5)
    shown = explained.picture(image)
    assert shown.shape == (4 * 56, 5 * 56, 3)
    assert np.array_equal(shown[::56, ::56], (image * 255).round().byte().permute(1, 2, 0).numpy())
    assert explained.picture(torch.tensor([[[-3.0, 5.0]]]))[0, [0, -1]].tolist() == [[0] * 3, [255] * 3]


@pytest.fixture
def process(ran: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    """The page as `repro serve --page` starts it, with a hook that prints each connection; its address."""
    pytest.importorskip("streamlit")
    from repro.cli import serve

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path.cwd()), str(ROOT), os.environ.get("PYTHONPATH", "")]))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {**serve.PAGE, "server.address": "127.0.0.1", "server.port": str(port)}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    command = [sys.executable, "-c", SPIED, "run", str(PAGE), *words, "--", "served/digits-seed0", "", "right", "stale"]
    with Path("out.txt").open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as running:
        yield f"http://127.0.0.1:{port}", running
        running.terminate()


def test_the_page_calls_nobody(process: tuple[str, Any]) -> None:
    address, running = process
    end = time.monotonic() + 60
    while time.monotonic() < end and running.poll() is None:
        try:
            page = requests.get(address, timeout=5)
            break
        except requests.ConnectionError:
            time.sleep(0.1)
    assert requests.get(f"{address}/_stcore/health", timeout=10).text == "ok"
    assert page.status_code == 200 and not [part for part in page.text.split('"') if part.startswith(("http", "//"))]
    running.terminate()
    running.wait(20)
    said = [line for line in Path("out.txt").read_text().splitlines() if line.startswith("called")]
    assert not [line for line in said if "127.0.0.1" not in line and "localhost" not in line], said


@pytest.mark.parametrize("words", [["--test", "rihgt"], ["--host", "no such host"], ["--log", "a.jsonl"]])
def test_the_command_finds_errors_before_it_prints_the_address(words: list[str], ran: Path, refused: Any) -> None:
    pytest.importorskip("streamlit")
    assert words[0][2:] in refused("serve", "served/digits", "--page", "--port", "0", *words)


def test_a_page_at_a_port_in_use_is_refused(ran: Path, refused: Any) -> None:
    pytest.importorskip("streamlit")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in refused("serve", "served/digits", "--page", "--port", port)


def test_the_page_has_40_lines() -> None:
    """What it shows is made elsewhere, so that another page can show the same."""
    assert len(PAGE.read_text(encoding="utf-8").splitlines()) <= 40


def test_a_page_takes_a_free_port(ran: Path, monkeypatch: pytest.MonkeyPatch, repro: Any) -> None:
    pytest.importorskip("streamlit")
    called: list[list[str]] = []

    def run(words: list[str], **_: Any) -> Any:
        called.append(words)
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr("repro.cli.serve.subprocess", SimpleNamespace(run=run))
    code, out, _ = repro("serve", "served/digits", "--page", "--port", "0", "--stale", "--test", "right")
    assert code == 0
    port = called[0][called[0].index("--server.port") + 1]
    assert int(port) > 0 and out.strip() == f"http://127.0.0.1:{port}"


def test_the_command_needs_the_extra(ran: Path, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "streamlit", None)
    assert "repro-papers[page]" in refused("serve", "served/digits", "--page")


def test_a_file_is_a_png() -> None:
    """What the tests send is an image that others can read."""
    from PIL import Image

    assert Image.open(io.BytesIO(png(DIGITS[0][0]))).size == (8, 8)
