"""The trained model of a record.

The weights are those of the record's run, `<run folder>/checkpoints/best.safetensors` or `last.safetensors`, or a file
that `repro export --weights` wrote. They must belong to the record: the run, or the file, names its numbers. A run
that is not finished has no record; its newest checkpoint can be used if you ask for it.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro import config as configs
from repro import record, verdict
from repro.claim import paper
from repro.config import Config, names
from repro.errors import BadInput, where
from repro.files import regular
from repro.launch.status import Status
from repro.record import Record, stale
from repro.run import run_folders
from repro.serve import exported, unfinished
from repro.serve.exported import identity
from repro.verdict import Verdict

RUN = re.compile(r"(?P<paper>[^/]+)/(?P<config>[^/]+)-seed(?P<seed>\d{1,18})")
RECORD = re.compile(r"(?:.*/)?(?P<paper>[^/]+)/records/(?P<config>[^/]+)-seed(?P<seed>\d{1,18})\.json")
FOLDER = re.compile(r"(?:.*/)?(?P<paper>[^/]+)/(?P<config>[^/]+)/[0-9a-f]{8}-seed(?P<seed>\d{1,18})")
KEPT = ("best", "last")
"""The files of weights in a run folder, in the order in which they are looked for."""
log = logging.getLogger("repro")


@dataclass(frozen=True)
class Found:
    """A record and where its weights are. published: the record is one of the paper, not only of a run folder.

    weights: the file. It belongs to the record. step: of a run that is not finished, the step of its checkpoint; its
    weights are then `held`, because the run deletes the file. Its record has no measurements.
    """

    record: Record
    folder: Path  # the paper's folder
    weights: Path
    published: bool
    step: int = 0
    held: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        """The name of the record, such as `template/line-seed0`; of a run folder, `template/line/0123abcd-seed0`."""
        record = self.record
        run = f"{record.config}/{record.digest[:8]}-seed{record.seed}"
        mark = f" at step {self.step} (not finished)" if self.step else ""
        return f"{record.paper}/{record.stem if self.published else run}{mark}"

    def content(self) -> bytes:
        """The weights, as the bytes of a safetensors file. Raises BadInput if the file cannot be read."""
        if self.held:
            return self.held
        regular.check(self.weights, exported.LARGEST)
        return self.weights.read_bytes()


def find(
    given: str, weights: Path | None = None, allow_stale: bool = False, allow_unfinished: bool | None = None
) -> Found:
    """The record that `given` names, with its weights: a record, a run, the folder of a run, or a config (seed 0).

    A run may have other numbers than the paper's record, for example because it ran on another machine. Then its own
    record counts, unless `given` is the file of the paper's record.

    weights: a file that `repro export --weights` wrote, in place of the run's; it also says which record, if `given` is
    empty. allow_unfinished: use the newest checkpoint of a run that is not finished; with None, its error does not
    offer this. Raises BadInput if there is no such record, if its weights are not on this machine or belong to other
    numbers, if the run is not finished, and if the record is stale, unless `allow_stale`.
    """
    run, name, config, seed = _named(given or (exported.run_of(weights) if weights else ""))
    folder = paper.folder_of(name)
    committed = _committed(folder, config, seed)
    if weights:
        found = _of_file(committed, folder, weights, f"{config}-seed{seed}")
    else:
        exactly = bool(RECORD.fullmatch(Path(given).absolute().as_posix()))
        run = run or _run_folder(folder, config, seed, committed, exactly)
        state = unfinished.begun(run)
        if state and not allow_unfinished:
            raise unfinished.refusal(state, allow_unfinished is not None)
        found = _of_checkpoint(run, folder, state) if state else _of_run(run, folder, committed, exactly, given)
    if found.record.stale and not allow_stale:
        what = f"{found.name} is stale: {found.record.stale}"
        raise BadInput(what, expected=f"`repro run {name}/{config} --seed {seed}` first, or --stale to use it as it is")
    return found


def _named(given: str) -> tuple[Path | None, str, str, int]:
    """(run folder, paper, config, seed) of what was typed. The folder is None unless it, or a file in it, was typed."""
    path = Path(given.rstrip("/"))
    if path.suffix in exported.ENDINGS:
        raise BadInput(
            f"{given} is a file of weights", expected="a run, or `repro serve --weights` of an exported file"
        )
    inside = path.parent if path.suffix == ".json" else path
    if hit := FOLDER.fullmatch(inside.absolute().as_posix()):
        kept = run_folders.home(paper.folder_of(hit["paper"])) / "/".join(inside.parts[-3:])
        return inside if inside.is_dir() else kept, hit["paper"], hit["config"], int(hit["seed"])
    if hit := RECORD.fullmatch(path.absolute().as_posix()) or RUN.fullmatch(given):
        return None, hit["paper"], hit["config"], int(hit["seed"])
    found = configs.read(names.find(given))
    return None, found.paper, found.name, 0


def _committed(folder: Path, config: str, seed: int) -> Record | None:
    """The paper's record, marked if it is stale; None if there is none."""
    path = folder / "records" / f"{config}-seed{seed}.json"
    if not regular.present(path):
        return None
    (found,) = stale.mark([record.read(path)], folder)
    return found


def _run_folder(folder: Path, config: str, seed: int, committed: Record | None, exactly: bool) -> Path:
    """The run folder of the present config if it exists, else that of the record. exactly: that of the record."""
    path = folder / "configs" / f"{config}.gin"
    digests = [committed.digest] if committed else []
    if not exactly and (path.is_file() or not committed):
        digests.insert(0, configs.read(path).digest)
    home = run_folders.home(folder) / folder.name / config
    folders = [home / f"{digest[:8]}-seed{seed}" for digest in digests]
    return next((one for one in folders if one.is_dir()), folders[0])


