"""The feature cache: arrays that are computed once from data, saved on disk and memory-mapped.

    def spectra(samples: np.ndarray, n_fft: int) -> dict[str, np.ndarray]: ...    # at the top level of a module

    features = arrays(corpus.fingerprint(), partial(spectra, samples, n_fft=512))
    features["magnitude"][17]

An entry is a folder `<data folder>/features/<key>/` with one npy file per array and `entry.json`, its description. The
key depends on everything that the arrays depend on (see `arrays`), so an entry is never out of date. You may delete
entries at any time. If several processes ask for the same arrays, only one computes them. The files of a killed
process are never used, and a damaged entry is computed again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import re
import shutil
import sys
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import filelock
import numpy as np

from repro.data import store
from repro.errors import BadInput
from repro.files.lock import acquire
from repro.record import code_digest, machine

log = logging.getLogger("repro")

Arrays = dict[str, np.ndarray[Any, Any]]
Build = Callable[[], Arrays]
ENTRY = "entry.json"
BEGAN = time.time()  # about the start of this process: the code in memory is from the files at this time


def arrays(source: str, build: Build, **parameters: Any) -> Arrays:
    """The arrays that `build()` returns, by name. The first process computes them, all others map the files.

    source: the fingerprint of the data that the arrays are computed from.
    build: a function at the top level of a module of a paper or of a part package of `repro`, or a `functools.partial`
    of one. It returns a dict of arrays.
    parameters: everything else that the arrays depend on.

    The key of the entry consists of these three, the arguments of the partial, the code of build's module and of the
    modules that it imports (without comments, as for records), and the versions of the packages. Arguments and
    parameters may be plain values, arrays (their content counts), datasets (their `fingerprint()` counts) and paths.
    A path does not count, because it only says where the data is.

    You may write to the arrays: that changes neither the file nor other processes. They are pickled as a path.
    Raises TypeError for a value that cannot be part of the key and for a result that is not a dict of arrays. Raises
    BadInput if the data folder cannot be written.
    """
    key = describe(source, build, parameters)
    if edited := _edited(key["code"]):
        log.warning("%s was edited after this process started: %s is computed and not saved", edited, key["build"])
        return _built(build, key["build"])
    folder = store.root() / "features" / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    try:
        return _mapped(folder)
    except ValueError:  # missing or damaged: `_mended` checks again with the lock
        with _locked(folder):
            return _mended(folder, key, build)


def describe(source: str, build: Build, parameters: dict[str, Any]) -> dict[str, Any]:
    """The key of `arrays(source, build, **parameters)` as JSON: everything that the arrays depend on."""
    partial = build if isinstance(build, functools.partial) else functools.partial(build)
    function = partial.func
    name = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"
    return {
        "source": source,
        "build": name,
        "arguments": [_keyed(value, name) for value in partial.args],
        "named": {word: _keyed(value, name) for word, value in partial.keywords.items()},
        "parameters": {word: _keyed(value, name) for word, value in parameters.items()},
        "code": _code(function, name),
        "packages": _packages(),
    }


def _code(function: Any, name: str) -> dict[str, str]:
    """The digest of every module of `repro` and `papers` that the function depends on, by module name."""
    module = sys.modules.get(getattr(function, "__module__", ""))
    path = Path(getattr(module, "__file__", None) or "")
    if getattr(module, getattr(function, "__qualname__", ""), None) is not function:
        raise TypeError(f"{name} is not a function at the top level of a module: its code cannot be part of the key")
    parts = module.__name__.split(".")  # type: ignore[union-attr]  # a None has no such attribute
    papers = path.parents[len(parts) - 2 + (path.name == "__init__.py")] if parts[0] == "papers" else path.parent
    found = code_digest.of_modules([".".join(parts)], papers)
    if ".".join(parts) not in found:
        raise TypeError(f"{name} is not in a module of a paper or of a part package: its code has no digest")
    return {module: digest for module, digest in found.items() if module != "repro.experiment"}  # it computes nothing


@functools.cache
def _packages() -> dict[str, str]:
    return machine.packages()


def _keyed(value: Any, build: str) -> Any:
    """The form of an argument in the key. Raises TypeError if it cannot be part of a key."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_keyed(each, build) for each in value]
    if isinstance(value, dict) and all(isinstance(word, str) for word in value):
        return {word: _keyed(each, build) for word, each in value.items()}
    if isinstance(value, Path):
        return "a path"
    if callable(getattr(value, "fingerprint", None)):
        return {"fingerprint": value.fingerprint()}
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.dtype != object:
            digest = hashlib.sha256(array.tobytes()).hexdigest()[:32]
            return {"array": digest, "shape": list(array.shape), "dtype": array.dtype.str}
    raise TypeError(
        f"{build} is given {value!r:.80}, which cannot be part of the key: use plain values, arrays or datasets"
    )


