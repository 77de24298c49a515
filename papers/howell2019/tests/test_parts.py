"""The reader of PhysioNet's records, the detectors and the count of the benchmark."""

from __future__ import annotations

import contextlib
import importlib.util
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from papers.howell2019.dataset import Electrocardiogram, MatchedFilter, read
from papers.howell2019.metric import BeatCount, delay, nearest
from papers.howell2019.model import PACKAGE, RELEASES, Detector
from repro.datasets.marked_signals import Found, Recording, Stretch, whole
from repro.errors import BadInput, DataMissing
from repro.testing import check_dataset, needs


def installed() -> str:
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return ""


WITH_PACKAGE = pytest.mark.skipif(installed() != "1.0.2", reason=f"needs {PACKAGE} 1.0.2: pip install '.[ecg]'")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write a record as a mirror has it, with some arrays replaced; returns its folder."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    folder = tmp_path / "ecg"
    folder.mkdir()
    (folder / "100.npz").touch()  # with these two, the folder is complete
    (folder / "03700181.npz").touch()

    def write(**changed: Any) -> Path:
        arrays: dict[str, Any] = {
            "digital": np.arange(7200, dtype=np.int16).reshape(3600, 2),
            "gain": np.array([200.0, 100.0]),
            "baseline": np.array([1024.0, 0.0]),
            "fs": 60.0,
            "names": np.array(["II", "ABP"]),
            "units": np.array(["mV", "mmHg"]),
            "ann_atr_sample": np.array([10, 20, 30, 1800]),
            "ann_atr_symbol": np.array(["+", "N", "V", "A"]),
        }
        np.savez(folder / "1.npz", **{name: value for name, value in (arrays | changed).items() if value is not None})
        return folder

    return write


def test_signal_is_in_millivolts_and_only_beats_are_marks(written: Any) -> None:
    written()
    stretch, beats = Electrocardiogram("1", "II")[0]
    assert stretch.recording.signal[:2].tolist() == pytest.approx([-1024 / 200, -1022 / 200])
    assert (beats.tolist(), stretch.recording.kinds) == ([20, 30, 1800], ["N", "V", "A"])
    late = Electrocardiogram("1", "II", start=0.5)[0]
    assert late[1].tolist() == [0] and late[0].recording.seconds == 30.0


@pytest.mark.parametrize(
    ("changed", "settings"),
    [
        ({}, {"record": "2"}),
        ({}, {"lead": "V5"}),
        ({}, {"lead": "ABP"}),
        ({}, {"annotations": "qrs"}),
        ({}, {"start": 1.0}),
        ({}, {"stop": 1.5}),
        ({"ann_atr_sample": np.array([10, 30, 20, 1800])}, {}),
        ({"ann_atr_sample": np.array([10, 20, 30, 3600])}, {}),
        ({"ann_atr_sample": np.array([-10, -5, 30, 360])}, {}),
        ({"invalid": np.arange(7200).reshape(3600, 2) == 90}, {}),
        ({"gain": None}, {}),
        ({"ann_atr_symbol": np.array(["N"])}, {}),
        ({"fs": 0.0}, {}),
        ({"fs": "fast"}, {}),
        ({"fs": np.nan}, {}),
        ({"digital": np.zeros(3600)}, {}),
        ({"digital": np.zeros((0, 2))}, {}),
        ({"digital": np.full((3600, 2), "x")}, {}),
        ({"gain": np.array([200.0])}, {}),
        ({"gain": np.array([0.0, 0.0])}, {}),
        ({"gain": np.array([np.nan, 1.0])}, {}),
        ({"baseline": np.array([np.inf, 0.0])}, {}),
        ({"ann_atr_sample": np.array([10, 20.5, 30, 1800])}, {}),
        ({"ann_atr_sample": np.array([10, 20, np.nan, 1800])}, {}),
        ({"ann_atr_sample": np.array([10, 20, 30, np.inf])}, {}),
        ({"ann_atr_sample": np.array([10, 20, 30, 2**64 - 1], np.uint64)}, {}),
        ({"ann_atr_symbol": np.array([b"+", b"N", b"V", b"A"])}, {}),
        ({"names": np.array([1, 2])}, {}),
        ({"invalid": np.ones((3600, 2))}, {}),
        ({}, {"start": 0.5, "stop": 0.500001}),
        ({"units": np.array(["mV"])}, {}),
        ({"invalid": np.zeros((2, 2), bool)}, {}),
    ],
)
def test_bad_record_is_refused_with_its_place(written: Any, changed: dict[str, Any], settings: dict[str, Any]) -> None:
    folder = written(**changed)
    with pytest.raises(BadInput) as refused:
        Electrocardiogram(**{"record": "1", "lead": "II", **settings})[0]
    assert refused.value.where.startswith(str(folder)) or str(folder) in refused.value.expected


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"not an archive"])
def test_broken_file_is_refused(written: Any, content: bytes) -> None:
    (written() / "1.npz").write_bytes(content)
    with pytest.raises(BadInput):
        Electrocardiogram("1", "II")[0]


