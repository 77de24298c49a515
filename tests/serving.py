"""A server of files on this machine, with faults: what the tests of downloads download from."""

from __future__ import annotations

import gzip
import http.server
import threading


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` by path on this machine, each request with the next of the path's `faults`, in the end with none.

    Faults: `404` and the like; `cut` (half, then the end), `stall` (half, then nothing), `close` (no answer), `short`
    and `long` (a Content-Length that lies), `more` (too many bytes, no length), `wrong` (other bytes), `whole` (Range
    is ignored), `elsewhere` (bytes from another place), `unsized` (no Content-Length), `gzip` (it says gzip of what is
    not), `packed` (gzip where that is accepted), `slow` (5 ms per 16 kB). `asked` has the path and the Range of each
    request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FileHandler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.asked: list[tuple[str, str]] = []
        self.sent, self.stopped = 0, threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        if not self.stopped.is_set():
            self.stopped.set()
            self.shutdown()
            self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that went away is no fault."""


class FileHandler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path, wanted = self.path.removeprefix("/"), self.headers.get("Range", "")
        self.server.asked.append((path, wanted))
        faults = self.server.faults.get(path, [])
        fault = faults.pop(0) if faults else ("" if path in self.server.files else "404")
        if fault.isdigit():
            return self.send_error(int(fault))
        if fault != "close":
            self._answer(self.server.files[path], fault, wanted)
        return None

    def _answer(self, content: bytes, fault: str, wanted: str) -> None:
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and fault != "whole" else 0
        if start >= len(content):
            return self.send_error(416)
        body = content[start:] if fault != "wrong" else bytes(len(content) - start)
        if fault == "packed" and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
        self.send_response(206 if start else 200)
        if start:
            at = start + 1 if fault == "elsewhere" else start
            self.send_header("Content-Range", f"bytes {at}-{len(content) - 1}/{len(content)}")
        length = {"short": len(body) // 2, "long": 2 * len(body)}.get(fault, len(body))
        if fault not in ("unsized", "more"):
            self.send_header("Content-Length", str(length))
        if fault == "gzip":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self._send(body[: len(body) // 2] if fault in ("cut", "stall") else body, fault)
        if fault == "more":
            self._send(bytes(64 << 20), fault)
        if fault == "stall":
            self.server.stopped.wait()
        return None

    def _send(self, body: bytes, fault: str) -> None:
        for start in range(0, len(body), 1 << 14):
            part = body[start : start + (1 << 14)]
            self.server.sent += len(part)  # before it is written: a client that has the last byte may look at once
            self.wfile.write(part)
            if fault == "slow":
                self.server.stopped.wait(0.005)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
