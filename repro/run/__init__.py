"""One execution of a config with one seed: config + seed -> a run folder -> a record.

The folder `runs/<paper>/<config>/<digest>-seed<N>/` holds `config.gin` (runs by itself), `run.json` (what the run
depends on), `run.log`, `events.jsonl`, `metrics.jsonl`, TensorBoard events, `checkpoints/`, and the examples of the
record. If a run was stopped, the same command resumes it, unless what it depends on has changed.

execution: `run` itself. resume: may a stopped run go on. run_folders: where runs are. logs: what a run reports.
threads: how many a run computes with. publishing: which record becomes the paper's.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.run.execution import run as run

__all__ = ["run"]


def __getattr__(name: str) -> Any:
    """Load `run` when it is asked for: `repro list` needs the folders of runs, and nothing that runs one."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from repro.run import execution

    return getattr(execution, name)