@pytest.mark.parametrize("ends", [(2, 1), (1, 1), (-1, None), (np.nan, None), (np.inf, None), (0, np.nan), (0, np.inf)])
def test_start_after_stop_is_refused(written: Any, ends: tuple[float, float | None]) -> None:
    written()
    with pytest.raises(BadInput):
        Electrocardiogram("1", "II", start=ends[0], stop=ends[1])


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        (
            {"ann_atr_sample": np.array([10, 20, 30, 1800.5])},
            "annotation 4 of the file, a beat 'A', is at sample 1800.5",
        ),
        ({"ann_atr_sample": np.array([10, 20, 1900, 1800])}, "annotation 4 of the file, a beat 'A', is at sample 1800"),
        ({"invalid": np.arange(7200).reshape(3600, 2) == 4000}, "sample 2000 of the file"),
    ],
)
def test_a_place_in_a_message_is_that_in_the_file(written: Any, changed: dict[str, Any], place: str) -> None:
    written(**changed)
    with pytest.raises(BadInput) as refused:
        Electrocardiogram("1", "II", start=0.5)[0]
    assert place in refused.value.what


def test_whole_numbers_as_floats_are_the_same_beats(written: Any) -> None:
    written()
    before = Electrocardiogram("1", "II").fingerprint()
    written(ann_atr_sample=np.array([10.0, 20.0, 30.0, 1800.0]))
    assert Electrocardiogram("1", "II").fingerprint() == before


def test_an_unknown_record_lists_the_known_ones(written: Any) -> None:
    written()
    with pytest.raises(BadInput) as refused:
        Electrocardiogram("101", "II")[0]
    assert refused.value.expected == "one of 03700181, 1, 100"


def test_contract(written: Any) -> None:
    written()
    check_dataset(Electrocardiogram("1", "II"))


@needs("ecg/mitdb100")
def test_record_100_has_the_beats_that_people_marked() -> None:
    stretch, beats = Electrocardiogram("100", "MLII")[0]
    kinds = stretch.recording.kinds
    assert (len(beats), kinds.count("N"), kinds.count("A"), kinds.count("V")) == (2273, 2239, 33, 1)


@pytest.mark.skipif(not importlib.util.find_spec("wfdb"), reason="needs wfdb: pip install '.[ecg]'")
def test_files_of_physionet_are_read_as_wfdb_writes_them(tmp_path: Path) -> None:
    import wfdb

    signal = np.random.default_rng(0).integers(-2000, 2000, (720, 2))
    signal[5, 1] = -2048  # what format 212 writes for a sample that is not known
    options = {"fs": 360, "units": ["mV", "mV"], "sig_name": ["MLII", "V5"], "fmt": ["212", "212"]}
    gains = {"adc_gain": [200.0, 100.0], "baseline": [1024, 0]}
    wfdb.wrsamp("1", d_signal=signal, write_dir=str(tmp_path), **options, **gains)
    wfdb.wrann("1", "atr", np.array([20, 400]), ["N", "V"], write_dir=str(tmp_path))
    raw, place = read(tmp_path, "1", "atr")
    assert np.array_equal(raw.digital, signal) and raw.leads == ["MLII", "V5"] and raw.rate == 360
    assert np.argwhere(raw.invalid).tolist() == [[5, 1]]
    assert (raw.samples.tolist(), list(raw.symbols)) == ([20, 400], ["N", "V"])
    assert place == str(tmp_path / "1.hea")
    with pytest.raises(BadInput):
        read(tmp_path, "1", "qrs")


def test_a_detector_of_another_release_is_refused() -> None:
    with pytest.raises(DataMissing):
        Detector("swt", release="0.9.1")


@pytest.mark.parametrize(
    ("name", "release", "parameter", "known"),
    [("swt", "9.0.0", "release", RELEASES), ("swtt", "1.0.2", "name", ("swt", "pan_tompkins"))],
)
def test_an_unknown_release_or_name_lists_the_known_ones(name: Any, release: str, parameter: str, known: Any) -> None:
    with pytest.raises(BadInput) as refused:
        Detector(name, release)
    assert refused.value.parameter == parameter and all(one in refused.value.expected for one in known)


@WITH_PACKAGE
@needs("ecg/mitdb100")
@pytest.mark.parametrize("name", ["swt", "hamilton"])
def test_beats_of_a_stretch_are_those_of_the_whole_recording(name: Any) -> None:
    recording = Electrocardiogram("100", "MLII", stop=1)[0][0].recording
    model, half = Detector(name, "1.0.2"), len(recording.signal) // 2
    parts = [model.estimate(Stretch(recording, *ends)).marks for ends in ((0, half), (half, 2 * half))]
    assert torch.cat(parts).tolist() == model.find(recording).tolist() != []


