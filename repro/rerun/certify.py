"""`repro certify`: measure how closely the numbers of a config repeat on this machine.

Each run trains the first steps of the config with seed 0, in its own process. Its temporary folder is deleted at the
end. One uninterrupted run is the reference, and the other runs are compared with it. For the comparison `workers`, two
runs with 1 and 2 data workers are compared with each other.
"""

from __future__ import annotations

import datetime
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import HOME, record
from repro import config as configs
from repro.config import Config
from repro.config.syntax import Reference
from repro.errors import BadInput, where
from repro.experiment import binding
from repro.files import disk
from repro.record import Record, code_digest, determinism
from repro.record.determinism import Certificate, Comparison
from repro.registry import PARTS
from repro.rerun import child
from repro.run import threads
from repro.signature import parameters

STEPS = 50  # the default of --steps
TRAINED = re.compile(r"(?P<trainer>(?:\w+/)*trainers\.(?P<name>\w+))\.steps")
ROW = "{:12}{:>10}  {:>10}"
NO_STEPS = "the trainer takes no steps"


@dataclass(frozen=True)
class Training:
    """The trainer of a config: its name in the config, the number of steps to run, and what cannot be compared.

    `workers` and `ranks` say why that comparison does not apply; they are empty if it applies.
    """

    trainer: str
    steps: int
    workers: str
    ranks: str


@dataclass(frozen=True)
class Outcome:
    """The results of a run: its record, and the path of its last weights (no file if it did not train by steps)."""

    record: Record
    weights: Path


def told(path: Path, steps: int | None = None) -> Iterator[str]:
    """Measure how closely the numbers of a config repeat; yields one line per comparison.

    The certificate is stored in the paper's folder. Raises BadInput if `path` is not a config of a paper, or if `steps`
    is not from 1 to the steps of the config. Raises `child.Failed` if a run fails.
    """
    config = configs.read(path)
    if not config.committed:
        raise BadInput("not a config of a paper", where(path), expected="a file in papers/PAPER/configs")
    binding.bind(config, whole=True)
    training = training_of(config, steps)
    code = code_digest.code(config)
    determinism.read(config.name, config.folder)  # refuses a broken certificate before the runs
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
    """The trainer that takes steps, or None if there is none. The parts of `config` must be imported already.

    Raises BadInput if there are several such trainers, or if `steps` is not from 1 to the steps of the config.
    """
    known = configs.values(config.text)
    hits = {key: hit for key in known if (hit := TRAINED.fullmatch(key))}
    named = _innermost("experiment.trainer", known)
    hits = {key: hit for key, hit in hits.items() if hit["trainer"] == named} or hits
    if not hits:
        return None
    (key, hit), *others = hits.items()
    if others:
        raise BadInput(f"{key} and {others[0][0]} are set", where(config.path), expected="one trainer that takes steps")
    most = int(configs.resolved(known[key], known))
    if steps is not None and not 1 <= steps <= most:
        raise BadInput(f"--steps is {steps}", where(config.path), expected=f"1 to {most}, the steps of the config")
    part = PARTS[f"trainers.{hit['name']}"]
    batch = int(configs.resolved(known[f"{hit['trainer']}.batch_size"], known))
    return Training(hit["trainer"], steps or min(most, STEPS), _why_no_workers(part), _why_no_ranks(batch))


def _innermost(key: str, known: dict[str, Any]) -> str:
    """The trainer at `key`, or the one that it wraps, such as that of `trainers.Measured`; "" if there is none."""
    found = configs.resolved(known.get(key), known)
    if not isinstance(found, Reference):
        return ""
    whole = f"{found.scope}/{found.selector}".lstrip("/")
    return _innermost(f"{whole}.trainer", known) or whole


def steps_of(config: Config, training: Training) -> int:
    """The number of training steps in the config."""
    known = configs.values(config.text)
    return int(configs.resolved(known[f"{training.trainer}.steps"], known))


def _why_no_workers(part: Any) -> str:
    return "" if "workers" in parameters(part) else "the trainer has no workers"


def _why_no_ranks(batch: int) -> str:
    import torch

    if batch % 2:
        return f"two processes cannot share a batch of {batch}"
    return "this machine has one GPU" if torch.cuda.device_count() == 1 else ""


