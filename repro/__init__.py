"""repro: reproduce deep-learning papers. The folders, in the order from a claim to the report:

    claim/        what a paper states; paper_toml reads paper.toml, paper finds papers
    config/       the text that names the parts of a run: includes, digest
    experiment/   a config, checked and built; what gin binds
    run/          one execution with one seed: run folder, resuming, threads;
                  which record becomes the paper's
    record/       the JSON file that a run writes; what makes a record stale
    verdict/      a claim compared with its records; suspected causes
    report/       the page of a paper; html/ is the markup, sphinx/ the extension
    export/       a report to hand in: an article, a folder for ReScience, codecheck.yml, a zip file;
                  a trained model for others: weights with a model card, ONNX, TorchScript
    serve/        a trained model behind HTTP, and a page for a person
    watch/        the log of such a service, and whether its inputs drift
    track/        copies for tools of others: experiment trackers (W&B, MLflow, TensorBoard, Trackio), DVC
    review/       the reviewer's summary: what changed, what to replay; the form of a review

    interval/     computes the 95 % interval of a mean over seeds and test items; verdict/evidence calls it
    launch/       the queue: the runs that the claims still need; plan, status; workers in tmux, jobs in Slurm
    rerun/        run again and compare the numbers: replay, certify, renew, rot; diff
    watch/        the log of a service, and tests whether its inputs have changed
    course/       groups, who reviews whom, presentations, what each group has done
    debug/        checks of a config on one batch, before training
    testing/      the checks that a paper's own tests call, and those of `repro check`
    cli/          the `repro` command
    files/        strict reading and atomic writing of any file; locks

    datasets/ models/ losses/ trainers/ metrics/ audio/    the parts that papers share; the __init__ of each
                  says how to add one. A part of one paper is in papers/<paper>/
    data/         data sets on this machine: downloads and their checksums, caches
    labels/       labels that look wrong: confident is the algorithm, finding applies it to a run, then people correct
    training/     what a trainer uses: checkpoints, metrics log, the stop at the first NaN

    registry      the six registries of parts
    signature     what a config may bind of a part
    untrusted     what a config may name
    errors        BadInput: one line for bad input
    interruption  signals: stop after the next step
    progress      the progress bar

A paper imports only the modules in `repro.__all__`; all others are private and may change. Its tests may import all.
`import repro` loads no other module, and no module that `repro list`, `todo` or `verdict` loads imports torch.
"""

import importlib
from pathlib import Path
from typing import Any

__version__ = "0.1.0"
__all__ = [
    *("audio", "data", "datasets", "labels", "losses", "metrics", "models", "trainers"),
    *("errors", "interruption", "registry", "testing"),
]

HOME = Path(__file__).parent
"""The folder of the core."""


def __getattr__(name: str) -> Any:
    """Load a public module when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"repro.{name}")
