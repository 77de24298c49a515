"""What the tests share: `paper`, a copy of the template under a name of its own, in a working directory of its own."""

from __future__ import annotations

import importlib
import itertools
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import gin
import hypothesis
import pytest

import papers
from repro import cli
from repro.registry import PARTS, REGISTRIES

COUNT = itertools.count(1)
hypothesis.settings.register_profile("repro", deadline=None)  # a machine that others share is slow at times
hypothesis.settings.load_profile("repro")


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
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns("__pycache__", "records", "tests"))
    for path in [*folder.rglob("*.gin"), *folder.rglob("*.py")]:
        path.write_text(path.read_text(encoding="utf-8").replace("papers.template", f"papers.{name}"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
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
        lines = [line for line in err.splitlines() if ", in runs/" not in line]  # what says that a run began
        assert len(lines) == 1 and lines[0].startswith("repro: "), err
        return lines[0].removeprefix("repro: ")

    return call
