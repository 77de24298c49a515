"""One execution of a config with one seed: config + seed -> a run folder -> a record.

The folder `runs/<paper>/<config>/<digest>-seed<N>/` holds `config.gin` (runs by itself), `run.log`,
`metrics.jsonl`, TensorBoard events, `checkpoints/` and `record.json`'s examples. Three streams of random numbers,
one each for model, data order and dropout, come from the seed, so that changing one leaves the others alone.
"""

from __future__ import annotations

import datetime
import logging
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from repro import binding, preflight, progress, provenance, record
from repro.config import Config, read
from repro.errors import BadInput
from repro.paper import where
from repro.record import Record

log = logging.getLogger("repro")


def run(path: Path, seed: int = 0, overrides: tuple[str, ...] = ()) -> tuple[Record, Path]:
    """Run `path` with `seed`; returns the record and where it was written.

    Only the record of a committed config goes to the paper. With `overrides`, or from a run's own copy of its config,
    it stays in the run folder, since no claim rests on it.
    Raises BadInput when the config, its parts or its data are not as they should be.
    """
    config = read(path, overrides)
    _refuse_processes()
    binding.bind(config, whole=True)  # a config that cannot run leaves no run folder
    folder = Path("runs") / config.paper / config.name / f"{config.digest[:8]}-seed{seed}"
    with _locked(folder), _logging(folder):
        header = f"# a run of papers/{config.paper}/configs/{config.name}.gin: it runs by itself\n"
        (folder / "config.gin").write_text(header + config.text, encoding="utf-8")
        found = _execute(config, seed, folder)
        kept = record.write(found, folder)
        return found, _publish(found, folder, config.folder / "records") if config.committed else kept


def _refuse_processes() -> None:
    """A trainer may run in several processes; a run, which measures and writes, is one so far."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise BadInput(f"WORLD_SIZE is {os.environ['WORLD_SIZE']}; expected repro run to be one process (one GPU)")


def _execute(config: Config, seed: int, folder: Path) -> Record:
    import torch

    from repro.experiment import streams

    began, seeds = time.perf_counter(), streams(seed)
    torch.manual_seed(seeds["model"])  # before anything is built
    built = binding.build(config)
    data, items = preflight.data(built), preflight.items(built)
    if config.committed:
        preflight.answers(config, built, items)
    source, code = provenance.source(config.folder), provenance.code(config)  # as they are now: training takes a while
    log.info("%s, seed %d, in %s", where(config.path), seed, folder)
    if source.get("dirty") and config.committed:
        log.warning("the working tree has changes that are not committed: the record will say so; commit first")
    torch.manual_seed(seeds["dropout"])
    try:
        history = built.fit(folder, seeds["order"])
    except BadInput as error:
        raise binding.placed(error, config) from error
    trained = time.perf_counter() - began
    measurements = built.measure(_progress)
    for found in measurements:
        mean = f"{found.mean:.4g} {found.identity.get('unit', '')}".rstrip()
        log.info("%s: %s %s, %d items", found.test, found.metric, mean, len(found.values))
    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
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
        code=code,
        source=source,
        environment=provenance.environment(torch.get_num_threads(), accelerator),
        cost={
            "seconds": round(time.perf_counter() - began, 1),
            "training_seconds": round(trained, 1),
            **{key: history[key] for key in ("steps", "items_per_second") if key in history},
        },
        curves=history.get("curves", {}),
        examples=_examples(built, folder / "examples"),
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _examples(built: Any, folder: Path) -> list[dict[str, Any]]:
    """The first items of the first test set, if it can show its items (`dataset.illustrate`), while there is room."""
    name, dataset = next(iter(built.test.items()))
    shown: list[dict[str, Any]] = []
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


def _publish(found: Record, folder: Path, home: Path) -> Path:
    """Put the record and its examples into the paper, in place of those of an earlier run."""
    target = home / found.stem
    shutil.rmtree(target, ignore_errors=True)
    if found.examples:
        shutil.copytree(folder / "examples", target)
    return record.write(found, home)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Refuse a second run in the same folder while one is alive, then start from an empty folder."""
    from filelock import FileLock, Timeout

    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.parent / f".{folder.name}.lock")
    try:
        with lock.acquire(timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            yield
    except Timeout:
        raise BadInput("this run is already going on in another process", str(folder)) from None


@contextmanager
def _logging(folder: Path) -> Iterator[None]:
    handler = logging.FileHandler(folder / "run.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    except Exception as error:  # the traceback goes into the file alone: who called decides what to show
        error.add_note(f"(the traceback is in {folder / 'run.log'})")
        handler.handle(logging.makeLogRecord({"msg": "the run failed", "exc_info": sys.exc_info()}))
        raise
    finally:
        log.removeHandler(handler)
        handler.close()


def _progress(indices: Iterable[int], name: str) -> Iterable[int]:
    return progress.bar(f"measure {name}", iterable=indices, unit="item")
