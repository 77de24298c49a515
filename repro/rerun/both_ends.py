"""Compare two versions of the code over the first and the last steps of a long training.

Both versions train the first steps of the config. Then both get the checkpoint of the old version, marked with the
number of a late step. So both train the last steps from the same state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.record import Record
from repro.record.determinism import Comparison
from repro.rerun import certify, child
from repro.rerun.certify import Outcome


@dataclass
class Side:
    """One version of the code: its config, the folders of its modules, and the folder in which it runs."""

    path: Path
    roots: list[Path]
    folder: Path
    record: Record
    outcome: Outcome | None = field(default=None)

    def words(self, sets: list[str]) -> list[str]:
        """The arguments of `repro` for this run; `sets`: its `--set` bindings."""
        inner = [word for one in sets for word in ("--set", one)]
        return ["run", str(self.path), "--seed", str(self.record.seed), *inner]

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of the runs: the number of threads of the record."""
        return {"OMP_NUM_THREADS": str(self.record.environment.get("threads", 1))}

    def run(self, sets: list[str]) -> Outcome:
        """Run to the end; resume from a checkpoint if there is one."""
        printed = child.run(["repro", *self.words(sets)], self.folder, self.roots, quiet=True, variables=self.variables)
        self.outcome = certify.outcome(self.folder / printed.strip())
        return self.outcome

    @property
    def processor(self) -> str:
        """The processor of the last run; "" if nothing has run."""
        return str(self.outcome.record.environment.get("processor")) if self.outcome else ""

    def killed_after(self, sets: list[str], step: int, total: int) -> Path:
        """Train, and kill the process at a random moment after the checkpoint of `step` is written.

        Returns the path of that checkpoint. sets: the `--set` bindings of the run. total: the last step; the process is
        killed before it writes the checkpoint of that step. Raises `child.Failed` if no such checkpoint was written.
        """
        words = ["repro.rerun.certify_child", "killed", str(step), str(total), *self.words(sets)]
        variables = self.variables | {"REPRO_CHECKPOINT_SECONDS": "0"}
        with child.started(words, self.folder, self.roots, **variables) as process:
            said = process.communicate()[1]
        found = sorted(self.folder.glob(f"runs/*/*/*/checkpoints/step-{step}-*.safetensors"))
        if process.returncode >= 0 or len(found) != 1:
            last = said.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
            raise child.Failed(f"no checkpoint after step {step}: {last[0]}")
        return found[0]


def first(old: Side, new: Side, sets: list[str], steps: int, total: int) -> Comparison:
    """The largest difference in a weight after the first `steps` steps. total: the last step of the whole training.

    Raises `child.Failed` if the weights have different names.
    """
    from repro.training import checkpoint_file

    states = [checkpoint_file.read(side.killed_after(sets, steps, total)) for side in (old, new)]
    ours, theirs = (one["model"] for one in states)
    if ours.keys() != theirs.keys():
        raise child.Failed(f"the runs have different weights: {', '.join(sorted(ours.keys() ^ theirs.keys()))}")
    apart = (float((ours[name].double() - theirs[name].double()).abs().max()) for name in ours if ours[name].numel())
    return Comparison(max(apart, default=0.0))


def to_the_end(old: Side, new: Side, steps: int, total: int) -> None:
    """Prepare both versions to train the last `steps` steps from the same state.

    The checkpoints of both versions are replaced by that of the old version, with `total - steps` as its step.
    """
    from repro.training import checkpoint_file

    places = [next(side.folder.glob(f"runs/*/*/*/checkpoints/step-{steps}-*")) for side in (old, new)]
    ours, theirs = (checkpoint_file.read(place) for place in places)
    moved = _late(ours, total - steps)
    for place, parts in zip(places, (ours, theirs), strict=True):
        for other in place.parent.glob("step-*"):
            other.unlink()
        checkpoint_file.write(
            place.parent, "step", total - steps, {name: moved[name] for name in parts if name in moved}
        )


def _late(parts: dict[str, Any], number: int) -> dict[str, Any]:
    """A copy of the state of a training, with `number` as its step."""
    late = {name: dict(part) if isinstance(part, dict) else part for name, part in parts.items()}
    late["metrics"]["done"] = number
    if "last_epoch" in late.get("schedule", {}):
        late["schedule"] |= {"last_epoch": number, "_step_count": number + 1}
    return late
