"""The page "Watch a model in use": its program writes the log, its command prints what the page says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "watching.md"
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")


def block(language: str) -> str:
    """The only block in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repro: Callable[..., tuple[int, str, str]]) -> None:
    monkeypatch.chdir(tmp_path)
    exec(block("python"), {})
    command, _, shown = block("console").partition("\n")
    code, out, _ = repro(*shlex.split(command)[2:])
    assert code == 1
    assert TIME.sub("TIME", out) == TIME.sub("TIME", shown)
    assert Path("drift.html").is_file()
