"""Weights from a file: what is loaded, what stays random, and what is refused in one line."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from repro.errors import BadInput
from repro.models.image_classifiers import SmallCNN
from repro.models.weights import WithWeights


def tiny(classes: int = 2, seed: int = 0) -> SmallCNN:
    torch.manual_seed(seed)
    return SmallCNN(classes=classes, width=4, blocks=1)


def saved(path: Path, weights: Any) -> tuple[str, str]:
    """The path and the checksum of a file with `weights`."""
    save_file(weights, path) if path.suffix == ".safetensors" else torch.save(weights, path)
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.pth"])
def test_all_weights_are_those_of_the_file(tmp_path: Path, name: str) -> None:
    trained = tiny(seed=1)
    trained.features[1].running_mean += 1.0  # buffers too
    model = WithWeights(tiny(), *saved(tmp_path / name, trained.state_dict()))
    assert model.fresh == []
    found = model.model.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in trained.state_dict().items())
    images = torch.rand(2, 3, 8, 8)
    assert torch.equal(model.eval()(images), trained.eval()(images))


def test_a_file_is_found_from_a_folder_below(tmp_path: Path, monkeypatch: Any) -> None:
    _, checksum = saved(tmp_path / "a.safetensors", tiny(seed=1).state_dict())
    (tmp_path / "papers").mkdir()
    monkeypatch.chdir(tmp_path / "papers")
    assert WithWeights(tiny(), "a.safetensors", checksum).fresh == []


def test_the_weights_of_a_paper_are_found_from_every_folder(
    paper: Any, tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a replay needs it, which runs in a folder of its own."""
    (paper.folder / "weights").mkdir()
    _, checksum = saved(paper.folder / "weights" / "a.safetensors", tiny(seed=1).state_dict())
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert WithWeights(tiny(), f"papers/{paper.name}/weights/a.safetensors", checksum).fresh == []


@pytest.mark.parametrize("headless", [False, True])
def test_the_head_of_other_classes_stays_random_and_is_named(tmp_path: Path, headless: bool) -> None:
    trained = {name: value for name, value in tiny(seed=1).state_dict().items() if not headless or "head" not in name}
    before = tiny(classes=5)
    model = WithWeights(tiny(classes=5), *saved(tmp_path / "a.safetensors", trained))
    assert model.fresh == ["head.bias", "head.weight"]
    assert torch.equal(model.model.head.weight, before.head.weight)
    assert torch.equal(model.model.features[0].weight, trained["features.0.weight"])


def renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.replace("features.0", "feature.0"): value for name, value in weights.items()}


def reshaped(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return weights | {"features.0.weight": torch.zeros(4, 1, 3, 3)}


def shortened(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in weights.items() if name != "features.1.bias"}


@pytest.mark.parametrize("change", [renamed, reshaped, shortened])
def test_other_names_and_shapes_are_refused(tmp_path: Path, change: Any) -> None:
    path, checksum = saved(tmp_path / "a.safetensors", change(tiny().state_dict()))
    with pytest.raises(BadInput) as refused:
        WithWeights(tiny(), path, checksum)
    assert refused.value.where == path
    if change is renamed:
        assert refused.value.nearest == "features.0.weight"


def test_a_head_of_other_classes_is_refused_without_a_head(tmp_path: Path) -> None:
    path, checksum = saved(tmp_path / "a.safetensors", tiny().state_dict())
    with pytest.raises(BadInput):
        WithWeights(tiny(classes=5), path, checksum, head="")


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_a_file_with_other_content_is_refused(tmp_path: Path, name: str) -> None:
    path, checksum = saved(tmp_path / name, tiny().state_dict())
    with pytest.raises(BadInput):
        WithWeights(tiny(), path, "0" * 64)
    content = Path(path).read_bytes()[:-40]
    Path(path).write_bytes(content)
    with pytest.raises(BadInput):
        WithWeights(tiny(), path, checksum)
    with pytest.raises(BadInput) as refused:
        WithWeights(tiny(), path, hashlib.sha256(content).hexdigest())
    assert refused.value.where == path


@pytest.mark.parametrize("content", [nn.Linear(2, 2), [1, 2], {"features.0.weight": "text"}])
def test_a_file_with_code_or_without_tensors_is_refused(tmp_path: Path, content: Any) -> None:
    path, checksum = saved(tmp_path / "a.pt", content)
    with pytest.raises(BadInput) as refused:
        WithWeights(tiny(), path, checksum)
    assert refused.value.where == path


@pytest.mark.parametrize("name", ["missing.safetensors", "missing.txt"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput) as refused:
        WithWeights(tiny(), str(tmp_path / name), "0" * 64)
    assert refused.value.where == str(tmp_path / name)


def test_a_wrong_head_or_model_is_refused(tmp_path: Path) -> None:
    path, checksum = saved(tmp_path / "a.pt", tiny().state_dict())
    for model, head, wrong in ((tiny(), "heads", "head"), (None, "head", "model")):
        with pytest.raises(BadInput) as refused:
            WithWeights(model, path, checksum, head)
        assert refused.value.parameter == wrong
