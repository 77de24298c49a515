"""The feature cache: what is a key of it, and that its arrays come back as they were."""

from __future__ import annotations

import functools
import json
import os
import pickle
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as arrays_of
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from repro.data import cache
from tests.conftest import CopiedPaper
from tests.features import MODULE, Features

GUIDE = Path(__file__).parents[2] / "docs/guide/mixtures.md"


@pytest.fixture
def features(paper: CopiedPaper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Features:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    return Features(paper, tmp_path / "data")


def test_it_is_computed_once_and_says_what_it_is(features: Features) -> None:
    first, again = (cache.arrays("abc", features.ramp, hop=64) for _ in range(2))
    assert features.builds() == 1
    assert first.keys() == again.keys() == {"ramp", "size"}
    assert first["ramp"].tolist() == again["ramp"].tolist() == [0, 1, 2, 3, 4] and first["size"] == 5
    (entry,) = features.entries()
    said = json.loads((entry / "entry.json").read_text())
    assert said["source"] == "abc" and said["build"] == f"{features.name}.ramp" and said["parameters"] == {"hop": 64}
    assert features.name in said["code"] and "numpy" in said["packages"]
    assert said["arrays"]["ramp"]["shape"] == [5] and said["arrays"]["ramp"]["dtype"] == "float32"


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "a", "1"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=3,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=anything, other=anything)
def test_another_parameter_is_another_key(features: Features, one: Any, other: Any) -> None:
    """Whether given as a parameter or bound by a partial."""
    for build in (
        lambda value: (features.ramp, {"x": value}),
        lambda value: (functools.partial(features.ramp, value), {}),
    ):
        keys = [json.dumps(cache.describe("abc", *build(value)), sort_keys=True) for value in (one, other)]
        assert (keys[0] == keys[1]) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


def test_another_source_function_or_array_is_another_entry(features: Features) -> None:
    ones, twos = np.ones(5, np.float32), 2 * np.ones(5, np.float32)
    for source in ("abc", "abd"):
        for weights in (ones, ones.astype(np.float64), twos, ones[:4]):
            found = cache.arrays(source, functools.partial(features.ramp, len(weights), weights=weights))["ramp"]
            assert found[1] == float(weights[0])
    assert len(features.entries()) == features.builds() == 8
    cache.arrays("abc", functools.partial(features.ramp, 5, weights=torch.from_numpy(ones)))
    assert features.builds() == 8


def test_a_dataset_counts_by_its_fingerprint_and_a_path_not_at_all(features: Features) -> None:
    class Data:
        def __init__(self, content: str) -> None:
            self.fingerprint = lambda: content

    def key(*values: Any) -> str:
        return json.dumps(cache.describe("abc", functools.partial(features.ramp, *values), {}))

    assert key(Data("one")) == key(Data("one")) != key(Data("two"))
    assert key(Path("here")) == key(Path("there")) != key(Path("here"), 1)


def test_another_code_is_another_entry_and_a_comment_is_none(features: Features) -> None:
    plain = cache.arrays("abc", features.ramp)["ramp"].tolist()
    features.written("# said of it\n" + MODULE)
    assert cache.arrays("abc", features.ramp)["ramp"].tolist() == plain and features.builds() == 1
    features.written(MODULE.replace("scale * weights", "3 * scale * weights"))
    assert cache.arrays("abc", features.ramp)["ramp"].tolist() == [3 * value for value in plain]
    assert features.builds() == len(features.entries()) == 2
    features.written(MODULE)
    assert cache.arrays("abc", features.ramp)["ramp"].tolist() == plain and features.builds() == 2


def test_what_the_module_imports_counts_too(features: Features) -> None:
    scale = features.paper.folder / "scale.py"
    scale.write_text("SCALE = 1")
    before = cache.describe("abc", features.ramp, {})
    features.written(f"from papers.{features.paper.name}.scale import SCALE\n{MODULE}")
    imported = cache.describe("abc", features.ramp, {})
    scale.write_text("SCALE = 2")
    after = cache.describe("abc", features.ramp, {})
    assert before["code"].keys() < imported["code"].keys() == after["code"].keys() and imported != after


