"""A tracker holds the numbers, the settings and the record of a run, once; its own reader reads them back."""

from __future__ import annotations

import importlib
import json
import shutil
import statistics
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from repro import config, record, track
from repro.errors import BadInput
from repro.files import lock
from repro.record import Measurement, Record
from repro.run import resume
from repro.track import copied
from repro.track.copied import RunCopy
from tests.track import stores

TEXT = """import papers.template.model
RATE = 0.25
experiment.model = @models.Line()
models.Line.slope = False
trainers.Supervised.steps = 30
train/datasets.NoisyLine.size = 7
torch.optim.SGD.lr = %RATE
"""
SETTINGS = {
    "RATE": 0.25,
    "experiment.model": "@models.Line()",
    "models.Line.slope": False,
    "trainers.Supervised.steps": 30,
    "train/datasets.NoisyLine.size": 7,
    "torch.optim.SGD.lr": 0.25,
}
VALUES = {"Accuracy": [1.0, 0.0, 1.0, 1.0, 0.5], "Mask(SDR)": [3.25, -1.5, 8.0, 2.0, 4.125]}
CURVES = {"train": [[10, 0.5], [20, 0.25], [30, 0.125]], "valid": [[30, 0.75]], "Accuracy": [[30, 0.625]]}
SHOWN = {
    "train/loss": [(10, 0.5), (20, 0.25), (30, 0.125)],
    "valid/loss": [(30, 0.75)],
    "valid/Accuracy": [(30, 0.625)],
}
COMMIT = "0123456789" * 4


