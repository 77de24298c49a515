"""Tests of the baseline: our data reach nussl unchanged, and training and separation are those of nussl."""

from __future__ import annotations

import functools
import importlib.util
import math
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Subset, default_collate

from papers.deep_clustering import model as network
from papers.deep_clustering.model import NusslDeepClustering
from papers.deep_clustering.trainer import NusslTrainer, dictionary
from repro import config, interruption
from repro.audio.nussl import import_nussl
from repro.audio.stft import STFT
from repro.datasets.layouts import WSJ0Mix, write_mixtures
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.spectrograms import SpectrogramSegments
from repro.datasets.voices import SyntheticVoices
from repro.errors import BadInput
from repro.experiment import binding
from repro.models.separation import EmbeddingNetwork
from repro.testing import check_trainer
from repro.trainers.batches import Batches

ADAM = functools.partial(torch.optim.Adam, lr=5e-3)
PLATEAU = functools.partial(torch.optim.lr_scheduler.ReduceLROnPlateau, factor=0.5, patience=0)
CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.fixture(scope="module")
def mixtures() -> SpeechMixtures:
    return SpeechMixtures(SyntheticVoices("train", speakers=4, utterances=2, seconds=2.0), size=8, seconds=1.5)


@pytest.fixture(scope="module")
def data(mixtures: SpeechMixtures) -> SpectrogramSegments:
    return SpectrogramSegments(mixtures, frames=20, weights="magnitude")


