"""`repro export --weights`: the weights give the answers of the run, and the card has the numbers of the record."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from repro import cli, record
from repro import config as configs
from repro.errors import BadInput
from repro.experiment import binding
from repro.export import card, weights
from repro.interval import interval
from repro.models.weights import WithWeights
from repro.run import finished
from repro.serve import trained
from tests.serve.conftest import project as project
from tests.serve.conftest import ran as ran

yaml = pytest.importorskip("yaml")


def named(path: Path) -> str:
    return f"{path.resolve().parent.parent.name}/{path.stem}"


@pytest.fixture
def exported(ran: Path, repro: Any) -> Path:
    code, out, err = repro("export", f"{named(ran)}-seed0", "--weights", "w/one.safetensors", "--licence", "MIT")
    assert code == 0, err
    file, beside, kept = map(Path, out.splitlines())
    assert beside == file.with_suffix(".md") and beside.is_file()
    assert record.read(kept).stem == f"{ran.stem}-seed0" and kept.parent == file.parent
    assert hashlib.sha256(file.read_bytes()).hexdigest() in err
    return file


def test_the_weights_are_those_of_the_run(ran: Path, exported: Path) -> None:
    kept = finished.restored(ran)
    own = trained.load(trained.find(named(ran), exported))
    assert own.checkpoint == hashlib.sha256(exported.read_bytes()).hexdigest()
    for name, tensor in kept.model.state_dict().items():
        assert torch.equal(own.built.model.state_dict()[name], tensor)
    found = record.read(ran.resolve().parent.parent / "records" / "digits-seed0.json")
    assert own.built.measure(lambda indices, name: indices) == found.measurements


def test_a_file_in_the_working_directory_is_served(ran: Path, exported: Path) -> None:
    """It is not in a run folder, so a config.gin near it means nothing."""
    Path("config.gin").write_text("no config")
    Path("one.safetensors").write_bytes(exported.read_bytes())
    own = trained.load(trained.find(f"{named(ran)}-seed0", Path("one.safetensors")))
    assert own.checkpoint == hashlib.sha256(exported.read_bytes()).hexdigest()


def elsewhere(ran: Path, exported: Path, numbers: str) -> Path:
    """The exported file on a machine where the record of the paper is absent, or has other numbers."""
    own = ran.resolve().parent.parent / "records" / "digits-seed0.json"
    row = json.loads(own.read_text())
    own.unlink()
    if numbers == "other":
        row["measurements"][0]["identity"]["unit"] = "%"
        own.write_text(json.dumps(row))
    shutil.rmtree("runs")
    return shutil.copytree(exported.parent, Path("elsewhere")) / exported.name


@pytest.mark.parametrize("numbers", ["absent", "other"])
def test_the_files_are_served_where_the_record_is_another(numbers: str, ran: Path, exported: Path) -> None:
    checksum = hashlib.sha256(exported.read_bytes()).hexdigest()
    before = record.read(exported.with_name("digits-seed0.json"))
    file = elsewhere(ran, exported, numbers)
    for given in ("", named(ran)):
        found = trained.find(given, file)
        assert not found.published and found.record.measurements == before.measurements and not found.record.stale
        assert trained.load(found).checkpoint == checksum
    file.with_name("digits-seed0.json").unlink()
    with pytest.raises(BadInput) as caught:
        trained.find("", file)
    assert "digits-seed0.json" in caught.value.expected


def test_the_command_needs_only_the_file(exported: Path, monkeypatch: pytest.MonkeyPatch, refused: Any) -> None:
    monkeypatch.setattr("repro.cli.serve._run", lambda given, found: print(found.name))
    assert cli.main(["serve", "--weights", str(exported)]) == 0
    assert "--weights" in refused("serve")
    assert "--unfinished" in refused("serve", "--weights", exported, "--unfinished")


def test_a_file_of_weights_is_no_run(exported: Path, refused: Any) -> None:
    assert "--weights" in refused("serve", exported) and "--weights" in refused("export", exported, "--onnx")
    kept = next(Path("runs").glob("served/digits/*/checkpoints/*.safetensors"))
    assert "names no record" in refused("serve", "served/digits", "--weights", kept)


def test_a_changed_file_is_refused(ran: Path, exported: Path) -> None:
    content = bytearray(exported.read_bytes())
    content[-1] ^= 1
    exported.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        trained.find("", exported)
    assert "SHA-256" in caught.value.what and caught.value.where == str(exported)
    exported.with_suffix(".md").write_text("My notes: SHA-256 `0`.")  # then nothing says what it was
    assert trained.find("", exported).published


def test_a_file_of_others_names_no_record(ran: Path) -> None:
    for about in ({}, {"record": 7}, {"record": "../../etc/passwd"}, {"record": "served/digits-seed"}):
        Path("other.safetensors").write_bytes(save({}, {"repro": json.dumps(about)}))
        with pytest.raises(BadInput) as caught:
            trained.find("", Path("other.safetensors"))
        assert caught.value.what == "names no record"


def test_an_export_replaces_no_other_record(ran: Path, exported: Path, refused: Any, repro: Any) -> None:
    kept = exported.with_name("digits-seed0.json")
    words = ("export", f"{named(ran)}-seed0", "--weights", "--licence", "MIT")
    row = json.loads(kept.read_text())
    row["measurements"][0]["identity"]["unit"] = "%"
    kept.write_text(json.dumps(row))
    assert repro(*words, "--to", exported.parent)[0] != 0 and json.loads(kept.read_text()) == row
    assert repro(*words[:2], "--weights", exported, *words[3:])[0] == 0  # its card says that it was exported
    assert record.read(kept) == record.read(ran.resolve().parent.parent / "records" / "digits-seed0.json")


def test_another_config_can_start_with_them(ran: Path, exported: Path) -> None:
    """`models.WithWeights` reads the file, with its checksum."""
    fresh = binding.build(configs.read(ran)).model
    checksum = hashlib.sha256(exported.read_bytes()).hexdigest()
    other = WithWeights(fresh, str(exported), checksum, head="")
    images = torch.rand(3, 1, 8, 8)
    assert not other.fresh and torch.equal(other(images), finished.restored(ran).model(images))


def test_the_card_has_the_numbers_of_the_record(ran: Path, exported: Path) -> None:
    text = exported.with_suffix(".md").read_text()
    _, head, body = text.split("---\n", 2)
    assert yaml.safe_load(head)["license"] == "MIT"
    found = record.read(ran.resolve().parent.parent / "records" / "digits-seed0.json")
    for one in found.measurements:
        assert interval([one.values]).shown() in body
    for row in card.used(found):
        assert row.fingerprint[:16] in body and row.licence in body
    model = finished.restored(ran).model
    assert f"{sum(one.numel() for one in model.parameters()):,} parameters" in body
    assert found.digest[:16] in body and str(found.source["commit"]) in body


def test_the_same_record_gives_the_same_files(exported: Path, ran: Path) -> None:
    before = exported.read_bytes(), exported.with_suffix(".md").read_bytes()
    weights.write(trained.find(named(ran)), exported, "MIT")
    assert (exported.read_bytes(), exported.with_suffix(".md").read_bytes()) == before


def test_the_header_names_the_record(exported: Path, ran: Path) -> None:
    with safe_open(exported, "pt") as file:
        about = json.loads(file.metadata()["repro"])
    assert about["record"] == f"{named(ran)}-seed0" and about["licence"] == "MIT"
    assert about["config"] == configs.read(ran).digest


def test_a_model_without_licence_is_refused(ran: Path, refused: Any) -> None:
    for words in ([], ["--licence", " "], ["--licence", "../x"], ["--licence", "MIT\nx: y"], ["--licence", "M" * 200]):
        assert "licence" in refused("export", named(ran), "--weights", *words)
    assert not Path("exports").exists()


def test_no_other_page_is_replaced_by_the_card(ran: Path, refused: Any, repro: Any) -> None:
    report = Path("papers/report.md")
    report.write_text("My report.")
    words = ("export", f"{named(ran)}-seed0", "--weights", "papers/report.safetensors", "--licence", "MIT")
    assert "report.md" in refused(*words)
    assert report.read_text() == "My report." and not Path("papers/report.safetensors").exists()
    report.unlink()
    assert repro(*words)[0] == 0 and repro(*words)[0] == 0


@pytest.mark.parametrize("form", ["onnx", "torchscript", "weights"])
def test_a_model_replaces_no_file_of_another_kind(form: str, ran: Path, refused: Any) -> None:
    before = ran.read_bytes()
    words = ["--licence", "MIT"] if form == "weights" else []
    assert ran.name in refused("export", named(ran), f"--{form}", ran, *words)
    assert ran.read_bytes() == before


def test_a_record_without_metrics_is_refused(ran: Path) -> None:
    from dataclasses import replace

    found = trained.find(named(ran))
    with pytest.raises(BadInput) as caught:
        weights.refuse(replace(found, record=replace(found.record, measurements=[])), "MIT")
    assert "no metrics" in caught.value.what


def test_a_stale_record_is_refused(ran: Path, refused: Any, repro: Any) -> None:
    ran.write_text(ran.read_text() + "trainers.Supervised.steps = 151\n")
    words = ("export", f"{named(ran)}-seed0", "--weights", "--licence", "MIT")
    assert "stale" in refused(*words)
    assert repro(*words, "--stale")[0] == 0
    assert "stale" in Path(f"exports/{named(ran)}-seed0.md").read_text()


def test_the_weights_of_another_record_are_refused(ran: Path, exported: Path, repro: Any) -> None:
    assert repro("run", ran, "--seed", 1)[0] == 0
    with pytest.raises(BadInput) as caught:
        trained.find(f"{named(ran)}-seed1", exported)
    assert "has the weights of" in caught.value.what


@pytest.mark.parametrize("content", [b"", b"no weights", b"\xff" * 100], ids=["empty", "text", "bytes"])
def test_a_file_without_weights_is_one_line(ran: Path, content: bytes) -> None:
    Path("other.safetensors").write_bytes(content)
    with pytest.raises(BadInput) as caught:
        trained.find(named(ran), Path("other.safetensors"))
    assert caught.value.where == "other.safetensors"


def test_a_run_that_is_not_there_is_named(ran: Path, refused: Any) -> None:
    line = refused("export", f"{named(ran)}-seed7", "--weights", "--licence", "MIT")
    assert f"{named(ran)}-seed7" in line and "--seed 7" in line


def test_a_run_folder_can_be_named(ran: Path) -> None:
    found = trained.find(named(ran))
    run = found.weights.parents[1]
    assert trained.find(str(run)) == found == trained.find(f"{run}/digits-seed0.json")
    assert found.published and found == trained.find(str(ran)) == trained.find(f"{named(ran)}-seed0")
    assert found == trained.find(str(found.folder / "records" / "digits-seed0.json"))


def test_a_run_with_other_numbers_is_not_the_record(ran: Path) -> None:
    found = trained.find(named(ran))
    path = found.folder / "records" / "digits-seed0.json"
    own = json.loads(path.read_text())
    own["measurements"][0]["identity"]["unit"] = "%"
    path.write_text(json.dumps(own))
    with pytest.raises(BadInput) as caught:
        trained.find(str(path))
    assert "other numbers" in caught.value.what
    for given in (str(found.weights.parents[1]), f"{named(ran)}-seed0", named(ran)):
        own = trained.find(given)
        assert not own.published and own.record.measurements == found.record.measurements
        assert trained.find(own.name) == own != found and own.name in caught.value.expected
