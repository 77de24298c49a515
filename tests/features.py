"""A module of a paper whose function is cached, for the tests of the cache."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.conftest import CopiedPaper

MODULE = """
import os, time
from pathlib import Path
import numpy as np

def ramp(size=5, seconds=0.0, scale=1.0, weights=1.0):
    with open("built.txt", "a") as file:
        print(os.getpid(), file=file)
    time.sleep(seconds)
    return {"ramp": scale * weights * np.arange(size, dtype=np.float32), "size": np.array(size)}

def given(made):
    return made

def other(number):
    return {"a": 3.0 if number else np.array([None])}

class Owner:
    def method(self):
        return {}
"""


class Features:
    """The module `features` of a paper, older than this process; `written` says anew what stands in it."""

    def __init__(self, paper: CopiedPaper, data: Path) -> None:
        self.paper, self.data, self.clock = paper, data, 0
        self.module: ModuleType | None = None
        self.written(MODULE)

    def written(self, text: str) -> None:
        self.clock += 1
        self.name = self.paper.module("features", text)
        os.utime(self.paper.folder / "features.py", (self.clock, self.clock))
        self.module = importlib.reload(self.module) if self.module else importlib.import_module(self.name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)

    def builds(self) -> int:
        """How often `ramp` has been computed, in whichever process."""
        return len(Path("built.txt").read_text().splitlines()) if Path("built.txt").exists() else 0

    def entries(self) -> list[Path]:
        return sorted(path.parent for path in self.data.glob("features/*/entry.json"))

    def process(self, call: str) -> subprocess.Popen[str]:
        """Another process that evaluates `call`, with the module as `features`."""
        code = f"import {self.name} as features; from functools import partial; import numpy as np\n"
        code += f"from repro.data.cache import arrays\n{call}"
        path = os.pathsep.join([str(self.paper.folder.parent.parent), *sys.path])
        command = [sys.executable, "-c", code]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, stdout=pipe, stderr=pipe, text=True)
