"""One run in a Trackio project: the database `PAPER.db`. `TRACKIO_DIR=FOLDER trackio show` shows it."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from repro.track.copied import RunCopy


def write(one: RunCopy, folder: Path) -> None:
    """Write one run into `folder`: one row per step, and the results in a row at the last step."""
    os.environ["TRACKIO_DIR"] = str(folder.absolute())  # trackio reads it when it is imported
    from trackio import sqlite_storage
    from trackio.sqlite_storage import SQLiteStorage

    if folder.absolute() != sqlite_storage.TRACKIO_DIR:
        raise RuntimeError(f"trackio writes to one folder per process, which is {sqlite_storage.TRACKIO_DIR}")
    run = f"{one.config}-seed{one.seed}"
    SQLiteStorage.delete_run(one.paper, run, run_id=one.id)
    rows = [(step, one.times[step], row) for step, row in one.rows.items()]
    if one.results:
        rows.append((*one.last, one.results))
    about = {f"repro/{key}": text for key, text in one.about.items()}
    SQLiteStorage.bulk_log(
        one.paper,
        run,
        [row for _, _, row in rows],
        steps=[step for step, _, _ in rows],
        timestamps=[_time(seconds) for _, seconds, _ in rows],
        config={**one.settings, **about, "tags": ", ".join(one.tags)},
        run_id=one.id,
    )


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()
