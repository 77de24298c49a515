"""A service on loopback for the tests, and a client that sends bytes as they are."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import torch
from PIL import Image

from repro.serve import app, running
from repro.serve.batches import Limits
from repro.serve.service import Service


@contextlib.contextmanager
def on_loopback(served: Service, limits: Limits | None = None) -> Iterator[str]:
    """The address of a running service."""
    made = running.listening("127.0.0.1", 0)
    server = running.server(app.make(served, limits or Limits(), running.hosts("127.0.0.1")))
    thread = threading.Thread(target=server.run, args=([made],), daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.005)
    yield running.address(made)
    server.should_exit = True
    thread.join(20)
    made.close()


def png(image: torch.Tensor) -> bytes:
    """An image (C, H, W) in [0, 1] as a file."""
    pixels = (image * 255).round().to(torch.uint8).permute(1, 2, 0).squeeze(-1).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def raw(address: str, content: bytes, wait: float = 10.0) -> bytes:
    """What the service sends back for these bytes, until it closes the connection, or sends nothing for `wait` s."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=wait) as made:
        with contextlib.suppress(OSError):
            made.sendall(content)
        parts = []
        with contextlib.suppress(OSError):
            while part := made.recv(65536):
                parts.append(part)
        return b"".join(parts)


def post(content: bytes, kind: str = "image/png", path: str = "/predict") -> bytes:
    """A request as bytes."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + content


def status(answer: bytes) -> int:
    """The status of an answer; 0 if there is none."""
    first = answer.split(b"\r\n", 1)[0].split()
    return int(first[1]) if len(first) > 1 and first[1].isdigit() else 0


def line(answer: Any) -> str:
    """The one line of an error."""
    found = answer.json()
    assert set(found) == {"error"} and "\n" not in found["error"] and found["error"]
    return str(found["error"])
