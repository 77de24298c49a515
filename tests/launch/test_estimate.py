"""How long runs take: the estimates from records, and how close they are for the records of this repository."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import repro.record as stored
from repro.claim import paper
from repro.config import digest
from repro.launch.estimate import Times, machine
from repro.record import Record

FACTOR = 1.5
BY_SEEDS, ALL = 0.9, 0.75
"""The least share of estimates within the factor, of the share of pairs of seeds that are."""
SPLITS = 10
CPU, OTHER = ({"processor": name, "accelerator": "none", "threads": 1} for name in ("one", "other"))


def text(model: str = "Net", data: str = "Digits", steps: int = 100, **more: object) -> str:
    rows = [f"{name.replace('__', '.')} = {value!r}" for name, value in more.items()]
    lines = [f"experiment.model = @models.{model}()", f"experiment.train = @datasets.{data}()"]
    return "\n".join([*lines, "experiment.trainer = @trainers.Fit()", f"trainers.Fit.steps = {steps}", *rows])


def done(
    name: str, seconds: float, config: str = "", seed: int = 0, where: dict[str, Any] = CPU, load: float = 0.0
) -> Record:
    config = config or text(name)
    cost = {"seconds": seconds, "training_seconds": seconds - load}
    return Record("p", name, seed, digest(config), [], config, environment=where, cost=cost)


def seconds(records: list[Record], config: str, **where: Any) -> float:
    found = Times(records).of("p", config, **where).seconds
    assert found is not None
    return found


@settings(max_examples=30)
@given(st.lists(st.floats(0.1, 1e5), min_size=1, max_size=9), st.randoms())
def test_other_seeds_decide_by_their_median(times: list[float], chance: random.Random) -> None:
    records = [done("Net", time, seed=seed) for seed, time in enumerate(times)] + [done("Other", 1e6)]
    chance.shuffle(records)
    found = Times(records).of("p", text())
    below = sum(time <= found.seconds * 1.000001 for time in times if found.seconds)
    above = sum(time >= found.seconds * 0.999999 for time in times if found.seconds)
    assert found.level == "seeds" and 2 * min(below, above) >= len(times)


@settings(max_examples=30)
@given(st.floats(1, 19), st.floats(0, 50), st.floats(1, 1000))
def test_only_the_training_grows_with_the_steps(times: float, load: float, training: float) -> None:
    steps = round(100 * times)
    found = seconds([done("Net", training + load, load=load)], text(steps=steps))
    assert found == pytest.approx(load + training * steps / 100, rel=1e-6)


def test_the_same_model_and_data_is_preferred_then_the_same_model() -> None:
    records = [done("Wide", 10, text("Net", Net__width=9)), done("Elsewhere", 100, text("Net", "Letters"))]
    records += [done("Another", 1000, text("Forest"))]
    assert seconds(records, text()) == pytest.approx(10)
    assert seconds(records[1:], text()) == pytest.approx(100)
    assert seconds(records[2:], text()) == pytest.approx(1000)


def test_of_similar_configs_the_nearest_values_decide() -> None:
    records = [done(f"w{width}", width, text(models__Net__width=width)) for width in (10, 100, 1000)]
    assert seconds(records, text(models__Net__width=150)) == pytest.approx(100)


def test_a_short_smoke_run_is_not_the_measure_of_a_long_one() -> None:
    records = [done("smoke", 5, text(steps=4)), done("other", 300, text(data="Letters", steps=5000))]
    assert seconds(records, text(steps=6000)) == pytest.approx(360)


def test_a_run_on_other_data_is_better_evidence_than_a_far_shorter_one() -> None:
    records = [done("smoke", 5, text(steps=4)), done("proxy", 100, text(data="Letters", steps=200))]
    assert seconds(records, text(steps=6000)) == pytest.approx(3000)


@pytest.mark.parametrize(("name", "times"), [("folds", 5 / 10), ("acquisitions", 6 / 11), ("width", 1)])
def test_a_model_that_is_trained_several_times_takes_several_times_as_long(name: str, times: float) -> None:
    few, many = ({f"models__Net__{name}": value} for value in (5, 10))
    records = [done("few", 100, text(**few))]
    assert seconds(records, text(**many)) == pytest.approx(100 / times)


def test_without_a_record_of_these_parts_the_time_is_unknown_and_not_0() -> None:
    for records in ([], [done("Net", 10, text("Forest", "Trees"))], [replace(done("Net", 10), paper="q")]):
        found = Times(records).of("p", text())
        assert (found.seconds, found.level) == (None, "unknown")


@pytest.mark.parametrize(("shared", "expected"), [(3, 30.0), (2, 10.0)])
def test_three_configs_on_both_machines_compare_their_speed(shared: int, expected: float) -> None:
    """Every run takes three times as long on the other machine."""
    records = [done("Net", 10.0)]
    for number in range(shared):
        config = text(f"Model{number}", f"Data{number}")
        records += [done(f"m{number}", 5.0, config), done(f"m{number}", 15.0, config, where=OTHER)]
    found = Times(records).of("p", text(), machine(records[-1]))
    assert found.seconds == pytest.approx(expected) and found.converted
    assert not Times(records).of("p", text(), machine(records[0])).converted


def test_a_record_of_another_accelerator_is_the_last_resort() -> None:
    records = [done("Net", 1.0, where={**CPU, "accelerator": "GPU"}), done("Net", 80.0, text(models__Net__width=2))]
    assert seconds(records, text(), where=machine(records[1])) == pytest.approx(80)


def test_the_machine_is_the_one_that_computes_here() -> None:
    records = [replace(done("Net", 1.0), finished="2026-01-01"), done("Net", 2.0, where=OTHER)]
    records[1] = replace(records[1], finished="2026-02-02")
    times = Times(records)
    assert times.usual("one") == machine(records[0])
    assert times.usual("a third") == machine(records[1]), "the newest"


Row = tuple[Record, float | None, str]


def held_back(records: list[Record]) -> Iterator[Row]:
    """A third of the records at random, several times, with their time estimated from the others."""
    for seed in range(SPLITS):
        mixed = random.Random(seed).sample(records, len(records))
        hidden = mixed[: len(mixed) // 3]
        times = Times(mixed[len(hidden) :])
        for one in hidden:
            found = times.of(one.paper, one.text, machine(one))
            yield one, found.seconds, found.level


def close(one: float | None, other: float) -> bool:
    return one is not None and max(one / other, other / one) <= FACTOR


def share(rows: list[Row]) -> float:
    return sum(close(found, one.cost["seconds"]) for one, found, _ in rows) / max(len(rows), 1)


def between_seeds(records: list[Record]) -> float:
    """The share of pairs of seeds of one config on one machine that are within the factor: no estimate is better."""
    held = defaultdict(list)
    for one in records:
        held[one.paper, one.digest, machine(one)].append(one.cost["seconds"])
    pairs = [close(*pair) for times in held.values() for pair in itertools.combinations(times, 2)]
    return sum(pairs) / max(len(pairs), 1)


def test_how_close_the_estimates_of_this_repository_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Two runs of one config differ on a busy machine: how often seeds agree is the most that an estimate can reach.

    The share within the factor depends on what else ran during the recorded runs, so it is compared with that limit.
    """
    records = [one for found in paper.every() for one in map(stored.read, stored.paths(found.folder))]
    records = [one for one in records if one.cost.get("seconds")]
    rows = list(held_back(records))
    groups = {f"from {least:2} s": [row for row in rows if row[0].cost["seconds"] >= least] for least in (0, 2, 10, 30)}
    levels = {
        f"by {level}": [row for row in rows if row[2] == level] for level in ("seeds", "config", "paper", "unknown")
    }
    with capsys.disabled():
        print(f"\n{'held back':12}  runs  within a factor of {FACTOR}")
        for name, mine in (groups | levels).items():
            print(f"{name:12}  {len(mine):4}  {share(mine):.0%}")
        print(f"{'two seeds':12}        {between_seeds(records):.0%}")
    assert len(rows) > 5 * len({one.stem for one in records}) / 3
    assert share(levels["by seeds"]) >= BY_SEEDS * between_seeds(records)
    assert share(rows) >= ALL * between_seeds(records)
