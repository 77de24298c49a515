"""What is expected of a model that is used: its answers to inputs like those of its training.

Letters: N answers, K numbers of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from repro.errors import BadInput, where
from repro.watch import log
from repro.watch.log import Header, Request

Array = npt.NDArray[np.float64]
RUN = re.compile(r"(?P<paper>[^/]+)/(?P<config>[^/]+)-seed(?P<seed>\d{1,18})")
RECORD = re.compile(r"(?:.*/)?(?P<paper>[^/]+)/records/(?P<config>[^/]+)-seed(?P<seed>\d{1,18})\.json")


@dataclass(frozen=True)
class Sample:
    """Answers (N, K) and the numbers of the summaries of their inputs, each (N,).

    An input that was sent several times counts once, and answers with a number that is not finite are left out.
    broken: how many. labels: the true classes (N,), if they are known. says: where the answers are from.
    """

    answers: Array
    numbers: dict[str, Array] = field(default_factory=dict)
    labels: npt.NDArray[np.int64] | None = None
    broken: int = 0
    says: str = ""

    def __len__(self) -> int:
        return len(self.answers)


def sample(requests: Sequence[Request], says: str = "") -> Sample:
    """The sample of some lines of a log.

    >>> one = Request("2026-01-02T03:04:05", "0f3a", {"mean": 0.5}, [0.75, 0.25], 0.1)
    >>> both = sample([one, one])
    >>> both.answers, both.numbers["mean"]
    (array([[0.75, 0.25]]), array([0.5]))
    """
    finite = [one for one in requests if None not in one.answer]
    once = list({one.item: one for one in finite}.values())
    answers = np.array([one.answer for one in once], dtype=float)
    names = sorted(once[0].summary) if once else []
    numbers = {name: np.array([one.summary[name] for one in once]) for name in names}
    return Sample(answers, numbers, None, len(requests) - len(finite), says)


def of(given: str, header: Header) -> Sample:
    """The reference that the user names: the path of another log of the model, or a record of its config.

    given: a path, or the name of a record such as `mine/cnn-seed0`.

    Raises BadInput if it is of another model, or is neither.
    """
    path = Path(given).absolute()
    if hit := RECORD.fullmatch(path.as_posix()) or (None if path.exists() else RUN.fullmatch(given)):
        return of_record(Path(given), hit["paper"], hit["config"], int(hit["seed"]), header)
    if not path.exists():
        what = f"no log and no record '{given:.200}'"
        raise BadInput(
            what, expected="the path of a log or of a record, or the name of a record such as mine/cnn-seed0"
        )
    found = log.read(Path(given))
    log.same_model(found.header, header, where(found.path))
    return sample(found.requests, where(found.path))


def of_record(path: Path, paper: str, config: str, seed: int, header: Header) -> Sample:
    """The answers of a finished run to its first test set, with the labels. The log has no such inputs.

    Raises BadInput if the log is of another config or record, or if the run is not finished on this machine.
    """
    from repro.config import names
    from repro.datasets import label_table
    from repro.labels import finding
    from repro.run import finished

    place = names.find(f"{paper}/{config}")
    if Path(header.config).parts[-3:] != place.parts[-3:]:
        what = f"is the record of another model: its config is {where(place)}"
        raise BadInput(what, where(path), expected=header.config)
    if header.record and Path(header.record).parts[-3:] != (paper, "records", f"{config}-seed{seed}.json"):
        raise BadInput("is the record of another run of the config", where(path), expected=header.record)
    built = finished.restored(place, seed)
    test = next(iter(built.test))
    answers = finding.probabilities(built, test)
    labels = np.array(label_table.labels(built.test[test]))
    return Sample(answers, {}, labels, 0, f"test set {test} of {paper}/{config}, seed {seed}")
