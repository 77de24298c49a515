"""What the tests share: `paper`, a copy of the template under a name of its own; `repro`, the command line; `server`,
a server of files with faults; `study`, data sets that it serves."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import importlib
import itertools
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import gin
import hypothesis
import pytest

import papers
from repro import cli, provenance
from repro.paper import LEFT
from repro.record import Record
from repro.registry import PARTS, REGISTRIES

COUNT = itertools.count(1)
CLEAN = {"commit": "0" * 40, "dirty": False}
"""The source of a record from a clean commit; in a test without a repository nothing says that there is none."""


def trusted(found: Record) -> Record:
    """A record as a run from a clean commit by the present core would have left it."""
    return replace(found, source=CLEAN, core=provenance.core())


hypothesis.settings.register_profile("repro", deadline=None)  # a machine that others share is slow at times
hypothesis.settings.load_profile("repro")


@pytest.fixture(scope="session", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A data folder of the tests' own, unless one is given: what they cache is nothing to keep."""
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("REPRO_DATA"):
            patch.setenv("REPRO_DATA", str(tmp_path_factory.mktemp("data")))
        yield


class CopiedPaper:
    """A paper in `<working directory>/papers/<name>`; what a test needs to change it and to run it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name
        self.records = folder / "records"

    def config(self, name: str, text: str, base: str = "smoke.gin") -> Path:
        """A new config: `text` after an include of `base`; its path as one would type it."""
        path = self.folder / "configs" / f"{name}.gin"
        path.write_text((f"include '{base}'\n" if base else "") + text, encoding="utf-8")
        return path.relative_to(Path.cwd())

    def module(self, name: str, text: str) -> str:
        """A new module of the paper; its full name, as a config imports it."""
        (self.folder / f"{name}.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        return f"papers.{self.name}.{name}"

    def toml(self, text: str) -> None:
        (self.folder / "paper.toml").write_text(text, encoding="utf-8")


def _forget(package: str) -> None:
    """Drop the modules and parts of `package`."""
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{package}.")]:
        del sys.modules[name]
    for registry in REGISTRIES.values():
        for name in [name for name, part in registry.parts.items() if part.__module__.startswith(f"{package}.")]:
            del registry.parts[name], PARTS[f"{registry.kind}.{name}"]


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CopiedPaper]:
    """A copy of papers/template, importable, with no records; the working directory is its root."""
    name = f"copy{next(COUNT)}"
    folder = tmp_path / "papers" / name
    template = next(path for path in (Path(root) / "template" for root in papers.__path__) if path.is_dir())
    own = {*LEFT, "__pycache__", "tests"} - {"verdicts.json"}
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns(*own))
    for path in [*folder.rglob("*.gin"), *folder.rglob("*.py")]:
        path.write_text(path.read_text(encoding="utf-8").replace("papers.template", f"papers.{name}"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("repro.source._core_top", lambda top: None)  # the repository of the core may have changes
    others = [
        (registry, part)
        for registry in REGISTRIES.values()
        for part in list(registry.parts.values())
        if part.__module__.startswith("papers.")
    ]
    for registry, part in others:  # the template's own parts, where another test has imported them
        del registry.parts[part.__name__], PARTS[f"{registry.kind}.{part.__name__}"]
    yield CopiedPaper(folder)
    gin.clear_config()
    _forget(f"papers.{name}")
    for registry, part in others:
        registry.register(part)


@pytest.fixture
def git(paper: CopiedPaper, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """git in a repository that holds the paper alone, in one commit: `git("log")` gives what it prints."""
    for name, value in (("NAME", "a"), ("EMAIL", "a@b.c")):
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)

    def call(*words: str) -> str:
        return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.strip()

    Path(".gitignore").write_text("runs/\n__pycache__/\n")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "parts and configs")):
        call(*words)
    return call


@pytest.fixture
def repro(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """The command line in this process: `repro("list", "--json")` gives the exit code, stdout and stderr."""
    handlers, level = logging.root.handlers[:], logging.root.level

    def call(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as stop:  # --help and --version
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    yield call
    logging.root.handlers[:], logging.root.level = handlers, level


@pytest.fixture
def refused(repro: Callable[..., tuple[int, str, str]]) -> Callable[..., str]:
    """Run a command that must be refused as wrong input; its one line."""

    def call(*words: object) -> str:
        code, out, err = repro(*words)
        assert (code, out) == (2, ""), (code, out, err)
        began = (", in runs/", "the record will decide no claim")  # what says that a run began, in no repository
        lines = [line for line in err.splitlines() if not any(words in line for words in began)]
        assert len(lines) == 1 and lines[0].startswith("repro: "), err
        return lines[0].removeprefix("repro: ")

    return call


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
            self.wfile.write(body[start : start + (1 << 14)])
            self.server.sent += len(body[start : start + (1 << 14)])
            if fault == "slow":
                self.server.stopped.wait(0.005)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    one = Server()
    yield one
    one.stop()


class Study:
    """Data sets in the catalogue that `server` serves, in a paper without claims; an empty data folder, no mirror."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.data, self.mirror = folder / "data", folder / "mirror"
        self.catalogue, self.server = folder / "papers" / "study" / "data.toml", server
        self.catalogue.parent.mkdir(parents=True)
        (self.catalogue.parent / "paper.toml").write_text("")
        self.catalogue.write_text("")

    def add(self, name: str, text: str = "", variants: tuple[str, ...] = ("all",), **files: bytes) -> None:
        """A data set of files (`table_csv` for `table.csv`), each served by its name; `text`: more of its keys."""
        facts = ("title", "homepage", "licence", "citation")
        lines = [f"[{name}]", *(f'{key} = "a {key}"' for key in facts), 'reader = "papers.study.reader:Reader"']
        lines += [f'urls = ["{self.server.address}/"]', text]
        for variant in variants:
            lines += [f"[{name}.variants.{variant}]", "items = 1"]
        for key, content in files.items():
            path = key.replace("_", ".")
            self.server.files[path] = content
            checksum = hashlib.sha256(content).hexdigest()
            lines += [f'[{name}.files."{path}"]', f"size = {len(content)}", f'checksum = "sha256:{checksum}"']
            lines += ["unpack = true"] if path.endswith((".gz", ".tar", ".zip")) else []
        with self.catalogue.open("a") as file:
            file.write("\n".join(lines) + "\n")


@pytest.fixture
def study(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Study:
    one = Study(tmp_path, server)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("REPRO_DATA", str(one.data))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    return one