def _edited(code: dict[str, str]) -> str:
    """A file of `code` that is newer than this process, so that the code in memory may be older; "" if none."""
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in code}
    changed = (path for path in map(Path, filter(None, files.values())) if path.stat().st_mtime > BEGAN)
    return str(next(changed, ""))


def _built(build: Build, name: str) -> Arrays:
    made = build()
    if not isinstance(made, dict) or len({str(word).lower() for word in made}) < len(made):
        raise TypeError(f"{name} returned {type(made).__name__}; expected a dict of arrays with different names")
    for word, array in made.items():
        if not isinstance(word, str) or not re.fullmatch(r"\w[\w-]*", word):
            raise TypeError(f"{name} returned an array called {word!r}; expected letters, digits, - and _")
        if not isinstance(array, np.ndarray) or array.dtype.hasobject:
            raise TypeError(f"{name} returned '{word}', not an array of numbers or texts: {type(array).__name__}")
    return made


class Mapped(np.memmap[Any, Any]):
    """An array of an entry. It is pickled as its path; slices and computed arrays are pickled as values."""

    place: Path | None = None

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (_map, (self.place,)) if self.place else np.array(self).__reduce_ex__(protocol)


def _map(path: Path) -> Mapped:
    # Copy-on-write: torch shares the memory without a warning, and writing to it does not change the file.
    mapped: Mapped = np.load(path, mmap_mode="c", allow_pickle=False).view(Mapped)
    mapped.place = path
    return mapped


def _mapped(folder: Path) -> Arrays:
    """The arrays of an entry. Raises ValueError if it is missing or damaged, BadInput if it cannot be read."""
    try:
        listed = json.loads((folder / ENTRY).read_text(encoding="utf-8"))["arrays"]
        wrong = [name for name, about in listed.items() if _checksum(folder / f"{name}.npy") != about["crc32"]]
        if not wrong:
            return {name: _map(folder / f"{name}.npy") for name in listed}
    except FileNotFoundError as error:
        raise ValueError(f"{Path(error.filename).name} is missing") from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ValueError(f"{ENTRY} has changed") from None
    except OSError as error:
        raise _unusable(folder, error) from None
    raise ValueError(f"{wrong[0]}.npy has changed")


def _checksum(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


def _mended(folder: Path, key: dict[str, Any], build: Build) -> Arrays:
    """The arrays of the entry, computed if it is missing or damaged. The caller has the lock."""
    for rest in folder.parent.glob(f"{folder.name}.part-*"):  # left by a killed process
        shutil.rmtree(rest, ignore_errors=True)
    if folder.exists():
        try:
            return _mapped(folder)  # another process has computed it
        except ValueError as error:
            log.warning("%s is damaged (%s): %s is computed again", folder, error, key["build"])
    made = _built(build, key["build"])
    part = folder.with_name(f"{folder.name}.part-{uuid.uuid4().hex[:8]}")
    try:
        _write(part, made, key)
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise _unusable(folder.parent, error) from None
    return _mapped(folder)


def _write(part: Path, made: Arrays, key: dict[str, Any]) -> None:
    part.mkdir()
    listed = {}
    for name, array in made.items():
        with (part / f"{name}.npy").open("wb") as file:
            # Not the file itself: numpy would bypass Python's file, and its error would not say why writing failed.
            np.lib.format.write_array(SimpleNamespace(write=file.write), array, allow_pickle=False)
        about = {"shape": list(array.shape), "dtype": str(array.dtype)}
        listed[name] = about | {"crc32": _checksum(part / f"{name}.npy")}
    (part / ENTRY).write_text(json.dumps(key | {"arrays": listed}, indent=1), encoding="utf-8")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of an entry. The system releases it if the process dies."""
    lock = filelock.FileLock(folder.with_name(f"{folder.name}.lock"), fallback_to_soft=False)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            acquire(lock, 0)
        except filelock.Timeout:
            log.info("another process computes %s: waiting for it", folder)
            acquire(lock)
    except OSError as error:
        raise _unusable(folder.parent, error) from None
    try:
        yield
    finally:
        lock.release()


def _unusable(place: Path, error: OSError) -> BadInput:
    reason = error.strerror or type(error).__name__
    return BadInput(f"cannot save features in {place} ({reason}); {store.DATA} may name another data folder")
