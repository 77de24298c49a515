"""A file from the mirror or downloaded once, against a server on this machine."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.datasets import fetch
from repro.errors import BadInput

CONTENT = b"Reproduced,Year\r\nYes,1984\r\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Answers every path but `/none.csv` with CONTENT, and counts what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(404 if self.path == "/none.csv" else 200)
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server, an empty cache, no mirror."""
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    one = Server()
    yield one
    one.stop()


def get(server: Server, name: str = "table.csv", sha256: str = SHA256) -> Path:
    return fetch.file("study", name, f"{server.address}/{name}", sha256)


def kept(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    first, second = get(server), get(server)
    assert first == second == tmp_path / "cache" / "study" / "table.csv"
    assert first.read_bytes() == CONTENT
    assert server.asked == ["/table.csv"]
    server.stop()
    assert get(server) == first


def test_a_spoilt_copy_in_the_cache_is_downloaded_again(server: Server) -> None:
    get(server).write_bytes(CONTENT[:-3])
    assert get(server).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_other_bytes_are_refused_and_not_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=rf"{server.address}/table.csv is not the file it was: .*{SHA256}") as caught:
        get(server, sha256="0" * 64)
    assert "\n" not in str(caught.value)
    assert kept(tmp_path / "cache") == []


def test_a_file_that_is_gone_is_said_with_the_way_out(server: Server, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.csv .*\(HTTP 404\); give a mirror: .* REPRO_MIRROR, .* study/none\.csv"):
        get(server, "none.csv")
    assert kept(tmp_path / "cache") == []


def test_no_network_is_said_with_the_way_out(server: Server) -> None:
    server.stop()
    with pytest.raises(BadInput, match=r"cannot download http.*\(ConnectionError\); give a mirror") as caught:
        get(server)
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_said(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(BadInput, match=r"cannot download .* into .*cache"):
        get(server)


def test_the_mirror_comes_first(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirrored = tmp_path / "mirror" / "study" / "table.csv"
    mirrored.parent.mkdir(parents=True)
    mirrored.write_bytes(CONTENT)
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path / "mirror"))
    assert get(server) == mirrored
    assert server.asked == []
    mirrored.write_bytes(CONTENT + b"more")
    with pytest.raises(BadInput, match=rf"table\.csv has the sha256 \w{{64}}; expected {SHA256}"):
        get(server)
    mirrored.unlink()
    assert get(server).is_relative_to(tmp_path / "cache")
    assert server.asked == ["/table.csv"]


def test_a_mirror_that_is_no_folder_is_named(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match=r"REPRO_MIRROR is .*nowhere, which is no folder; expected one that holds "):
        fetch.file("study", "a.csv", f"{server.address}/a.csv", SHA256)
    assert server.asked == []
