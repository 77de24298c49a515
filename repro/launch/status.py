"""The state of every run, read from the run folders and the queue."""

from __future__ import annotations

import contextlib
import datetime
import functools
import itertools
import json
import logging
import os
import platform
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from repro import config as configs
from repro.config.syntax import Reference
from repro.errors import BadInput
from repro.files import lock
from repro.launch import COMMAND, slurm, tmux
from repro.run import resume, run_folders

TAIL = 4096  # bytes: how much of a metrics log is read
ENDED = ("finished", "superseded")
COMING = ("starting", "waiting", "queued")
log = logging.getLogger("repro")
ORDER = {"running": 0, "starting": 0, "waiting": 1, "queued": 1, "set aside": 2, "finished": 4, "superseded": 5}


@dataclass(frozen=True)
class Status:
    """The state of one run.

    - `state`: running, starting, waiting (in the queue), queued (in Slurm), finished, stopped, failed, refused (wrong
      input), killed, set aside (the queue does not try it again), or superseded (its code has changed, and it was
      restarted).
    - `step` of `steps`, `loss`: of the last entry of the metrics log; None if there is none yet.
    - `rate`: items per second. `left`: seconds until the training ends, at this rate.
    - `overrides`: the settings from `--set`, as for a point of a sweep.
    - `gpus`, `host`, `process`: of the process that runs it. `processes`: how many share it. `folder`: of the run;
      empty before it starts. `since`: when it started, or when a worker took it.
    - `job`: its id in Slurm, such as 12_3; empty if Slurm does not have it.
    """

    paper: str
    config: str
    seed: int
    state: str
    gpus: str = ""
    step: int | None = None
    steps: int | None = None
    loss: float | None = None
    rate: float | None = None
    left: float | None = None
    host: str = ""
    process: int = 0
    since: str = ""
    folder: str = ""
    job: str = ""
    overrides: tuple[str, ...] = ()
    processes: int = 1

    @property
    def run(self) -> str:
        """The name of the run: paper, config and seed."""
        return f"{self.paper}/{self.config}-seed{self.seed}"

    @property
    def same(self) -> tuple[str, ...]:
        """What this run has in common with its command in the queue."""
        return self.run, *sorted(self.overrides)

    @property
    def names(self) -> list[str]:
        """The names by which `repro.launch.names` finds it."""
        return run_folders.names(Path(self.folder)) if self.folder else [self.run, self.run.partition("/")[2]]

    @property
    def begun(self) -> Path:
        """Its folder. Raises BadInput if it has none, because it has not started yet."""
        if self.folder:
            return Path(self.folder)
        why = {
            "waiting": "waits in the queue; it has not started yet",
            "starting": "is starting; it has no log and no checkpoint yet",
            "queued": f"is job {self.job} of Slurm; it has not started yet",
            "set aside": f"failed before it had a folder; see {tmux.folder() / 'failed.txt'}",
        }
        raise BadInput(why.get(self.state, f"ended before it had a folder; see {tmux.folder() / 'slurm'}"), self.run)


def all_runs() -> list[Status]:
    """Every run: first those that run, then those that wait, then the others."""
    queued = {one.same: one for one in _queued()}
    found = [of_folder(folder) for folder in run_folders.every()]
    here = {one.same for one in found if one.state != "superseded"}
    found = [_in_queue(one, queued) for one in found] + [one for same, one in queued.items() if same not in here]
    once = {(one.same, one.state if one.state in COMING else one.folder): one for one in found}
    return sorted(once.values(), key=lambda one: (ORDER.get(one.state, 3), one.same))


def _in_queue(one: Status, queued: Mapping[tuple[str, ...], Status]) -> Status:
    """A run that has ended and is in the queue again has its state there, until it has ended again.

    If Slurm has requeued a run, because its node is gone, the file of the process that ran it there may be left.
    """
    found = queued.get(one.same)
    if found is None or one.state == "superseded" or found.state == "killed":
        return one
    if one.state == "finished" and found.state == "set aside":  # it has failed before
        return one
    if one.state != "running" and found.since and _changed(one) >= found.since:
        return one  # the worker has not yet noted that it ended
    runs = one.state == "running" and (found.state != "queued" or one.host == platform.node())
    return replace(one, state=one.state if runs else found.state, job=found.job)


def of_folder(folder: Path) -> Status:
    """The state of the run in a folder, whatever the queue says about it."""
    paper, config, run = folder.parts[-3:]
    seed = re.search(r"-seed(\d{1,18})", run)
    about: dict[str, Any] = {
        "paper": paper,
        "config": config,
        "seed": int(seed[1]) if seed else 0,
        "folder": str(folder),
    }
    if "." in run:
        return Status(**about, state="superseded")
    begun = _begun(folder)
    given = begun.get("overrides")
    about["overrides"] = tuple(map(str, given)) if isinstance(given, list) else ()
    about["processes"] = _processes(begun)
    holder = lock.holder(folder)
    state = "running" if holder else _outcome(begun)
    if holder:
        about |= {key: holder[key] for key in ("host", "process", "since", "gpus")}
    return Status(**about, state=state, **({} if state in ENDED else _progress(folder, holder)))


