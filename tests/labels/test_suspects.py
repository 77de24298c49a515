"""`repro labels suspects`: labels that were flipped on purpose are found, and shown as tasks and as a page."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from repro import config as configs
from repro.datasets import label_table
from repro.datasets.digits import Digits
from repro.datasets.flipped import FlippedLabels
from repro.errors import BadInput
from repro.experiment import Experiment
from repro.labels import answers, confident, finding, page, shown, tasks
from repro.metrics.classification import Accuracy
from repro.run import finished
from tests.labels import study

DIGITS = Digits("test", size=8)
WRONG = FlippedLabels(DIGITS, classes=10, share=0.1)


@pytest.fixture
def ran(paper: Any, repro: Callable[..., tuple[int, str, str]]) -> Path:
    """The config of a finished run on digits."""
    path = study.digits(paper)
    code, _, err = repro("run", path)
    assert code == 0, err
    return path


def test_flipped_labels_are_found(ran: Path, repro: Any) -> None:
    code, out, err = repro("labels", "suspects", ran.parent.parent.name + "/digits", "--test", "wrong", "--most", 30)
    assert code == 0, err
    written = [Path(line) for line in out.splitlines()]
    assert [path.suffix for path in written] == [".json", ".xml", ".html"]
    flipped = {label_table.ids(WRONG)[index] for index in WRONG.steps}
    found = [task.item for task in tasks.read(written[0])]
    assert len(found) == len(set(found)) <= 30
    assert len(flipped & set(found)) >= 0.8 * len(found) and len(flipped & set(found)) >= 0.7 * len(flipped)


def test_the_order_is_that_of_confident_learning(ran: Path) -> None:
    found = finding.find(ran, test="wrong", by="both", most=1000)
    given = label_table.labels(WRONG)
    assert [row.index for row in found.rows] == confident.suspects(given, found.scores, "both").tolist()
    assert found.total == len(found.rows) and np.allclose(found.scores.sum(axis=1), 1)
    for row in found.rows:
        assert (row.label, row.answer) == (str(given[row.index]), str(found.scores[row.index].argmax()))


def test_the_model_is_that_of_the_run(ran: Path) -> None:
    """Its accuracy on every item is the one in the record."""
    from repro import record

    folder = ran.parent.parent
    values = record.read(folder / "records" / "digits-seed0.json").measured("right", "Accuracy")
    built = finished.restored(ran)
    assert values and [one.values for one in built.measure(lambda indices, name: indices) if one.test == "right"] == [
        values.values
    ]


def test_a_task_is_what_label_studio_imports(ran: Path, repro: Any) -> None:
    found = finding.find(ran, test="wrong", most=3)
    (path, interface), _ = tasks.write(found, Path("out").absolute())
    view = ET.fromstring(interface.read_text())
    item, choices = view
    assert item.attrib["value"] == "$image" and choices.attrib["toName"] == item.attrib["name"]
    values = [choice.attrib["value"] for choice in choices]
    assert values == [str(number) for number in range(10)]
    for row, suspect in zip(json.loads(path.read_text()), found.rows, strict=True):
        (prediction,) = row["predictions"]
        (result,) = prediction["result"]
        assert result["from_name"] == choices.attrib["name"] and result["to_name"] == item.attrib["name"]
        assert result["type"] == "choices" and result["value"]["choices"] == [suspect.answer]
        assert 0 <= prediction["score"] <= 1 and row["data"]["label"] == suspect.label
        kind, _, content = row["data"]["image"].partition(",")
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
        assert kind == "data:image/png;base64"
        assert np.array_equal(picture, DIGITS.images[suspect.index].numpy())


@pytest.mark.parametrize("words", [
    ("digits", "--test", "wrogn"), ("digits",), ("digits-seed7", "--test", "wrong"), ("digits", "--by", "margn"),
    ("digit", "--test", "wrong"), ("digits", "--most", "0"),
])  # fmt: skip
def test_a_wrong_argument_is_one_line(words: tuple[str, ...], ran: Path, refused: Any) -> None:
    refused("labels", "suspects", f"{ran.parent.parent.name}/{words[0]}", *words[1:])
    assert not Path("suspects").exists()


@pytest.mark.parametrize("names", ["a,b", "a,a,2,3,4,5,6,7,8,9", "0,1,2,3,4,5,6,7,8,9,10", "\x1b,1,2,3,4,5,6,7,8,9"])
def test_names_of_classes_are_as_many_as_the_scores(
    names: str, ran: Path, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are refused before the items are answered."""
    monkeypatch.delattr(finding, "probabilities")
    code, out, _ = repro("labels", "suspects", ran, "--test", "wrong", "--classes", names)
    assert (code, out) == (2, "")


