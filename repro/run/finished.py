"""The experiment of a finished run, with its trained model.

A run keeps its last and its best weights (`checkpoints/last.safetensors`, `best.safetensors`), and deletes the rest of
its checkpoints. A model without such a file is fitted again in the run folder: a trainer that keeps its own files there
resumes from them.
"""

from __future__ import annotations

from pathlib import Path

from repro.config import Config, read
from repro.errors import BadInput, where
from repro.experiment import Experiment, binding, preflight, streams
from repro.files import lock
from repro.record import code_digest
from repro.run import resume, run_folders, threads


def restored(path: Path, seed: int = 0) -> Experiment:
    """The experiment of the finished run of the config `path` with `seed`. Its model has the weights of the run's end.

    Raises BadInput if there is no such run, or if its config, code or data have changed since. Raises Busy if the run
    is running.
    """
    import torch

    config = read(path)
    folder = folder_of(config, seed)
    with lock.held(folder):
        found = _started(config, folder, seed)
        seeds = streams(seed)
        torch.manual_seed(seeds["model"])
        built = binding.build(config)
        if found.data != preflight.data(built):
            raise BadInput("the data have changed since this run", where(folder), expected=_again(config, seed))
        with threads.limited(found.threads or 1):
            _train(built, folder, seeds)
    return built


def folder_of(config: Config, seed: int) -> Path:
    """The folder of the run of `config` with `seed`. It need not exist."""
    return run_folders.home(config.folder) / config.paper / config.name / f"{config.digest[:8]}-seed{seed}"


def _started(config: Config, folder: Path, seed: int) -> resume.Started:
    """The `run.json` of the run. Raises BadInput unless the run is finished and its config and code are unchanged."""
    found = resume.read(folder)
    if found is None or found.outcome != resume.FINISHED:
        what = f"there is no finished run of {config.paper}/{config.name} with seed {seed}"
        raise BadInput(what, where(folder), expected=_again(config, seed))
    if found.digest != config.digest or found.code != code_digest.code(config):
        raise BadInput("the code has changed since this run", where(folder), expected=_again(config, seed))
    return found


def _again(config: Config, seed: int) -> str:
    return f"`repro run {config.paper}/{config.name} --seed {seed}` first"


def _train(built: Experiment, folder: Path, seeds: dict[str, int]) -> None:
    """Give the model its weights."""
    import torch
    from safetensors.torch import load_model

    from repro.training import device

    kept = [folder / "checkpoints" / f"{name}.safetensors" for name in ("best", "last")]
    weights = next((path for path in kept if path.is_file()), None)
    if weights is None:
        torch.manual_seed(seeds["dropout"])
        built.fit(folder, seeds["order"])
        return
    try:
        load_model(built.model, weights)
    except (RuntimeError, OSError) as error:
        what = f"does not fit the model: {str(error).splitlines()[0]}"
        raise BadInput(what, where(weights)) from None
    built.model.to(device.here())
