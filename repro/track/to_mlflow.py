"""One run in an MLflow store: the database `mlflow.db`. One experiment for each paper.

`mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db` shows it; the user interface needs the package `mlflow`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from repro.errors import BadInput, where
from repro.track.copied import RunCopy

STATES = {"finished": "FINISHED", "running": "RUNNING", "stopped": "KILLED", "killed": "KILLED"}
"""The state of a run in MLflow; all other states are FAILED."""

ODD = re.compile(r"[^/\w.\- ]")
AT_ONCE = 1000  # metrics, the most that one call may have
LONGEST = 6000  # characters of a value, the most that MLflow stores


def write(one: RunCopy, folder: Path) -> None:
    """Write one run into `folder`. An earlier run with this id is deleted, as in the user interface.

    Raises BadInput if the path has a sign that means something else in the address of a database.
    """
    if odd := set("%?") & set(str(folder.absolute())):
        what = f"the path has a {min(odd)}, which the address of a database cannot have"
        raise BadInput(what, where(folder), expected="another folder for MLflow")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # else mlflow reports its use over the network
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    for library in ("mlflow", "alembic"):  # they log each table that they create
        logging.getLogger(library).setLevel(logging.WARNING)
    client = MlflowClient(tracking_uri=f"sqlite:///{folder.absolute()}/mlflow.db")
    experiment = _experiment(client, one.paper, folder)
    for earlier in client.search_runs([experiment], f"tags.`repro.id` = '{one.id}'"):
        client.delete_run(earlier.info.run_id)
    tags = {f"repro.{key}": text for key, text in (*one.about.items(), ("id", one.id), ("state", one.state))}
    tags |= {"paper": one.paper, "config": one.config, "seed": str(one.seed)}
    begun = min((point.time for point in one.points), default=one.last[1])
    kept = {name(key): text[:LONGEST] for key, text in tags.items()}
    run = client.create_run(experiment, _time(begun), kept, f"{one.config}-seed{one.seed}").info.run_id
    rows = [Param(name(key), str(value)[:LONGEST]) for key, value in one.settings.items()]
    for some in _batches(rows, 100):
        client.log_batch(run, params=some)
    for some in _batches([Metric(*row) for row in _metrics(one)], AT_ONCE):
        client.log_batch(run, metrics=some)
    client.set_terminated(run, STATES.get(one.state, "FAILED"), _time(one.last[1]))


def name(text: str) -> str:
    """`text` as the name of a metric or parameter: MLflow allows letters, digits, blanks and `/_-.`.

    >>> name("result/test/IdealBinaryMask(SDR)")
    'result/test/IdealBinaryMask_SDR_'
    """
    return ODD.sub("_", text)


def _experiment(client: Any, paper: str, folder: Path) -> str:
    found = client.get_experiment_by_name(paper)
    if found:
        return str(found.experiment_id)
    return str(client.create_experiment(paper, artifact_location=(folder / "artifacts").absolute().as_uri()))


def _metrics(one: RunCopy) -> Iterator[tuple[str, float, int, int]]:
    """(name, value, time in milliseconds, step) of every point and every result."""
    step, time = one.last
    yield from ((name(point.curve), point.value, _time(point.time), point.step) for point in one.points)
    yield from ((name(key), value, _time(time), step) for key, value in one.results.items())


def _batches(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _time(seconds: float) -> int:
    return round(seconds * 1000)
