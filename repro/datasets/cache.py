"""The feature cache: what is computed from data once is kept on disk and mapped into memory, and no flag turns it on.

    def spectra(samples: np.ndarray, n_fft: int) -> dict[str, np.ndarray]: ...    # at the top level of a module

    features = arrays(corpus.fingerprint(), partial(spectra, samples, n_fft=512))
    features["magnitude"][17]

An entry stands in `<data folder>/features/<key>/`: an npy file per array, and `entry.json`, which says what it is. The
key is made of everything that the arrays rest on (see `arrays`), so an entry is never out of date; what is not asked
for any more may be deleted at any time. Processes that ask at once build once; what a killed one leaves is never taken
for an entry; an entry with a wrong byte is built anew.
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

from repro.datasets import store
from repro.errors import BadInput
from repro.files.lock import acquire
from repro.record import code_digest, machine

log = logging.getLogger("repro")

Arrays = dict[str, np.ndarray[Any, Any]]
Build = Callable[[], Arrays]
ENTRY = "entry.json"
BEGAN = time.time()  # of this process, near enough: the code in memory is as the files were then


def arrays(source: str, build: Build, **parameters: Any) -> Arrays:
    """The arrays that `build()` returns, by name: computed by the first process that asks, mapped by all others.

    source: the fingerprint of the data that they are computed from.
    build: a function at the top level of a module of a paper or of a room of parts, or a `functools.partial` of one.
    parameters: whatever else the arrays depend on.

    All three are the key, with the arguments of a partial, the code of build's module and of the modules that it
    imports (as for records: comments do not count), and the versions of the packages. Arguments and parameters are
    plain values, arrays (by content), datasets (by `fingerprint()`), and paths, which only say where the source is and
    do not count.

    The arrays may be written to, which changes neither the file nor another process. They pickle as their place on
    disk. TypeError for what cannot be a key or an array; BadInput where the data folder cannot be written.
    """
    key = describe(source, build, parameters)
    if edited := _edited(key["code"]):
        log.warning("%s was edited after this process began: %s is computed and not kept", edited, key["build"])
        return _built(build, key["build"])
    folder = store.root() / "features" / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    try:
        return _mapped(folder)
    except ValueError:  # not there, or not whole: looked at again under the lock
        with _locked(folder):
            return _mended(folder, key, build)


def describe(source: str, build: Build, parameters: dict[str, Any]) -> dict[str, Any]:
    """What the arrays of `arrays(source, build, **parameters)` rest on, as JSON."""
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
    """Digest of every module of ours that the function rests on, by name."""
    module = sys.modules.get(getattr(function, "__module__", ""))
    path = Path(getattr(module, "__file__", None) or "")
    if getattr(module, getattr(function, "__qualname__", ""), None) is not function:
        raise TypeError(f"{name} is no function at the top level of a module: its code cannot be a key of the cache")
    parts = module.__name__.split(".")  # type: ignore[union-attr]  # a None has no such attribute
    papers = path.parents[len(parts) - 2 + (path.name == "__init__.py")] if parts[0] == "papers" else path.parent
    found = code_digest.of_modules([".".join(parts)], papers)
    if ".".join(parts) not in found:
        raise TypeError(f"{name} stands in no module of a paper or of a room of parts: its code cannot be followed")
    return {module: digest for module, digest in found.items() if module != "repro.experiment"}  # it computes nothing


@functools.cache
def _packages() -> dict[str, str]:
    return machine.packages()


def _keyed(value: Any, build: str) -> Any:
    """An argument as it goes into the key."""
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
        f"{build} is given {value!r:.80}, which cannot be a key of the cache: give plain values, arrays or datasets"
    )


def _edited(code: dict[str, str]) -> str:
    """A module of `code` whose file is newer than this process: what is in memory may be what it was before."""
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in code}
    changed = (path for path in map(Path, filter(None, files.values())) if path.stat().st_mtime > BEGAN)
    return str(next(changed, ""))


def _built(build: Build, name: str) -> Arrays:
    made = build()
    if not isinstance(made, dict) or len({str(word).lower() for word in made}) < len(made):
        raise TypeError(
            f"{name} returned {type(made).__name__}; expected a dict of arrays, each with a name of its own"
        )
    for word, array in made.items():
        if not isinstance(word, str) or not re.fullmatch(r"\w[\w-]*", word):
            raise TypeError(f"{name} returned an array called {word!r}; expected letters, digits, - and _")
        if not isinstance(array, np.ndarray) or array.dtype.hasobject:
            raise TypeError(f"{name} returned '{word}', which is no array of numbers or texts: {type(array).__name__}")
    return made


class Mapped(np.memmap[Any, Any]):
    """An array of an entry. It pickles as its place on disk; what is cut from it or computed pickles as values."""

    place: Path | None = None

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (_map, (self.place,)) if self.place else np.array(self).__reduce_ex__(protocol)


def _map(path: Path) -> Mapped:
    # Copy on write: tensors share its memory without a warning, and none can change the file.
    mapped: Mapped = np.load(path, mmap_mode="c", allow_pickle=False).view(Mapped)
    mapped.place = path
    return mapped


def _mapped(folder: Path) -> Arrays:
    """The arrays of an entry. ValueError unless all is there, byte for byte; BadInput where it cannot be read."""
    try:
        listed = json.loads((folder / ENTRY).read_text(encoding="utf-8"))["arrays"]
        wrong = [name for name, said in listed.items() if _checksum(folder / f"{name}.npy") != said["crc32"]]
        if not wrong:
            return {name: _map(folder / f"{name}.npy") for name in listed}
    except FileNotFoundError as error:
        raise ValueError(f"{Path(error.filename).name} is missing") from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ValueError(f"{ENTRY} is not what was written") from None
    except OSError as error:
        raise _unusable(folder, error) from None
    raise ValueError(f"{wrong[0]}.npy is not what was written")


def _checksum(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


def _mended(folder: Path, key: dict[str, Any], build: Build) -> Arrays:
    """The entry, built unless it is whole; we hold its lock."""
    for rest in folder.parent.glob(f"{folder.name}.part-*"):  # of a builder that was killed
        shutil.rmtree(rest, ignore_errors=True)
    if folder.exists():
        try:
            return _mapped(folder)  # another process was first
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
            # Not the file itself: numpy would write past Python, and could not say why it failed.
            np.lib.format.write_array(SimpleNamespace(write=file.write), array, allow_pickle=False)
        about = {"shape": list(array.shape), "dtype": str(array.dtype)}
        listed[name] = about | {"crc32": _checksum(part / f"{name}.npy")}
    (part / ENTRY).write_text(json.dumps(key | {"arrays": listed}, indent=1), encoding="utf-8")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of an entry. The system lets go of it when its holder dies."""
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
    return BadInput(f"cannot keep features in {place} ({reason}); {store.DATA} may name another data folder")
