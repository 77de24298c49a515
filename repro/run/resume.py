"""Resume a run that was stopped.

`run.json` in the run folder stores the digests of config, code and data, and how the run ended. The run resumes if
config and code are unchanged. Otherwise it restarts, and the folder of the earlier training is renamed, not deleted.
Changed data is an error.

A run that started with uncommitted code counts as clean if you commit exactly these files before you resume it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from repro.config import Config
from repro.errors import BadInput
from repro.files import disk, strict_json, typed
from repro.record import as_committed, code_digest, machine
from repro.training import processes

FILE = "run.json"
FINISHED: Literal["finished"] = "finished"
Outcome = Literal["", "refused", "failed", "stopped", "finished"]

log = logging.getLogger("repro")


@dataclass(frozen=True)
class Started:
    """The state at the start of a run's first process. `sessions` counts the processes so far, with this one."""

    digest: str
    code: dict[str, str]
    source: dict[str, Any]
    packages: dict[str, str]
    core: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    sessions: Annotated[int, typed.FROM_1] = 1
    outcome: Outcome = ""  # empty while it runs, and if it was killed
    threads: Annotated[int, typed.FROM_0] = 0  # 0: not chosen yet
    overrides: list[str] = field(default_factory=list)  # the settings from `--set`; the digest contains them too
    processes: list[int] = field(default_factory=lambda: [1])  # that worked together, one number after the other
    checkpoints: list[str] = field(default_factory=list)  # that were there when the last of these numbers began
    files: str = ""  # a digest of the content of the files that count; empty if it differed between the processes

    def doubt(self, folder: Path) -> str:
        """Why no claim can use the record, and what to do; empty if all code of the run is committed."""
        if self.source.get("dirty") is False:
            return ""
        advice = (
            "stop this run, commit, and start it again: it resumes"
            if self.files
            else f"commit, and move {folder} away to restart the run"
        )
        return f"no claim can use the record of uncommitted code: {self.source.get('why', '')}; {advice}"


def prepare(folder: Path, config: Config, threads: int | None = None) -> Started:
    """Prepare `folder` for a run of `config`: unchanged if the run can resume, else empty.

    Raises BadInput if `threads` is given and the run to resume uses another number of threads.
    """
    now = Started(
        config.digest,
        code_digest.code(config),
        as_committed.state(config),
        machine.packages(),
        code_digest.core(),
        overrides=list(config.overrides),
        files=_files(config),
        processes=[processes.announced()],
    )
    found = read(folder)
    if found and found.outcome == FINISHED:
        shutil.rmtree(folder)
    elif found is None or _changed(found, now):
        _set_aside(folder, _changed(found, now) if found else [FILE])
    else:
        if threads and found.threads and threads != found.threads:
            raise BadInput(
                f"--threads is {threads}, but this run started with {found.threads}; another number may change the"
                f" results: leave the option out, or move {folder} away to restart the run"
            )
        for name in sorted(name for name in now.packages if now.packages[name] != found.packages.get(name)):
            log.warning("resumes with %s %s; it started with %s", name, now.packages[name], found.packages.get(name))
        now = replace(
            found,
            sessions=found.sessions + 1,
            outcome="",
            **_processes(folder, found, now.processes),
            **_source(found, now),
        )
    folder.mkdir(exist_ok=True)
    _write(folder, now)
    return now


def _processes(folder: Path, found: Started, now: list[int]) -> dict[str, Any]:
    """The `processes` and `checkpoints` of a resumed run, with a warning if the number of processes has changed.

    A number that left no new checkpoint does not count, because the run resumes as it was before: it was refused, or
    killed too early.
    """
    there = sorted(path.name for kind in ("step", "finished") for path in folder.rglob(f"{kind}-*.safetensors"))
    trained = (found.processes[:-1] if there == found.checkpoints else found.processes) if there else []
    if trained[-1:] == now:
        return {"processes": trained, "checkpoints": []}
    if trained:
        log.warning(
            "resumes with %d %s; it started with %d: sums are rounded in another order, and dropout draws"
            " other numbers",
            *(now[0], "process" if now == [1] else "processes", trained[-1]),
        )
    return {"processes": trained + now, "checkpoints": there}


