"""The detectors of the package py-ecg-detectors, as models without training. It is GPL: used, not copied.

Letters: T samples, F beats.
"""

from __future__ import annotations

import contextlib
import io
from importlib import metadata
from typing import Literal, get_args

import numpy as np
import torch
from torch import nn

from papers.howell2019.dataset import MatchedFilter
from repro.datasets.marked_signals import Found, Recording, Stretch
from repro.errors import BadInput, DataMissing
from repro.registry import MODELS, name_of, wrong_value

PACKAGE = "py-ecg-detectors"
Name = Literal["two_average", "matched_filter", "swt", "engzee", "christov", "hamilton", "pan_tompkins"]
RELEASES = (
    *("0.9.1", "0.9.4", "0.9.5", "0.9.6", "1.0.0", "1.0.1", "1.0.2", "1.1.0", "1.2.0"),
    *("1.3.0", "1.3.1", "1.3.2", "1.3.3", "1.3.4", "1.3.5"),
)
"""The releases on PyPI when this was written; a later one is accepted if it is installed."""


@MODELS.register
class Detector(nn.Module):
    """A detector of py-ecg-detectors: `estimate(Stretch) -> Found`. Nothing is trained.

    `name`: of the detector. `release`: of the package. The detectors change from release to release, so another one
    than the installed one raises DataMissing, which says how to install it. A release before 1.3 lacks the template of
    the matched filter. It is then read from the data set `ecg_template`, which has it for 250 and 360 Hz. The whole
    recording is searched, whichever stretch is asked for. Raises BadInput for another `name`, for a release that does
    not exist, for another sample rate with the matched filter, and if the detector fails on a recording.

    Example: the beats of a record need the package, so this one fails.

        >>> Detector("two_average", release="0.9.1")
        Traceback (most recent call last):
        repro.errors.DataMissing: models.Detector needs py-ecg-detectors 0.9.1: pip install py-ecg-detectors==0.9.1
    """

    def __init__(self, name: Name, release: str) -> None:
        super().__init__()
        if name not in get_args(Name):
            raise wrong_value(self, "name", name, f"one of {', '.join(get_args(Name))}")
        if _installed() != release:
            if release not in RELEASES:
                raise wrong_value(self, "release", release, f"a release of {PACKAGE}: {', '.join(RELEASES)}")
            raise DataMissing(f"{name_of(self)} needs {PACKAGE} {release}: pip install {PACKAGE}=={release}")
        import ecgdetectors

        if not hasattr(ecgdetectors.Detectors, f"{name}_detector"):
            raise wrong_value(self, "name", name, f"a detector that {PACKAGE} {release} has")
        self.name, self.release = name, release
        self._last: tuple[Recording, torch.Tensor] | None = None

    def estimate(self, stretch: Stretch) -> Found:
        """The beats in a stretch."""
        if self._last is None or self._last[0] is not stretch.recording:
            self._last = stretch.recording, self.find(stretch.recording)
        return Found(stretch.inside(self._last[1]))

    def find(self, recording: Recording) -> torch.Tensor:
        """The beats (F,) int64 of a whole recording, in order."""
        from ecgdetectors import Detectors

        given = recording.signal.double().numpy()
        if np.ptp(given) == 0:
            return torch.zeros(0, dtype=torch.int64)  # a flat line has no beat; some detectors do not end on it
        detectors = Detectors(recording.sample_rate)
        detectors.engzee_fake_delay = 10  # as in the authors' _tester_utils.py
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints
                found = getattr(detectors, f"{self.name}_detector")(given, *self._template(recording))
        except (IndexError, ValueError, ZeroDivisionError, UnboundLocalError) as error:
            what = f"{name_of(self)} '{self.name}' fails on a recording of {recording.seconds:.1f} s: {error}"
            raise BadInput(what, recording.name, expected="a longer recording, with beats") from None
        beats = np.unique(np.asarray(found, dtype=np.int64))
        return torch.from_numpy(beats[(beats >= 0) & (beats < len(given))])

    def _template(self, recording: Recording) -> list[str]:
        """The file with the template of the matched filter, if the release lacks it."""
        if self.name != "matched_filter":
            return []
        rate = recording.sample_rate
        if rate not in (250.0, 360.0):
            what = f"{name_of(self)} 'matched_filter' was given {rate:g} Hz"
            raise BadInput(what, recording.name, expected="250 or 360 Hz (datasets.AtRate)")
        if _numbers(self.release) >= (1, 3):
            return []
        return [str(MatchedFilter(int(rate)).path)]


def _installed() -> str:
    """The installed release of the package; "" if there is none."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return ""


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".") if part.isdigit())
