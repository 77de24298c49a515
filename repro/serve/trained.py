"""The trained model of a record.

The weights are those of the record's run, `<run folder>/checkpoints/best.safetensors` or `last.safetensors`, or a file
that `repro export --weights` wrote. They must belong to the record: the run, or the file, names its numbers.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repro import config as configs
from repro import record, verdict
from repro.claim import paper
from repro.config import Config, names
from repro.errors import BadInput, where
from repro.files import regular
from repro.record import Record, stale
from repro.run import run_folders
from repro.verdict import Verdict

RUN = re.compile(r"(?P<paper>[^/]+)/(?P<config>[^/]+)-seed(?P<seed>\d{1,18})")
RECORD = re.compile(r"(?:.*/)?(?P<paper>[^/]+)/records/(?P<config>[^/]+)-seed(?P<seed>\d{1,18})\.json")
FOLDER = re.compile(r"(?:.*/)?(?P<paper>[^/]+)/(?P<config>[^/]+)/[0-9a-f]{8}-seed(?P<seed>\d{1,18})")
KEPT = ("best", "last")
"""The files of weights in a run folder, in the order in which they are looked for."""
LARGEST = 4_000_000_000  # bytes of a file of weights
log = logging.getLogger("repro")
HEADER = "repro"  # the key of the metadata of an exported file


@dataclass(frozen=True)
class Found:
    """A record and where its weights are. published: the record is one of the paper, not only of a run folder.

    weights: the file. It belongs to the record.
    """

    record: Record
    folder: Path  # the paper's folder
    weights: Path
    published: bool

    @property
    def name(self) -> str:
        """The name of the record, such as `template/line-seed0`; of a run folder, `template/line/0123abcd-seed0`."""
        record = self.record
        run = f"{record.config}/{record.digest[:8]}-seed{record.seed}"
        return f"{record.paper}/{record.stem if self.published else run}"

    def content(self) -> bytes:
        """The bytes of the file of weights. Raises BadInput if it cannot be read."""
        regular.check(self.weights, LARGEST)
        return self.weights.read_bytes()


def find(given: str, weights: Path | None = None, allow_stale: bool = False) -> Found:
    """The record that `given` names, with its weights: a record, a run, the folder of a run, or a config (seed 0).

    A run may have other numbers than the paper's record, for example because it ran on another machine. Then its own
    record counts, unless `given` is the file of the paper's record.

    weights: a file that `repro export --weights` wrote, in place of the run's. Raises BadInput if there is no such
    record, if its weights are not on this machine or belong to other numbers, and if it is stale, unless
    `allow_stale`.
    """
    run, name, config, seed = _named(given)
    folder = paper.folder_of(name)
    committed = _committed(folder, config, seed)
    if weights:
        found = _of_file(committed, folder, weights, given)
    else:
        exactly = bool(RECORD.fullmatch(Path(given).absolute().as_posix()))
        run = run or _run_folder(folder, config, seed, committed, exactly)
        found = _of_run(run, folder, committed, exactly, given)
    if found.record.stale and not allow_stale:
        what = f"{found.name} is stale: {found.record.stale}"
        raise BadInput(what, expected=f"`repro run {name}/{config} --seed {seed}` first, or --stale to use it as it is")
    return found


def _named(given: str) -> tuple[Path | None, str, str, int]:
    """(run folder, paper, config, seed) of what was typed. The folder is None unless it, or a file in it, was typed."""
    path = Path(given.rstrip("/"))
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


def _is_file(run: Path, name: str) -> bool:
    return (run / "checkpoints" / f"{name}.safetensors").is_file()


def _of_file(committed: Record | None, folder: Path, path: Path, given: str) -> Found:
    """The paper's record with the weights of an exported file, which names the numbers of its record."""
    if committed is None:
        raise BadInput(f"{given} has no record in {where(folder)}/records", expected="a record, for --weights")
    made = about(path)
    if made.get("record") != f"{folder.name}/{committed.stem}" or made.get("numbers") != identity(committed):
        what = f"has the weights of {made.get('record', 'no record')!s:.120}"
        raise BadInput(what, where(path), expected=f"those of {folder.name}/{committed.stem}, with its numbers")
    return Found(committed, folder, path, True)


def about(path: Path) -> dict[str, Any]:
    """What `repro export --weights` wrote into the header of a file; empty for another file of weights."""
    from safetensors import SafetensorError, safe_open

    regular.check(path, LARGEST)
    try:
        with safe_open(path, "pt") as file:
            made = json.loads((file.metadata() or {}).get(HEADER, "{}"))
    except (SafetensorError, ValueError, OSError) as error:
        raise BadInput(f"is not a file of weights: {str(error).splitlines()[0]:.100}", where(path)) from None
    return made if isinstance(made, dict) else {}


def identity(found: Record) -> str:
    """A digest of the config and all numbers of a record: what its weights must belong to."""
    rows = [asdict(one) for one in found.measurements]
    text = json.dumps([found.paper, found.config, found.seed, found.digest, rows], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
