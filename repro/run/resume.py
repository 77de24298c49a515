"""What a run rests on, in its folder's `run.json`: whether one that was stopped may go on, or has to begin anew.

It goes on where config and code are what they were. What was trained with other ones is set aside, not deleted.
"""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from repro import disk
from repro.config import Config
from repro.errors import BadInput
from repro.record import as_committed, code_digest, machine

FILE = "run.json"

log = logging.getLogger("repro")


@dataclass(frozen=True)
class Started:
    """A run as its first process began it; `sessions` counts the processes, this one included."""

    digest: str
    code: dict[str, str]
    source: dict[str, Any]
    packages: dict[str, str]
    core: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    sessions: int = 1
    finished: bool = False
    threads: int = 0  # 0: not chosen yet


def prepare(folder: Path, config: Config, threads: int | None = None) -> Started:
    """Make `folder` ready for a run of `config`: as it was left, where that run may go on, else empty.

    Raises BadInput where `threads` are asked for and the run that may go on has another number.
    """
    now = Started(
        config.digest, code_digest.code(config), as_committed.state(config), machine.packages(), code_digest.core()
    )
    found = read(folder)
    if found and found.finished:
        shutil.rmtree(folder)
    elif found is None or _changed(found, now):
        _set_aside(folder, _changed(found, now) if found else [FILE])
    else:
        if threads and found.threads and threads != found.threads:
            hint = f"another number may change its bits; leave it out, or move {folder} away to begin anew"
            raise BadInput(f"--threads is {threads}; this run began with {found.threads}: {hint}")
        for name in sorted(name for name in now.packages if now.packages[name] != found.packages.get(name)):
            log.warning("going on with %s %s; it began with %s", name, now.packages[name], found.packages.get(name))
        before = found.source if found.source.get("dirty") is not False else now.source
        now = replace(found, sessions=found.sessions + 1, source=before)
    folder.mkdir(exist_ok=True)
    _write(folder, now)
    return now


def compare(folder: Path, begun: Started, data: dict[str, Any]) -> None:
    """Refuse to go on with other data than the run began with; remember which these are."""
    for role in sorted({*begun.data, *data} if begun.data else ()):
        if begun.data.get(role) != data.get(role):
            was = f"the data of '{role}' is {data.get(role)}; the run began with {begun.data.get(role)}"
            raise BadInput(f"{was}: bring that back, or move the folder away to begin anew", str(folder))
    _write(folder, replace(begun, data=data))


def finish(folder: Path) -> None:
    """The run is over: the same command begins anew, and what it would have gone on from is deleted."""
    found = read(folder)
    if found:
        _write(folder, replace(found, finished=True))
    for path in folder.glob("checkpoints/step-*.safetensors"):
        path.unlink()


def read(folder: Path) -> Started | None:
    """What the run in `folder` rests on; None where there is none. Raises BadInput for a file that is not one."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        row = json.loads(path.read_bytes())
        found = Started(**row)
        good = all(type(getattr(found, key)) is type(value) for key, value in asdict(_EMPTY).items())
    except (OSError, ValueError, TypeError, RecursionError):
        good = False
    if not good:
        raise BadInput(f"does not say what the run rests on; move {folder} away to begin anew", str(path))
    return found


_EMPTY = Started("", {}, {}, {})


def _changed(found: Started, now: Started) -> list[str]:
    names = sorted(name for name in {*found.code, *now.code} if found.code.get(name) != now.code.get(name))
    same = {"the config": found.digest == now.digest, "the core": found.core == now.core}
    return [*(name for name, agrees in same.items() if not agrees), *names]


def _set_aside(folder: Path, changed: list[str]) -> None:
    """Begin anew in `folder`; what is there goes beside it, where something was trained."""
    if not any(folder.glob("checkpoints/step-*.safetensors")):
        shutil.rmtree(folder, ignore_errors=True)
        return
    number = next(n for n in range(1, 10**6) if not folder.with_name(f"{folder.name}.{n}").exists())
    aside = folder.rename(folder.with_name(f"{folder.name}.{number}"))
    names = ", ".join(changed)
    log.warning("%s changed since this run began, or is gone: it begins anew; what was trained is in %s", names, aside)


def _write(folder: Path, started: Started) -> None:
    disk.write(folder / FILE, json.dumps(asdict(started), indent=1, sort_keys=True) + "\n")
