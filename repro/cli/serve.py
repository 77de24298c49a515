"""The command `repro serve`: a trained model as a service."""

from __future__ import annotations

import argparse
import contextlib
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

from repro.cli import places
from repro.errors import BadInput

EXTRA = "serve"
PAGE = {
    "global.developmentMode": "false",
    "browser.gatherUsageStats": "false",
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.maxUploadSize": "10",
    "client.toolbarMode": "viewer",
    "logger.hideWelcomeMessage": "true",
    "logger.level": "warning",
}
"""Streamlit opens no browser, watches no files, and sends nothing to another server."""
MOST = {"batch": 4096, "size": 1_000_000_000}


def options(command: Any, count: Any) -> None:
    """Add the options to the parser of the command. count: reads a whole number from 1."""
    command.add_argument(
        "run", nargs="?", default="", help="a record or run such as mine/cnn-seed1, a run folder, or a config (seed 0)"
    )
    command.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: only this machine)")
    command.add_argument("--port", type=_port, default=8000, help="the port; 0 takes a free one (default: 8000)")
    command.add_argument("--page", action="store_true", help="a page for a person instead, in the browser")
    command.add_argument(
        "--test", default="", metavar="NAME", help="the test set whose inputs it reads (default: first)"
    )
    command.add_argument("--weights", type=Path, metavar="FILE", help="an exported file, in place of the run folder")
    command.add_argument("--stale", action="store_true", help="also serve the model of a stale record")
    command.add_argument(
        "--unfinished", action="store_true", help="also serve the newest checkpoint of a run that is not finished"
    )
    command.add_argument("--batch", type=count, default=32, metavar="N", help="answer at most N together (default: 32)")
    command.add_argument(
        "--wait", type=_above, default=2.0, metavar="MS", help="wait so long for others (default: 2 ms)"
    )
    command.add_argument(
        "--size", type=count, default=10_000_000, metavar="BYTES", help="of a request (default: 10 MB)"
    )
    command.add_argument("--seconds", type=_above, default=30.0, metavar="S", help="time for a request (default: 30 s)")
    command.add_argument("--log", type=Path, metavar="FILE", help="append each answer, for `repro watch`")
    command.add_argument("--log-inputs", action="store_true", help="also store what was sent")


def serve(given: argparse.Namespace) -> int:
    """`repro serve`: answer requests until Ctrl-C. Prints the address."""
    from repro.serve import needed, trained

    if given.log_inputs and not given.log:
        raise BadInput("--log-inputs needs --log", expected="--log FILE")
    if not given.run and not given.weights:
        raise BadInput("no model is named", expected="a run such as mine/cnn-seed1, or --weights FILE")
    if given.weights and given.unfinished:
        raise BadInput("--unfinished is about a run, and --weights names a file", expected="one of the two")
    if given.log:
        places.refuse_paper(given.log)
    for name, most in MOST.items():
        if getattr(given, name) > most:
            raise BadInput(f"--{name} is {getattr(given, name)}", expected=f"at most {most:,}")
    found = trained.find(given.run, given.weights, given.stale, given.unfinished)
    if given.page:
        needed("streamlit", "page")
        return _page(given, found)
    for module in ("fastapi", "uvicorn"):
        needed(module, EXTRA)
    _run(given, found)
    return 0


def _page(given: argparse.Namespace, found: Any) -> int:
    """Start Streamlit, which shows the page until Ctrl-C, in a process of its own. Errors are found before."""
    from repro import serve
    from repro.serve import running, trained
    from repro.serve.service import Service

    if given.log:
        raise BadInput("--log is about the service", expected="--page without it")
    with contextlib.closing(running.listening(given.host, given.port)) as made:
        address, port = running.address(made), made.getsockname()[1]
        Service(trained.load(found), given.test)
    page = Path(serve.__file__).with_name("page.py")
    allowed = [name for name in ("stale", "unfinished") if getattr(given, name)]
    words = [given.run, str(given.weights or ""), given.test, *allowed]
    options = {**PAGE, "server.address": given.host, "server.port": str(port)}
    command = [sys.executable, "-m", "streamlit", "run", str(page)]
    command += [word for name, value in options.items() for word in (f"--{name}", value)]
    print(address, flush=True)
    try:
        return subprocess.run([*command, "--", *words], check=False).returncode
    except KeyboardInterrupt:
        return 0


def _run(given: argparse.Namespace, found: Any) -> None:
    from repro.serve import app, running, trained
    from repro.serve.batches import Limits
    from repro.serve.service import Service

    made = running.listening(given.host, given.port)
    try:
        served = Service(trained.load(found), given.test)
        limits = Limits(given.batch, given.wait, size=given.size, seconds=given.seconds)
        with served.logged(given.log, given.log_inputs):
            log = logging.getLogger("repro")
            log.info("%s reads %s; Ctrl-C stops it", served.trained.name, " or ".join(served.kinds))
            print(running.address(made), flush=True)
            running.server(app.make(served, limits, running.hosts(given.host))).run([made])
    except KeyboardInterrupt:
        logging.getLogger("repro").info("stopped")
    finally:
        made.close()


def _port(text: str) -> int:
    if not (text.isdecimal() and len(text) <= 5 and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r:.40}; expected a whole number from 0 to 65535")
    return int(text)


def _above(text: str) -> float:
    """A number above 0 and at most an hour in seconds."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r:.40}; expected a number above 0, at most 3600")
    return found