@pytest.fixture(scope="module")
def written(mixtures: SpeechMixtures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same mixtures as wav files."""
    return write_mixtures(mixtures, tmp_path_factory.mktemp("data") / "wsj0-2mix", "tr")


@pytest.fixture(scope="module")
def theirs(written: Path) -> Any:
    """The wav files, read by nussl with the transforms of its recipe."""
    transforms = import_nussl().datasets.transforms
    kinds = ("MagnitudeSpectrumApproximation", "MagnitudeWeights", "ToSeparationModel")
    chain = transforms.Compose([getattr(transforms, kind)() for kind in kinds])
    return import_nussl().datasets.MixSourceFolder(str(written), transform=chain)


def untrained(seed: int = 0) -> NusslDeepClustering:
    torch.manual_seed(seed)
    return NusslDeepClustering(hidden=8, layers=1, embedding=4, dropout=0.0)


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([tensor.flatten().float() for tensor in model.state_dict().values()])


def test_a_batch_is_what_nussl_reads_from_wav_files(
    written: Path, theirs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Away from the ends, which nussl pads with zeros. The weights differ by a factor, which its loss divides by."""
    monkeypatch.setenv("REPRO_DATA", str(written.parents[3]))
    magnitude, target = SpectrogramSegments(WSJ0Mix("tr", size=8), frames=188, weights="magnitude")[0]
    ours = dictionary(magnitude[None], {key: value[None] for key, value in target.items()})
    ours = {key: value[0, 2:186] for key, value in ours.items()}
    reference = {key: value[2:186].float() for key, value in theirs[0].items() if key in ours}
    heard = ours["weights"] > 0  # nussl also gives a weight to silent bins
    assert torch.allclose(ours["mix_magnitude"], reference["mix_magnitude"], atol=1e-7)
    assert torch.equal(ours["ideal_binary_mask"][heard], reference["ideal_binary_mask"][heard])
    ratio = (ours["weights"] / reference["weights"])[heard]
    assert torch.allclose(ratio, ratio.median(), rtol=1e-3)


def test_separation_is_that_of_a_network_that_nussl_loads(
    mixtures: SpeechMixtures, theirs: Any, tmp_path: Path
) -> None:
    nussl, model = import_nussl(), untrained().eval()
    path = model.network.save(str(tmp_path / "model.pth"), train_data=theirs)
    mixture = mixtures[0][0]["mixture"]
    signal = nussl.AudioSignal(audio_data_array=mixture.numpy(), sample_rate=8000)
    reference = nussl.separation.deep.DeepClustering(signal, 2, model_path=path, random_state=0)()
    ours = model.estimate({"mixture": mixture, "num_sources": 2})
    assert torch.equal(ours, torch.cat([torch.from_numpy(one.audio_data) for one in reference]).float())


@pytest.mark.parametrize("number", [2, 3])
def test_estimates_add_up_to_the_mixture(mixtures: SpeechMixtures, number: int) -> None:
    mixture = mixtures[1][0]["mixture"]
    estimate = untrained().eval().estimate({"mixture": mixture, "num_sources": number})
    assert estimate.shape == (number, len(mixture)) and torch.allclose(estimate.sum(0), mixture, atol=1e-5)


def test_embeddings_are_those_of_the_network_on_the_spectrogram(mixtures: SpeechMixtures) -> None:
    model, magnitude = untrained().eval(), STFT()(mixtures[0][0]["mixture"]).abs()[None]
    unit = model(magnitude)
    assert unit.shape == (1, 188, 129, 4) and torch.allclose(unit.norm(dim=-1), torch.ones(1, 188, 129), atol=1e-5)
    batch = dictionary(magnitude, {"dominant": torch.zeros(1, 188, 129).long(), "weights": magnitude})
    assert torch.equal(model.network(batch)["embedding"].squeeze(3), unit)


def test_training_is_that_of_nussl(data: SpectrogramSegments, tmp_path: Path) -> None:
    """Bit by bit, against nussl's engine on a list of the same batches."""
    ours, reference = untrained(), untrained()
    NusslTrainer(6, 4, ADAM).fit(ours, None, data, None, tmp_path, order_seed=3)
    train, optimizer = import_nussl().ml.train, ADAM(reference.network.parameters())
    closure = train.closures.TrainClosure({"DeepClusteringLoss": {}}, optimizer, reference.network)
    batches = [dictionary(*batch) for _, batch in zip(range(6), Batches(data, 4, seed=3), strict=False)]
    train.create_train_and_validation_engines(closure)[0].run(batches, max_epochs=1)
    assert not torch.equal(weights(ours), weights(untrained()))
    assert torch.equal(weights(ours), weights(reference))


class Stopping(list[Any]):
    """Items that send the signal of a time limit at the 18th read: in step 5 of batches of 4."""

    reads = 0

    def __getitem__(self, index: Any) -> Any:
        self.reads += 1
        if self.reads == 18:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().__getitem__(index)


def test_a_stopped_training_resumes_to_the_same_result(data: SpectrogramSegments, tmp_path: Path) -> None:
    """It includes the schedule and the validations. A second uninterrupted training has the same result too."""
    trainer = NusslTrainer(9, 4, ADAM, PLATEAU, clip_norm=1e-2, valid_every=2)
    items, results = [data[index] for index in range(8)], []
    with interruption.listening(), pytest.raises(interruption.Interrupted):
        trainer.fit(untrained(), None, Stopping(items), items, tmp_path / "stopped", 0)
    for name in ("one", "again", "stopped"):
        model = untrained()
        history = trainer.fit(model, None, items, items, tmp_path / name, 0)
        results.append((weights(model), history["curves"]["valid"]))
    (one, curve), *others = results
    assert history["steps"] == 9 and history["earlier_seconds"] >= 0 and [step for step, _ in curve] == [2, 4, 6, 8]
    assert all(torch.equal(one, other) and curve == found for other, found in others)


def test_nan_stops_the_training_before_it_changes_a_weight(data: SpectrogramSegments, tmp_path: Path) -> None:
    items, model = [(magnitude * math.nan, target) for magnitude, target in (data[0], data[1])], untrained()
    with pytest.raises(FloatingPointError, match=r"step 1: the gradient of 'network\."):
        NusslTrainer(2, 2, ADAM).fit(model, None, items, None, tmp_path, 0)
    pairs = zip(model.parameters(), untrained().parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_the_best_validation_is_kept(data: SpectrogramSegments, mixtures: SpeechMixtures, tmp_path: Path) -> None:
    """With a learning rate that is far too high, the last weights are not the best."""
    model, valid = untrained(), SpectrogramSegments(mixtures, frames=20, weights="magnitude", seed=1)
    wild = functools.partial(torch.optim.Adam, lr=1.0)
    history = NusslTrainer(6, 4, wild, valid_every=1).fit(model, None, data, valid, tmp_path, 0)
    scores = [score for _, score in history["curves"]["valid"]]
    validation = import_nussl().ml.train.closures.ValidationClosure({"DeepClusteringLoss": {}}, model.network)
    halves = [default_collate([valid[index] for index in rows]) for rows in (range(4), range(4, 8))]
    again = [validation(None, dictionary(*half))["loss"] for half in halves]
    assert min(scores) < scores[-1] and sum(again) / 2 == pytest.approx(min(scores), abs=1e-5)


def test_one_batch_can_be_overfitted(data: SpectrogramSegments) -> None:
    torch.manual_seed(0)
    model = NusslDeepClustering(hidden=32, layers=1, embedding=8, dropout=0.0)
    check_trainer(NusslTrainer(1, 2, ADAM), model, nn.Identity(), data, steps=80, ratio=0.5)


def test_another_model_is_refused(data: SpectrogramSegments, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as found:
        NusslTrainer(1, 2, ADAM).fit(EmbeddingNetwork(4, 1, 2), None, data, None, tmp_path, 0)
    assert found.value.expected == "@models.NusslDeepClustering()"


def test_validations_need_a_validation_set(data: SpectrogramSegments, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as found:
        NusslTrainer(1, 2, ADAM, valid_every=1).fit(untrained(), None, data, None, tmp_path, 0)
    assert found.value.parameter == "valid_every"


def test_without_nussl_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "import_nussl", import_nussl.__wrapped__)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"pip install --no-deps nussl==1\.1\.9"):
        NusslDeepClustering()


def test_the_baseline_has_the_data_the_budget_and_the_size_of_the_short_training() -> None:
    ours, theirs = (binding.build(config.read(CONFIGS / f"{name}.gin")) for name in ("short", "nussl_baseline"))
    assert ours.train.fingerprint() == theirs.train.fingerprint() and list(ours.test) == list(theirs.test)
    trainers = [built.trainer.trainer for built in (ours, theirs)]
    assert len({(trainer.steps, trainer.batch_size) for trainer in trainers}) == 1
    sizes = [sum(parameter.numel() for parameter in built.model.parameters()) for built in (ours, theirs)]
    assert sizes[1] - sizes[0] == 2  # scale and shift of the batch normalisation


def test_the_baseline_trains_and_separates(tmp_path: Path) -> None:
    """Two steps with everything as in the config; a validation with a part of the validation set after each."""
    built = binding.build(config.read(CONFIGS / "nussl_baseline.gin"))
    built.trainer, built.valid = built.trainer.trainer, Subset(built.valid, range(8))
    built.trainer.steps, built.trainer.valid_every = 2, 1
    history = built.fit(tmp_path, 0)
    inputs, sources = built.test["unseen"][0]
    estimate = built.estimate(inputs)
    assert history["steps"] == 2 and len(history["curves"]["valid"]) == 2
    assert all(math.isfinite(metric(estimate, sources, inputs)) for metric in built.metrics)
