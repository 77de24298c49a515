"""`repro certify`: how far the numbers of a config repeat on this machine, measured by runs in processes of their own.

Every run is of the config's first steps, with seed 0, in a temporary folder of which nothing stays. One straight run is
what the others are compared with; a run that reads its data by workers is compared with one that has another number.
"""

from __future__ import annotations

import datetime
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import HOME, disk, record
from repro import config as configs
from repro.config import Config
from repro.config.syntax import Reference
from repro.errors import BadInput, where
from repro.experiment import binding
from repro.record import Record, code_digest, determinism
from repro.record.determinism import Certificate, Comparison
from repro.registry import PARTS
from repro.rerun import child
from repro.run import threads
from repro.signature import parameters

STEPS = 50  # that are measured where nothing else is asked for
TRAINED = re.compile(r"(?P<trainer>(?:\w+/)*trainers\.(?P<name>\w+))\.steps")
ROW = "{:12}{:>10}  {:>10}"
NO_STEPS = "the trainer takes no steps"


@dataclass(frozen=True)
class Training:
    """What the config's trainer allows to compare: its name there, its steps, and why workers or ranks are out."""

    trainer: str
    steps: int
    workers: str
    ranks: str


@dataclass(frozen=True)
class Outcome:
    """What a run left: its record and, where something was trained by steps, the last weights."""

    record: Record
    weights: Path


def told(path: Path, steps: int | None = None) -> Iterator[str]:
    """The certificate of a config, a line per comparison as soon as it is made; it is stored in the paper's folder.

    Raises BadInput for a config that is not one of a paper, or has fewer `steps`; `child.Failed` where a run fails.
    """
    config = configs.read(path)
    if not config.committed:
        raise BadInput("expected a config of a paper, as it stands in its folder", where(path))
    binding.bind(config, whole=True)
    training = training_of(config, steps)
    code = code_digest.code(config)
    determinism.read(config.name, config.folder)  # one that is broken is said before the runs
    disk.refuse_unwritable(config.folder / determinism.FOLDER, f"{config.name}.json")
    with child.stoppable(), tempfile.TemporaryDirectory(prefix="repro-certify-") as folder:
        runs = Runs(config, training, Path(folder))
        straight = runs.run("straight")
        found = {}
        yield ROW.format("", "weights", "metrics")
        for name, compare in runs.comparisons(straight).items():
            found[name] = one = compare()
            yield f"{name:12}{one.why}" if one.why else ROW.format(name, f"{one.weights:.3g}", f"{one.metrics:.3g}")
    machine = determinism.machine(straight.record.environment)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    certified = Certificate(config.digest, code, machine, found, training.steps if training else 0, now)
    kept = determinism.store(certified, config.name, config.folder)
    yield f"{certified}: {where(kept)}"


def training_of(config: Config, steps: int | None = None) -> Training | None:
    """What can be compared of the trainer that takes steps, its parts being imported; None where none does."""
    known = configs.values(config.text)
    hits = {key: hit for key in known if (hit := TRAINED.fullmatch(key))}
    named = configs.resolved(known.get("experiment.trainer"), known)  # it may wrap the one that takes the steps
    if isinstance(named, Reference):
        whole = f"{named.scope}/{named.selector}".lstrip("/")
        hits = {key: hit for key, hit in hits.items() if hit["trainer"] == whole} or hits
    if not hits:
        return None
    (key, hit), *others = hits.items()
    if others:
        raise BadInput(f"{key} and {others[0][0]}: expected one trainer that takes steps", where(config.path))
    most = int(configs.resolved(known[key], known))
    if steps is not None and not 1 <= steps <= most:
        raise BadInput(f"--steps is {steps}; expected 1 to {most}, the steps of the config", where(config.path))
    part = PARTS[f"trainers.{hit['name']}"]
    batch = int(configs.resolved(known[f"{hit['trainer']}.batch_size"], known))
    return Training(hit["trainer"], steps or min(most, STEPS), _why_no_workers(part), _why_no_ranks(part, batch))


def steps_of(config: Config, training: Training) -> int:
    """How many steps the config trains."""
    known = configs.values(config.text)
    return int(configs.resolved(known[f"{training.trainer}.steps"], known))


def _why_no_workers(part: Any) -> str:
    return "" if "workers" in parameters(part) else "the trainer has no workers"


def _why_no_ranks(part: Any, batch: int) -> str:
    import torch

    from repro.trainers.supervised import Supervised

    if not issubclass(part, Supervised):
        return "the trainer trains in one process"
    if batch % 2:
        return f"two processes cannot share a batch of {batch}"
    return "this machine has one GPU" if torch.cuda.device_count() == 1 else ""


