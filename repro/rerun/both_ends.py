"""Compare the ends of a long training by two codes: its first steps, then its last ones.

Both codes train the first steps of the config. Then the checkpoint of the one is given to both with the number of a
late step, so that both go on to the end of the training from the same state.
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
    """One of the two codes: its config, where its modules are, the folder that it runs in."""

    path: Path
    roots: list[Path]
    folder: Path
    record: Record
    outcome: Outcome | None = field(default=None)

    def words(self, sets: list[str]) -> list[str]:
        inner = [word for one in sets for word in ("--set", one)]
        return ["run", str(self.path), "--seed", str(self.record.seed), *inner]

    @property
    def variables(self) -> dict[str, str]:
        return {"OMP_NUM_THREADS": str(self.record.environment.get("threads", 1))}

    @property
    def killer(self) -> str:
        """The module of its core that trains up to a checkpoint and is killed then; empty where it has none."""
        names = ["rerun/certify_child", "certify_child"]  # the second in older commits
        core = self.roots[0] / "repro"
        return next((f"repro.{name.replace('/', '.')}" for name in names if (core / f"{name}.py").is_file()), "")

    def run(self, sets: list[str]) -> Outcome:
        """Run to the end, from a checkpoint if there is one."""
        printed = child.run(["repro", *self.words(sets)], self.folder, self.roots, quiet=True, variables=self.variables)
        self.outcome = certify.outcome(self.folder / printed.strip())
        return self.outcome

    @property
    def processor(self) -> str:
        return str(self.outcome.record.environment.get("processor")) if self.outcome else ""

    def killed_after(self, sets: list[str], step: int, total: int) -> Path:
        """Train until a checkpoint of `step` is written; that checkpoint."""
        words = [self.killer, "killed", str(step), str(total), *self.words(sets)]
        variables = self.variables | {"REPRO_CHECKPOINT_SECONDS": "0"}
        with child.started(words, self.folder, self.roots, **variables) as process:
            said = process.communicate()[1]
        found = sorted(self.folder.glob(f"runs/*/*/*/checkpoints/step-{step}-*.safetensors"))
        if process.returncode >= 0 or len(found) != 1:
            last = said.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
            raise child.Failed(f"no checkpoint after step {step}: {last[0]}")
        return found[0]


def first(old: Side, new: Side, sets: list[str], steps: int, total: int) -> Comparison:
    """The largest difference of the two codes in a weight after the first steps."""
    from repro.trainers import state

    states = [state.read(side.killed_after(sets, steps, total)) for side in (old, new)]
    ours, theirs = (one["raw"] for one in states)
    if ours.keys() != theirs.keys():
        raise child.Failed(f"the runs have other weights: {', '.join(sorted(ours.keys() ^ theirs.keys()))}")
    apart = (float((ours[name].double() - theirs[name].double()).abs().max()) for name in ours if ours[name].numel())
    return Comparison(max(apart, default=0.0))


def to_the_end(old: Side, new: Side, steps: int, total: int) -> None:
    """Give the old code's state after `steps` to both, as the state after `total - steps`."""
    from repro.trainers import state

    places = [next(side.folder.glob(f"runs/*/*/*/checkpoints/step-{steps}-*")) for side in (old, new)]
    ours, theirs = (state.read(place) for place in places)
    moved = _late(ours, total - steps)
    for place, parts in zip(places, (ours, theirs), strict=True):
        for other in place.parent.glob("step-*"):
            other.unlink()
        state.write(place.parent, "step", total - steps, {name: moved[name] for name in parts if name in moved})


def _late(parts: dict[str, Any], number: int) -> dict[str, Any]:
    """The state of a training, with the number of another step."""
    late = {name: dict(part) if isinstance(part, dict) else part for name, part in parts.items()}
    late["journal"]["done"] = number
    if "last_epoch" in late.get("schedule", {}):
        late["schedule"] |= {"last_epoch": number, "_step_count": number + 1}
    return late
