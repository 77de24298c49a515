"""Records: written in one step, in a fixed order, and stale as soon as what made them has changed."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro import config as configs
from repro import record as records
from repro import untrusted
from repro.errors import BadInput
from repro.record import Measurement, Record, code_digest, cores
from tests.conftest import trusted

SMALL = Record("p", "c", 3, "d", [Measurement("test", "M", {"unit": "dB", "name": "m"}, [1.0, 2.5])],
               code={"b": "1", "a": "2"}, cost={"seconds": 1.5}, curves={"train": [[1, 0.5]]})  # fmt: skip

TEXT = st.text(max_size=5).filter(lambda text: not untrusted.UNSEEN.search(text))  # others are refused
TEXTS = st.dictionaries(TEXT, st.one_of(st.none(), st.integers(1 - 10**18, 10**18 - 1), TEXT), max_size=3)
FINITE = st.floats(-records.LARGEST, records.LARGEST)
COSTS = st.dictionaries(TEXT, st.floats(0, records.LARGEST))


@settings(max_examples=40)
@given(st.builds(Record, st.sampled_from(["p", "a_paper"]), st.just("c"), st.integers(0, 9), TEXT,
                 st.lists(st.builds(Measurement, TEXT, TEXT, TEXTS.filter(bool),
                                    st.lists(FINITE, min_size=1, max_size=4)), max_size=3,
                          unique_by=lambda found: (found.test, found.metric)),
                 text=TEXT, cost=COSTS, examples=st.lists(TEXTS, max_size=2)))  # fmt: skip
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, record: Record) -> None:
    path = records.write(record, tmp_path_factory.mktemp("records"))
    assert records.read(path) == record
    assert list(json.loads(path.read_text())) == sorted(json.loads(path.read_text()))


def test_the_order_of_keys_does_not_depend_on_the_writer(tmp_path: Path) -> None:
    other = replace(SMALL, code=dict(sorted(SMALL.code.items())))
    assert list(other.code) != list(SMALL.code)
    assert records.write(SMALL, tmp_path / "one").read_bytes() == records.write(other, tmp_path / "two").read_bytes()


def test_a_change_of_one_number_is_a_change_of_one_line(tmp_path: Path) -> None:
    more = [*SMALL.measurements, Measurement("test", "N", {}, [1.0])]
    changed = [*SMALL.measurements, Measurement("test", "N", {}, [2.0])]
    one, two = (
        records.write(replace(SMALL, measurements=rows), tmp_path / name).read_text().splitlines()
        for name, rows in (("one", more), ("two", changed))
    )
    assert len(one) == len(two) and sum(a != b for a, b in zip(one, two, strict=True)) == 1


def test_staleness_is_not_stored(tmp_path: Path) -> None:
    assert records.read(records.write(replace(SMALL, stale="model"), tmp_path)).stale == ""


def test_a_write_that_fails_leaves_the_old_record_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = records.write(SMALL, tmp_path)
    with pytest.raises(TypeError):
        records.write(replace(SMALL, cost={"seconds": object()}), tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name], "nothing half written lies about"

    def broken(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(OSError, match="full"):
        records.write(replace(SMALL, digest="new"), tmp_path)
    assert records.read(path) == SMALL
    assert list(tmp_path.glob("*.json")) == [path], "what the reader lists is whole"


def test_a_reader_never_sees_half_a_record(tmp_path: Path) -> None:
    big = replace(SMALL, curves={"train": [[float(step), 0.5] for step in range(5_000)]})
    path = records.write(big, tmp_path)
    done = threading.Event()

    def write() -> None:
        for _ in range(10):
            records.write(big, tmp_path)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set() or not reads:
        assert len(json.loads(path.read_text())["curves"]["train"]) == 5_000
        reads += 1
    writer.join()


@pytest.mark.parametrize(("text", "words"), [
    ("{", "not a record"), ("[]", "not a record"), ('{"format": 99}', "not a record of format 1"),
    ('{"format": 1}', "not a record"), ('{"format": 1, "measurements": [], "color": 1}', "not a record"),
])  # fmt: skip
def test_a_file_that_is_no_record_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(BadInput, match=rf"x\.json(:1)?: .*{words}"):
        records.read(tmp_path / "x.json")


@pytest.mark.parametrize(("values", "place"), [
    ([], ""), (["a"], "'measurements[0].values[0]'"), ([1.0, float("nan")], ""), ([float("inf")], ""), ([1e308], ""),
    ("abc", "'measurements[0].values'"), (None, "'measurements[0].values'"),
    ({}, "'measurements[0].values.items'"),
    ({"items": 1, "usual": "a", "others": {}}, "'measurements[0].values.usual'"),
    ({"items": 2, "usual": 1, "others": {"x": [0]}}, "'measurements[0].values.others'"),
    ({"items": 2, "usual": 1, "others": {"0": [2]}}, "'measurements[0].values.others.0'"),
    ({"items": 2, "usual": 1, "others": {"0": ["1"]}}, "'measurements[0].values.others.0[0]'"),
])  # fmt: skip
def test_values_edited_by_hand_are_refused(tmp_path: Path, values: Any, place: str) -> None:
    measured = {"test": "t", "metric": "m", "identity": {"name": "m"}, "values": values}
    row = {"format": 1, "paper": "p", "config": "c", "seed": 0, "digest": "", "measurements": [measured]}
    (tmp_path / "c-seed0.json").write_text(json.dumps(row))
    with pytest.raises(BadInput) as caught:
        records.read(tmp_path / "c-seed0.json")
    assert caught.value.where.split(":")[0].endswith("c-seed0.json") and place in caught.value.what


def test_a_number_that_is_none_is_not_written(tmp_path: Path) -> None:
    found = Record("p", "c", 0, "", [Measurement("t", "m", {}, [float("nan")])])
    with pytest.raises(ValueError, match="not JSON compliant"):
        records.write(found, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def fresh(paper: Any) -> Any:
    """A paper with a record of smoke.gin and one of mean.gin, as a run would leave them."""
    for name in ("smoke", "mean"):
        config = configs.read(paper.folder / "configs" / f"{name}.gin")
        made = replace(SMALL, paper=paper.name, config=name, digest=config.digest, text=config.text)
        records.write(trusted(replace(made, code=code_digest.code(config))), paper.records)
    return paper


def stale(paper: Any) -> dict[str, str]:
    found = records.of_paper(paper.folder)
    return {one.config: one.stale.removeprefix("changed since the record: ") for one in found}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_record_is_fresh_until_something_changes(fresh: Any) -> None:
    assert stale(fresh) == {"smoke": "", "mean": ""}


@pytest.mark.parametrize(("name", "old", "new"), [
    ("configs/base.gin", "# Settings of all experiments.", "# Other words."),
    ("configs/smoke.gin", "include", "\n# x\ninclude"),
    ("model.py", "A linear model", "Another docstring"), ("model.py", "import torch\n", "import torch\n\n# why\n"),
    ("model.py", "Equation 1", "Equation 7"), ("metric.py", "import torch\n", "import torch  # why\n"),
])  # fmt: skip
def test_remarks_leave_a_record_fresh(fresh: Any, name: str, old: str, new: str) -> None:
    edit(fresh.folder / name, old, new)
    assert stale(fresh) == {"smoke": "", "mean": ""}


def test_a_changed_config_is_named_and_stales_its_own_record_only(fresh: Any) -> None:
    edit(fresh.folder / "configs" / "mean.gin", "= False", "= True")
    assert stale(fresh) == {"smoke": "", "mean": "configs/mean.gin"}
    edit(fresh.folder / "configs" / "base.gin", "SGD.lr = 0.3", "SGD.lr = 0.2")
    assert stale(fresh) == {"smoke": "configs/smoke.gin", "mean": "configs/mean.gin"}


def older(paper: Any) -> None:
    """Give each record the digest that records held at first: of the text, not of what it binds."""
    for path in paper.records.glob("*-seed*.json"):
        found = records.read(path)
        records.write(
            replace(found, digest=hashlib.sha256(configs._bare(found.text).encode()).hexdigest()), path.parent
        )


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(("old", "new"), [
    ("torch.optim.SGD.lr = 0.3", "torch.optim.SGD.lr = 3e-1"),
    ("torch.optim.SGD.lr = 0.3", "torch.optim.SGD.lr = 0.2\ntorch.optim.SGD:\n  lr = 0.3"),
])  # fmt: skip
def test_a_config_written_otherwise_leaves_its_records_fresh(fresh: Any, before: bool, old: str, new: str) -> None:
    if before:
        older(fresh)
    edit(fresh.folder / "configs" / "base.gin", old, new)
    assert stale(fresh) == {"smoke": "", "mean": ""}
    edit(fresh.folder / "configs" / "base.gin", new, "torch.optim.SGD.lr = 0.31")
    assert all(stale(fresh)[name].endswith(f"configs/{name}.gin") for name in ("smoke", "mean"))


@pytest.mark.parametrize("changed", [{"text": ""}, {"digest": "0" * 64}, {"text": "models.Line.slope = True\n"}])
def test_a_text_that_is_not_of_its_digest_makes_a_record_stale(fresh: Any, changed: Any) -> None:
    """The digest of the present config beside another text, or that text beside another digest, is a forgery."""
    path = fresh.records / "smoke-seed3.json"
    records.write(replace(records.read(path), **changed), fresh.records)
    assert stale(fresh)["smoke"].endswith("the text of the record (it does not match its digest)")


def test_changed_code_is_named(fresh: Any) -> None:
    edit(fresh.folder / "model.py", "self.slope * x", "self.slope * x + 0")
    module = f"papers.{fresh.name}.model"
    assert stale(fresh) == {"smoke": module, "mean": module}
    edit(fresh.folder / "loss.py", ".mean()", ".sum()")
    assert stale(fresh)["smoke"] == f"papers.{fresh.name}.loss, {module}"


def test_a_config_that_is_gone_is_named(fresh: Any) -> None:
    (fresh.folder / "configs" / "mean.gin").unlink()
    assert "configs/mean.gin is gone" in stale(fresh)["mean"] and stale(fresh)["smoke"] == ""


@settings(max_examples=60)
@given(st.lists(st.sampled_from([0.0, 1.0, 100.0, -0.5, 1e-9, 7.0]), min_size=1, max_size=250), st.integers(0, 250))
def test_values_that_are_nearly_all_equal_are_kept_whole(
    tmp_path_factory: pytest.TempPathFactory, others: list[float], usual: int
) -> None:
    record = replace(SMALL, measurements=[Measurement("test", "M", {"name": "M"}, [*others, *[1.0] * usual])])
    assert records.read(records.write(record, tmp_path_factory.mktemp("records"))) == record


def test_a_classification_of_many_items_is_a_small_record(tmp_path: Path) -> None:
    """Written as which items were wrong: 10,000 items of 1 % error in under a kilobyte."""
    values = [100.0 if item % 100 == 7 else 0.0 for item in range(10_000)]
    path = records.write(replace(SMALL, measurements=[Measurement("test", "M", {"name": "M"}, values)]), tmp_path)
    assert path.stat().st_size < 1500
    assert json.loads(path.read_text())["measurements"][0]["values"]["others"]["100.0"][:2] == [7, 107]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=64), st.integers(100, 300), st.randoms())
def test_values_of_few_levels_are_kept_whole(
    tmp_path_factory: pytest.TempPathFactory, levels: list[float], items: int, random: Any
) -> None:
    values = [random.choice(levels) for _ in range(items)]
    record = replace(SMALL, measurements=[Measurement("test", "M", {"name": "M"}, values)])
    assert records.read(records.write(record, tmp_path_factory.mktemp("records"))) == record


def test_a_metric_of_a_whole_test_set_has_one_letter_per_item(tmp_path: Path) -> None:
    values = [0.97 + 0.001 * (item * item % 61) for item in range(25_000)]
    path = records.write(replace(SMALL, measurements=[Measurement("test", "M", {"name": "M"}, values)]), tmp_path)
    assert path.stat().st_size < 27_000


@pytest.mark.parametrize("values", [
    {"levels": [1.0], "letters": "ab"}, {"levels": [1.0]}, {"letters": "a"}, {"levels": ["1"], "letters": "a"},
    {"levels": [1.0], "letters": ["a"]}, {"levels": [1.0], "letters": ""},
    {"levels": [1.0], "letters": "a", "items": 1},
    {"items": 3, "usual": 0.0, "others": {"1.0": [3]}}, {"items": 3, "usual": 0.0, "others": {"one": [0]}},
    {"items": 3, "others": {}}, {"items": "3", "usual": 0.0, "others": {}}, {"items": 3, "usual": "0", "others": {}},
    {"items": 3, "usual": 0.0, "others": [1]}, {"items": -1, "usual": 0.0, "others": {}},
    {"items": 10**15, "usual": 0.0, "others": {}}, {"items": 3, "usual": 0.0, "others": {"1.0": [-1]}},
])  # fmt: skip
def test_a_spoilt_short_form_of_values_is_refused(tmp_path: Path, values: Any) -> None:
    path = records.write(SMALL, tmp_path)
    row = json.loads(path.read_text())
    row["measurements"][0]["values"] = values
    path.write_text(json.dumps(row))
    with pytest.raises(BadInput, match=r"not a record"):
        records.read(path)


@pytest.mark.parametrize(("key", "value", "place"), [
    ("seed", -1, "seed"), ("cost", {"seconds": -1}, "cost.seconds"), ("finished", "yesterday", "finished"),
    ("environment", {"threads": 0}, "environment.threads"),
    ("measurements", [{"test": "t", "metric": "m", "identity": {}, "values": [1]}], "measurements[0].identity"),
])  # fmt: skip
def test_a_field_that_no_run_writes_is_refused(tmp_path: Path, key: str, value: Any, place: str) -> None:
    measured = {"test": "t", "metric": "m", "identity": {"name": "m"}, "values": [1]}
    row = {"format": 1, "paper": "p", "config": "c", "seed": 0, "digest": "", "measurements": [measured], key: value}
    (tmp_path / "c-seed0.json").write_text(json.dumps(row))
    with pytest.raises(BadInput) as caught:
        records.read(tmp_path / "c-seed0.json")
    assert caught.value.what.startswith(f"not a record: '{place}' is ") and caught.value.expected


def test_records_of_one_core_ask_once_whether_it_gives_the_same_numbers(
    fresh: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(cores, "find", lambda core, commit: asked.append(core))
    for name, core in (("smoke", "1" * 16), ("mean", "2" * 16)):
        one = records.read(fresh.records / f"{name}-seed3.json")
        for seed in range(4):
            records.write(replace(one, seed=seed, core=core), fresh.records)
    assert all("another core" in one.stale for one in records.of_paper(fresh.folder))
    assert sorted(asked) == ["1" * 16, "2" * 16]
