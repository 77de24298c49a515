"""`[[behaviour]]`: what is refused, when one holds, and that `repro verdict --check` guards it."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
import scipy.stats

from repro.claim import paper as papers
from repro.claim.behaviour import Behaviour
from repro.launch import goals
from repro.record import Measurement, Record
from repro.verdict.behaviours import judge_all
from tests.guide import blocks

NETWORK = """from torch import nn

from repro.registry import MODELS


@MODELS.register
class Network(nn.Sequential):
    def __init__(self, width: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))
"""
DIGITS = """import repro.datasets.digits
import repro.losses.standard
import repro.trainers.supervised
experiment.train = @train/datasets.Digits()
train/datasets.Digits.split = 'train'
test/datasets.Digits.split = 'test'
experiment.model = @models.Network()
models.Network.width = 64
experiment.loss = @losses.CrossEntropyLoss()
experiment.batch = 100
experiment.trainer = @trainers.Supervised()
trainers.Supervised.steps = 200
trainers.Supervised.batch_size = 50
trainers.Supervised.optimizer = @torch.optim.SGD()
torch.optim.SGD.lr = 0.3
"""


def record(seed: int, values: Any, metric: str = "Passed", better: str = "higher") -> Record:
    measured = Measurement("noise", metric, {"better": better}, [float(value) for value in values])
    return Record("paper", "b", seed, "digest", [measured], data={"noise": "the same"})


def behaviour(share: float, **given: Any) -> Behaviour:
    return Behaviour("b", "says", "invariance", "configs/b.gin", "noise", share, **given)


def outcome(share: float, rows: Any, **given: Any) -> str:
    records = [record(seed, row) for seed, row in enumerate(rows)]
    return judge_all([behaviour(share, seeds=len(rows), **given)], records)[0].outcome


def test_interval_of_a_share_is_between_0_and_1() -> None:
    records = [record(seed, [1] * (100 - wrong) + [0] * wrong) for seed, wrong in enumerate((0, 2, 3))]
    (verdict,) = judge_all([behaviour(0.9, seeds=3)], records)
    assert verdict.judged is not None and verdict.judged.interval.low < 0.97 < verdict.judged.interval.high == 1.0
    assert verdict.evidence == [verdict.judged]


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_it_holds_if_the_whole_interval_of_the_seeds_reaches_the_share(seeds: int) -> None:
    """Compared with Student's interval from scipy, because the items are fixed."""
    random = np.random.default_rng(seeds)
    found = set()
    for _ in range(60):
        rows = random.random((seeds, 200)) < random.normal(0.9, 0.02, (seeds, 1))
        shares = rows.mean(1)
        half = scipy.stats.t.ppf(0.975, seeds - 1) * shares.std(ddof=1) / seeds**0.5
        low, high = shares.mean() - half, shares.mean() + half
        wanted = "holds" if low >= 0.85 else "fails" if high < 0.85 else "inconclusive"
        found.add(wanted)
        assert outcome(0.85, rows) == wanted
    assert {"holds", "inconclusive"} <= found


@pytest.mark.parametrize("items", [3, 7, 10, 49, 50, 333])
def test_exactly_the_share_holds_and_one_item_less_fails(items: int) -> None:
    for passed in range(1, items + 1):
        row = [1] * passed + [0] * (items - passed)
        assert outcome(passed / items, [row] * 3) == "holds"
        if passed < items:
            assert outcome((passed + 1) / items, [row] * 3) == "fails"


def test_one_seed_says_nothing_about_other_trainings() -> None:
    (found,) = judge_all([behaviour(0.5)], [record(0, [1, 1])])
    assert found.outcome == "not run"
    assert outcome(0.5, [[1, 1]]) == "inconclusive"


@pytest.mark.parametrize(
    "records",
    [
        [record(seed, [1, 0.5]) for seed in range(2)],
        [record(seed, [1, 0], better="lower") for seed in range(2)],
        [record(0, [1, 0]), record(1, [1, 0, 1])],
    ],
    ids=["half an item", "lower is better", "other items"],
)
def test_what_is_no_share_is_not_comparable(records: list[Record]) -> None:
    assert judge_all([behaviour(0.5, seeds=2)], records)[0].outcome == "not comparable"


@pytest.fixture
def tested(paper: Any, git: Any) -> Any:
    """The copied template with the config and the behaviours of the guide, two seeds each."""
    paper.config("digits", f"import {paper.module('network', NETWORK)}\n{DIGITS}", "")
    paper.config("behaviour", blocks("behaviour", "text")[0].partition("\n")[2], "digits.gin")
    text = (paper.folder / "paper.toml").read_text(encoding="utf-8")
    paper.toml(text + blocks("behaviour", "toml")[0].replace("share =", "seeds = 2\nshare ="))
    git("add", "-A")
    git("commit", "-qm", "behaviours")
    return paper