def test_a_folder_that_cannot_be_written_is_refused_before_the_items_are_answered(
    ran: Path, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(finding, "probabilities")
    Path("occupied").write_text("a file")
    assert "occupied" in refused("labels", "suspects", ran, "--test", "wrong", "--to", "occupied")


def test_a_record_is_not_a_run(ran: Path, refused: Any) -> None:
    folder = ran.parent.parent
    line = refused("labels", "suspects", folder / "records" / "digits-seed0.json", "--test", "wrong")
    assert "record" in line and f"{folder.name}/digits-seed0" in line and "no config" not in line


def test_fewer_suspects_replace_all_files_of_the_earlier_ones(ran: Path, repro: Any) -> None:
    words = ("labels", "suspects", ran, "--test", "wrong", "--to", "out", "--most")
    assert "replaced" not in repro(*words, 5)[2]
    own = Path("out/digits-seed0-wrong/notes.txt")
    own.write_text("a file of the annotator")
    code, _, err = repro(*words, 2)
    assert code == 0 and "5 tasks of an earlier command were replaced by 2" in err
    assert sorted(path.name for path in own.parent.iterdir()) == ["1.png", "2.png", "notes.txt"]
    assert len(tasks.read(Path("out/digits-seed0-wrong.json"))) == 2


def test_a_file_that_has_no_tasks_is_not_replaced(ran: Path, repro: Any) -> None:
    path = Path("out/digits-seed0-wrong.json")
    path.parent.mkdir()
    path.write_text("{}")
    code, out, err = repro("labels", "suspects", ran, "--test", "wrong", "--to", "out")
    assert (code, out) == (2, "") and str(path) in err.splitlines()[-1]
    assert path.read_text() == "{}"


def test_a_run_of_another_config_or_code_is_refused(ran: Path, refused: Any) -> None:
    run = finished.folder_of(configs.read(ran), 0)
    (ran.parent.parent / "net.py").write_text(study.NET.replace("64, 10", "64, 10, False"))
    assert "repro run" in refused("labels", "suspects", ran, "--test", "wrong")
    ran.write_text(ran.read_text() + "trainers.Supervised.steps = 151\n")
    assert "repro run" in refused("labels", "suspects", ran, "--test", "wrong")
    assert "has changed" in refused("labels", "suspects", run, "--test", "wrong")


def test_a_model_that_was_trained_on_the_items_is_refused(paper: Any, repro: Any, refused: Any) -> None:
    path = study.digits(paper, "seen", "experiment.test = {'seen': @train/datasets.Digits()}\n")
    assert repro("run", path)[0] == 0
    assert "trained on the items" in refused("labels", "suspects", path)


class Logits:
    """A model whose output is its input."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def estimate(self, given: Any) -> Any:
        return given * self.scale

    def eval(self) -> None: ...


def experiment(rows: Any) -> Experiment:
    return Experiment(test={"t": [(row, 0) for row in rows]}, metrics=[Accuracy()], model=Logits())


def test_logits_and_probabilities_give_probabilities() -> None:
    logits = torch.randn(20, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 300
    expected = torch.softmax(logits, 1)
    for rows in (logits, expected, torch.log_softmax(logits, 1)):
        assert np.allclose(finding.probabilities(experiment(rows), "t"), expected.numpy(), atol=1e-12)


@pytest.mark.parametrize(
    "rows", [torch.zeros(3), torch.zeros(3, 2, 2), torch.zeros(3, 1), torch.full((3, 2), torch.nan)]
)
def test_outputs_that_are_no_scores_are_refused(rows: torch.Tensor) -> None:
    with pytest.raises(BadInput):
        finding.probabilities(experiment(rows), "t")


class Items:
    """Items of any kind with a class, and with names that a browser must not execute."""

    def __init__(self, *inputs: Any, **attributes: Any) -> None:
        self.inputs = inputs
        vars(self).update(attributes)
        self.names = [f"<script>{index}</script>" for index in range(len(inputs))]

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.inputs[index], 0


def suspects(dataset: Items, classes: list[str]) -> finding.Suspects:
    number = len(dataset)
    scores = np.tile([0.25, 0.75], (number, 1))
    rows = [finding.Suspect(at + 1, at, dataset.names[at], classes[0], classes[1], 0.75) for at in range(number)]
    return finding.Suspects("p", "c", 0, "t", classes, rows, number, dataset, scores)


def written(dataset: Items, folder: Path, classes: list[str]) -> tuple[list[dict[str, Any]], str, str]:
    """The tasks, the labelling interface and the page."""
    found = suspects(dataset, classes)
    paths, items = tasks.write(found, folder)
    text = page.write(found, items, folder).read_text(encoding="utf-8")
    return json.loads(paths[0].read_text()), paths[1].read_text(), text


def test_a_high_probability_is_not_rounded_to_1(tmp_path: Path) -> None:
    found = suspects(Items("a text"), ["a", "b"])
    rows = [replace(row, probability=0.9984) for row in found.rows]
    text = page.write(found, [shown.Shown("a text")], tmp_path).read_text()
    high = page.write(replace(found, rows=rows), [shown.Shown("a text")], tmp_path).read_text()
    assert "(0.75)" in text and "(0.9984)" in high


EVIL = "a <script>alert(1)</script> & \u202ex\x1b[2J"


def test_a_text_is_complete_in_the_task_and_never_markup(tmp_path: Path) -> None:
    rows, interface, text = written(Items(EVIL + "word " * 4000), tmp_path, ['"><script>', "b"])
    assert rows[0]["data"]["text"].startswith("a <script>alert(1)</script> & \ufffdx\ufffd[2J")
    assert len(rows[0]["data"]["text"]) > 20_000
    assert "<script" not in text and "<script" not in interface and ET.fromstring(interface)[0].tag == "Text"
    assert not {"\u202e", "\x1b"} & {*text, *interface, *json.dumps(rows, ensure_ascii=False)}
    assert "<script>alert(1)" in html.unescape(text)
    assert tasks.read(tmp_path / "c-seed0-t.json")[0].item == "<script>0</script>"


def test_a_sound_is_a_file_next_to_the_page(tmp_path: Path) -> None:
    samples = torch.sin(torch.arange(4000) / 5)
    rows, interface, text = written(Items(samples, sample_rate=8000), tmp_path, ["a", "b"])
    (source,) = re.findall(r'<audio src="([^"]+)"', text)
    read, rate = soundfile.read(tmp_path / source, dtype="float32")
    assert rate == 8000 and np.abs(read - samples.numpy()).max() < 1e-4
    assert rows[0]["data"]["audio"].endswith(f"{tmp_path.name}/{source}")
    assert rows[0]["data"]["audio"].startswith("/data/local-files/?d=") and ET.fromstring(interface)[0].tag == "Audio"


def test_what_a_dataset_illustrates_is_shown(tmp_path: Path) -> None:
    def illustrate(inputs: Any, target: Any, estimate: Any, stem: Path) -> list[dict[str, Any]]:
        return [{"text": f"decoded {inputs}"}]

    item = shown.show(Items([1, 2], illustrate=illustrate), 0, np.zeros(2), tmp_path / "1")
    assert item.text == "decoded [1, 2]"
    with pytest.raises(BadInput, match="item 0"):
        shown.show(Items(torch.zeros(2, 3, 4, 5)), 0, np.zeros(2), tmp_path / "1")


def test_answers_to_the_tasks_come_back(ran: Path, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Suspects, annotate and import, as commands; the annotator knows the truth."""
    code, out, err = repro("labels", "suspects", ran, "--test", "wrong")
    path = Path(out.splitlines()[0])
    index = {item: at for at, item in enumerate(label_table.ids(WRONG))}
    truth = [str(DIGITS[index[task.item]][1]) for task in tasks.read(path)]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(truth[:5]) + "\n"))
    assert repro("labels", "annotate", path, "--who", "ann")[0] == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(truth[5:]) + "\n"))
    code, out, err = repro("labels", "annotate", path, "--who", "ann")
    own = Path(out.strip())
    assert len(answers.read(own)) == len(truth)
    code, out, err = repro("labels", "import", own, "--name", "first")
    assert code == 0, err
    decided = label_table.decided(label_table.read(Path(out.strip())))
    assert {index[item]: label for item, label in decided.items()} == {
        at: DIGITS[at][1] for at in (index[item] for item in decided)
    }


@pytest.mark.slow
def test_100000_items_of_100_classes_take_seconds() -> None:
    """The answers and the suspects, without the network itself; at most 5 s of computing."""
    logits = torch.randn(100_000, 100, generator=torch.Generator().manual_seed(0))
    built = Experiment(test={"t": [(row, 0) for row in logits]}, metrics=[Accuracy()], model=Logits(), batch=1000)
    began = time.process_time()
    scores = finding.probabilities(built, "t")
    found = confident.suspects(scores.argsort(axis=1)[:, -2], scores)
    assert time.process_time() - began < 5 and len(found) > 0
    assert scores.nbytes == 80_000_000
