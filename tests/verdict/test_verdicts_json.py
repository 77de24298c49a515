"""verdicts.json and `repro verdict --check`, `--json`, `--data`; the ledger of causes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record, verdict
from repro.claim import paper as papers
from repro.record import Measurement, Record
from repro.verdict import verdicts_json
from repro.verdict.suspected_causes import ledger, unexplained
from tests.review.conftest import made

CONFIGS = ("line", "mean", "ten_steps", "ten_steps_fast", "ten_steps_all_points")


@pytest.fixture
def ran(paper: Any, git: Any, repro: Any) -> Any:
    """The copied template with one seed of each config, and claims that say that nothing in it is drawn."""
    text = (paper.folder / "paper.toml").read_text()
    paper.toml(text.replace('metric = "SquaredError"', 'metric = "SquaredError"\ndeterministic = true'))
    git("commit", "-qam", "claims of one seed")
    for name in CONFIGS:
        assert repro("run", f"papers/{paper.name}/configs/{name}.gin")[0] == 0
    return paper


def test_a_worse_verdict_fails_the_check(ran: Any, repro: Any, refused: Any) -> None:
    assert f"written by: repro verdict {ran.name} --write" in _no_file(ran, refused)
    assert repro("verdict", ran.name, "--write") == (0, f"papers/{ran.name}/records/verdicts.json\n", "")
    assert repro("verdict", ran.name, "--check") == (0, "", "repro: every verdict is the same as the committed one\n")
    record = next(ran.records.glob("line-seed0.json"))
    record.rename(record.with_suffix(".away"))
    code, out, _ = repro("verdict", ran.name, "--check")
    assert code == 1 and "worse: fit.error: reproduced -> not run (0 of 1 seeds of configs/line.gin)" in out
    committed = (ran.folder / "records/verdicts.json").read_text()
    (ran.folder / "records/verdicts.json").write_text(committed.replace('"reproduced"', '"not run"'))
    record.with_suffix(".away").rename(record)
    code, out, _ = repro("verdict", ran.name, "--check")
    assert code == 0 and "changed: fit.error: not run -> reproduced" in out, "better is no fault, but it is said"


def _no_file(ran: Any, refused: Any) -> str:
    (ran.folder / "records/verdicts.json").unlink(missing_ok=True)
    return str(refused("verdict", ran.name, "--check"))


def test_writing_names_uncommitted_code_that_makes_verdicts_stale(paper: Any, git: Any, repro: Any) -> None:
    for seed in range(3):
        record.write(made(paper, "line", seed), paper.records)
    (paper.folder / "tips.md").write_text("# Tips\n")
    assert repro("verdict", paper.name, "--write")[2] == ""
    path = paper.folder / "model.py"
    path.write_text(path.read_text() + "\nNEW = 1\n")
    code, out, err = repro("verdict", paper.name, "--write")
    assert (code, out) == (0, f"papers/{paper.name}/records/verdicts.json\n")
    assert err.count("\n") == 1 and f"papers/{paper.name}/model.py" in err and "tips.md" not in err


@pytest.mark.parametrize(("text", "words"), [
    ("{", "not valid JSON"), ("[]", "expected an object"), ('{"a": "reprodced"}', "did you mean 'reproduced'"),
])  # fmt: skip
def test_a_broken_file_is_one_line(paper: Any, refused: Any, text: str, words: str) -> None:
    (paper.folder / "records/verdicts.json").write_text(text)
    assert words in refused("verdict", paper.name, "--check")


def test_a_claim_that_is_gone_is_worse(ran: Any, repro: Any) -> None:
    repro("verdict", ran.name, "--write")
    head, _, _ = (ran.folder / "paper.toml").read_text().partition("[[cause]]")
    ran.toml(head.replace("fit.ten-steps", "fit.10-steps"))
    code, out, _ = repro("verdict", ran.name, "--check")
    assert code == 1 and "worse: fit.ten-steps: not reproduced -> no such claim" in out
    assert "changed: fit.10-steps: new -> not reproduced" in out


def test_the_json_is_what_the_guide_says(ran: Any, repro: Any) -> None:
    """Every key that is documented is there, and no other."""
    found = json.loads(repro("verdict", ran.name, "--json")[1])
    guide = (Path(__file__).parents[2] / "docs" / "guide" / "claims.md").read_text(encoding="utf-8")
    told = guide.partition("## For programs")[2].partition("\n## ")[0]
    keys = {*found, *found["verdicts"][0], *found["verdicts"][0]["evidence"][0], *found["ledger"][0]}
    assert {key for key in keys if f"`{key}`" not in told} == set()
    assert (found["format"], found["paper"]) == (verdicts_json.FORMAT, ran.name)
    assert {row["claim"]: row["outcome"] for row in found["verdicts"]} == {
        "fit.error": "reproduced", "fit.beats-mean": "reproduced", "fit.ten-steps": "not reproduced"}  # fmt: skip


def test_the_ledger_measures_what_each_cause_does(ran: Any, repro: Any) -> None:
    fast, all_points = json.loads(repro("verdict", ran.name, "--json")[1])["ledger"]
    assert (fast["claim"], fast["changes"], fast["outcome"]) == (
        "fit.ten-steps", "configs/ten_steps.gin", "reproduced")  # fmt: skip
    assert 0.9 < fast["share_of_gap"] < 1.1 and fast["effect"]["high"] < 0
    assert all_points["outcome"] == "not reproduced" and abs(all_points["share_of_gap"]) < 0.1
    said = repro("verdict", ran.name)[1]
    assert "cause  The paper does not state its learning rate" in said


def test_what_failed_without_a_cause_is_unexplained(paper: Any) -> None:
    identity = {"name": "SquaredError", "unit": "", "better": "lower"}
    records = [
        Record(paper.name, "ten_steps", seed, "d", [Measurement("test", "SquaredError", identity, [9.0, 9.1 + seed])])
        for seed in range(3)
    ]
    one = papers.read(paper.folder)
    judged = verdict.judge_all(one.claims, records)
    assert unexplained(one, judged) == [] and len(ledger(one, judged, records)) == 2
    bare = replace(one, causes=[])
    assert [claim.id for claim in unexplained(bare, judged)] == ["fit.ten-steps"]
    (entry, _) = ledger(one, judged, records)
    assert (entry.effect, entry.share, entry.after.outcome) == (None, None, "not run"), "its config has no record"


def test_records_made_on_other_data_are_stale_where_the_data_is_read_again(ran: Any, repro: Any) -> None:
    path = ran.records / "line-seed0.json"
    row = json.loads(path.read_text())
    assert repro("verdict", ran.name, "--data")[1].startswith("REPRODUCED  fit.error")
    path.write_text(json.dumps(row | {"data": row["data"] | {"test": "0" * 16}}))
    assert repro("verdict", ran.name)[1].startswith("REPRODUCED  fit.error"), "the data is not read by itself"
    out = repro("verdict", ran.name, "--data")[1]
    assert out.startswith("STALE  fit.error") and "changed since the record: data of test" in out


def test_data_that_cannot_be_had_is_said_and_the_rest_judged(
    ran: Any, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    ran.module("far", "from repro.registry import DATASETS\nfrom repro.data import store\n\n\n"
        "@DATASETS.register\nclass Far:\n    def __init__(self) -> None:\n        store.folder('far')\n")  # fmt: skip
    config = ran.folder / "configs" / "line.gin"
    config.write_text(f"import papers.{ran.name}.far\ninclude 'base.gin'\nexperiment.valid = @datasets.Far()\n")
    code, out, err = repro("verdict", ran.name, "--data")
    assert code == 0 and "the data of line could not be read again" in err and "no data set 'far'" in err
    assert out.startswith("STALE  fit.error"), "its config changed: that is known without the data"
    repro("verdict", ran.name, "--write")
    assert [repro("verdict", ran.name, "--check", *more)[0] for more in ((), ("--data",))] == [0, 1]


def test_configs_are_compared_setting_by_setting(paper: Any) -> None:
    from repro import config

    one = config.read(paper.config("one", "trainers.Supervised.batch_size = 7  # a comment\n"))
    other = config.read(paper.config("other", "# no more\ntorch.optim.SGD.lr = (  \n 0.5)\n"))
    assert config.differences(one, other) == [
        ("torch.optim.SGD.lr", "0.3", "(0.5)"), ("trainers.Supervised.batch_size", "7", "50")]  # fmt: skip
    assert config.differences(one, one) == []
