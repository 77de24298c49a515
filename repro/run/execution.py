"""`run`: bind a config, train, measure, and write the record.

The seed gives three independent streams of random numbers: for the model, for the order of the data and for dropout.
So a change in one of them does not change the others.
"""

from __future__ import annotations

import datetime
import functools
import logging
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro import interruption, record
from repro.claim import paper
from repro.config import Config, read
from repro.errors import BadInput, where
from repro.experiment import binding, preflight
from repro.files import disk, lock
from repro.record import Record, as_committed, loaded, machine
from repro.run import logs, measuring, publishing, resume, run_folders, threads
from repro.training import processes

log = logging.getLogger("repro")


def run(
    path: Path, seed: int = 0, overrides: tuple[str, ...] = (), publish: bool | None = None, wanted: int | None = None
) -> tuple[Record, Path] | None:
    """Run the config `path` with `seed`, or resume it if it was stopped; returns the record and the path of its file.

    The record goes into the paper's `records/` if the config is a committed one and the paper has no valid record for
    it, or if `publish` is true. Otherwise, and if `publish` is False, it stays in the run folder. With
    `overrides`, or for a run's own copy of its config, it always stays there, because no claim depends on it.
    wanted: the number of threads; None lets `repro.run.threads` choose.
    If the environment announces several processes (see `repro.training.processes`), this is one of them. Process 0
    makes the run folder and returns the record; the others compute their share, and return None.

    Raises BadInput if the config, its parts or its data are wrong, or if another process runs it. Raises Interrupted
    if a signal stopped it, and DiskFull; after both, the same command resumes it.
    """
    config = read(path, overrides)
    paper.refuse_other_core(config.folder)
    processes.announced()
    _refuse_secrets(config)
    _refuse_odd(config)
    publishing.check(config, publish)
    threads.check(wanted)
    interruption.seconds_between()
    before, files = {*sys.modules}, as_committed.snapshot(config)
    binding.bind(config, whole=True)  # a config that cannot run leaves no run folder
    if not processes.first():
        _follow(config, seed)
        return None
    folder = run_folders.home(config.folder) / config.paper / config.name / f"{config.digest[:8]}-seed{seed}"
    preflight.places(config, folder, f"{config.name}-seed{seed}")
    with interruption.listening(), lock.held(folder):
        begun = resume.prepare(folder, config, wanted)
        chosen = threads.choose(config, seed, wanted, begun.threads)
        with logs.kept(folder), resume.ending(folder), disk.full(folder), threads.limited(chosen.number), _no_exit():
            header = f"# a run of papers/{config.paper}/configs/{config.name}.gin: it runs by itself\n"
            disk.write(folder / "config.gin", header + config.text)
            with processes.joined():
                found = _execute(config, seed, folder, begun, chosen, loaded.Before(before, files))
            written = record.write(found, folder)
            if config.committed:
                written = publishing.publish(found, folder, config.folder, publish)
            else:
                log.info("the record stays in the run folder: this is not a config as it is in configs/ of a paper")
            resume.finish(folder)
            log.debug("finished")
            return found, written


def _follow(config: Config, seed: int) -> None:
    """Compute the share of a process other than process 0. Its trainer writes into a folder that is deleted."""
    with processes.joined(), tempfile.TemporaryDirectory() as folder:
        number = processes.from_first(lambda: 0)
        with threads.limited(number), _no_exit():
            seeds = _seeded(seed)
            built = binding.build(config)
            _train(built, config, Path(folder), seeds)
            built.measure(lambda indices, name: indices)


@contextmanager
def _no_exit() -> Iterator[None]:
    """Raise RuntimeError if a part ends the program, because the run then has no record although it may exit with 0."""
    try:
        yield
    except SystemExit as stop:
        raise RuntimeError(f"a part ended the program: it called sys.exit({stop.code!r})") from stop


@contextmanager
def _placed(config: Config) -> Iterator[None]:
    """Add to a BadInput of a part the file and line of the binding that it is about."""
    try:
        yield
    except BadInput as error:
        raise binding.placed(error, config) from error


