"""docs/guide/images.md: its config trains, its reader refuses what the table says, its loss and explanations run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gin
import numpy as np
import pytest
import torch
from PIL import Image

from repro import config
from repro.experiment import binding
from repro.losses.overlap import PixelCrossEntropy, SoftDice
from tests.guide import blocks, text

ROOT = Path(__file__).parents[2]


def defined(code: str) -> dict[str, Any]:
    """The names of a block whose class is not registered, because it would stay so."""
    names: dict[str, Any] = {"__name__": "guide"}
    exec(re.sub(r"^@[A-Z]+\.register\n", "", code, flags=re.MULTILINE), names)
    return names


def test_the_config_trains_and_outlines_the_shapes(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "paper.toml").touch()
    path = tmp_path / "configs" / "outline.gin"
    path.write_text(blocks("images", "text")[0], encoding="utf-8")
    torch.manual_seed(0)
    try:
        built = binding.build(config.read(path))
    finally:
        gin.clear_config()  # otherwise an experiment of a later test would have these parts
    built.fit(tmp_path / "run", 0)
    dice, iou = built.measure(lambda indices, name: indices)
    assert len(dice.values) == len(iou.values) == 30
    assert 0.5 < iou.mean < dice.mean


@pytest.fixture
def leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The reader of the guide and two images for it."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    monkeypatch.chdir(tmp_path)
    for name, pixels in (("images", np.zeros((16, 16, 3), np.uint8)), ("masks", np.eye(16, dtype=np.uint8) * 255)):
        (tmp_path / "leaves" / name).mkdir(parents=True)
        for number in range(2):
            Image.fromarray(pixels + number % 2 * (name == "images")).save(f"leaves/{name}/{number}.png")
    return defined(blocks("images", "py")[0])["Leaves"]


def test_the_reader_reads(leaves: Any) -> None:
    read = leaves(images=2)
    image, mask = read[1]
    assert image.shape == (3, 16, 16) and float(image[0, 0, 0]) == pytest.approx(1 / 255)
    assert mask.unique().tolist() == [-1, 0] and read.fingerprint() == leaves(images=2).fingerprint()


@pytest.mark.parametrize("row", range(5))
def test_the_reader_refuses_what_the_table_says(leaves: Any, row: int) -> None:
    path, masks = Path("leaves/images/1.png"), Path("leaves/masks/1.png")
    labels = np.zeros((16, 16), np.uint8)
    labels[2, 3] = 7
    faults: list[Any] = [
        lambda: path.write_bytes(b"not an image!"),
        lambda: Image.new("L", (16, 16)).save(path),
        lambda: Image.new("L", (8, 8)).save(masks),
        lambda: Image.fromarray(labels).save(masks),
        masks.unlink,
    ]
    faults[row]()
    said = re.findall(r"^\| an? .*?\| `(.*)` \|$|^\| no file \| `(.*)` \|$", text("images"), re.MULTILINE)
    with pytest.raises(Exception) as refused:
        leaves(images=2).fingerprint()
    assert str(refused.value).removeprefix(f"{Path.cwd()}/") == "".join(said[row])


def test_the_loss_is_its_formula_and_finite() -> None:
    made = defined(blocks("images", "py")[1])["CrossEntropyAndDice"]
    scores, mask = torch.randn(3, 2, 8, 8), torch.randint(-1, 2, (3, 8, 8))
    parts = PixelCrossEntropy()(scores, mask), SoftDice()(scores, mask)
    for share in (0.0, 0.25, 1.0):
        assert float(made(share)(scores, mask)) == pytest.approx(float((1 - share) * parts[0] + share * parts[1]))
    with pytest.raises(Exception, match="share"):
        made(share=float("nan"))
    value = made()(scores, torch.zeros_like(mask))
    assert bool(value.isfinite())


def test_the_classifier_is_explained(tmp_path: Path) -> None:
    """In a process of its own, as a reader runs it."""
    (tmp_path / "explain.py").write_text(blocks("images", "python")[0], encoding="utf-8")
    subprocess.run([sys.executable, str(tmp_path / "explain.py")], check=True, cwd=ROOT)