def _of_run(run: Path, folder: Path, committed: Record | None, exactly: bool, given: str) -> Found:
    """The weights in a run folder, with the paper's record if it has the same numbers, else with the run's own record.

    exactly: the file of the paper's record was typed, so a run with other numbers is refused.
    """
    path = next((run / "checkpoints" / f"{one}.safetensors" for one in KEPT if _is_file(run, one)), None)
    config, seed = run.parts[-2], run.name.rpartition("-seed")[2]
    own = run / f"{config}-seed{seed}.json"
    if path is None or not own.is_file():
        what = f"the weights of {given} are not on this machine: no finished run with weights in {where(run)}"
        expected = (
            f"`repro run {folder.name}/{config} --seed {seed}` first, or `repro serve --weights` of an exported file"
        )
        raise BadInput(what, expected=expected)
    (found,) = stale.mark([record.read(own)], folder)
    if committed and identity(committed) == identity(found):
        return Found(committed, folder, path, True)
    own_run = Found(found, folder, path, False)
    if committed and exactly:
        what = f"the run in {where(run)} has other numbers than the record {given}"
        raise BadInput(what, expected=f"{own_run.name}, to use this run and not the record")
    log.info("%s is a run whose numbers are in no record of the paper, so no verdict depends on it", own_run.name)
    return own_run


def _of_checkpoint(run: Path, folder: Path, state: Status) -> Found:
    """The newest checkpoint of a run that is not finished."""
    path, step, content = unfinished.weights(run)
    started = unfinished.so_far(run, state, folder)
    found = Found(started, folder, path, False, step, content)
    log.warning("%s: its weights may still change, and nothing was measured", found.name)
    return found


def _is_file(run: Path, name: str) -> bool:
    return (run / "checkpoints" / f"{name}.safetensors").is_file()


def _of_file(committed: Record | None, folder: Path, path: Path, stem: str) -> Found:
    """The weights of an exported file, with the paper's record if the file names its numbers, else the record next to
    the file. The paper's record may be of another machine, where the numbers differ in the last digits."""
    name, given = f"{folder.name}/{stem}", exported.run_of(path)
    if given != name:
        what = f"has the weights of {given}"
        raise BadInput(what, where(path), expected=f"those of {name}, or --weights without the name of a run")
    exported.check(path)
    made = exported.about(path)
    beside = exported.next_to(path, stem)
    for found, published in ((committed, True), (beside, False)):
        if found and made.get("numbers") == identity(found):
            (marked,) = stale.mark([found], folder)
            return Found(marked, folder, path, published)
    if committed is None and beside is None:
        what = f"no record {name} in {where(folder)}/records, and none next to {where(path)}"
        raise BadInput(what, expected=f"{stem}.json, which `repro export --weights` wrote next to the weights")
    what = f"belongs to other numbers than the record {name} has here"
    raise BadInput(what, where(path), expected=f"its own record, {stem}.json, next to it")


@dataclass(frozen=True)
class Trained:
    """A record with its model, ready to answer. built: the experiment. checkpoint: the SHA-256 of the weights."""

    found: Found
    config: Config
    built: Any
    checkpoint: str

    @property
    def name(self) -> str:
        """The name of the record."""
        return self.found.name

    def verdicts(self) -> list[Verdict]:
        """The verdicts that depend on the record."""
        return depending(self.found)


def load(found: Found) -> Trained:
    """Build the experiment of a record, with its weights. Raises BadInput if they do not fit the present model."""
    import torch
    from safetensors.torch import load as tensors

    from repro.experiment import binding, streams
    from repro.training import device

    config = _config(found)
    torch.manual_seed(streams(found.record.seed)["model"])
    built = binding.build(config)
    if not isinstance(built.model, torch.nn.Module):
        raise BadInput(f"{found.name} has no model of torch", expected="a record of a trained model")
    content = found.content()
    try:
        _fill(built.model, tensors(content))
    except Exception as error:  # safetensors raises its own errors, torch a RuntimeError of many lines
        reason = " ".join(str(error).split())
        raise BadInput(f"does not fit the model: {reason:.160}", where(found.weights)) from None
    built.model.to(device.here()).eval()
    return Trained(found, config, built, hashlib.sha256(content).hexdigest())


def _fill(model: Any, weights: dict[str, Any]) -> None:
    """Copy weights into the model. A file may leave out a weight that is the same tensor as another one."""
    own = model.state_dict()
    for name in sorted(set(own) - set(weights)):
        twins = [one for one in weights if one in own and own[one].data_ptr() == own[name].data_ptr()]
        if twins and own[name].numel():
            weights[name] = weights[twins[0]]
    model.load_state_dict(weights)


def _config(found: Found) -> Config:
    """The paper's config; the run's own copy if the paper's has other values now. An exported file has no copy."""
    path = found.folder / "configs" / f"{found.record.config}.gin"
    now = configs.read(path) if path.is_file() else None
    copy = found.weights.parent.parent / "config.gin"
    of_run = found.weights.parent.name == "checkpoints"
    if of_run and copy.is_file() and (now is None or now.digest != found.record.digest):
        return configs.read(copy)
    return now or configs.read(path)


def depending(found: Found) -> list[Verdict]:
    """The verdicts of the paper that depend on a record; none if the record is only in a run folder."""
    if not found.published:
        return []
    judged = verdict.judge_all(paper.read(found.folder).claims, record.of_paper(found.folder))
    own = (found.record.config, found.record.seed)
    return [one for one in judged if own in {(each.config, each.seed) for each in _records(one)}]


def _records(one: Verdict) -> list[Record]:
    return [each for evidence in one.evidence for each in (*evidence.records, *evidence.over)]
