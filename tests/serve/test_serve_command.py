"""`repro serve` as a process: it prints its address, answers, and stops; what it is given wrongly is one line."""

from __future__ import annotations

import builtins
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from repro.datasets.digits import Digits
from repro.serve import needed, trained
from repro.watch import log as watched
from tests.serve.clients import png

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

ROOT = Path(__file__).parents[2]


def test_the_command_serves_until_it_is_stopped(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path.cwd()), str(ROOT), os.environ.get("PYTHONPATH", "")]))
    words = ["serve", "served/digits-seed0", "--test", "right", "--port", "0", "--log", "log.jsonl", "--stale"]
    process = subprocess.Popen([sys.executable, "-m", "repro", *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    address = process.stdout.readline().strip()
    kind = {"Content-Type": "image/png"}
    answers = [
        requests.post(f"{address}/predict", png(Digits("test", size=8)[n][0]), headers=kind, timeout=30) for n in (0, 1)
    ]
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert [one.status_code for one in answers] == [200, 200]
    log = watched.read(Path("log.jsonl"))
    assert [one.answer for one in log.requests] == [one.json()["probabilities"] for one in answers]


@pytest.mark.parametrize(("words", "said"), [
    (["nothing"], "nothing"),
    (["served/digit"], "served/digits"),
    (["served/digits-seed7"], "--seed 7"),
    (["served/digits", "--port", "70000"], "--port"),
    (["served/digits", "--port", "-1"], "--port"),
    (["served/digits", "--batch", "0"], "--batch"),
    (["served/digits", "--batch", "99999"], "--batch"),
    (["served/digits", "--wait", "nan"], "--wait"),
    (["served/digits", "--seconds", "0"], "--seconds"),
    (["served/digits", "--log-inputs"], "--log"),
    (["served/digits", "--weights", "none.safetensors"], "none.safetensors"),
    (["served/digits", "--host", "no such host"], "no such host"),
    (["served/digits", "--port", "0", "--test", "rihgt"], "right"),
    (["served/digits", "--port", "0", "--log", "papers/served/net.py/log.jsonl"], "net.py"),
])  # fmt: skip
def test_wrong_input_is_one_line(words: list[str], said: str, ran: Path, refused: Any) -> None:
    assert said in refused("serve", *words)


def test_a_port_in_use_is_named(ran: Path, refused: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in refused("serve", "served/digits", "--port", port)


def test_a_stale_record_is_not_served(ran: Path, refused: Any) -> None:
    ran.write_text(ran.read_text() + "trainers.Supervised.steps = 151\n")
    line = refused("serve", "served/digits-seed0")
    assert "stale" in line and "--stale" in line
    assert trained.load(trained.find("served/digits-seed0", allow_stale=True)).config.digest != ""


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn"])
def test_a_missing_extra_is_one_line(missing: str, ran: Path, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    imports = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}")
        return imports(name, *rest)

    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setattr(builtins, "__import__", without)
    line = refused("serve", "served/digits")
    assert missing in line and "repro-papers[serve]" in line


def test_what_is_there_is_imported() -> None:
    assert needed("json", "serve").loads("1") == 1
