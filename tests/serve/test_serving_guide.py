"""The page "A trained model for others", executed: its commands are run, and they print what it shows, in its form.

The model of the test is a smaller one than on the page: digits of 8 x 8 pixels.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from repro.export import translated

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guide" / "serving.md"
BLOCK = re.compile(r"^```(?P<kind>console|python)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    (repro .*)$", re.MULTILINE)
OURS = (("mnist_quickstart/mlp", "served/digits"), ("mnist_quickstart", "served"), ("mlp-seed0", "digits-seed0"),
        ('Digits("test")', 'Digits("test", size=8)'))  # fmt: skip


def ours(text: str) -> str:
    for theirs, mine in OURS:
        text = text.replace(theirs, mine)
    return text


class Follower:
    """Does what the page says, from top to bottom."""

    def __init__(self, repro: Any, stack: contextlib.ExitStack) -> None:
        self.repro, self.stack, self.address, self.done = repro, stack, "", [""]

    def serve(self, words: list[str]) -> str:
        """Start a service in a process of its own, on a free port; what it prints on the page is its address."""
        command = [sys.executable, "-m", "repro", *words[1:], "--port", "0", "--test", "right", "--stale"]
        process = self.stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        self.stack.callback(process.terminate)
        assert process.stdout
        self.address = process.stdout.readline().strip()
        return "http://127.0.0.1:8000\n"

    def run(self, line: str) -> str:
        """What a command prints, as on the page."""
        words = shlex.split(line)
        self.done.append(" ".join(words[:2]))
        if words[:2] == ["repro", "serve"]:
            return self.serve(words)
        if words[0] == "curl":
            words = [word.replace("http://127.0.0.1:8000", self.address) for word in words]
            return subprocess.run(words, check=True, capture_output=True, text=True).stdout
        if words[0] == "pytest" or words[:2] == ["repro", "run"]:
            return ""  # the benchmark, and the run that the test has already
        if "--onnx" in words:
            pytest.importorskip("onnxscript")
        code, out, err = self.repro(*words[1:])
        assert code == (0 if out else 2), err
        return str(out or err)


def same_form(found: str, shown: str) -> bool:
    """Whether two texts are equal, or JSON objects with the same keys and kinds, or one begins as the other does."""
    with contextlib.suppress(ValueError):
        one, other = json.loads(found), json.loads(shown)
        return {key: type(value) for key, value in one.items()} == {key: type(value) for key, value in other.items()}
    return found == shown or found.startswith(shown.rstrip())


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_page_is_followed(ran: Path, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translated, "ROUNDS", 27)  # the fewest with an interval
    monkeypatch.setattr(translated, "CALLS", 1)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path.cwd()), str(ROOT), os.environ.get("PYTHONPATH", "")]))
    with contextlib.ExitStack() as stack:
        follower = Follower(repro, stack)
        for hit in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
            text = ours(hit["text"])
            if hit["kind"] == "python":
                exec(text, {})
                continue
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                line, _, shown = part.partition("\n")
                found = follower.run(line)
                assert not shown or same_form(found, shown), (line, found)
    assert {"repro serve", "repro export", "curl -s"} <= {*follower.done}


def commands() -> Iterator[str]:
    yield from INDENTED.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("line", list(commands()))
def test_other_commands_have_these_options(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of a paragraph: they run until they are stopped, so only their words are read."""
    from repro.cli import _parser

    given = _parser().parse_args(shlex.split(line)[1:])
    assert given.call


def test_there_are_such_commands() -> None:
    found = "\n".join(commands())
    assert all(word in found for word in ("--log", "--page", "--weights")) and io.StringIO(found).readline()