@WITH_PACKAGE
@pytest.mark.parametrize("name", ["two_average", "swt", "engzee", "christov", "hamilton", "pan_tompkins"])
@pytest.mark.parametrize("signal", [torch.zeros(3600), torch.ones(3600)])
def test_flat_line_has_no_beat(name: Any, signal: torch.Tensor) -> None:
    recording = Recording(signal, 360.0, torch.zeros(0, dtype=torch.int64), [])
    assert len(Detector(name, "1.0.2").find(recording)) == 0


@WITH_PACKAGE
def test_too_short_a_recording_is_one_clear_line_or_no_beat() -> None:
    short = Recording(torch.randn(5), 360.0, torch.zeros(0, dtype=torch.int64), [])
    for name in ("two_average", "swt", "engzee", "christov", "hamilton", "pan_tompkins"):
        with contextlib.suppress(BadInput):  # any other error fails
            assert len(Detector(name, "1.0.2").find(short)) <= 5  # type: ignore[arg-type]


@WITH_PACKAGE
def test_matched_filter_has_templates_for_two_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Recording(torch.randn(1000), 100.0, torch.zeros(0, dtype=torch.int64), [])
    with pytest.raises(BadInput):
        Detector("matched_filter", "1.0.2").find(other)
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    (tmp_path / "ecg_template").mkdir()
    for rate in (250, 360):
        (tmp_path / "ecg_template" / f"template_{rate}hz.csv").write_text("0.0\n0.5\n1.0\n")
    template = MatchedFilter(360)
    assert (
        list(template) == [(0.0, 0), (0.5, 1), (1.0, 2)] and template.fingerprint() == MatchedFilter(250).fingerprint()
    )
    check_dataset(template)
    (tmp_path / "ecg_template" / "template_250hz.csv").write_text("0.0 half nan")
    with pytest.raises(BadInput) as refused:
        MatchedFilter(250).fingerprint()
    assert refused.value.where.endswith("template_250hz.csv")
    with pytest.raises(BadInput):
        MatchedFilter(100)


@needs("ecg/mitdb100")
def test_same_beats_have_another_count_at_another_tolerance() -> None:
    """The lesson of this paper: all beats are found, half of them at the exact sample. The two are never compared."""
    stretch, beats = Electrocardiogram("100", "MLII")[0]
    shaken = Found(beats + 20 + (torch.arange(len(beats)) % 3 == 0).long())
    exact, near = (BeatCount("TP", tolerance)(shaken, beats, stretch) for tolerance in (0, 36))
    assert near == len(beats) > 1.2 * exact
    assert BeatCount("TP", 0).identity.name != BeatCount("TP", 36).identity.name


def peaks(found: list[int], true: list[int]) -> tuple[Found, torch.Tensor, Stretch]:
    signal = torch.zeros(1000)
    signal[true] = 1.0
    stretch, marks = whole(Recording(signal, 100.0, torch.tensor(true), ["N"] * len(true), name="100.npz"))
    return Found(torch.tensor(found, dtype=torch.int64)), marks, stretch


def test_count_is_that_of_a_loop_over_the_beats() -> None:
    true = [100, 200, 300, 500, 800]
    for late, tolerance in ((5, 0), (20, 3), (40, 40)):
        found = sorted(beat + late + extra for beat, extra in zip(true[:-1], (0, 0, 1, -3), strict=True))
        right = sum(any(abs(one - late - beat) <= tolerance for beat in true) for one in found)
        given = peaks(found, true)
        assert [BeatCount(of, tolerance)(*given) for of in ("TP", "FP", "FN")] == [right, 4 - right, 5 - right]  # type: ignore[arg-type]


def test_delay_is_the_median_distance_to_the_highest_sample_before() -> None:
    found, _, stretch = peaks([105, 207, 309], [100, 200, 300])
    assert delay(found.marks.numpy(), stretch.recording.signal.numpy()) == 7
    assert nearest(np.array([1, 99]), np.array([], dtype=int)).min() > 10**9


@pytest.mark.parametrize("found", [[], [101, 201, 301]])
def test_a_detector_without_a_delay_is_not_counted(found: list[int]) -> None:
    with pytest.raises(BadInput) as refused:
        BeatCount("TP")(*peaks(found, [100, 200, 300]))
    assert refused.value.where == "100.npz"


def test_a_part_of_a_recording_is_not_counted() -> None:
    found, marks, stretch = peaks([105], [100])
    with pytest.raises(BadInput):
        BeatCount("TP")(found, marks, Stretch(stretch.recording, 0, 500))


@pytest.mark.parametrize("settings", [{"of": "TN"}, {"of": "TP", "tolerance": -1}, {"of": "TP", "tolerance": 0.5}])
def test_wrong_parameter_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        BeatCount(**settings)