def _begun(folder: Path) -> dict[str, Any]:
    """The content of `run.json`; empty if it cannot be read, so that the run counts as killed."""
    try:
        return dict(json.loads((folder / resume.FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}


def _processes(begun: dict[str, Any]) -> int:
    """How many processes share the run now, or shared it last; 1 if the file does not say."""
    found = begun.get("processes")
    last = found[-1] if isinstance(found, list) and found else 1
    return last if isinstance(last, int) else 1


def _changed(one: Status) -> str:
    """When `run.json` was last written; empty if it is gone."""
    try:
        return _time((Path(one.folder) / resume.FILE).stat().st_mtime)
    except OSError:
        return ""


def _time(seconds: float) -> str:
    """A time of the system in UTC, as text whose order is that of the times."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="microseconds")


def _seconds(time: object) -> float:
    """A time of `_time` in seconds; 0 if it is none."""
    try:
        return datetime.datetime.fromisoformat(str(time)).timestamp()
    except ValueError:
        return 0.0


def _outcome(begun: dict[str, Any]) -> str:
    """How the run ended, by its `run.json`; `killed` if the file does not say."""
    found = begun.get("outcome")
    return found if found and found in get_args(resume.Outcome) else "killed"


def _progress(folder: Path, holder: Mapping[str, Any] | None) -> dict[str, Any]:
    """How far the training is, from the end of the metrics log and from the config.

    The speed is that of the process that runs it now, `holder`: there is none while a resumed run loads.
    """
    entries = list(filter(None, map(_entry, _tail(folder / "metrics.jsonl"))))
    if not entries:
        return {}
    steps, batch_size = _sizes(folder / "config.gin")
    last, begun = entries[-1], _seconds(holder["since"]) if holder else 0.0
    first = next((one for one in entries if one["time"] >= begun), last)
    seconds, made = last["time"] - first["time"], last["step"] - first["step"]
    found = {"step": last["step"], "steps": steps, "loss": last["loss"]}
    if seconds > 0 and made > 0:
        found["rate"] = made * batch_size / seconds if batch_size else None
        found["left"] = (steps - last["step"]) * seconds / made if steps else None
    return found


def _tail(path: Path) -> list[bytes]:
    """The last lines of a metrics log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            return file.read().splitlines()
    except OSError:
        return []


def _entry(line: bytes) -> dict[str, Any] | None:
    """The entry of the training in a line; None if it has none, or is cut off at the beginning or end of the tail."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or found.get("curve") != "train":
        return None
    return found if all(isinstance(found.get(key), int | float) for key in ("step", "loss", "time")) else None


def _sizes(path: Path) -> tuple[int | None, int | None]:
    """`steps` and `batch_size` of the trainer of a config; None if they are not whole numbers."""
    try:
        return _stated(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None, None


@functools.lru_cache(maxsize=1000)  # the seeds of a config have the same text
def _stated(text: str) -> tuple[int | None, int | None]:
    known = configs.values(text)
    prefixes: list[str] = []
    trainer = known.get("experiment.trainer")
    while isinstance(trainer, Reference) and trainer.selector not in prefixes:  # a trainer may contain another one
        own = [f"{trainer.scope}/{trainer.selector}", trainer.selector]
        prefixes += own
        trainer = next((known[f"{name}.trainer"] for name in own if f"{name}.trainer" in known), None)
    found = [_first(known, [f"{prefix}.{name}" for prefix in prefixes]) for name in ("steps", "batch_size")]
    return found[0], found[1]


def _first(known: dict[str, Any], names: Iterable[str]) -> int | None:
    values = (configs.resolved(known.get(name), known) for name in names)
    return next((value for value in values if isinstance(value, int)), None)


def _queued() -> Iterator[Status]:
    """The runs that start, those that wait in the queue or in Slurm, and those that are set aside."""
    there = _slurm()
    if unknown := tmux.unreadable():
        log.warning("%s", unknown)
    for name, line in tmux.running().items():
        with contextlib.suppress(OSError):  # the worker deletes the file when the command ends
            since = _time((tmux.folder() / "running" / name).stat().st_mtime)
            yield from (replace(one, since=since) for one in _of("starting", line))
    rows = [("waiting", line, "") for line in [*tmux.running(dead=True).values(), *tmux.lines("todo")]]
    rows += [("set aside", line.partition("\t")[2], "") for line in tmux.lines("failed")]
    rows += [("queued" if one.pending else "starting", one.command, one.id) for one in there or ()]
    rows += [("killed", line, "") for line in (slurm.lost(there) if there is not None else ())]
    for state, line, job in rows:
        yield from _of(state, line, job)


def _of(state: str, command: str, job: str = "") -> Iterator[Status]:
    """The run of a command in the queue; nothing if it runs no config of a paper."""
    if hit := COMMAND.search(command):
        yield Status(hit["paper"], hit["config"], int(hit["seed"]), state, job=job, overrides=_given(command))


def same(command: str) -> tuple[str, ...]:
    """`Status.same` of the run of a command; empty if it runs no config of a paper."""
    return next((one.same for one in _of("", command)), ())


def _slurm() -> list[slurm.SlurmJob] | None:
    """The jobs in Slurm; None, with a message, if it does not answer: the run folders can be shown without it."""
    try:
        return slurm.jobs()
    except slurm.Silent as error:
        log.warning("%s; the state of its jobs is unknown", error)
        return None


def _given(command: str) -> tuple[str, ...]:
    """The settings after each `--set` of a command; none if a shell could not read the command."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ()
    return tuple(after for word, after in itertools.pairwise(words) if word == "--set")
