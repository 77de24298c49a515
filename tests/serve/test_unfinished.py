"""A run that is not finished: `repro serve` and `repro export` say how far it is, and can use its newest checkpoint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from repro.errors import BadInput
from repro.files import lock
from repro.run import finished
from repro.serve import trained
from repro.serve.service import Request, Service
from repro.training import checkpoint_file
from tests.serve.clients import png


@pytest.fixture
def run(ran: Path) -> Path:
    """The folder of a run that was killed after step 120 of 150, with checkpoints of two steps."""
    built = finished.restored(ran)
    folder = trained.find("served/digits").weights.parents[1]
    for step, factor in ((60, 2.0), (120, 3.0)):
        state = {name: factor * tensor for name, tensor in built.model.state_dict().items()}
        checkpoint_file.write(folder / "checkpoints", "step", step, {"model": state, "loss": {}})
    for path in (*folder.glob("checkpoints/[bl]*.safetensors"), folder / "digits-seed0.json"):
        path.unlink()
    change(folder, outcome="")
    rows = (folder / "metrics.jsonl").read_text().splitlines()
    (folder / "metrics.jsonl").write_text("".join(f"{row}\n" for row in rows if json.loads(row)["step"] <= 120))
    return folder


def change(folder: Path, **values: Any) -> None:
    row = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(row | values))


@pytest.mark.parametrize("words", [("serve",), ("export", "--onnx")])
def test_how_far_it_is_and_what_is_possible(words: tuple[str, ...], run: Path, refused: Any) -> None:
    for given in ("served/digits", "served/digits-seed0", run):
        line = refused(words[0], given, *words[1:])
        assert "step 120 of 150" in line and "--unfinished" in line and "killed" in line
    with lock.held(run):
        line = refused(words[0], "served/digits", *words[1:])
    assert "running" in line and "step 120 of 150" in line and "--unfinished" in line


@pytest.mark.parametrize("outcome", ["stopped", "failed", "refused"])
def test_how_it_ended(outcome: str, run: Path) -> None:
    change(run, outcome=outcome)
    with pytest.raises(BadInput) as caught:
        trained.find("served/digits")
    assert "not finished" in caught.value.what and "--unfinished" not in caught.value.expected


def test_without_a_checkpoint_nothing_is_offered(run: Path, refused: Any) -> None:
    shutil.rmtree(run / "checkpoints")
    assert "--unfinished" not in refused("serve", "served/digits")
    assert "checkpoint" in refused("serve", "served/digits", "--unfinished")


def test_the_newest_checkpoint_answers_and_is_marked(run: Path, ran: Path) -> None:
    with lock.held(run):  # the lock is for writers
        found = trained.find("served/digits", allow_unfinished=True)
    assert (found.step, found.published, found.record.measurements, found.record.stale) == (120, False, [], "")
    for path in run.glob("checkpoints/*"):  # a running run deletes it
        path.unlink()
    one = trained.load(found)
    served = Service(one, "right")
    image = torch.rand(1, 8, 8).mul(255).round() / 255
    (answer,) = served.answers([Request("image", png(image))])
    assert isinstance(answer, dict) and "step 120" in answer["record"] and "not finished" in answer["record"]
    assert answer["checkpoint"] == one.checkpoint and served.about["metrics"] == served.about["verdicts"] == []


def test_a_damaged_checkpoint_is_not_used(run: Path) -> None:
    newest = max(run.glob("checkpoints/step-*"), key=checkpoint_file.step_of)
    newest.write_bytes(newest.read_bytes()[:-1])
    assert trained.find("served/digits", allow_unfinished=True).step == 60


def test_a_damaged_run_is_no_killed_one(run: Path) -> None:
    (run / "run.json").write_text("{")
    with pytest.raises(BadInput) as caught:
        trained.find("served/digits", allow_unfinished=True)
    assert "run.json" in str(caught.value) and "killed" not in str(caught.value)


def test_changed_code_is_stale(run: Path) -> None:
    change(run, code={"papers.served.net": "0"})
    with pytest.raises(BadInput) as caught:
        trained.find("served/digits", allow_unfinished=True)
    assert "the code has changed" in caught.value.what
    assert trained.find("served/digits", allow_stale=True, allow_unfinished=True).record.stale


def test_its_weights_are_not_published(run: Path, refused: Any, repro: Any) -> None:
    words = ("export", "served/digits", "--weights", "--licence", "MIT")
    assert "--unfinished" not in refused(*words)
    assert "metrics" in refused(*words, "--unfinished")
    assert "--unfinished" in refused("export", "served", "--as", "zip", "--unfinished")
    code, out, _ = repro("export", "served/digits", "--torchscript", "--unfinished")
    assert (code, out.strip()) == (0, "exports/served/digits-seed0-step120.pt")


def test_a_finished_run_is_used_as_it_is(ran: Path) -> None:
    assert trained.find("served/digits", allow_unfinished=True) == trained.find("served/digits")