class Runs:
    """The runs of one config and their comparisons; each run has its own folder in `home`."""

    def __init__(self, config: Config, training: Training | None, home: Path) -> None:
        self.config, self.training, self.home = config, training, home
        self.variables = {threads.OPENMP: str(threads.choose(config).number)}  # the same for all runs
        self.roots = [HOME.parent, config.folder.parents[1]]
        self.sets = ["experiment.examples = 0"]
        if training:
            self.sets.append(f"{training.trainer}.steps = {training.steps}")

    def comparisons(self, straight: Outcome) -> dict[str, Callable[[], Comparison]]:
        """A function for each comparison, in the order in which they are printed."""
        return {
            "seed twice": lambda: compared(straight, self.run("again")),
            "resume": lambda: self._resume(straight),
            "workers": self._workers,
            "ranks": lambda: self._ranks(straight),
        }

    def run(self, name: str, *more: str, words: tuple[str, ...] = ()) -> Outcome:
        """Run in the folder `name`; resumes if a run there was killed.

        more: further `--set` bindings. words: further options of `repro run`.
        """
        folder = self.home / name
        folder.mkdir(exist_ok=True)
        printed = child.run(
            ["repro", *self._command(*more), *words], folder, self.roots, quiet=True, variables=self.variables
        )
        return outcome(folder / printed.strip())

    def _command(self, *more: str) -> list[str]:
        sets = [word for one in (*self.sets, *more) for word in ("--set", one)]
        return ["run", str(self.config.path.resolve()), "--seed", "0", *sets]

    def _resume(self, straight: Outcome) -> Comparison:
        """Compare with a run that is killed at a random moment after a random step, and then resumed."""
        if self.training is None or self.training.steps == 1:
            return Comparison(why="the training has only one step" if self.training else NO_STEPS)
        step = random.randint(1, self.training.steps - 1)
        folder = self.home / "resume"
        folder.mkdir()
        command = ["repro.rerun.certify_child", "killed", str(step), str(self.training.steps), *self._command()]
        variables = self.variables | {"REPRO_CHECKPOINT_SECONDS": "0"}
        with child.started(command, folder, self.roots, **variables) as process:
            process.communicate()
        if process.returncode >= 0:
            return Comparison(why="the trainer saves no checkpoints, so it restarts")
        again = self.run("resume")
        if again.record.cost.get("sessions") != 2:
            raise child.Failed(f"the run was killed after step {step} and did not resume")
        return compared(straight, again)

    def _workers(self) -> Comparison:
        if self.training is None or self.training.workers:
            return Comparison(why=self.training.workers if self.training else NO_STEPS)
        one, two = (self.run(f"workers{n}", f"{self.training.trainer}.workers = {n}") for n in (1, 2))
        return compared(one, two)

    def _ranks(self, straight: Outcome) -> Comparison:
        """Compare with a training by two processes that share every batch."""
        if self.training is None or self.training.ranks:
            return Comparison(why=self.training.ranks if self.training else NO_STEPS)
        return compared(straight, self.run("ranks", words=("--processes", "2")))


def outcome(path: Path) -> Outcome:
    """The results of a run; `path`: its record, in the run folder."""
    return Outcome(record.read(path), path.parent / "checkpoints" / "last.safetensors")


def compared(one: Outcome, other: Outcome) -> Comparison:
    """The largest difference in a weight and in a metric between two runs."""
    pairs = zip(one.record.measurements, other.record.measurements, strict=True)
    metrics = max(determinism.moved(a.values, b.values) for a, b in pairs)
    return Comparison(_apart(one.weights, other.weights), metrics)


def _apart(one: Path, other: Path) -> float:
    """The largest difference between the weights in two files; 0 if neither run saved any."""
    from safetensors.torch import load_file

    if not one.is_file() and not other.is_file():
        return 0.0
    ours, theirs = load_file(one), load_file(other)
    if ours.keys() != theirs.keys():
        raise child.Failed(f"the runs have different weights: {', '.join(sorted(ours.keys() ^ theirs.keys()))}")
    return max(float((ours[name].double() - theirs[name].double()).abs().max()) for name in ours if ours[name].numel())
