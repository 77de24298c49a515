"""One run as TensorBoard events, in the folder PAPER/CONFIG-seedN-ID: scalars, the settings as hparams, and texts."""

from __future__ import annotations

import shutil
from pathlib import Path

from repro.track.copied import RunCopy


def write(one: RunCopy, folder: Path) -> None:
    """Write one run into `folder`. Each point has the time at which it was logged."""
    from torch.utils.tensorboard import SummaryWriter
    from torch.utils.tensorboard.summary import hparams

    place = folder / one.paper / f"{one.config}-seed{one.seed}-{one.id[:8]}"
    shutil.rmtree(place, ignore_errors=True)
    step, time = one.last
    with SummaryWriter(str(place)) as events:
        for point in one.points:
            events.add_scalar(point.curve, point.value, point.step, walltime=point.time)
        for name, value in one.results.items():
            events.add_scalar(name, value, step, walltime=time)
        for name, text in {**one.about, "id": one.id, "tags": ", ".join(one.tags)}.items():
            events.add_text(f"repro/{name}", text, walltime=time)
        means = {name: value for name, value in one.results.items() if not name.endswith(("/low", "/high"))}
        for summary in hparams(one.settings, means):
            events.file_writer.add_summary(summary, walltime=time)