WRONG = {
    "kind": ('kind = "invariance"', 'kind = "invariant"', "kind"),
    "share above 1": ("share = 0.9", "share = 90", "share"),
    "share of 0": ("share = 0.9", "share = 0", "share"),
    "no share": ("share = 0.9", "", "[[behaviour]]"),
    "one seed": ("seeds = 2", "seeds = 1", "seeds"),
    "no such config": ("configs/behaviour.gin", "configs/behavior.gin", "config"),
    "an id of a claim": ("same.noise", "fit.error", "[[behaviour]]"),
    "a strange id": ("same.noise", "same noise", "id"),
    "a key of a claim": ('test = "noise"', 'test = "noise"\nabove = 0.1', "above"),
    "no such test set": ('test = "noise"', 'test = "nose"', "[[behaviour]]"),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=[*WRONG])
def test_what_is_wrong_is_one_line_with_its_line(tested: Any, repro: Any, change: tuple[str, str, str]) -> None:
    before, after, key = change
    head, _, rest = (tested.folder / "paper.toml").read_text(encoding="utf-8").partition("[[behaviour]]")
    tested.toml(f"{head}[[behaviour]]{rest.replace(before, after, 1)}")
    first = head.count("\n") + 1
    lines = (tested.folder / "paper.toml").read_text(encoding="utf-8").splitlines()[first - 1 :]
    line = first + next(number for number, text in enumerate(lines) if text.split(" ")[0] == key)
    code, _, err = repro("todo", tested.name)
    assert code == 2 and len(err.splitlines()) == 1 and f"papers/{tested.name}/paper.toml:{line}: " in err, err


@pytest.mark.parametrize(("key", "right"), [('test = "nose"', "noise"), ('test = "noise"\nmetric = "Pased"', "Passed")])
def test_what_the_config_does_not_measure_is_refused_before_the_training(
    tested: Any, repro: Any, git: Any, key: str, right: str
) -> None:
    text = (tested.folder / "paper.toml").read_text(encoding="utf-8")
    tested.toml(text.replace('test = "noise"', key))
    git("commit", "-qam", "a typing error")
    code, _, err = repro("run", f"{tested.name}/behaviour")
    assert code == 2 and f"{tested.name}/paper.toml:" in err.splitlines()[-1] and f"'{right}'" in err


def test_the_runs_are_in_the_queue_and_in_the_plan(tested: Any, repro: Any) -> None:
    commands = [line for line in repro("todo", tested.name)[1].splitlines() if "behaviour.gin" in line]
    assert commands == [f"repro run papers/{tested.name}/configs/behaviour.gin --seed {seed}" for seed in (0, 1)]
    found, _ = goals.of_paper(papers.read(tested.folder), [])
    mine = [goal for goal in found if goal.claim == "same.noise"]
    assert len(mine) == 1 and mine[0].settles and len(mine[0].runs) == 2


def test_show_prints_a_behaviour_and_the_config_that_measures_it(tested: Any, repro: Any) -> None:
    for name in ("less.covered", f"{tested.name}/less.covered"):
        code, out, _ = repro("show", name)
        assert code == 0 and {"id less.covered", "share 0.7"} <= {" ".join(line.split()) for line in out.splitlines()}
    assert "# behaviour less.covered: " in repro("show", f"{tested.name}/behaviour")[1]
    assert "less.covered: If half" in repro("show", tested.name)[1]


def test_the_guide_is_executed_and_the_check_guards_it(tested: Any, repro: Any, git: Any) -> None:
    for seed in ("0", "1"):
        assert repro("run", f"{tested.name}/behaviour", "--seed", seed)[0] == 0
    shown = repro("verdict", tested.name)[1].splitlines()[-4:]
    assert list(map(_bare, shown)) == list(map(_bare, blocks("behaviour", "console")[0].splitlines()[1:])), shown
    told = {row["behaviour"]: row for row in json.loads(repro("verdict", tested.name, "--json")[1])["behaviours"]}
    assert [row["outcome"] for row in told.values()] == ["holds"] * 3 and told["same.noise"]["share"] == 0.9
    assert {row["evidence"][0]["seeds"] for row in told.values()} == {2}
    repro("verdict", tested.name, "--write")
    kept = json.loads((tested.records / "verdicts.json").read_text())
    assert {name: kept[name] for name in told} == dict.fromkeys(told, "holds")
    git("add", "-A")
    git("commit", "-qm", "records")
    assert repro("verdict", tested.name, "--check")[0] == 0
    _worse(tested, repro)


def _bare(line: str) -> str:
    """Without the measured share, which depends on the machine in its last items."""
    return re.sub(r"(?<=: )[\d.]+( \[.*\])? (?=\()", "", line)


def _worse(tested: Any, repro: Any) -> None:
    """A model that passes less than before, and a share that was changed after the record."""
    for path in tested.records.glob("behaviour-seed*.json"):
        row = json.loads(path.read_text())
        for found in row["measurements"]:
            if found["test"] == "hard":
                found["values"] = [0.0] * 5
        path.write_text(json.dumps(row))
    code, out, _ = repro("verdict", tested.name, "--check")
    assert code == 1 and "worse: again.hard: holds -> fails" in out
    text = (tested.folder / "paper.toml").read_text(encoding="utf-8")
    tested.toml(text.replace("share = 0.9", "share = 0.5"))
    code, out, _ = repro("verdict", tested.name, "--check")
    assert code == 1 and "worse: same.noise: changed after its record: share 0.9 -> 0.5" in out
