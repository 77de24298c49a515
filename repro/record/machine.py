"""The environment of a record: packages, processor, threads, and environment variables that can change a number.

Variables that would change how accelerate trains are removed during a run, because the config describes the training.
Other variables that can change a number (kernels and precision of libraries, Python's hash seed) are stored in the
record.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from repro import HOME
from repro.errors import BadInput

OVERRIDDEN = re.compile(r"ACCELERATE_(?!USE_CPU$)|FP8_|FSDP_|MEGATRON_LM_|PARALLELISM_CONFIG_")
KEPT = re.compile(
    r"(ATEN|BLIS|CUBLAS|CUDA|CUDNN|DNNL|FLASH_ATTENTION|GOMP|KMP|MIOPEN|MKL|NPY|NUMEXPR|NVIDIA_TF32|OMP|ONEDNN|OPENBLAS"
    r"|PYTORCH|TORCH|TORCHDYNAMO|TORCHINDUCTOR|TRITON|VECLIB|XNNPACK)_\w+|ACCELERATE_USE_CPU|LD_PRELOAD|PYTHONHASHSEED"
    r"|PYTHONOPTIMIZE|CUBLASLT_\w+|DISABLE_ADDMM_CUDA_LT|GLIBC_TUNABLES|SCIPY_ARRAY_API"
)
HARMLESS = re.compile(
    r"\w+_(HOME|DIR|PATH|ROOT|VERBOSE|DEBUG|LOGS|CACHE|PROFILER|ALLOC_CONF)|\w+_NUM_THREADS|CUDA_VISIBLE_DEVICES"
    r"|CUDA_VERSION|CUDA_DEVICE_ORDER|CUDA_LAUNCH_BLOCKING|OMP_WAIT_POLICY|GOMP_SPINCOUNT|KMP_BLOCKTIME"
    r"|KMP_DUPLICATE_LIB_OK|KMP_INIT_AT_FORK|PYTORCH_VERSION"
)
"""Variables that are not stored: they set paths or printed output, or a record has their value under another name."""

NUMBERS = {"family": "cpu family", "model": "model", "stepping": "stepping"}
"""The numbers that identify a processor, and their names in Linux's /proc/cpuinfo."""

SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
RANKS = ("RANK", "LOCAL_RANK")

log = logging.getLogger("repro")


@contextmanager
def settled() -> Iterator[None]:
    """Remove the variables that would change how accelerate trains, with a warning, and restore them at the end."""
    taken = {name: os.environ.pop(name) for name in sorted(os.environ) if OVERRIDDEN.match(name)}
    if taken:
        log.warning("ignored: %s; the config describes how a run trains", ", ".join(taken))
    try:
        yield
    finally:
        os.environ.update(taken)


def variables() -> dict[str, str]:
    """The environment variables that are set and can change a number. A path is replaced by `a path`."""
    found = {name: os.environ[name] for name in sorted(os.environ) if KEPT.fullmatch(name)}
    return {
        name: "a path" if "/" in value or "\\" in value else value[:200]
        for name, value in found.items()
        if not HARMLESS.fullmatch(name)
    }


def refuse_processes() -> None:
    """Raise BadInput if the environment describes this as one of several processes: a run is a single process."""
    for name in (*SIZES, *RANKS):
        if name in os.environ and not re.fullmatch(r"-?\d{1,9}", os.environ[name]):
            raise BadInput(f"{name} is {os.environ[name]!r}", expected="a whole number, or the variable not set")
    for name in SIZES:
        if os.environ.get(name, "1") != "1":
            raise BadInput(f"{name} is {os.environ[name]}", expected="1: repro run is one process (one GPU)")
    whole = ("WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", *RANKS)
    if any(name in os.environ for name in RANKS) and (lacking := [name for name in whole if name not in os.environ]):
        names = " and ".join(name for name in RANKS if name in os.environ)
        raise BadInput(f"{names} is set, but {lacking[0]} is not", expected=f"none of them: unset {names}")


def accelerator() -> str:
    """The name of the accelerator (GPU) that torch uses; `none` if there is none."""
    import torch

    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes", "y", "t", "on"):
        return "none"
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return "mps" if torch.backends.mps.is_available() else "none"


def environment(threads: int, accelerator: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The `environment` of a record: Python, packages, machine, and the variables `given`."""
    return {
        "python": platform.python_version(),
        "packages": packages(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count(),
        "accelerator": accelerator,
        "threads": threads,
        **({"variables": dict(given)} if given else {}),
    }


def packages() -> dict[str, str]:
    """The installed version of each package that this project requires, without extras; `unknown` without metadata."""
    names = sorted({re.split(r"[\s;<>=!~\[(]", row)[0] for row in _required() if "extra ==" not in row})
    return {name: _version(name) for name in names}


def _required() -> list[str]:
    """The requirements of this project: from its installed metadata, else from `pyproject.toml` of its source tree."""
    try:
        return importlib.metadata.requires("repro-papers") or []
    except importlib.metadata.PackageNotFoundError:
        path = HOME.parent / "pyproject.toml"
    try:
        return list(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["dependencies"])
    except (OSError, ValueError, KeyError):
        raise BadInput(
            "the packages that this project requires are not known",
            str(path),
            expected="the project to be installed (pip install -e .), or its source tree",
        ) from None


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name) or "unknown"
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def processor() -> str:
    """The processor's name, family, model and stepping.

    Processors with the same name may differ in these numbers, use other kernels, and round differently.
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    found = dict(re.findall(r"^(model name|cpu family|model|stepping)\s*:\s*(.+)$", text, flags=re.MULTILINE))
    numbers = [f"{key} {found[name]}" for key, name in NUMBERS.items() if name in found]
    return ", ".join([found.get("model name", platform.processor()), *numbers])
