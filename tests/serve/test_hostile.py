"""The service survives malformed requests, and reads no file because of a request.

The service of the last test is a process of its own, in which an audit hook of Python notes each file that is opened.
"""

from __future__ import annotations

import random
import subprocess
import sys
import sysconfig
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import torch

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from repro.serve import trained
from repro.serve.batches import Limits
from repro.serve.service import Service
from tests.serve.clients import on_loopback, png, post, raw, status

SECRET = "a secret that no answer may contain"
KINDS = ("image/png", "audio/wav", "text/plain", "application/json", "multipart/form-data; boundary=x", "", "a" * 500)
PATHS = ("/../../etc/passwd", "/predict/../model", "/%2e%2e/%2e%2e/x", "//", "/\xff", "/" + "a" * 9000)
JSON = (b"[" * 3000, b'{"a":' * 2000, b'{"inputs": 1e999}', b'{"image": null}', b'"', b"\xff", b"{}" * 50)
GOOD = png(torch.full((1, 8, 8), 0.5))
SPIED = """
import sys
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" and ready else None)
ready = False
from repro import cli
from repro.serve import running
inner = running.server
def server(app):
    made = inner(app)
    @app.get("/opened")
    def names():
        global ready
        ready = True
        open("/dev/null").close()  # to see that the hook works
        return {"opened": opened}
    return made
running.server = server
sys.exit(cli.main(sys.argv[1:]))
"""


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A small PNG whose header says that it has 2.5 billion pixels."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])

    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")

    body = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def changed(draw: random.Random) -> bytes:
    """A good request with some other bytes."""
    good = bytearray(post(GOOD))
    for _ in range(draw.randrange(1, 8)):
        good[draw.randrange(len(good))] = draw.randrange(256)
    return bytes(good)


def headed(draw: random.Random) -> bytes:
    """A request with a wrong line in its head."""
    lines = ["Content-Length: -1", "Content-Length: 99999999999999999999", "Transfer-Encoding: x", "\x00: 1"]
    head = draw.choice([*lines, "A: " + "b" * 20_000])
    return f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n\r\n".encode("latin-1") + draw.randbytes(50)


def in_pieces(draw: random.Random) -> bytes:
    """A request in pieces of wrong lengths."""
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + draw.choice([b"zz\r\n", b"5\r\nab", b"-1\r\n", b"0\r\n\r\n"])


def first_line(draw: random.Random) -> bytes:
    """A request with a wrong first line."""
    method, version = draw.choice(["TRACE", "PUT", "get", "X" * 300]), draw.choice(["1.1", "9", "0.9", ""])
    return f"{method} /predict HTTP/{version}\r\n\r\n".encode()


WRONG = (
    lambda draw: draw.randbytes(draw.randrange(1, 200)),
    lambda draw: post(GOOD)[: draw.randrange(len(post(GOOD)))],
    lambda draw: post(draw.randbytes(draw.randrange(200)), draw.choice(KINDS)),
    lambda draw: post(GOOD, path=draw.choice(PATHS)),
    lambda draw: post(draw.choice(JSON), "application/json"),
    lambda draw: post(GOOD[: draw.randrange(len(GOOD))] + draw.randbytes(draw.randrange(200))),
    changed,
    headed,
    in_pieces,
    first_line,
)
"""Makers of wrong requests: of HTTP, of JSON, of a file."""


@pytest.fixture
def served(ran: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Service(trained.load(trained.find("served/digits")), "right")


def survives(served: Service, many: int) -> None:
    """After so many malformed requests the service gives the same answer as before, and none was answered with 500."""
    with on_loopback(served, Limits(seconds=2)) as address:
        before = requests.post(f"{address}/predict", GOOD, headers={"Content-Type": "image/png"}, timeout=30).json()
        sent = [WRONG[seed % len(WRONG)](random.Random(seed)) for seed in range(many)]
        with ThreadPoolExecutor(32) as pool:
            codes = [status(one) for one in pool.map(lambda content: raw(address, content, 0.5), sent)]
        after = requests.post(f"{address}/predict", GOOD, headers={"Content-Type": "image/png"}, timeout=30).json()
    assert after["probabilities"] == before["probabilities"]
    assert len(codes) == many and not [code for code in codes if code >= 500]
    assert sum(400 <= code < 500 for code in codes) > many / 2


def test_500_malformed_requests(served: Service) -> None:
    survives(served, 500)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_10000_malformed_requests(served: Service) -> None:
    survives(served, 10_000)


@pytest.mark.parametrize("content", [bomb(), bomb(8, 8), bomb(8, 100_000_000)], ids=["large", "small", "long"])
def test_a_small_file_cannot_need_much_memory(content: bytes, served: Service) -> None:
    import tracemalloc

    tracemalloc.start()
    (found,) = served.answers([_image(content)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
    assert isinstance(found, Exception) or found["number"] in range(10)


def _image(content: bytes) -> Any:
    from repro.serve.service import Request

    return Request("image", content)


@pytest.fixture
def spied(ran: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a service in a process of its own, which notes each file that it opens."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("secret.png", "secret.txt", ".env"):
        Path(name).write_text(SECRET)
    root = str(Path(__file__).parents[2])
    libraries = [one for one in sys.path if one.endswith("-libs")]
    monkeypatch.setenv("PYTHONPATH", ":".join([str(Path.cwd()), root, *libraries]))
    words = [sys.executable, "-c", SPIED, "serve", "served/digits", "--test", "right", "--port", "0", "--stale"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.terminate()


def test_no_request_makes_the_service_read_a_file(spied: str) -> None:
    """Neither by a path in the address, nor by one in the body: only Python's own files are opened."""

    def send(content: bytes, kind: str, path: str = "/predict") -> bytes:
        return raw(spied, post(content, kind, path))

    assert status(send(GOOD, "image/png")) == 200  # Pillow loads its readers
    requests.get(f"{spied}/opened", timeout=10)
    here = Path.cwd()
    for place in (
        f"{here}/secret.png",
        "secret.png",
        "../secret.txt",
        "/etc/passwd",
        "file:///etc/passwd",
        "\\\\host\\x",
    ):
        for path in ("/", "/predict/", "/docs/", "/openapi.json/", "/static/"):
            for one in (place, place.replace("/", "%2f"), f"../../{place}", f"%2e%2e/{place}"):
                answer = raw(
                    spied, f"GET {path}{one} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
                )
                assert status(answer) in (400, 404, 405) and SECRET.encode() not in answer
        for key in ("image", "sound", "text", "inputs", "file", "path", "record", "weights"):
            assert 400 <= status(send(f'{{"{key}": "{place}"}}'.encode(), "application/json")) < 500
        for kind in ("image/png", "audio/wav", "text/plain", f"image/png; filename={here}/secret.png"):
            answer = send(place.encode(), kind)
            assert 400 <= status(answer) < 500 and SECRET.encode() not in answer
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{here}/secret.png"/></svg>'.encode()
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n(secret.txt) (r) file\n"
    for path in ("/model", "/docs", "/", "/health", "/openapi.json"):
        assert requests.get(f"{spied}{path}", timeout=10).status_code == 200
    for content, kind in ((svg, "image/svg+xml"), (postscript, "image/x-eps")):
        assert status(send(content, kind)) == 422
    opened = requests.get(f"{spied}/opened", timeout=10).json()["opened"]
    own = (sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), str(Path(__file__).parents[2] / "repro"))
    assert "/dev/null" in opened
    assert not [name for name in opened if not name.startswith((*own, "/dev/null"))], opened
