"""`repro doctor`: what works on this machine, what is missing, and how to get it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from repro import HOME
from repro.data import store
from repro.errors import BadInput, Finding, where
from repro.files import disk
from repro.run import run_folders

LEAST = 5e9  # bytes of free disk for runs and data
SECONDS = 20  # for a program that reports a state
NEEDED = ("torch", "torchaudio", "gin-config", "safetensors", "numpy", "scipy")
EXTRAS = {"pytest": "make test", "sphinx": "repro report", "shtab": "repro completion", "typst": "repro export"}


def findings() -> list[Finding]:
    """Check this machine. If something is missing that only some commands need, its `ok` is None, not False."""
    return [found for check in CHECKS for found in check()]


def _python() -> Iterator[Finding]:
    good = sys.version_info >= (3, 11)
    yield Finding("python", good, f"{platform.python_version()}{'' if good else '; install Python 3.11 or newer'}")
    yield Finding("repro", True, f"from {HOME.parent}")


def _packages() -> Iterator[Finding]:
    missing = [name for name in NEEDED if not _version(name)]
    found = ", ".join(f"{name} {_version(name)}" for name in NEEDED[:2] if _version(name))
    yield Finding("packages", not missing, f"{', '.join(missing)} not installed: make venv" if missing else found)
    for name, wants in EXTRAS.items():
        if find_spec(name) is None:
            yield Finding("packages", None, f"{name} is not installed, which `{wants}` needs: make venv")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _gpus() -> Iterator[Finding]:
    if not shutil.which("nvidia-smi"):
        yield Finding("gpus", None, "no nvidia-smi, so no NVIDIA GPU: configs train on the CPU")
        return
    listed = _says("nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader")
    if not listed:
        yield Finding("gpus", False, "nvidia-smi finds no GPU; its driver may need a restart")
        return
    code = "import torch; print(torch.cuda.device_count(), torch.version.cuda)"
    count, _, cuda = _says(sys.executable, "-c", code).partition(" ")
    gpus = "; ".join(listed.splitlines())
    if count in ("", "0"):
        built = f"built for CUDA {cuda.strip() or 'unknown'}"
        yield Finding("gpus", False, f"{gpus}; torch cannot use them ({built}): see Data and GPUs in README.md")
    else:
        yield Finding("gpus", True, f"{gpus}; torch uses CUDA {cuda.strip()}")


def _says(*words: str) -> str:
    """The output of a program; empty if it fails, or takes too long."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _programs() -> Iterator[Finding]:
    for name, wants, without in (
        ("git", "records name a commit", False),
        ("tmux", "repro launch, attach and stop", None),
        ("sbatch", "Slurm; not needed for tmux", None),
    ):
        path = shutil.which(name)
        says = f"{path}" if path else f"not found ({wants}); install it with the package manager of the system"
        yield Finding("slurm" if name == "sbatch" else name, True if path else without, says)


def _folders() -> Iterator[Finding]:
    try:
        (runs,) = run_folders.listed()[:1]
        disk.refuse_unwritable(runs, "doctor")
        yield _space("runs", runs)
    except BadInput as error:
        yield Finding("runs", False, str(error))
    try:
        places = store.places()
    except BadInput as error:
        yield Finding("data", False, str(error))
        return
    yield _space("data", places["data folder"])
    mirror = places.get("mirror")
    missing = "REPRO_MIRROR is not set: data comes from the data folder or the network"
    yield Finding("mirror", True if mirror else None, str(mirror) if mirror else missing)


def _space(name: str, folder: Path) -> Finding:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    says = f"{where(folder)}, {free / 1e9:.0f} GB free"
    good = free >= LEAST and os.access(there, os.W_OK)
    return Finding(
        name, good, says if good else f"{says}; it needs {LEAST / 1e9:.0f} GB, and you must be able to write"
    )


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (_python, _packages, _gpus, _programs, _folders)
