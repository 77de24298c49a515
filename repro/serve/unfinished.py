"""A run that is not finished: how far it is, and the weights of its newest checkpoint."""

from __future__ import annotations

import shlex
from pathlib import Path

from repro import config as configs
from repro.errors import BadInput, where
from repro.launch import status
from repro.launch.status import Status
from repro.record import Record, code_digest
from repro.report.html.words import duration
from repro.run import resume

ENDS = {"stopped": "stopped", "killed": "killed", "failed": "ended by an error", "refused": "refused"}
"""How a run that is not finished ended, by its state."""
OFFER = "--unfinished to use its newest checkpoint"


def begun(run: Path) -> Status | None:
    """The state of the run in a folder; None if there is no such run, and if it is finished.

    Raises BadInput if its `run.json` is not valid.
    """
    if resume.read(run) is None:
        return None
    found = status.of_folder(run.absolute())
    return None if found.state in status.ENDED else found


def refusal(found: Status, offered: bool) -> BadInput:
    """The error for a run that is not finished. offered: whether the command can use a checkpoint of it."""
    left = f", about {duration(found.left)} left" if found.left and found.state == "running" else ""
    state = "is still running" if found.state == "running" else f"is not finished: it was {ENDS[found.state]}"
    sets = "".join(f" --set {shlex.quote(one)}" for one in found.overrides)
    resumes = f"`repro run {found.paper}/{found.config} --seed {found.seed}{sets}`, which resumes it"
    first = "that you wait until it is finished" if found.state == "running" else resumes
    more = f", or {OFFER}" if offered and _newest(Path(found.folder)) else ""
    return BadInput(f"{found.run} {state}{_at(found)}{left}", expected=f"{first}{more}")


def _at(found: Status) -> str:
    if found.step is None:
        return ", with no step logged yet" if found.state == "running" else ""
    return f", at step {found.step:,}" + (f" of {found.steps:,}" if found.steps else "")


def weights(run: Path) -> tuple[Path, int, bytes]:
    """The newest checkpoint of a run, its step, and its weights as a safetensors file.

    Raises BadInput if no checkpoint can be read. A running run may delete one meanwhile; then a newer one is there.
    """
    from safetensors.torch import save

    from repro.training import checkpoint_file

    for _ in range(3):
        for path in reversed(_newest(run)):
            try:
                model = checkpoint_file.read(path).get("model")
            except BadInput:
                continue
            if not isinstance(model, dict):
                raise BadInput("has no weights of a model", where(path), expected="the checkpoint of a trainer")
            return path, checkpoint_file.step_of(path), save(model)
    raise BadInput("has no checkpoint that can be read", where(run), expected="that you wait, or resume the run")


def _newest(run: Path) -> list[Path]:
    """The checkpoints of a run, the newest last."""
    from repro.training import checkpoint_file  # imported here, because it loads torch

    return sorted(run.glob("checkpoints/step-*.safetensors"), key=checkpoint_file.step_of)


def so_far(run: Path, found: Status, folder: Path) -> Record:
    """What is known of a run before its end: no measurements. It is stale if config or code have changed since.

    folder: of the paper.
    """
    started = resume.read(run)
    if started is None:
        raise BadInput("is not the folder of a run", where(run), expected=f"a folder with {resume.FILE}")
    changed = _changed(started, found, folder / "configs" / f"{found.config}.gin")
    state = (found.paper, found.config, found.seed, started.digest)
    text = (run / "config.gin").read_text(encoding="utf-8")
    return Record(*state, [], text, started.overrides, source=started.source, stale=changed)


def _changed(started: resume.Started, found: Status, path: Path) -> str:
    now = configs.read(path, found.overrides) if path.is_file() else None
    if now is None or now.digest != started.digest:
        return "its config has changed since the run started"
    return "" if code_digest.code(now) == started.code else "the code has changed since the run started"
