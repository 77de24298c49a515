"""One run as an offline folder of W&B: `wandb/offline-run-TIME-ID`. `wandb sync FOLDER` uploads it.

No system metrics, host name, user, program or list of packages is written: they would be those of the machine that
copies, not of the run.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from repro.track.copied import RunCopy


def write(one: RunCopy, folder: Path) -> None:
    """Write one run into `folder`: one row per step, the results in its summary, the settings in its config."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # else wandb reports its own errors over the network
    import wandb

    for earlier in (folder / "wandb").glob(f"offline-run-*-{one.id}"):
        shutil.rmtree(earlier)
    options = wandb.Settings(
        console="off",
        silent=True,
        disable_git=True,
        disable_code=True,
        disable_job_creation=True,
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,  # the packages of the run are in its record; here are those of the copying machine
    )
    about = {"repro": {**one.about, "name": one.name, "seed": one.seed, "state": one.state}}
    run = wandb.init(
        mode="offline",
        dir=str(folder),
        project=one.paper,
        id=one.id,
        name=f"{one.config}-seed{one.seed}",
        group=one.config,
        tags=one.tags,
        config={**one.settings, **about},
        settings=options,
    )
    try:
        for step, row in one.rows.items():
            run.log({**row, "_timestamp": one.times[step]}, step=step)
        run.summary.update(one.results)
    finally:
        run.finish(exit_code=0 if one.state in ("finished", "running") else 1)
