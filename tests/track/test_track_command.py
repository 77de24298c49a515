"""`repro track`: which runs a name means, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.files import lock
from repro.track import chosen, copied
from tests.track import stores


@pytest.fixture
def ran(paper: Any, git: Callable[..., str], repro: Any) -> tuple[Any, Path]:
    """A paper with the record and the run folder of its smoke config, and the folder."""
    assert repro("run", f"{paper.name}/smoke")[0] == 0
    (folder,) = (path for path in Path("runs", paper.name, "smoke").iterdir() if path.is_dir())
    return paper, folder


def test_a_run_and_its_record_are_one_run_with_the_same_results(ran: tuple[Any, Path]) -> None:
    paper, folder = ran
    of_run = copied.of_run(folder)
    (of_paper,) = chosen.named([paper.name])
    assert of_run.id == of_paper.id and of_run.results == of_paper.results and of_run.settings == of_paper.settings
    assert (of_run.about["from"], of_paper.about["from"]) == ("run folder", "record")
    found = record.read(paper.records / "smoke-seed0.json")
    measured = found.measurements[0]
    assert of_run.results[f"result/{measured.test}/{measured.metric}"] == pytest.approx(measured.mean)
    assert of_run.about["commit"] == found.source["commit"] and "stale" not in of_paper.about


def test_each_name_means_the_runs_that_it_says(ran: tuple[Any, Path], repro: Any) -> None:
    paper, folder = ran
    path = paper.records / "smoke-seed0.json"
    for name, kind in (
        (f"{paper.name}/smoke-seed0", "run folder"),
        (str(folder), "run folder"),
        (str(path), "record"),
        (f"papers/{paper.name}", "record"),
    ):
        assert repro("track", name, "--to", "tensorboard", "--in", "out")[0] == 0
        (stored,) = stores.tensorboard(Path("out")).values()
        assert [one.about["from"] for one in stored] == [kind], name
    assert len(chosen.named([paper.name, f"{paper.name}/smoke-seed0", str(path)])) == 1
    (folder / "run.json").unlink()
    folder.rename(folder.with_name("elsewhere"))
    assert [one.about["from"] for one in chosen.named([f"{paper.name}/smoke-seed0"])] == ["record"]


def test_a_paper_has_the_runs_without_a_record_too(ran: tuple[Any, Path], repro: Any) -> None:
    paper, _ = ran
    (paper.records / "smoke-seed0.json").unlink()
    assert [one.about["from"] for one in chosen.named([paper.name])] == ["run folder"]
    assert repro("run", f"{paper.name}/smoke", "--set", "trainers.Supervised.steps = 3")[0] == 0
    runs = chosen.named([paper.name])
    assert sorted(one.settings["trainers.Supervised.steps"] for one in runs) == [2, 3]
    assert len({one.id for one in runs}) == 2


def test_a_stale_record_is_marked(ran: tuple[Any, Path], git: Callable[..., str]) -> None:
    paper, _ = ran
    with (paper.folder / "model.py").open("a") as file:
        file.write("\nMORE = 1\n")
    git("commit", "-qam", "changed")
    (one,) = chosen.named([str(paper.records / "smoke-seed0.json")])
    assert "stale" in one.about and "stale" in one.tags


def test_a_running_run_is_named_with_how_to_add_the_rest(ran: tuple[Any, Path], repro: Any) -> None:
    paper, folder = ran
    with lock.held(folder):
        code, out, err = repro("track", folder, "--to", "tensorboard")
    assert code == 0 and out.strip() == "trackers/tensorboard" and f"still running: {paper.name}/smoke-seed0" in err


@pytest.mark.parametrize("content", [None, b"\xff", b"#" * 300_000], ids=["absent", "bytes", "large"])
def test_a_run_folder_without_its_config_is_refused(content: bytes | None, ran: tuple[Any, Path], refused: Any) -> None:
    _, folder = ran
    (folder / "config.gin").unlink()
    if content is not None:
        (folder / "config.gin").write_bytes(content)
    assert "config.gin" in refused("track", folder, "--to", "tensorboard")


def test_nothing_is_written_into_the_folder_of_a_paper(ran: tuple[Any, Path], refused: Any) -> None:
    """Each file there counts for its records."""
    paper, _ = ran
    before = sorted(paper.folder.rglob("*"))
    Path("link").symlink_to(paper.folder)
    for words in (
        ("track", paper.name, "--to", "tensorboard", "--in", paper.records),
        ("track", paper.name, "--to", "tensorboard", "--in", "link/new"),
        ("export", paper.name, "--as", "zip", "--to", paper.folder / "exports"),
        ("export", f"{paper.name}/smoke", "--torchscript", paper.folder / "a.pt"),
        ("watch", "log.jsonl", "--page", paper.folder / "drift.html"),
        ("serve", f"{paper.name}/smoke", "--log", paper.folder / "log.jsonl"),
    ):
        assert "folder of the paper" in refused(*words), words
    assert sorted(paper.folder.rglob("*")) == before


def test_a_wrong_name_is_one_line_with_the_nearest_one(ran: tuple[Any, Path], refused: Any) -> None:
    paper, folder = ran
    assert f"did you mean '{paper.name}/smoke-seed0'?" in refused(
        "track", f"{paper.name}/smok-seed0", "--to", "tensorboard"
    )
    assert "did you mean 'mlflow'?" in refused("track", paper.name, "--to", "mlfow")
    refused("track", folder.parent, "--to", "tensorboard")
    Path("a_file").write_text("")
    refused("track", paper.name, "--to", "tensorboard", "--in", "a_file")
    Path("other.json").write_text("{}")
    refused("track", "other.json", "--to", "tensorboard")
    assert not Path("trackers").exists()


def test_a_run_without_metrics_and_a_paper_without_runs_are_refused(paper: Any, refused: Any, repro: Any) -> None:
    assert f"repro run {paper.name}/smoke" in refused("track", paper.name, "--to", "tensorboard")
    folder = Path("runs", paper.name, "line", "01234567-seed0")
    folder.mkdir(parents=True)
    begun = {"digest": "d", "code": {}, "source": {}, "packages": {}, "outcome": "failed"}
    (folder / "run.json").write_text(json.dumps(begun))
    (folder / "config.gin").write_text("")
    assert "no metrics" in refused("track", folder, "--to", "tensorboard")
    code, _, err = repro("track", paper.name, "--to", "tensorboard")
    assert code == 2 and "left out" in err
    (folder / "metrics.jsonl").write_text("{}\n")
    assert "metrics.jsonl:1" in refused("track", folder, "--to", "tensorboard")
    (folder / "run.json").write_text("[]")
    refused("track", folder, "--to", "tensorboard")
