"""`run`: bind a config, train, measure, and write the record.

Three streams of random numbers, one each for model, data order and dropout, come from the seed, so that changing one
leaves the others alone.
"""

from __future__ import annotations

import datetime
import logging
import re
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro import disk, interruption, progress, record
from repro.claim import paper
from repro.config import Config, read
from repro.errors import BadInput, where
from repro.experiment import binding, preflight
from repro.files import lock
from repro.record import Record, as_committed, loaded, machine
from repro.run import logs, publishing, resume, run_folders, threads

log = logging.getLogger("repro")


def run(
    path: Path, seed: int = 0, overrides: tuple[str, ...] = (), publish: bool = False, wanted: int | None = None
) -> tuple[Record, Path]:
    """Run `path` with `seed`, from where it was stopped; returns the record and where it was written.

    Only the record of a committed config goes to the paper, where none that counts is there or `publish` asks for it.
    With `overrides`, or from a run's own copy of its config, it stays in the run folder, since no claim depends on it.
    wanted: the number of threads; None lets `repro.run.threads` choose.
    Raises BadInput when the config, its parts or its data are not as they should be, or while another process runs it;
    Interrupted when a signal stopped it, and DiskFull: in both cases the same command goes on.
    """
    config = read(path, overrides)
    paper.refuse_other_core(config.folder)
    machine.refuse_processes()
    _refuse_secrets(config)
    _refuse_odd(config)
    publishing.check(config, publish)
    threads.check(wanted)
    interruption.seconds_between()
    before, files = {*sys.modules}, as_committed.snapshot(config)
    binding.bind(config, whole=True)  # a config that cannot run leaves no run folder
    folder = run_folders.home(config.folder) / config.paper / config.name / f"{config.digest[:8]}-seed{seed}"
    preflight.places(config, folder, f"{config.name}-seed{seed}")
    with interruption.listening(), machine.settled(), lock.held(folder):
        begun = resume.prepare(folder, config, wanted)
        chosen = threads.choose(config, seed, wanted, begun.threads)
        with logs.kept(folder), disk.full(folder), threads.limited(chosen.number):
            header = f"# a run of papers/{config.paper}/configs/{config.name}.gin: it runs by itself\n"
            disk.write(folder / "config.gin", header + config.text)
            try:
                found = _execute(config, seed, folder, begun, chosen, loaded.Before(before, files))
            except interruption.Interrupted as error:
                log.debug("%s; the same command goes on", error, extra={"event": "interrupted"})
                raise
            written = record.write(found, folder)
            if config.committed:
                written = publishing.publish(found, folder, config.folder, publish)
            else:
                log.info("the record stays in the run folder: no claim uses a run with changed settings")
            resume.finish(folder)
            log.debug("finished", extra={"event": "finished"})
            return found, written


def _refuse_secrets(config: Config) -> None:
    """The text of a config goes into its record, which is published."""
    for name, value in logs.secrets().items():
        for line in config.lines:
            if value in line.text:
                raise BadInput(f"holds the value of {name}: a record would publish it", line.place)


def _refuse_odd(config: Config) -> None:
    """The name of a config becomes that of folders, of a record and of commands."""
    if not re.fullmatch(r"[\w.-]+", config.name):
        raise BadInput(f"a config is called {config.name!r}; expected letters, digits, _, . and -", where(config.path))


def _execute(
    config: Config, seed: int, folder: Path, begun: resume.Started, chosen: threads.Choice, before: loaded.Before
) -> Record:
    import torch

    from repro.experiment import streams

    began, seeds, variables = time.perf_counter(), streams(seed), machine.variables()
    torch.manual_seed(seeds["model"])  # before anything is built
    built = binding.build(config)
    data, items = preflight.data(built), preflight.items(built)
    resume.compare(folder, replace(begun, threads=chosen.number), data)
    loaded.refuse_changed(config, before)
    loaded.refuse_unfollowed(config, before)
    if config.committed:
        preflight.answers(config, built, items)
    about = (where(config.path), seed, folder, chosen)
    log.info("%s, seed %d, in %s: %s", *about, extra={"event": "started", "seed": seed})
    if begun.source.get("dirty") is not False and config.committed:
        log.warning("the record will decide no claim until the code is committed: %s", begun.source.get("why", ""))
    torch.manual_seed(seeds["dropout"])
    history = _fit(built, config, folder, seeds["order"])
    began -= history.get("earlier_seconds", 0.0)  # of the processes that were stopped
    trained = time.perf_counter() - began
    measurements = built.measure(_progress)
    for found in measurements:
        mean = f"{found.mean:.4g} {found.identity.get('unit', '')}".rstrip()
        log.info("%s: %s %s, %d items", found.test, found.metric, mean, len(found.values))
    loaded.refuse_unfollowed(config, before)  # while it trained, perhaps
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
        environment=machine.environment(torch.get_num_threads(), machine.accelerator(), variables),
        cost=_cost(history, time.perf_counter() - began, trained, begun.sessions),
        curves=history.get("curves", {}),
        examples=_examples(built, folder / "examples"),
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _cost(history: dict[str, Any], seconds: float, trained: float, sessions: int) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 1),
        "training_seconds": round(trained, 1),
        **{key: history[key] for key in ("steps", "items_per_second") if key in history},
        **({"sessions": sessions} if sessions > 1 else {}),
    }


def _fit(built: Any, config: Config, folder: Path, order_seed: int) -> dict[str, Any]:
    try:
        history: dict[str, Any] = built.fit(folder, order_seed)
    except BadInput as error:
        raise binding.placed(error, config) from error
    except FloatingPointError as error:
        if any(folder.glob("checkpoints/failed-*")):
            error.add_note(f"(repro debug --replay {folder} looks at its batch)")
        raise
    except Exception as error:
        interruption.explain(error)
        raise
    return history


def _examples(built: Any, folder: Path) -> list[dict[str, Any]]:
    """The first items of the first test set, if it can show its items (`dataset.illustrate`), while there is room."""
    name, dataset = next(iter(built.test.items()))
    shown: list[dict[str, Any]] = []
    shutil.rmtree(folder, ignore_errors=True)  # of a process that was stopped
    for index in range(min(built.examples, len(dataset)) if hasattr(dataset, "illustrate") else 0):
        inputs, target = dataset[index]
        folder.mkdir(exist_ok=True)
        before = set(folder.iterdir())
        panels = dataset.illustrate(inputs, target, built.estimate(inputs), folder / f"{name}-{index}")
        if sum(path.stat().st_size for path in folder.iterdir()) > record.EXAMPLES_LIMIT:
            log.warning("%d examples are kept: more would exceed %d bytes", index, record.EXAMPLES_LIMIT)
            for path in set(folder.iterdir()) - before:
                path.unlink()
            break
        shown.append({"test": name, "item": index, "panels": panels})
    return shown


def _progress(indices: Iterable[int], name: str) -> Iterable[int]:
    return progress.bar(f"measure {name}", iterable=indices, unit="item")
