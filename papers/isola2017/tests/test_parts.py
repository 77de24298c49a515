"""The generator, real images in its place, labels to images, the measures without a judge, and the configs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from papers.isola2017.dataset import LabelsToImages
from papers.isola2017.metric import HistogramIntersection, PixelDistance
from papers.isola2017.model import RealImages, TranslationUNet
from repro import config
from repro.datasets.augmented import Augmented, Crop
from repro.datasets.cells import Cells
from repro.errors import BadInput
from repro.experiment import binding
from repro.metrics.fcn_score import FCNScore
from repro.models.patch_discriminator import PatchDiscriminator
from repro.models.unet import UNet
from repro.testing import check_dataset, check_metric, check_model, needs

FOLDER = Path(__file__).parents[1]
CONFIGS = sorted((FOLDER / "configs").glob("*.gin"))
RANGE = re.compile(r"(train|valid|test)/datasets\.Membranes\.(first|last) = (\d+)")


def labels(count: int = 2, size: int = 32) -> Tensor:
    return torch.randint(0, 2, (count, 1, size, size), generator=torch.Generator().manual_seed(0)).float()


def small(**given: Any) -> TranslationUNet:
    torch.manual_seed(0)
    model = TranslationUNet(**{"width": 4, "depth": 3, "noisy": 1, **given})
    for parameter in model.parameters():  # as after some training: the first weights make nearly constant images
        nn.init.normal_(parameter, std=0.3)
    return model


def test_contracts() -> None:
    source = LabelsToImages(Cells(count=3, size=32))
    check_dataset(source)
    check_model(small(), labels())
    check_metric(PixelDistance(), torch.rand(1, 8, 8), torch.rand(1, 8, 8), None)
    check_metric(HistogramIntersection(), torch.rand(1, 8, 8), torch.rand(1, 8, 8), None)


def test_labels_and_image_are_those_of_the_source_turned_round() -> None:
    source = Augmented(Cells(count=3, size=48), [Crop(size=32)])
    turned = LabelsToImages(source)
    for epoch in (0, 1):
        turned.set_epoch(epoch)
        image, mask = source[1]
        given, target = turned[1]
        assert torch.equal(given[0].long(), mask) and torch.equal(target, image)


@pytest.mark.parametrize(
    "item",
    [
        (torch.rand(3, 8, 8), torch.zeros(8, 8)),
        (torch.rand(1, 8, 8), 1),
        (torch.rand(1, 8, 8), torch.zeros(8, 9)),
        (torch.rand(1, 8, 8), torch.full((8, 8), 2)),
        (torch.rand(1, 8, 8), torch.full((8, 8), -1)),
    ],
)
def test_other_sources_are_refused(item: Any) -> None:
    with pytest.raises(BadInput):
        LabelsToImages([item])[0]


def test_the_pictures_are_labels_real_generated_and_the_answer_of_the_judge(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = LabelsToImages(Cells(count=1, size=32), judge=UNet(1, 2, 1, 2))
    given, image = source[0]
    panels = source.illustrate(given, image, torch.rand(1, 32, 32), tmp_path / "test-0")
    assert [panel["label"] for panel in panels] == [
        "labels",
        "real",
        "generated",
        "the judge's answer",
        "difference",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {panel["image"] for panel in panels}
    assert panels[3]["over"] == panels[2]["image"]
    alone = LabelsToImages(Cells(count=1, size=32)).illustrate(given, image, given, tmp_path / "test-1")
    assert len(alone) == 3


def test_real_images_have_the_answers_of_the_judge_to_them() -> None:
    """The row "Ground truth": the score of `RealImages` is that of the judge on the images themselves."""
    torch.manual_seed(0)
    source = LabelsToImages(Cells(count=3, size=32))
    model, metric = RealImages(source), FCNScore("iou", UNet(1, 2, 1, 2), "none")
    for given, image in (source[index] for index in range(3)):
        found = model(given[None])[0]
        assert torch.equal(found, image)
        assert np.array_equal(metric(found, image, given), metric(image, image, given))


def test_real_images_of_unknown_or_ambiguous_labels_are_refused() -> None:
    source = LabelsToImages(Cells(count=2, size=32))
    with pytest.raises(BadInput):
        RealImages(source)(1 - source[0][0][None])
    with pytest.raises(BadInput):
        RealImages([source[0], source[0]])


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (5, 8), (1, 1)])
def test_images_of_any_size_have_values_from_0_to_1(size: tuple[int, int]) -> None:
    found = small().eval()(torch.rand(2, 1, *size)).detach()
    assert found.shape == (2, 1, *size) and found.isfinite().all()
    assert 0 <= float(found.min()) <= float(found.max()) <= 1


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_layers_are_those_of_the_paper(depth: int) -> None:
    """The channels double up to 8 times the width; a layer on the way back sees twice the channels, but the first."""
    model = TranslationUNet(width=2, depth=depth, noisy=1)
    widths = [2 * min(2**level, 8) for level in range(depth)]
    assert [layer.out_channels for layer in model.down] == widths
    assert [layer.out_channels for layer in model.up] == [*widths[-2::-1], 1]
    assert [layer.in_channels for layer in model.up] == [widths[-1], *(2 * wide for wide in widths[-2::-1])]


def test_the_skip_connections_carry_the_labels_around_the_bottleneck() -> None:
    """Without noise and with the bottleneck at 0, the image still depends on the labels."""
    model = small(dropout=0.0).eval()
    with torch.no_grad():
        for parameter in model.up[0].parameters():
            parameter.zero_()
        one, other = model(labels()[:1]), model(1 - labels()[:1])
    assert not torch.allclose(one, other, atol=1e-3)


def test_a_bottleneck_of_one_pixel_still_counts() -> None:
    model = small(dropout=0.0).eval()
    given = labels(size=8)[:1]
    assert model.down[-1](torch.rand(1, 8, 2, 2)).shape[-2:] == (1, 1)
    with torch.no_grad():
        before = model(given)
        model.down[-1].bias += 1.0
        assert not torch.allclose(model(given), before, atol=1e-4)


def test_the_noise_is_there_in_the_test_and_the_same_for_each_image() -> None:
    given = labels()
    model = small(dropout=0.5).eval()
    together, alone = model(given), torch.cat([model(one[None]) for one in given])
    assert torch.allclose(together, alone, atol=1e-6)
    assert torch.equal(together, model(given))
    without = small(dropout=0.0).eval()
    assert not torch.allclose(together, without(given), atol=1e-3)
    other = small(dropout=0.5, seed=1).eval()
    assert not torch.allclose(together, other(given), atol=1e-3)


def test_dropout_in_the_test_keeps_the_share_and_the_mean_of_that_in_training() -> None:
    model = small(dropout=0.25, width=400).eval()
    found = model._dropped(torch.ones(1, 400, 8, 8), 0)
    assert float((found == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(found.mean()) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("conditional", [True, False])
def test_only_the_conditional_discriminator_sees_whether_the_image_fits_the_labels(conditional: bool) -> None:
    torch.manual_seed(0)
    model = PatchDiscriminator(channels=1, given=1, width=4, depth=2, conditional=conditional).eval()
    images, given = torch.rand(2, 1, 32, 32), labels()
    assert torch.equal(model(images, given), model(images, 1 - given)) is not conditional


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("width", 0), ("width", 1.5), ("width", True), ("depth", 1), ("noisy", -1), ("noisy", 3), ("channels", 0)],
        *[("seed", -1), ("dropout", 1.0), ("dropout", -0.1), ("dropout", float("nan")), ("dropout", None)],
    ],
)
def test_wrong_parameters_of_the_generator_are_refused(name: str, value: Any) -> None:
    with pytest.raises(BadInput, match=name):
        TranslationUNet(**{"width": 4, "depth": 3, "noisy": 1, name: value})


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 8, 8), (2, 1, 0, 8)])
def test_labels_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput):
        small()(torch.zeros(shape))


def test_the_intersection_is_that_of_numpy_and_1_for_the_images_themselves() -> None:
    random = np.random.default_rng(0)
    generated, real = random.beta(2, 5, (6, 9, 9)), random.beta(5, 2, (6, 9, 9))
    metric = HistogramIntersection(bins=16)
    pairs = [[torch.from_numpy(one[None]).float() for one in pair] for pair in zip(generated, real, strict=True)]
    found = metric.contributions([metric(*pair, None) for pair in pairs])
    counts = [np.histogram(one.astype(np.float32), 16, (0, 1))[0] / one.size for one in (generated, real)]
    assert np.mean(found) == pytest.approx(np.minimum(*counts).sum(), abs=1e-6)
    itself = metric.contributions([metric(real, real, None) for _, real in pairs])
    assert np.mean(itself) == pytest.approx(1.0)


def test_the_spread_of_the_intersection_is_that_of_the_jackknife() -> None:
    random = np.random.default_rng(0)
    metric = HistogramIntersection(bins=8)
    given = [torch.from_numpy(random.beta(a, 3, (2, 1, 40, 40))).float() for a in random.uniform(1, 4, 40)]
    items = [metric(one, other, None) for one, other in given]
    without = [np.mean(metric.contributions(items[:left] + items[left + 1 :])) for left in range(len(items))]
    jackknife = np.sqrt((len(items) - 1) * np.var(without))
    assert np.std(metric.contributions(items), ddof=1) / np.sqrt(len(items)) == pytest.approx(jackknife, rel=0.2)


@pytest.mark.parametrize("metric", [PixelDistance(), HistogramIntersection()])
@pytest.mark.parametrize(
    "image", [torch.rand(1, 8, 9), torch.full((1, 8, 8), 1.1), torch.full((1, 8, 8), torch.nan), None]
)
def test_images_that_do_not_fit_are_refused(metric: Any, image: Any) -> None:
    with pytest.raises(BadInput):
        metric(image, torch.rand(1, 8, 8), None)


@pytest.mark.parametrize("bins", [1, 2.0, True, None])
def test_wrong_bins_are_refused(bins: Any) -> None:
    with pytest.raises(BadInput, match="bins"):
        HistogramIntersection(bins)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_no_slice_is_in_two_roles(path: Path) -> None:
    """Nor are the last slice of a role and the first of another one neighbours."""
    found = {(role, end): int(number) for role, end, number in RANGE.findall(config.read(path).text)}
    slices = {role: range(found[role, "first"], found[role, "last"] + 1) for role, _ in found}
    if "test" not in slices:
        pytest.skip("this config has no test slices")
    for role, chosen in slices.items():
        others = {number for other, them in slices.items() if other != role for number in them}
        assert not {number + step for number in chosen for step in (-1, 0, 1)} & others


@needs("isbi2012/test")
def test_all_generators_have_one_judge_that_segments_real_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER.parents[1])
    built = binding.build(config.read(FOLDER / "configs" / "real.gin"))
    metric = next(one for one in built.metrics if one.identity.name == "FCNScoreClassIoU")
    given, image = built.test["test"][0]
    corner = (slice(None), slice(0, 256), slice(0, 256))
    found = np.mean(metric.contributions([metric(image[corner], None, given[corner])]))
    assert 0.6 < found < 0.95