def test_other_packages_are_another_entry(features: Features, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.arrays("abc", features.ramp)
    monkeypatch.setattr(cache, "_packages", lambda: {"numpy": "1.0"})
    cache.arrays("abc", features.ramp)
    assert features.builds() == 2


def test_code_that_was_edited_since_is_not_kept(features: Features, caplog: pytest.LogCaptureFixture) -> None:
    """What is in memory may be what the file was before: under the key of the new file it would be out of date."""
    path = features.paper.folder / "features.py"
    path.write_text(MODULE.replace("scale * weights", "3 * weights"))
    os.utime(path, (cache.BEGAN + 1, cache.BEGAN + 1))
    assert cache.arrays("abc", features.ramp)["ramp"].tolist() == [0, 1, 2, 3, 4]
    assert features.entries() == [] and "features.py was edited after this process started" in caplog.text


any_array = arrays_of.arrays(
    st.sampled_from(["f4", "f8", "c8", "i2", ">i4", "u1", "?", "U3", "M8[s]"]),
    arrays_of.array_shapes(min_dims=0, min_side=0),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(made=st.dictionaries(st.sampled_from(["one", "two-2"]), any_array, max_size=2))
def test_arrays_come_back_bit_for_bit(features: Features, made: dict[str, np.ndarray[Any, Any]]) -> None:
    for _ in range(2):
        found = cache.arrays("abc", functools.partial(features.given, made))
        assert found.keys() == made.keys()
        for name, array in made.items():
            assert found[name].dtype == array.dtype and found[name].shape == array.shape
            assert found[name].tobytes() == array.tobytes()


def test_a_mapped_array_can_be_written_to_and_the_file_cannot(features: Features) -> None:
    one, other = (cache.arrays("abc", features.ramp)["ramp"] for _ in range(2))
    torch.from_numpy(one)[:] = -1
    assert one.tolist() == [-1] * 5 and other.tolist() == [0, 1, 2, 3, 4]
    assert cache.arrays("abc", features.ramp)["ramp"].tolist() == [0, 1, 2, 3, 4] and features.builds() == 1


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])  # each imports torch
def test_workers_share_what_is_mapped(features: Features, method: str) -> None:
    mapped = cache.arrays("abc", functools.partial(features.ramp, 100_000))["ramp"]
    assert len(pickle.dumps(mapped)) < 400 < len(pickle.dumps(mapped[:100]))
    assert pickle.loads(pickle.dumps(mapped[3:6])).tolist() == [3, 4, 5]
    assert pickle.loads(pickle.dumps(mapped + 1))[:2].tolist() == [1, 2]
    loader = DataLoader(mapped, sampler=range(8), batch_size=None, num_workers=2, multiprocessing_context=method)
    assert list(loader) == list(range(8))
    assert features.builds() == 1


def test_what_cannot_be_followed_is_refused(features: Features) -> None:
    for build in (lambda: {}, features.Owner().method, len):
        with pytest.raises(TypeError, match=r"not a function at the top level|not in a module of a"):
            cache.arrays("abc", build)
    with pytest.raises(TypeError, match=r"test_cache\.here is not in a module of a paper or of a part package"):
        cache.arrays("abc", here)
    with pytest.raises(TypeError, match=r"features\.ramp is given <object .*which cannot be part of the key"):
        cache.arrays("abc", functools.partial(features.ramp, object()))
    with pytest.raises(TypeError, match="cannot be part of the key"):
        cache.arrays("abc", features.ramp, kinds={1: "a"})


def here() -> dict[str, np.ndarray[Any, Any]]:
    return {}


def test_what_is_no_dict_of_arrays_is_refused(features: Features) -> None:
    for made, said in (
        (np.zeros(3), "returned ndarray; expected a dict of arrays"),
        ({"a": np.zeros(1), "A": np.zeros(1)}, "with different names"),
        ({"../up": np.zeros(1)}, r"an array called '\.\./up'; expected letters"),
    ):
        with pytest.raises(TypeError, match=said):
            cache.arrays("abc", functools.partial(features.given, made))
    for value in (3.0, np.array([None])):
        with pytest.raises(TypeError, match="returned 'a', not an array of numbers or texts"):
            cache.arrays("abc", functools.partial(features.other, isinstance(value, float)))
    assert features.entries() == []


def test_the_guide_is_executed(features: Features, tmp_path: Path) -> None:
    """docs/guide/mixtures.md: a list, a set on disk, a cached feature."""
    text = GUIDE.read_text(encoding="utf-8").replace("papers.my_paper", f"papers.{features.paper.name}")
    lists, disk, module, asking = (block.partition("\n```")[0] for block in text.split("```python\n")[1:])
    features.written(module)
    names: dict[str, Any] = {}
    exec("\n".join((lists, disk, asking)), names)
    assert len(names["listed"]) == len(names["again"]) == 20 and names["again"][3][1].shape[0] == 3
    heights = [1 + len(samples) // 128 for samples, _ in names["voices"]]
    assert names["features"]["log_magnitude"].shape == (sum(heights), 257) and len(features.entries()) == 1
