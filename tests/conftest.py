"""What the tests share: `paper`, a copy of the template under a name of its own; `repro`, the command line; `server`,
a server of files with faults; `study`, data sets that it serves; `without`, for a test that has a package to itself."""

from __future__ import annotations

import gc
import gzip
import hashlib
import importlib
import itertools
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gin
import hypothesis
import pytest

import papers
from repro import cli
from repro.claim.paper import WRITTEN
from repro.data import store
from repro.record import Record, audit, code_digest
from repro.registry import PARTS, REGISTRIES, Registry
from repro.testing import part_names
from repro.verdict import verdicts_json
from tests.serving import Server

COUNT = itertools.count(1)
CLEAN = {"commit": "0" * 40, "dirty": False}
"""The source of a record from a clean commit; in a test without a repository nothing says that there is none."""


def trusted(found: Record) -> Record:
    """A record as a run from a clean commit by the present core would have left it."""
    return replace(found, source=CLEAN, core=code_digest.core())


hypothesis.settings.register_profile("repro", deadline=None)  # a machine that others share is slow at times
hypothesis.settings.register_profile("quick", deadline=None, max_examples=40)  # `make test`
hypothesis.settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """Take the tests and all libraries out of garbage collection: no collection after this has to visit them."""
    gc.freeze()


GIVEN = ("REPRO_DATA", "REPRO_MIRROR")
"""What a user may set for the tests. Other settings, such as the folder of the runs, are for the user's own work."""


@pytest.fixture(scope="session", autouse=True)
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No settings of the user but `GIVEN`, and a data folder of the tests' own unless one is given."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("REPRO_") and name not in GIVEN]:
            patch.delenv(name)
        if not os.environ.get("REPRO_DATA"):
            patch.setenv("REPRO_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session", autouse=True)
def cores_of_commits() -> Iterator[None]:
    """The core of a commit is computed once for all tests: a commit never changes, and cores.json names many."""
    compute, known = audit.Committed.core, dict[tuple[Path, str], str]()

    def core(self: audit.Committed, commit: str) -> str:
        place = (self.top, commit)
        if place not in known:
            known[place] = compute(self, commit)
        return known[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit.Committed, "core", core)
        yield


@pytest.fixture(scope="session", autouse=True)
def interrupts() -> Iterator[None]:
    """Ctrl-C works in the processes that tests start, also if the tests run in the background and so ignore it."""
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if ignored:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


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


def _parts(package: str) -> list[tuple[Registry, type]]:
    """The parts of `package`, each with its registry."""
    found = [(registry, part) for registry in REGISTRIES.values() for part in registry.parts.values()]
    return [(registry, part) for registry, part in found if part.__module__.startswith(f"{package}.")]


def _forget(package: str) -> None:
    """Drop the modules and parts of `package`."""
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{package}.")]:
        del sys.modules[name]
    for registry, part in _parts(package):
        del registry.parts[part.__name__], PARTS[f"{registry.kind}.{part.__name__}"]


@pytest.fixture
def without() -> Iterator[Callable[[str], None]]:
    """`without(package)`: until the end of the test, no module and no part of `package` is loaded from elsewhere."""
    kept: dict[str, tuple[dict[str, Any], list[tuple[Registry, type]]]] = {}

    def call(package: str) -> None:
        modules = {name: one for name, one in sys.modules.items() if f"{name}.".startswith(f"{package}.")}
        kept[package] = modules, _parts(package)
        _forget(package)

    yield call
    for package, (modules, parts) in kept.items():
        _forget(package)
        sys.modules.update(modules)
        for registry, part in parts:
            registry.register(part)


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CopiedPaper]:
    """A copy of papers/template, importable, with no records; the working directory is its root."""
    name = f"copy{next(COUNT)}"
    folder = tmp_path / "papers" / name
    template = next(path for path in (Path(root) / "template" for root in papers.__path__) if path.is_dir())
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns(WRITTEN, "__pycache__", "tests"))
    (folder / WRITTEN).mkdir()
    shutil.copy(template / verdicts_json.FILE, folder / WRITTEN)
    for path in [*folder.rglob("*.gin"), *folder.rglob("*.py")]:
        path.write_text(path.read_text(encoding="utf-8").replace("papers.template", f"papers.{name}"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(
        "repro.record.as_committed._core_top", lambda top: None
    )  # the repository of the core may have changes
    every = part_names.every
    ours = lambda: [part for part in every() if not part.module.startswith("papers.template.")]  # noqa: E731
    monkeypatch.setattr(part_names, "every", ours)  # the copy's parts have the names of the template's
    others = _parts("papers")
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
        began = (", in runs/", "no claim can use the record")  # the lines at the start of a run, in no repository
        lines = [line for line in err.splitlines() if not any(words in line for words in began)]
        assert len(lines) == 1 and lines[0].startswith("repro: "), err
        return lines[0].removeprefix("repro: ")

    return call


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project: the working directory, importable, with an empty folder papers/."""
    (tmp_path / "papers").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def small_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The 8 x 8 digits of scikit-learn in the files of MNIST, as the data folder."""
    from repro.datasets.digits import Digits

    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for split, stem in (("train", "train"), ("test", "t10k")):
        digits = Digits(split)
        for name, array in (("images-idx3", digits.images), ("labels-idx1", digits.labels.byte())):
            header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
            (folder / f"{stem}-{name}-ubyte.gz").write_bytes(gzip.compress(header + array.numpy().tobytes(), 1))
    monkeypatch.setenv(store.DATA, str(folder.parent))


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
