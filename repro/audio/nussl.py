"""Import nussl 1.1.9 together with current libraries. Only this file imports nussl.

nussl is no longer maintained. This project uses it as an independent reference in tests, as a baseline in benchmarks
and in configs that say so, and to read its own datasets and checkpoints. No other result of this project is computed
with it.

Each function below fixes one incompatibility. Two changes are permanent: those to nussl's own modules, and those to
torch's list of types that a checkpoint may contain. Every other change is undone after the import.
"""

from __future__ import annotations

import functools
import importlib
import importlib.resources
import importlib.util
import sys
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import scipy.signal
import torch

INSTALL = "pip install --no-deps nussl==1.1.9"
REQUIRED = {
    "audioread": "audioread",
    "ignite": "pytorch-ignite",
    "librosa": "librosa",
    "pyloudnorm": "pyloudnorm",
    "six": "six",
    "sklearn": "scikit-learn",
    "soundfile": "soundfile",
    "tensorboard": "tensorboard",
    "tqdm": "tqdm",
    "yaml": "pyyaml",
}
"""The packages that every use of nussl needs: module name -> name of the package to install."""

OPTIONAL = (
    *("ffmpeg", "gpytorch", "jams", "musdb", "museval", "norbert"),
    *("numcodecs", "pandas", "sox", "termtables", "zarr"),
)
"""Packages that only some functions of nussl need. They are imported when such a function is called."""


@functools.cache
def import_nussl() -> ModuleType:
    """Import and return the nussl package; the first call takes about 4 s.

    Raises ImportError, in one line, if nussl or a library that it needs is not installed. Four parts of nussl still do
    not work: report cards, `visualize_*`, the `Cache` transform, and OverlapAdd with its default window.
    """
    _check_installed()
    for module in REQUIRED:  # before the placeholders, so that none of these imports a placeholder
        importlib.import_module(module)
    with warnings.catch_warnings(), _stand_ins(OPTIONAL), _scipy_windows():
        warnings.simplefilter("ignore")  # deprecated syntax in nussl, which we do not fix
        nussl = importlib.import_module("nussl")
    _mend_librosa_calls(nussl)
    _mend_numpy_calls(nussl)
    _allow_checkpoints(nussl)
    return nussl


def _check_installed() -> None:
    if importlib.util.find_spec("nussl") is None:
        raise ImportError(f"nussl is not installed: {INSTALL} (its own requirements do not install)", name="nussl")
    missing = [package for module, package in REQUIRED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ImportError(f"nussl needs more than is installed: pip install {' '.join(missing)}", name=missing[0])


class _Later(ModuleType):
    """Placeholder for a library. The first use of one of its names imports the library."""

    def __getattr__(self, name: str) -> Any:
        library = self.__name__
        # The import system and `inspect` read such names. nussl's own import must not load the library either.
        if name.startswith("__") or sys.modules.get(library) is self:
            raise AttributeError(name)
        try:
            with _stand_ins({"musdb"} - {library}):  # museval imports it, which fails without ffmpeg on the PATH
                return getattr(importlib.import_module(library), name)
        except ImportError as error:
            raise AttributeError(f"this part of nussl needs '{library}', which cannot be imported: {error}") from error


@contextmanager
def _stand_ins(names: Iterable[str]) -> Iterator[None]:
    """Context in which importing one of these libraries gives a placeholder, unless it is loaded already."""
    absent: dict[str, ModuleType] = {name: _Later(name) for name in names if name not in sys.modules}
    if "importlib_resources" not in sys.modules:
        # A backport: nussl only calls functions that the standard library also has.
        absent["importlib_resources"] = importlib.resources
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]  # otherwise other code would think that the library is installed


@contextmanager
def _scipy_windows() -> Iterator[None]:
    """Context in which scipy.signal has the windows that moved to scipy.signal.windows; nussl needs these names."""
    moved = [name for name in ("hamming", "hann", "blackman") if not hasattr(scipy.signal, name)]
    for name in moved:
        setattr(scipy.signal, name, getattr(scipy.signal.windows, name))
    try:
        yield
    finally:
        for name in moved:
            delattr(scipy.signal, name)


class _Mended:
    """A module with some names replaced and all others unchanged."""

    def __init__(self, module: ModuleType, **replaced: Any) -> None:
        self._module = module
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _mend_librosa_calls(nussl: ModuleType) -> None:
    """Pass these arguments by keyword. librosa requires that since 0.10; nussl passes them by position."""
    import librosa

    def resample(y: Any, orig_sr: int, target_sr: int, **options: Any) -> Any:
        return librosa.resample(y, orig_sr=orig_sr, target_sr=target_sr, **options)

    def rms(y: Any, **options: Any) -> Any:
        return librosa.feature.rms(y=y, **options)

    def mel(sr: int, n_fft: int, n_mels: int) -> Any:
        return librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels)

    feature, filters = _Mended(librosa.feature, rms=rms), _Mended(librosa.filters, mel=mel)
    mended = _Mended(librosa, resample=resample, feature=feature, filters=filters)
    nussl.core.audio_signal.librosa = mended
    nussl.ml.networks.modules.blocks.librosa = mended


def _mend_numpy_calls(nussl: ModuleType) -> None:
    """Give Duet `np.mat`, which numpy 2 removed."""
    nussl.separation.spatial.duet.np = _Mended(np, mat=np.asmatrix)


def _allow_checkpoints(nussl: ModuleType) -> None:
    """Let torch.load read nussl's checkpoints with weights_only=True; their metadata contain these harmless types."""
    transforms = vars(nussl.datasets.transforms).values()
    # Not `Cache`: its constructor opens a folder that the checkpoint names, and may delete it.
    kinds = [kind for kind in transforms if isinstance(kind, type) and kind.__name__ != "Cache" and _is_nussl(kind)]
    containers = [nussl.STFTParams, OrderedDict, defaultdict, dict, list]
    torch.serialization.add_safe_globals([*kinds, *containers, *_numpy_scalars()])


def _is_nussl(kind: type) -> bool:
    return kind.__module__.startswith("nussl.")


def _numpy_scalars() -> list[Any]:
    """The types inside a pickled numpy number, also under the module name of numpy 1."""
    scalar = np.float64(0).__reduce__()[0]
    dtypes = [type(np.dtype(kind)) for kind in (np.float32, np.float64, np.int32, np.int64, np.bool_)]
    return [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *dtypes]
