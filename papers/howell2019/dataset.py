"""Electrocardiograms of PhysioNet with their beats.

Letters: T samples, K beats.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from repro.data import store
from repro.datasets.marked_signals import OneRecording, Recording
from repro.errors import BadInput, DataMissing
from repro.registry import DATASETS, wrong_value

BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
"""The symbols of beats among the annotations of PhysioNet; the others mark rhythms, noise and comments."""

BEAT_OF_DETECTOR = "N"  # the annotations of a detector have this symbol for every beat


ARRAYS = ("digital", "gain", "baseline", "fs", "names", "units", "ann_atr_sample", "ann_atr_symbol")
"""The arrays of a record in one file; the annotations may have another ending than `atr`."""

BITS = {"8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12, "310": 10, "311": 10}
"""The bits per sample of the formats in which PhysioNet writes signals."""


class Raw(NamedTuple):
    """A record as its files have it: `digital` (T, C) whole numbers, and for each of C leads its gain and baseline."""

    digital: NDArray[Any]
    gain: NDArray[Any]
    baseline: NDArray[Any]
    rate: float
    leads: list[str]
    units: list[str]
    invalid: NDArray[Any]
    samples: NDArray[Any]
    symbols: list[str]


@DATASETS.register
class Electrocardiogram(OneRecording):
    """One lead of a PhysioNet record from minute `start` to minute `stop`, with its beats. One item.

    Item: `(Stretch, beats (K,) int64)`; the signal is in mV. `record`: its name, such as "100". `lead`: such as "MLII".
    `annotations`: the ending of the file with the beats; "atr" was checked by people, others are by detectors. `stop`
    None: the end of the record. The record is read from `ecg/<record>.npz`, or else from the files of PhysioNet, which
    needs the package wfdb. Raises BadInput for an unknown record, lead or annotation, for minutes that the record does
    not have, for a part with invalid samples, and for beats that are not whole samples, do not increase or are outside
    the signal. Messages give places in the file, not in the part.

    Example: a record of a second in place of the real ones.

        >>> import os
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> Path("ecg").mkdir()
        >>> signal = dict(digital=np.zeros((360, 1), np.int16), gain=[200.0], baseline=[0.0], fs=360.0)
        >>> beats = dict(ann_atr_sample=[90, 300], ann_atr_symbol=["N", "V"])
        >>> for record in ("100", "03700181"):
        ...     np.savez(f"ecg/{record}.npz", **signal, **beats, names=["MLII"], units=["mV"])
        >>> stretch, beats = Electrocardiogram("100", "MLII")[0]
        >>> stretch.recording.seconds, beats.tolist(), stretch.recording.kinds
        (1.0, [90, 300], ['N', 'V'])
    """

    def __init__(
        self, record: str, lead: str, annotations: str = "atr", start: float = 0.0, stop: float | None = None
    ) -> None:
        if not 0 <= start < math.inf or (stop is not None and not start < stop < math.inf):
            raise BadInput(f"start and stop are {start} and {stop}", expected="minutes from 0, start before stop")
        self.record, self.lead, self.annotations, self.start, self.stop = record, lead, annotations, start, stop
        self.folder = store.folder("ecg")

    @cached_property
    def recording(self) -> Recording:
        raw, place = read(self.folder, self.record, self.annotations)
        if self.lead not in raw.leads:
            raise BadInput(f"record {self.record} has no lead '{self.lead}'", place, given=self.lead, known=raw.leads)
        number = raw.leads.index(self.lead)
        if raw.units[number] != "mV":
            raise BadInput(f"'{self.lead}' is in {raw.units[number]}", place, expected="a lead in mV")
        first, last = self._ends(raw.rate, len(raw.digital), place)
        signal = torch.from_numpy(_millivolts(raw, number, first, last, place)).float()
        beats, kinds = _beats(raw, place)
        inside = (beats >= first) & (beats < last)
        return Recording(signal, raw.rate, torch.from_numpy(beats[inside] - first), kinds[inside].tolist(), "mV", place)

    def _ends(self, rate: float, length: int, place: str) -> tuple[int, int]:
        """The first sample of the part, and the one after its last."""
        first = round(60 * self.start * rate)
        last = length if self.stop is None else round(60 * self.stop * rate)
        for name, sample, value in (("start", first + 1, self.start), ("stop", last, self.stop)):
            if sample > length:
                minutes = length / rate / 60
                raise wrong_value(self, name, value, f"minutes in {place}, which has {minutes:.4g}")
        if first >= last:
            raise wrong_value(self, "stop", self.stop, f"at least one sample of {place} after start, {self.start}")
        return first, last


@DATASETS.register
class MatchedFilter(Dataset[tuple[float, int]]):
    """The template of the matched filter of py-ecg-detectors, N numbers in the file `path`.

    Item: `(number, its place from 0)`. `rate`: 250 or 360, in Hz. Releases of the package before 1.3 lack the template.
    Raises BadInput for another rate, and for a file with something else than finite numbers.

    Example: a template of three numbers in place of the real ones.

        >>> import os
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> Path("ecg_template").mkdir()
        >>> for rate in (250, 360):
        ...     _ = Path(f"ecg_template/template_{rate}hz.csv").write_text("0.0 0.5 1.0")
        >>> len(MatchedFilter(360)), MatchedFilter(360)[1]
        (3, (0.5, 1))
    """

    def __init__(self, rate: int) -> None:
        if rate not in (250, 360):
            raise wrong_value(self, "rate", rate, "250 or 360, in Hz")
        self.path = store.folder("ecg_template") / f"template_{rate}hz.csv"

    @cached_property
    def words(self) -> list[str]:
        """The numbers as they are in the file."""
        found = self.path.read_text(encoding="utf-8", errors="replace").split()
        for word in found:
            if not _is_number(word):
                raise BadInput(f"'{word}' is not a number", str(self.path), expected="finite numbers")
        return found

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> tuple[float, int]:
        return float(self.words[index]), index

    def fingerprint(self) -> str:
        """Digest of the numbers."""
        return hashlib.sha256(" ".join(self.words).encode()).hexdigest()[:16]


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _millivolts(raw: Raw, number: int, first: int, last: int, place: str) -> NDArray[Any]:
    """The samples `first` to `last` - 1 of a lead. Raises BadInput for a scale or a sample that is not valid."""
    gain, baseline = raw.gain[number], raw.baseline[number]
    if not (math.isfinite(gain) and math.isfinite(baseline) and gain):
        what = f"lead '{raw.leads[number]}' has gain {gain} and baseline {baseline}"
        raise BadInput(what, place, expected="finite numbers, and a gain that is not 0")
    signal = (raw.digital[first:last, number] - baseline) / gain
    bad = np.flatnonzero(raw.invalid[first:last, number] | ~np.isfinite(signal))
    if len(bad):
        at = first + int(bad[0])
        what = f"lead '{raw.leads[number]}' has {len(bad)} samples without a value in this part"
        first_one = f"the first is sample {at} of the file, at minute {at / raw.rate / 60:.4f}"
        raise BadInput(f"{what}; {first_one}", place, expected="another part or lead")
    return np.asarray(signal)


def _beats(raw: Raw, place: str) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """The beats of a record and their symbols. Raises BadInput, with the position in the file, for a wrong position."""
    symbols = np.array(raw.symbols, dtype=str)
    chosen = np.isin(symbols, list(BEATS))
    found, numbers = raw.samples[chosen], np.flatnonzero(chosen) + 1
    faults = (
        (~((found >= 0) & (found < len(raw.digital))), f"samples from 0 to {len(raw.digital) - 1}"),
        (found != np.floor(found), "whole numbers"),
        (np.diff(found, prepend=-1) <= 0, "beats that increase"),
    )
    for wrong, expected in faults:
        if wrong.any():
            at = int(wrong.argmax())
            what = f"annotation {numbers[at]} of the file, a beat '{symbols[chosen][at]}', is at sample {found[at]}"
            raise BadInput(what, place, expected=expected)
    return found.astype(np.int64), symbols[chosen]


def read(folder: Path, record: str, annotations: str) -> tuple[Raw, str]:
    """A record from the folder `ecg`, and the path of its file. Raises BadInput if it cannot be read."""
    for path, reader in ((folder / f"{record}.npz", _packed), (folder / f"{record}.hea", _published)):
        if path.is_file():
            found = reader(path, annotations)
            _check(found, str(path))
            return found, str(path)
    known = sorted({path.stem for path in folder.glob("*.*") if path.suffix in (".npz", ".hea")})
    raise BadInput(f"no record '{record}'", str(folder), expected=f"one of {', '.join(known)}")


def _check(raw: Raw, place: str) -> None:
    """Raise BadInput if the arrays of a record do not fit together."""
    leads = len(raw.leads)
    shapes = {
        "digital": (
            raw.digital.ndim == 2 and raw.digital.shape[1] == leads and len(raw.digital) > 0,
            "a column per lead",
        ),
        "invalid": (raw.invalid.shape == raw.digital.shape, "as many values as digital"),
        "gain": (raw.gain.shape == (leads,), "a number per lead"),
        "baseline": (raw.baseline.shape == (leads,), "a number per lead"),
        "units": (len(raw.units) == leads, "a unit per lead"),
        "fs": (math.isfinite(raw.rate) and raw.rate > 0, "a number above 0"),
        "annotations": (len(raw.samples) == len(raw.symbols), "a symbol per sample"),
    }
    texts = {"names": raw.leads, "units": raw.units, "symbols": raw.symbols}
    for name, (good, expected) in shapes.items():
        if not good:
            raise BadInput(f"'{name}' does not fit the other arrays", place, expected=expected)
    for name in ("digital", "gain", "baseline", "samples"):
        if getattr(raw, name).dtype.kind not in "iuf":
            raise BadInput(f"'{name}' has values of type {getattr(raw, name).dtype}", place, expected="numbers")
    if raw.invalid.dtype != bool:
        raise BadInput(f"'invalid' has values of type {raw.invalid.dtype}", place, expected="true or false")
    for name, values in texts.items():
        if not all(isinstance(value, str) for value in values):
            raise BadInput(f"'{name}' has values that are not texts", place, expected="texts")


def _packed(path: Path, annotations: str) -> Raw:
    """A record that a mirror has as one file of arrays."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise BadInput(f"is not a file of arrays: {error}", str(path)) from None
    known = {name.split("_")[1] for name in arrays if name.startswith("ann_")}
    if annotations not in known:
        raise BadInput(f"has no annotations '{annotations}'", str(path), given=annotations, known=sorted(known))
    try:
        invalid = arrays.get("invalid", np.zeros(arrays["digital"].shape, dtype=bool))
        numbers = [arrays[name] for name in ("digital", "gain", "baseline")]
        leads, units = (arrays[name].ravel().tolist() for name in ("names", "units"))
        samples, symbols = (arrays[f"ann_{annotations}_{name}"].ravel() for name in ("sample", "symbol"))
        return Raw(*numbers, float(arrays["fs"]), leads, units, invalid, samples, symbols.tolist())
    except KeyError as error:
        raise BadInput(f"has no array {error}", str(path), expected=f"the arrays {', '.join(ARRAYS)}") from None
    except (TypeError, ValueError) as error:
        raise BadInput(f"'fs' is not a number: {error}", str(path)) from None


def _published(header: Path, annotations: str) -> Raw:
    """A record as PhysioNet publishes it: a header, the signals, and a file for each kind of annotations."""
    try:
        import wfdb
    except ImportError:
        raise DataMissing("the files of PhysioNet need the package wfdb: pip install wfdb", str(header)) from None
    name = str(header.with_suffix(""))
    if not header.with_suffix(f".{annotations}").is_file():
        known = [path.suffix[1:] for path in header.parent.glob(f"{header.stem}.*")]
        raise BadInput(f"has no annotations '{annotations}'", str(header), given=annotations, known=known)
    try:
        found = wfdb.rdrecord(name, physical=False)
        marks = wfdb.rdann(name, annotations)
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise BadInput(f"cannot be read by wfdb: {error}", str(header)) from None
    digital = found.d_signal
    numbers = digital, np.array(found.adc_gain), np.array(found.baseline, dtype=float)
    lowest = [-(2 ** (BITS[kind] - 1)) for kind in found.fmt]  # what the format writes for a sample that is not known
    return Raw(*numbers, float(found.fs), found.sig_name, found.units, digital == lowest, marks.sample, marks.symbol)
