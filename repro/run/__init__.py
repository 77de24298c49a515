"""Run a config with one seed: config + seed -> a run folder -> a record.

The folder `runs/<paper>/<config>/<digest>-seed<N>/` contains `config.gin` (a complete config without includes),
`run.json` (what the run depends on), `run.log`, `metrics.jsonl`, TensorBoard events, `checkpoints/`,
and the examples of the record. If a run was stopped, the same command resumes it, unless what it depends on has
changed.

The modules: execution (`run` itself), measuring (the metrics, and the items that the record shows), resume (resuming a
stopped run), run_folders (where run folders are), logs (the log of a run), threads (the number of threads), supervisor
(several processes of one run), finished (what a run left), publishing (which record becomes the paper's).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.run.execution import run as run

__all__ = ["run"]


def __getattr__(name: str) -> Any:
    """Import `run` on first use, because `repro list` only needs the folders of runs."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from repro.run import execution

    return getattr(execution, name)
