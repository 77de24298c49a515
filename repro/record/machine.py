"""The environment of a record: packages, processor, threads, and environment variables that can change a number.

Variables that can change a number (kernels and precision of libraries, Python's hash seed) are stored in the record.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repro import HOME
from repro.errors import BadInput

KEPT = re.compile(
    r"(ATEN|BLIS|CUBLAS|CUDA|CUDNN|DNNL|FLASH_ATTENTION|GOMP|KMP|MIOPEN|MKL|NPY|NUMEXPR|NVIDIA_TF32|OMP|ONEDNN|OPENBLAS"
    r"|PYTORCH|TORCH|TORCHDYNAMO|TORCHINDUCTOR|TRITON|VECLIB|XNNPACK)_\w+|LD_PRELOAD|PYTHONHASHSEED"
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


def variables() -> dict[str, str]:
    """The environment variables that are set and can change a number. A path is replaced by `a path`."""
    found = {name: os.environ[name] for name in sorted(os.environ) if KEPT.fullmatch(name)}
    return {
        name: "a path" if "/" in value or "\\" in value else value[:200]
        for name, value in found.items()
        if not HARMLESS.fullmatch(name)
    }


def accelerator() -> str:
    """The name of the accelerator (GPU) that torch uses; `none` if there is none."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return "mps" if torch.backends.mps.is_available() else "none"


def gpu() -> dict[str, Any]:
    """The versions of driver, CUDA and cuDNN, and the settings that change numbers; {} without an NVIDIA GPU."""
    import torch

    if not torch.cuda.is_available():
        return {}
    return {
        "driver": _driver(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "tf32_matmul": torch.backends.cuda.matmul.allow_tf32,
        "tf32_cudnn": torch.backends.cudnn.allow_tf32,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
    }


def memory() -> dict[str, float]:
    """The largest memory of this process so far in MiB, and that of its tensors on a GPU of NVIDIA if there is one."""
    import resource  # not on Windows

    import torch

    unit = 1 if platform.system() == "Darwin" else 1024  # bytes; elsewhere KiB
    found = {"memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)}
    if torch.cuda.is_available():
        found["gpu_memory_mib"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return found


def _driver(path: Path = Path("/proc/driver/nvidia/version")) -> str:
    """The version of NVIDIA's driver."""
    try:
        hit = re.search(r"\b\d+\.\d+(\.\d+)?\b", path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        hit = None
    return hit[0] if hit else "unknown"


def environment(
    threads: int, accelerator: str, given: Mapping[str, str], processes: Sequence[int] = (1,)
) -> dict[str, Any]:
    """The `environment` of a record: Python, packages, machine, and the variables `given`.

    threads: of each process. processes: that worked together, one number after the other if it changed.
    """
    return {
        "python": platform.python_version(),
        "packages": packages(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count(),
        "accelerator": accelerator,
        "threads": threads,
        **({} if list(processes) == [1] else {"processes": list(processes)}),
        **({"gpu": found} if (found := gpu()) else {}),
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
