"""The page "Watch a model in use": its program writes the log, its command prints what the page says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.guide import blocks

TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repro: Callable[..., tuple[int, str, str]]) -> None:
    monkeypatch.chdir(tmp_path)
    exec(blocks("watching", "python")[0], {})
    command, _, shown = blocks("watching", "console")[0].partition("\n")
    code, out, _ = repro(*shlex.split(command)[2:])
    assert code == 1
    assert TIME.sub("TIME", out) == TIME.sub("TIME", shown)
    assert Path("drift.html").is_file()