def _files(config: Config) -> str:
    """A digest of the content of each file that can change a number."""
    return hashlib.sha256(json.dumps(as_committed.snapshot(config)).encode()).hexdigest()


def _source(found: Started, now: Started) -> dict[str, Any]:
    """The `source` and `files` of a resumed run.

    The present source holds for the whole run if the earlier processes had committed code or exactly the present files.
    Otherwise a part of the run was made by code that is in no commit, even if the present code is committed.
    """
    if found.source.get("dirty") is False or (found.files and found.files == now.files):
        return {"source": now.source, "files": now.files}
    earlier = "an earlier process of this run had uncommitted code"
    why = found.source.get("why", "")
    source = found.source if why.startswith(earlier) else {**found.source, "why": f"{earlier} ({why})"}
    return {"source": source, "files": ""}


def compare(folder: Path, begun: Started, data: dict[str, Any]) -> None:
    """Raise BadInput if the data differs from that at the start of the run; else store its fingerprints."""
    for role in sorted({*begun.data, *data} if begun.data else ()):
        if begun.data.get(role) != data.get(role):
            raise BadInput(
                f"the data of '{role}' is {data.get(role)}, but the run started with {begun.data.get(role)}:"
                " restore that data, or move the folder away to restart the run",
                str(folder),
            )
    _write(folder, replace(begun, data=data))


@contextmanager
def ending(folder: Path) -> Iterator[None]:
    """Write into `run.json` how the run ends, if it raises an exception."""
    try:
        yield
    except BaseException as error:
        outcome: Outcome = "stopped"
        if isinstance(error, Exception):
            outcome = "refused" if isinstance(error, BadInput) else "failed"
        with contextlib.suppress(OSError, BadInput):  # the disk may be full, and `error` already reports that
            _end(folder, outcome)
        raise


def _end(folder: Path, outcome: Outcome) -> None:
    if found := read(folder):
        _write(folder, replace(found, outcome=outcome))


def finish(folder: Path) -> None:
    """Mark the run as finished and delete its checkpoints: the same command will start a new run."""
    _end(folder, FINISHED)
    for path in folder.glob("checkpoints/step-*.safetensors"):
        path.unlink()


def read(folder: Path) -> Started | None:
    """The `run.json` of `folder`, or None if there is none. Raises BadInput if the file is not a valid `run.json`."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        row = strict_json.load(path, f"not a {FILE}")
        if isinstance(row, dict):  # keys of earlier versions are ignored
            row = {key: row[key] for key in Started.__dataclass_fields__ if key in row}
        found: Started = typed.build(row, Started)
    except BadInput:
        raise BadInput(f"is not a valid {FILE}; move {folder} away to restart the run", str(path)) from None
    return found


def _changed(found: Started, now: Started) -> list[str]:
    names = sorted(name for name in {*found.code, *now.code} if found.code.get(name) != now.code.get(name))
    same = {"the config": found.digest == now.digest, "the core": found.core == now.core}
    return [*(name for name, agrees in same.items() if not agrees), *names]


def _set_aside(folder: Path, changed: list[str]) -> None:
    """Empty `folder`. If it has checkpoints, it is renamed to `<folder>.1` (or the next free number) instead."""
    if not any(folder.glob("checkpoints/step-*.safetensors")):
        shutil.rmtree(folder, ignore_errors=True)
        return
    number = next(n for n in range(1, 10**6) if not folder.with_name(f"{folder.name}.{n}").exists())
    aside = folder.rename(folder.with_name(f"{folder.name}.{number}"))
    names = ", ".join(changed)
    log.warning("%s changed or was deleted since this run started: it restarts; the old run is in %s", names, aside)


def _write(folder: Path, started: Started) -> None:
    disk.write(folder / FILE, json.dumps(asdict(started), indent=1, sort_keys=True) + "\n")
