"""The addresses of the service: /predict, /health, /model, /docs and /openapi.json.

A client sends the file itself, with its Content-Type, or JSON. Every error is JSON with one line: `{"error": "..."}`.
No address reads a file: what a client sends is decoded in memory.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from repro import __version__
from repro.errors import BadInput, Busy
from repro.serve import decoding, documentation, service
from repro.serve.batches import Batches, Limits
from repro.serve.service import Service

FILES = {"image/": "image", "audio/": "sound", "text/plain": "text"}
"""The kind of input by the start of the Content-Type."""
KEYS = {"image": "image", "sound": "sound", "text": "text", "inputs": "numbers"}
"""The kind of input by the key of a JSON object."""
HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d+)?")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
SILENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI sends nothing about requests to another server, whatever the environment says."""
log = logging.getLogger("repro")


class Refused(Exception):
    """A request that is refused before the model sees it. status: of HTTP."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


def make(served: Service, limits: Limits, hosts: list[str]) -> FastAPI:
    """The service as an application of ASGI. hosts: the names by which a client may call it; "*" allows every name."""
    waiting = Batches(served.answers, limits)

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        waiting.start()
        yield
        await waiting.stop()

    title = f"repro serve {served.trained.name}"
    app = FastAPI(
        title=title, version=__version__, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=life,
        telemetry=SILENT,
    )  # fmt: skip
    app.add_middleware(Known, hosts=hosts)
    app.add_exception_handler(HTTPException, _unknown)
    _predict(app, served, waiting)
    _about(app, served, waiting)
    return app


def _predict(app: FastAPI, served: Service, waiting: Batches) -> None:
    @app.post("/predict", summary="The answer to one input", openapi_extra=documentation.request_body(served.kinds))
    async def predict(request: Request) -> Response:
        try:
            kind, content = _sent(request.headers.get("content-type", ""), await _body(request, waiting.limits))
            return _json(200, await waiting(service.Request(kind, content)))
        except Exception as error:
            return _failed(error)


def _about(app: FastAPI, served: Service, waiting: Batches) -> None:
    about = served.about  # it reads files, so not because of a request

    @app.get("/health", summary="Whether the service answers")
    async def health() -> Response:
        facts = {"record": served.trained.name, "checkpoint": served.trained.checkpoint}
        return _json(200, {"status": "ok", **facts, "answered": waiting.answered, "waiting": waiting.queue.qsize()})

    @app.get("/model", summary="The model: record, config, weights, metrics, verdicts")
    async def model() -> Response:
        return _json(200, about)

    @app.get("/docs", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def docs(request: Request) -> Response:
        address = str(request.base_url).rstrip("/")
        return HTMLResponse(documentation.page(app.openapi(), about, address), headers=HEADERS)


def _sent(kind: str, content: bytes) -> tuple[str, Any]:
    """The kind and the content of a request, from its Content-Type and body."""
    kind = kind.strip().lower()
    for start, name in FILES.items():
        if kind.startswith(start):
            return name, content
    if kind.split(";")[0].strip() == "application/json":
        return _of_json(decoding.json_object(content))
    raise Refused(
        415, f"the Content-Type is {kind!r:.80}; expected image/..., audio/..., text/plain or application/json"
    )


def _of_json(row: dict[str, Any]) -> tuple[str, Any]:
    if len(row) != 1 or not row.keys() <= KEYS.keys():
        keys = f"the {'key' if len(row) == 1 else 'keys'} {', '.join(map(repr, row)):.120}"
        given = keys if row else "no key"
        raise Refused(400, f"the JSON has {given}; expected one of {', '.join(KEYS)}")
    ((key, value),) = row.items()
    if key == "inputs":
        return KEYS[key], value
    if not isinstance(value, str):
        raise Refused(400, f"{key!r} is {decoding.kind_of(value)}; expected a string")
    return KEYS[key], _bytes(key, value)


def _bytes(key: str, value: str) -> bytes:
    """The content of a key of JSON: a text, else a file in base64."""
    try:
        return value.encode() if key == "text" else base64.b64decode(value, validate=True)
    except UnicodeEncodeError:
        raise Refused(400, "'text' has half of a surrogate pair; expected a text that UTF-8 can encode") from None
    except ValueError as error:  # binascii.Error, or a letter that is not in ASCII
        raise Refused(400, f"{key!r} is not base64: {error!s:.80}; expected the content of a file, in base64") from None


async def _body(request: Request, limits: Limits) -> bytes:
    """The body of a request. It is not read further than the limit."""
    large = Refused(413, f"the request is too large; expected at most {limits.size:,} bytes")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:18]) > limits.size:
        raise large
    parts, size = [], 0
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                size += len(part)
                if size > limits.size:
                    raise large
                parts.append(part)
    except TimeoutError:
        raise Refused(408, f"the request was not complete after {limits.seconds:g} s") from None
    return b"".join(parts)


def _failed(error: Exception) -> Response:
    """The answer for an error: one line, and for an error of the program no details of it."""
    match error:
        case Refused():
            return _error(error.status, str(error))
        case Busy():
            return _error(503, str(error))
        case BadInput():
            return _error(422, str(error))
        case ClientDisconnect():
            return _error(400, "the request is not complete")
        case TimeoutError():
            return _error(504, "no answer in time; expected that you try again later")
    log.error("a request failed: %s: %s", type(error).__name__, error, exc_info=error)
    return _error(500, "the model could not answer; the log of the service says why")


class Known:
    """Refuses a request that calls the service by another name, or that a page of another site sends.

    A browser sends such a request for a page of any site. The page cannot read the answer, but it would be in the log.
    hosts: as of `make`.
    """

    def __init__(self, app: ASGIApp, hosts: list[str]) -> None:
        self.app, self.hosts = app, [one.strip("[]").lower() for one in hosts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it to the application."""
        refused = self._refused(Headers(scope=scope)) if scope["type"] == "http" else None
        await (refused or self.app)(scope, receive, send)

    def _refused(self, headers: Headers) -> Response | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if "*" not in self.hosts and _machine(host) not in self.hosts:
            return _error(400, f"the request is for {host!r:.80}; expected the name {' or '.join(self.hosts)} in Host")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            return _error(403, f"a page of {origin!r:.80} sent the request; expected a program")
        return None


def _machine(host: str) -> str:
    """The name of the machine in a header `Host`, without the port; "" if the header is not valid."""
    found = HOST.fullmatch(host)
    return found["name"].strip("[]").lower() if found else ""


async def _unknown(request: Request, error: Exception) -> Response:
    """An address or a method that there is not."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = {404: "no such address", 405: "this address has another method"}.get(status, "the request is refused")
    return _error(status, f"{said}; expected POST /predict, GET /health, /model or /docs")


def _error(status: int, line: str) -> Response:
    return _json(status, {"error": " ".join(line.split())})


def _json(status: int, row: dict[str, Any]) -> Response:
    return JSONResponse(row, status, HEADERS)