def made(seed: int = 0, **more: Any) -> Record:
    """A record of a run of three entries."""
    found = Record(
        paper="lines",
        config="lr_0.25",
        seed=seed,
        digest=config.digest(TEXT),
        measurements=[Measurement("test", name, {"unit": "1"}, values) for name, values in VALUES.items()],
        text=TEXT,
        data={"test": "77c9488bee810443"},
        code={"repro.experiment": "a" * 16},
        core="b" * 16,
        source={"commit": COMMIT, "dirty": False},
        curves=CURVES,
        finished="2026-11-27T12:00:00+00:00",
    )
    return replace(found, **more)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of MLflow without runs: its tables take seconds to create."""
    client = pytest.importorskip("mlflow").MlflowClient
    folder = tmp_path_factory.mktemp("mlflow")
    client(tracking_uri=f"sqlite:///{folder}/mlflow.db").search_experiments()
    return folder / "mlflow.db"


@pytest.fixture(params=sorted(track.TRACKERS))
def tracker(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    pytest.importorskip(request.param)
    if request.param == "mlflow":
        (tmp_path / "mlflow").mkdir()
        shutil.copy(request.getfixturevalue("empty_store"), tmp_path / "mlflow")
    if request.param == "trackio":  # which takes its folder when it is imported
        monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
        for module in ("trackio.utils", "trackio.sqlite_storage"):
            monkeypatch.setattr(f"{module}.TRACKIO_DIR", tmp_path / "trackio")
    return str(request.param)


def stored(tracker: str, folder: Path) -> dict[str, list[stores.Stored]]:
    found: dict[str, list[stores.Stored]] = getattr(stores, tracker)(folder)
    return found


def spelled(tracker: str, rows: dict[str, Any]) -> dict[str, Any]:
    """The names of metrics as the tracker spells them: MLflow takes no brackets."""
    odd = str.maketrans("()", "__") if tracker == "mlflow" else {}
    return {name.translate(odd): value for name, value in rows.items()}


def written(one: RunCopy, tracker: str, folder: Path) -> stores.Stored:
    """Copy one run, and read the only run with its id."""
    done = track.copy([one], tracker, folder / tracker)
    assert not done.failed and [*done.written, *done.unchanged] == [one.name]
    (found,) = stored(tracker, folder / tracker)[one.id]
    return found


def test_a_tracker_holds_the_curves_the_settings_and_the_record(tracker: str, tmp_path: Path) -> None:
    found = written(copied.of_record(made(seed=3)), tracker, tmp_path)
    assert found.name == "lr_0.25-seed3" and found.curves == spelled(tracker, SHOWN)
    as_kept = {name: str(value) for name, value in SETTINGS.items()} if tracker == "mlflow" else SETTINGS
    assert found.settings == as_kept
    assert found.about["record"] == "lines/lr_0.25-seed3" and found.about["commit"] == COMMIT
    assert found.about["digest"] == config.digest(TEXT) and found.about["data/test"] == "77c9488bee810443"
    assert {"lines", "3"} <= {tag.rpartition(":")[2] for tag in found.tags}


def test_a_tracker_holds_each_mean_with_its_interval(tracker: str, tmp_path: Path) -> None:
    found = written(copied.of_record(made()), tracker, tmp_path)
    expected = {}
    for name, values in VALUES.items():
        mean, error = statistics.fmean(values), statistics.stdev(values) / len(values) ** 0.5
        half = stats.t.ppf(0.975, len(values) - 1) * error
        rows = {"": mean, "/low": mean - half, "/high": mean + half}
        expected |= {f"result/test/{name}{end}": value for end, value in rows.items()}
    assert found.results == pytest.approx(spelled(tracker, expected), rel=1e-6)


def test_copying_twice_leaves_one_run_and_a_changed_one_replaces_it(tracker: str, tmp_path: Path) -> None:
    runs = [copied.of_record(made(seed)) for seed in (0, 1)]
    first = track.copy(runs, tracker, tmp_path / tracker)
    second = track.copy(runs, tracker, tmp_path / tracker)
    assert (len(first.written), len(second.written), len(second.unchanged)) == (2, 0, 2)
    changed = copied.of_record(made(curves={"train": [[10, 0.5], [20, 7.0]]}))
    assert changed.id == runs[0].id != runs[1].id
    assert written(changed, tracker, tmp_path).curves == {"train/loss": [(10, 0.5), (20, 7.0)]}
    assert {key: len(rows) for key, rows in stored(tracker, tmp_path / tracker).items()} == dict.fromkeys(
        [runs[0].id, runs[1].id], 1
    )


@pytest.fixture
def running(tmp_path: Path) -> Path:
    """The folder of a run, with two entries so far."""
    folder = tmp_path / "runs" / "lines" / "lr_0.25" / "0123abcd-seed2"
    folder.mkdir(parents=True)
    begun = resume.Started(config.digest(TEXT), {"repro.experiment": "a" * 16}, {"commit": COMMIT}, {}, "b" * 16)
    (folder / resume.FILE).write_text(json.dumps(asdict(begun)))
    (folder / "config.gin").write_text(TEXT)
    log(folder, (10, 0.5), (20, 0.25))
    return folder


def log(folder: Path, *entries: tuple[int, float]) -> None:
    with (folder / "metrics.jsonl").open("a") as file:
        for step, loss in entries:
            row = {"curve": "train", "step": step, "loss": loss, "time": 1.7e9 + step, "lr": 0.25}
            file.write(json.dumps(row) + "\n")


def test_a_running_run_is_copied_up_to_now_and_has_one_id_until_its_record(
    tracker: str, running: Path, tmp_path: Path
) -> None:
    with lock.held(running):
        begun = copied.of_run(running)
        assert begun.state == "running"
        assert written(begun, tracker, tmp_path).curves["train/loss"] == SHOWN["train/loss"][:2]
        log(running, (30, 0.125))
        with (running / "metrics.jsonl").open("a") as file:
            file.write('{"curve": "train", "st')  # an entry that is being written
        later = written(copied.of_run(running), tracker, tmp_path)
    assert later.curves == {"train/loss": SHOWN["train/loss"], "train/lr": [(10, 0.25), (20, 0.25), (30, 0.25)]}
    if tracker != "trackio":
        assert later.times == {1.7e9 + 10, 1.7e9 + 20, 1.7e9 + 30}
    assert begun.id == copied.of_run(running).id == copied.of_record(made(seed=2)).id


def test_another_seed_config_or_code_has_another_id() -> None:
    others = [made(), made(1), made(config="x"), made(digest="c" * 64), made(code={"a": "b"}), made(core="c" * 16)]
    assert len({copied.of_record(one).id for one in others}) == len(others)
    again = made(finished="2027-01-01T00:00:00+00:00", curves={}, source={"commit": None})
    assert copied.of_record(again).id == copied.of_record(made()).id


def test_an_error_of_the_tracker_fails_one_run_and_the_next_copy_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("repro.track.to_tensorboard")
    write, runs = module.write, [copied.of_record(made(seed)) for seed in (0, 1)]

    def broken(one: RunCopy, folder: Path) -> None:
        if one.seed == 0:
            raise ValueError("no\nsuch table")
        write(one, folder)

    monkeypatch.setattr(module, "write", broken)
    done = track.copy(runs, "tensorboard", tmp_path)
    assert (done.written, len(done.failed)) == ([runs[1].name], 1)
    assert runs[0].name in done.failed[0] and "ValueError: no such table" in done.failed[0]
    monkeypatch.undo()
    assert track.copy(runs, "tensorboard", tmp_path).written == [runs[0].name]


def test_an_unknown_or_missing_tracker_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput) as error:
        track.copy([], "wand", tmp_path / "new")
    assert error.value.nearest == "wandb"
    monkeypatch.setattr(track.importlib.util, "find_spec", lambda name: None)
    for name, extra in track.TRACKERS.items():
        with pytest.raises(BadInput) as error:
            track.copy([], name, tmp_path / "new")
        assert extra in error.value.expected and name in error.value.what
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["50 %20 wrong", "what?"])
def test_mlflow_writes_into_no_other_folder(name: str, tmp_path: Path) -> None:
    """A `?` ends the path of the database, so the runs would be next to the folder."""
    from repro.track import to_mlflow

    with pytest.raises(BadInput) as caught:
        to_mlflow.write(copied.of_record(made()), tmp_path / name)
    assert name in caught.value.where and not list(tmp_path.iterdir())


def test_the_guide_and_the_extras_have_each_tracker() -> None:
    root = Path(track.__file__).parents[2]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    guide = (root / "docs" / "guide" / "trackers.md").read_text()
    for name, extra in track.TRACKERS.items():
        assert f"| `{name}` |" in guide and f"trackers/{name}" in guide
        if extra:
            assert any(line.startswith(name) for line in extras[extra]) and f"repro-papers[{extra}]" in guide


def test_a_damaged_list_of_what_was_written_writes_all_again(tmp_path: Path) -> None:
    one = copied.of_record(made())
    track.copy([one], "tensorboard", tmp_path)
    for damage in ("{", "[1]", ""):
        (tmp_path / track.FILE).write_text(damage)
        assert track.copy([one], "tensorboard", tmp_path).written == [one.name]
    assert len(stores.tensorboard(tmp_path)[one.id]) == 1


def test_the_record_on_the_disk_is_not_changed(tracker: str, tmp_path: Path) -> None:
    path = record.write(made(), tmp_path)
    before = path.read_bytes()
    track.copy([copied.of_record(record.read(path))], tracker, tmp_path / tracker)
    assert path.read_bytes() == before