def _refuse_secrets(config: Config) -> None:
    """Raise BadInput if the text of a config contains a secret: a record has this text, and it is published."""
    for name, value in logs.secrets().items():
        for line in config.lines:
            if value in line.text:
                raise BadInput(f"contains the value of {name}: a record would publish it", line.place)


def _refuse_odd(config: Config) -> None:
    """Raise BadInput for a name that folders, a record and commands cannot have."""
    if not re.fullmatch(r"[\w.-]+", config.name):
        raise BadInput(
            f"a config is called {config.name!r}", where(config.path), expected="letters, digits, _, . and -"
        )


def _execute(
    config: Config, seed: int, folder: Path, begun: resume.Started, chosen: threads.Choice, before: loaded.Before
) -> Record:
    import torch

    began, variables = time.perf_counter(), machine.variables()
    processes.from_first(lambda: chosen.number)  # the others wait for it
    seeds = _seeded(seed)
    built = binding.build(config)
    with _placed(config):
        data, items = preflight.data(built), preflight.items(built)
        preflight.model(built)
    resume.compare(folder, replace(begun, threads=chosen.number), data)
    loaded.refuse_changed(config, before)
    loaded.refuse_unfollowed(config, before)
    if config.committed:
        preflight.answers(config, built, items)
    placed = functools.partial(binding.placed, config=config)
    measuring.tried(built, placed)
    about = (where(config.path), seed, folder, chosen)
    log.info("%s, seed %d, in %s: %s", *about)
    if config.committed and (doubt := begun.doubt(folder)):
        log.warning("%s", doubt)
    history = _train(built, config, folder, seeds)
    began -= history.get("earlier_seconds", 0.0)  # the time of earlier, stopped processes of this run counts too
    trained = time.perf_counter() - began
    measurements = measuring.measured(built, placed)
    loaded.refuse_unfollowed(config, before)  # again: training may have imported more code
    return Record(
        paper=config.paper,
        config=config.name,
        seed=seed,
        digest=config.digest,
        measurements=measurements,
        text=config.text,
        overrides=list(config.overrides),
        data=data,
        items=items,
        code=begun.code,
        core=begun.core,
        source=begun.source,
        environment=machine.environment(torch.get_num_threads(), machine.accelerator(), variables, begun.processes),
        cost=_cost(history, built.train, time.perf_counter() - began, trained, begun.sessions),
        curves=history.get("curves", {}),
        model=_layers(built.model),
        examples=measuring.examples(built, measurements, folder / "examples"),
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _cost(history: dict[str, Any], train: Any, seconds: float, trained: float, sessions: int) -> dict[str, Any]:
    batch = history.get("batch_size")
    return {
        "seconds": round(seconds, 1),
        "training_seconds": round(trained, 1),
        **{key: history[key] for key in ("steps", "items_per_second") if key in history},
        **({"steps_per_epoch": len(train) // batch} if batch else {}),
        **({"sessions": sessions} if sessions > 1 else {}),
        **machine.memory(),
    }


def _layers(model: Any) -> list[dict[str, Any]]:
    """The modules of a torch model that have parameters of their own."""
    rows = []
    for name, layer in model.named_modules() if hasattr(model, "named_modules") else ():
        if number := sum(one.numel() for one in layer.parameters(recurse=False)):
            rows.append({"name": name or "model", "kind": type(layer).__name__, "parameters": number})
    return rows


def _seeded(seed: int) -> dict[str, int]:
    """The seeds of the run's three streams of random numbers; the one for the model is set."""
    import torch

    from repro.experiment import streams

    seeds = streams(seed)
    torch.manual_seed(seeds["model"])
    return seeds


def _train(built: Any, config: Config, folder: Path, seeds: dict[str, int]) -> dict[str, Any]:
    import torch

    torch.manual_seed(seeds["dropout"])
    try:
        with _placed(config):
            history: dict[str, Any] = built.fit(folder, seeds["order"])
    except BadInput:
        raise
    except FloatingPointError as error:
        if any(folder.glob("checkpoints/failed-*")):
            error.add_note(f"(to examine the batch of this step: repro debug --failed-step {folder})")
        raise
    except Exception as error:
        interruption.explain(error)
        raise
    return history