class Runs:
    """Where the runs of one config are made, each in a folder of its own below `home`."""

    def __init__(self, config: Config, training: Training | None, home: Path) -> None:
        self.config, self.training, self.home = config, training, home
        self.variables = {threads.OPENMP: str(threads.choose(config).number)}  # the same for all that are compared
        self.roots = [HOME.parent, config.folder.parents[1]]
        self.sets = ["experiment.examples = 0"]
        if training:
            self.sets.append(f"{training.trainer}.steps = {training.steps}")

    def comparisons(self, straight: Outcome) -> dict[str, Callable[[], Comparison]]:
        """How each comparison is made, in the order in which they are told."""
        return {
            "seed twice": lambda: compared(straight, self.run("again")),
            "resume": lambda: self._resume(straight),
            "workers": self._workers,
            "ranks": lambda: self._ranks(straight),
        }

    def run(self, name: str, *more: str) -> Outcome:
        """A run from its beginning, or from where it was killed."""
        folder = self.home / name
        folder.mkdir(exist_ok=True)
        printed = child.run(["repro", *self._command(*more)], folder, self.roots, quiet=True, variables=self.variables)
        return outcome(folder / printed.strip())

    def _command(self, *more: str) -> list[str]:
        sets = [word for one in (*self.sets, *more) for word in ("--set", one)]
        return ["run", str(self.config.path.resolve()), "--seed", "0", *sets]

    def _resume(self, straight: Outcome) -> Comparison:
        """Against a run that was killed at a random moment after a random step."""
        if self.training is None or self.training.steps == 1:
            return Comparison(why="one step leaves none to go on with" if self.training else NO_STEPS)
        step = random.randint(1, self.training.steps - 1)
        folder = self.home / "resume"
        folder.mkdir()
        command = ["repro.rerun.certify_child", "killed", str(step), str(self.training.steps), *self._command()]
        variables = self.variables | {"REPRO_CHECKPOINT_SECONDS": "0"}
        with child.started(command, folder, self.roots, **variables) as process:
            process.communicate()
        if process.returncode >= 0:
            return Comparison(why="the trainer keeps no checkpoints: it begins anew")
        again = self.run("resume")
        if again.record.cost.get("sessions") != 2:
            raise child.Failed(f"killed after step {step}, the run did not go on")
        return compared(straight, again)

    def _workers(self) -> Comparison:
        if self.training is None or self.training.workers:
            return Comparison(why=self.training.workers if self.training else NO_STEPS)
        one, two = (self.run(f"workers{n}", f"{self.training.trainer}.workers = {n}") for n in (1, 2))
        return compared(one, two)

    def _ranks(self, straight: Outcome) -> Comparison:
        """Against two processes that share every batch; the first of them measures."""
        if self.training is None or self.training.ranks:
            return Comparison(why=self.training.ranks if self.training else NO_STEPS)
        folder = self.home / "ranks"
        folder.mkdir()
        launch = ["torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node", "2"]
        variables = dict(self.variables)
        if straight.record.environment["accelerator"] == "none":
            variables["ACCELERATE_USE_CPU"] = "1"
        if sys.platform == "linux":
            variables["GLOO_SOCKET_IFNAME"] = "lo"  # the machine's own name may lead nowhere
        command = [*launch, "-m", "repro.rerun.certify_child", "rank", str(self.config.path.resolve()), *self.sets]
        child.run(command, folder, self.roots, quiet=True, variables=variables)
        return compared(straight, outcome(folder / f"{self.config.name}-seed0.json"))


def outcome(path: Path) -> Outcome:
    """What the run left whose record is at `path`, in its run folder."""
    return Outcome(record.read(path), path.parent / "checkpoints" / "last.safetensors")


def compared(one: Outcome, other: Outcome) -> Comparison:
    """The largest difference of a weight and of a metric between two runs."""
    pairs = zip(one.record.measurements, other.record.measurements, strict=True)
    metrics = max(determinism.moved(a.values, b.values) for a, b in pairs)
    return Comparison(_apart(one.weights, other.weights), metrics)


def _apart(one: Path, other: Path) -> float:
    """The largest difference of a weight in two files; 0 where neither run has trained any."""
    from safetensors.torch import load_file

    if not one.is_file() and not other.is_file():
        return 0.0
    ours, theirs = load_file(one), load_file(other)
    if ours.keys() != theirs.keys():
        raise child.Failed(f"the runs have other weights: {', '.join(sorted(ours.keys() ^ theirs.keys()))}")
    return max(float((ours[name].double() - theirs[name].double()).abs().max()) for name in ours if ours[name].numel())
