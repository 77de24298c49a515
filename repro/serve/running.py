"""The socket and the server of a service."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from typing import Any

from repro.errors import BadInput

EVERYWHERE = ("0.0.0.0", "::")  # nosec B104  # only to recognise what the user typed
IDLE = 5  # s that a connection may stay open without a request
HEADERS = 16_384  # bytes of the headers of a request
CONNECTIONS = 2_000


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens. port 0: any free port. Raises BadInput if the address is wrong or in use."""
    try:
        facts = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(*facts[:3])  # with its protocol: without it, asyncio would delay each answer by 40 ms
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.ExitStack() as stack:
            stack.callback(made.close)
            made.bind(facts[4])
            made.listen(CONNECTIONS)
            stack.pop_all()
        return made
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"cannot listen on {host}:{port}: {reason}", expected="another --host or --port") from None


def address(made: socket.socket) -> str:
    """The address of a socket for a browser."""
    host, port = made.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def hosts(host: str) -> list[str]:
    """The names by which a client may call the service: a page of another site cannot call it by a name of its own.

    >>> hosts("127.0.0.1"), hosts("0.0.0.0")
    (['127.0.0.1', 'localhost', '[::1]'], ['*'])
    """
    if host in EVERYWHERE:
        return ["*"]
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return [*dict.fromkeys([host, *(["127.0.0.1", "localhost", "[::1]"] if local else [])])]


def server(app: Any) -> Any:
    """A server of the application, with limits: a `uvicorn.Server`."""
    import uvicorn

    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        log_level="error",
        server_header=False,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=IDLE,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=HEADERS,
    )
    return uvicorn.Server(config)
